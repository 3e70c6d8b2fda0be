/** A suite's items as every run has them, from results.json or from the journal. */
import { booleanAt, numberAt, objectAt, objectsIn, textAt } from "./json_fields.ts";
import type { JsonObject } from "./json_fields.ts";
import type { RunItem } from "./summary.ts";

/** The items of a suite's results.json. */
export function itemsOfResults(results: JsonObject): RunItem[] {
  return objectsIn(results.items).map((item) => {
    const elapsed_s = numberAt(item, "elapsed_seconds");
    const error = textAt(item, "error") ?? textAt(item, "evaluation_error");
    return {
      ...common(item, error),
      passed: booleanAt(item, "passed"),
      score: numberAt(objectAt(item, "score"), "hit_rate"),
      latency_ms: numberAt(item, "e2e_ms") ?? milliseconds(elapsed_s),
      ttft_ms: numberAt(item, "ttft_ms"),
    };
  });
}

/**
 * The item of a journal's `package_finished`; null where the event names none. Without a `result`,
 * as smi-bench writes it, the event's own fields have to do.
 */
export function itemOfEvent(event: JsonObject): RunItem | null {
  const result = objectAt(event, "result");
  const item = result ?? event;
  if (textAt(item, "test_id") === null && textAt(event, "package_id") === null) return null;
  const evaluation = objectAt(result, "evaluation_result");
  const timing = objectAt(result, "timing");
  const error = textAt(item, "error_message") ?? textAt(event, "error") ??
    textAt(evaluation, "error");
  const hits = numberAt(event, "created_hits"), targets = numberAt(event, "targets");
  return {
    ...common({ package_id: event.package_id, ...item }, error),
    success: booleanAt(result, "success") ?? error === null,
    passed: booleanAt(evaluation, "passed"),
    score: numberAt(evaluation, "hit_rate") ?? (hits !== null && targets ? hits / targets : null),
    latency_ms: numberAt(timing, "e2e_ms") ?? milliseconds(numberAt(item, "elapsed_seconds")),
    ttft_ms: numberAt(timing, "ttft_ms"),
  };
}

function common(item: JsonObject, error: string | null) {
  const item_id = textAt(item, "test_id") ?? textAt(item, "package_id") ?? textAt(item, "item_id");
  return {
    item_id: item_id ?? "unnamed",
    name: textAt(item, "test_name") ?? item_id ?? "unnamed",
    category: textAt(item, "category"),
    success: booleanAt(item, "success") ?? error === null,
    timed_out: booleanAt(item, "timed_out") ?? false,
    prompt_tokens: numberAt(item, "prompt_tokens"),
    completion_tokens: numberAt(item, "completion_tokens"),
    cost_usd: numberAt(item, "cost_usd"),
    error,
  };
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
