/** Items and figures of a load, from its journal and its results.json. */
import { latencies } from "../endpoint/latency.ts";
import { type JsonObject, numberAt, objectAt, objectsIn } from "../json_fields.ts";
import { searchOf } from "./run_id.ts";
import { tagsOf } from "./tags.ts";
import type { RequestRecord } from "./request_record.ts";
import type { RunItem, RunSummary } from "./summary.ts";

/** Returns the item of a request; null for the warm-up. */
export function itemOfRequest(record: RequestRecord): RunItem | null {
  if (record.warmup) return null;
  const { request, stage, failure, message, prompt_tokens, completion_tokens, cost_usd } = record;
  const { ttft_ms, e2e_ms } = latencies(record);
  return {
    item_id: String(request),
    problem_id: String(request),
    mode: null,
    name: `request ${request}`,
    category: `stage ${stage + 1}`,
    success: failure === null,
    timed_out: failure === "timeout",
    passed: null,
    score: null,
    targets: null,
    created_hits: null,
    latency_ms: e2e_ms,
    elapsed_s: null,
    ttft_ms,
    prompt_tokens,
    completion_tokens,
    cost_usd,
    experiment_id: null,
    iterations: null,
    error: failure === null ? null : message ?? failure,
  };
}

/** Figures of the whole run in a load's results.json. */
export type LoadFigures = Pick<
  RunSummary,
  | "items_total"
  | "successful"
  | "failed"
  | "timed_out"
  | "prompt_tokens"
  | "completion_tokens"
  | "output_tokens_per_s"
  | "ttft_p50_ms"
  | "ttft_p99_ms"
>;

/** The figures of a load's stages together; of an early version's load, those of its last stage. */
export function loadTotal(results: JsonObject | null): JsonObject | null {
  return objectAt(results, "total") ?? objectsIn(results?.stages).at(-1) ?? null;
}

/** Returns the figures of a load; token counts are those of answered requests in the measured part. */
export function loadFigures(results: JsonObject): LoadFigures {
  const total = loadTotal(results);
  const requests = objectAt(total, "requests");
  const count = (key: string) => numberAt(requests, key) ?? 0;
  const successful = count("successful");
  const tokens = (key: string) => {
    const mean = numberAt(total, key);
    return mean === null ? null : Math.round(mean * successful);
  };
  const ttft = objectAt(total, "metrics", "ttft_ms");
  return {
    items_total: successful + count("failed") + count("unfinished") + count("unsent") +
      count("cancelled"),
    successful,
    failed: count("failed"),
    timed_out: numberAt(objectAt(total, "errors"), "timeout") ?? 0,
    prompt_tokens: tokens("prompt_tokens_mean"),
    completion_tokens: tokens("completion_tokens_mean"),
    output_tokens_per_s: numberAt(total, "output_tokens_per_s"),
    ttft_p50_ms: numberAt(ttft, "p50"),
    ttft_p99_ms: numberAt(ttft, "p99"),
  };
}

/**
 * Returns what a load sends, in words, from its run's metadata: `10 req/s`, `16 in flight`, or
 * `3 stages: 2 req/s to 16 in flight`. Null where the metadata has no stages, and for the runs of a
 * search for capacity, whose names end with their level.
 */
export function loadShape(metadata: JsonObject | null): string | null {
  if (searchOf(tagsOf(metadata)) !== null) return null;
  const stages = objectsIn(objectAt(metadata, "config")?.stages)
    .filter(({ warmup }) => warmup !== true).map(stageShape);
  if (stages.length === 0 || stages.includes(null)) return null;
  return stages.length === 1
    ? stages[0]
    : `${stages.length} stages: ${stages[0]} to ${stages.at(-1)}`;
}

function stageShape(stage: JsonObject): string | null {
  const replayed = numberAt(stage, "replayed_requests");
  const places = numberAt(stage, "concurrency");
  const rate = objectAt(stage, "rate");
  const [from, to] = [numberAt(rate, "from_per_s"), numberAt(rate, "to_per_s")];
  const most = places === null ? "" : `, at most ${places} in flight`;
  if (replayed !== null) return `a trace of ${replayed} requests${most}`;
  if (from !== null) return `${from === to ? from : `${from} to ${to}`} req/s${most}`;
  return places === null ? null : `${places} in flight`;
}
