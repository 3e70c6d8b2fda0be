/** Items of a suite in the form that all runs share, from results.json or the journal. */
import { booleanAt, numberAt, objectAt, objectsIn, textAt } from "../json_fields.ts";
import type { JsonObject } from "../json_fields.ts";
import type { RunEvent } from "./events.ts";
import type { RunItem } from "./summary.ts";

/** Returns the items in a suite's results.json. */
export function itemsOfResults(results: JsonObject): RunItem[] {
  return objectsIn(results.items).map((item) => {
    const elapsed_s = numberAt(item, "elapsed_seconds");
    const error = textAt(item, "error") ?? textAt(item, "evaluation_error");
    const score = objectAt(item, "score");
    return {
      ...common(item, error),
      passed: booleanAt(item, "passed"),
      score: numberAt(score, "hit_rate"),
      targets: numberAt(score, "targets"),
      created_hits: numberAt(score, "created_hits"),
      latency_ms: numberAt(item, "e2e_ms") ??
        (numberAt(item, "attempts") === 0 ? null : milliseconds(elapsed_s)),
      elapsed_s,
      ttft_ms: numberAt(item, "ttft_ms"),
    };
  });
}

/**
 * Returns the item of a finished test. Without a result, as in smi-bench's journals, the event's
 * fields are used.
 */
export function itemOfTest(event: Extract<RunEvent, { event: "package_finished" }>): RunItem {
  const { package_id, result, elapsed_seconds, created_hits: hits, targets } = event;
  if (result === null) {
    return {
      ...common({ ...event }, event.error),
      passed: null,
      score: hits !== null && targets ? hits / targets : null,
      targets,
      created_hits: hits,
      latency_ms: milliseconds(elapsed_seconds),
      elapsed_s: elapsed_seconds,
      ttft_ms: null,
    };
  }
  const { evaluation_result: judged, timing } = result;
  const evaluation = judged && "hit_rate" in judged ? judged : null;
  const failed = judged && "error" in judged ? judged.error : null;
  return {
    ...common({ package_id, ...result }, result.error_message ?? event.error ?? failed),
    success: result.success,
    passed: evaluation?.passed ?? null,
    score: evaluation?.hit_rate ?? null,
    targets: evaluation?.targets ?? null,
    created_hits: evaluation?.created_hits ?? null,
    // an answer that is kept or given in advance was not asked for
    latency_ms: timing?.e2e_ms ??
      (result.attempts === 0 ? null : milliseconds(result.elapsed_seconds)),
    elapsed_s: result.elapsed_seconds,
    ttft_ms: timing?.ttft_ms ?? null,
  };
}

function common(item: JsonObject, error: string | null) {
  const item_id = textAt(item, "test_id") ?? textAt(item, "package_id") ??
    textAt(item, "item_id") ?? "unnamed";
  const coding = objectAt(item, "coding");
  return {
    item_id,
    problem_id: textAt(coding, "problem_id") ?? textAt(item, "problem_id") ?? item_id,
    mode: textAt(coding, "mode") ?? textAt(item, "mode"),
    name: textAt(item, "test_name") ?? item_id,
    category: textAt(item, "category"),
    success: booleanAt(item, "success") ?? error === null,
    timed_out: booleanAt(item, "timed_out") ?? false,
    prompt_tokens: numberAt(item, "prompt_tokens"),
    completion_tokens: numberAt(item, "completion_tokens"),
    cost_usd: numberAt(item, "cost_usd"),
    experiment_id: textAt(coding, "experiment_id") ?? textAt(item, "experiment_id"),
    iterations: numberAt(coding, "iterations") ?? numberAt(item, "iterations"),
    error,
  };
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
