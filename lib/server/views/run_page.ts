/** The data of a run's page. */
import { z } from "zod";
import { runDirectoryAt } from "../../run/directory.ts";
import { isUnjudged, markOf, passRateOf } from "../../run/problems.ts";
import { asObject, numberAt, objectAt, objectsIn, textAt } from "../../json_fields.ts";
import { readRunDirectory, type RunReading } from "../../run/read_run.ts";
import { type Distribution, distribution } from "../../stats/quantile.ts";
import { type ListedRun, listedRun } from "./run_list.ts";
import { plainText } from "../../run/plain_file.ts";
import { inQuery } from "../query.ts";
import type { RunIndex } from "../../run/index.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { RunItem } from "../../run/summary.ts";
import type { Estimate } from "../../stats/interval.ts";

/** The outcome of an item; not judged: its evaluator failed. */
const RESULTS = ["passed", "wrong", "answered", "not judged", "error"] as const;
export type ItemResult = typeof RESULTS[number];

export interface ShownItem extends
  Pick<
    RunItem,
    | "item_id"
    | "name"
    | "category"
    | "score"
    | "latency_ms"
    | "ttft_ms"
    | "prompt_tokens"
    | "completion_tokens"
  > {
  result: ItemResult;
  error: string | null;
}

/** A stage of a load. */
export interface StageView {
  name: string;
  requested_rate_per_s: number | null;
  achieved_rate_per_s: number | null;
  in_flight: number | null;
  successful: number | null;
  failed: number | null;
  requests_per_s: number | null;
  output_tokens_per_s: number | null;
  ttft_p50_ms: number | null;
  ttft_p99_ms: number | null;
  gap_p50_ms: number | null;
  gap_p99_ms: number | null;
  e2e_p99_ms: number | null;
  goodput_share: number | null;
}

export interface LoadView {
  stages: StageView[];
  verdict: string | null;
  reasons: string[];
  stopped_because: string | null;
  notes: string[];
}

export interface RunPage {
  run: ListedRun;
  /**
   * The rate over judged items; null for several modes of asking, whose rates are in `run.modes`.
   */
  pass_rate: Estimate | null;
  latency_ms: Distribution | null;
  ttft_ms: Distribution | null;
  categories: { category: string; items: number; pass_rate: Estimate | null }[];
  /** Null for a load with results, because its requests are in its journal. */
  items: { shown: ShownItem[]; total: number; offset: number; limit: number } | null;
  load: LoadView | null;
}

/** The query of GET /api/runs/{id}. */
export const runPageQuerySchema = z.strictObject({
  result: z.enum(RESULTS).optional(),
  offset: inQuery(z.coerce.number().int().min(0).max(1e9).default(0)),
  limit: inQuery(z.coerce.number().int().min(1).max(500).default(50)),
});

/** Longer messages are cut off in the list. */
const LONGEST_ERROR = 500;
const MOST_CATEGORIES = 50;

/** The page of a run; null if there is none with this id. */
export async function runPageView(
  index: RunIndex,
  run_id: string,
  query: z.infer<typeof runPageQuerySchema>,
): Promise<RunPage | null> {
  const [run] = await index.list({ run_ids: [run_id] });
  if (run === undefined) return null;
  const reading = await readRunDirectory(run.path, { items: false });
  const { items } = reading;
  const judged = items.filter((item) => markOf(item) !== "-");
  const rate = (some: readonly RunItem[]) =>
    passRateOf(
      Map.groupBy(some, ({ problem_id }) => problem_id).values().map((own) => own.map(markOf)),
    );
  const answered = items.filter(({ success }) => success);
  const load = reading.summary.kind === "load" ? loadView(run.path) : null;
  return {
    run: listedRun(run),
    pass_rate: run.passed === null || run.modes.length > 1 ? null : rate(judged),
    latency_ms: distribution(answered.flatMap(({ latency_ms }) => latency_ms ?? [])),
    ttft_ms: distribution(answered.flatMap(({ ttft_ms }) => ttft_ms ?? [])),
    categories: run.passed === null ? [] : categoriesOf(judged, rate),
    items: load && items.length === 0 ? null : itemsOf(reading, query),
    load,
  };
}

function categoriesOf(
  judged: readonly RunItem[],
  rate: (items: readonly RunItem[]) => Estimate | null,
): RunPage["categories"] {
  const groups = Map.groupBy(judged, ({ category }) => category ?? "none");
  return [...groups.keys()].sort().slice(0, MOST_CATEGORIES).map((category) => {
    const items = groups.get(category)!;
    return { category, items: items.length, pass_rate: rate(items) };
  });
}

function itemsOf(
  { items }: RunReading,
  { result, offset, limit }: z.infer<typeof runPageQuerySchema>,
): RunPage["items"] {
  const found = items.filter((item) => result === undefined || resultOf(item) === result);
  const shown = found.slice(offset, offset + limit).map((item) => {
    const { item_id, name, category, score, latency_ms, ttft_ms } = item;
    const { prompt_tokens, completion_tokens } = item;
    const error = item.error?.slice(0, LONGEST_ERROR) ?? null;
    const times = { latency_ms, ttft_ms, prompt_tokens, completion_tokens };
    return { item_id, name, category, score, ...times, result: resultOf(item), error };
  });
  return { shown, total: found.length, offset, limit };
}

function resultOf(item: RunItem): ItemResult {
  const { success, passed } = item;
  if (!success) return "error";
  if (isUnjudged(item)) return "not judged";
  return passed === null ? "answered" : passed ? "passed" : "wrong";
}

/** The load's part of results.json; null if it is missing or damaged. */
function loadView(path: string): LoadView | null {
  let results: JsonObject | null;
  try {
    results = asObject(JSON.parse(plainText(runDirectoryAt(path).results)));
  } catch {
    return null; // the list of runs says what is wrong with it
  }
  const verdict = objectAt(results, "verdict");
  return {
    stages: objectsIn(results?.stages).map(stageView),
    verdict: textAt(verdict, "verdict"),
    reasons: textsIn(verdict?.reasons),
    stopped_because: textAt(results, "stopped_because"),
    notes: textsIn(results?.notes),
  };
}

function stageView(stage: JsonObject): StageView {
  const metric = (name: string, quantile: string) =>
    numberAt(objectAt(stage, "metrics", name), quantile);
  const requests = objectAt(stage, "requests");
  return {
    name: textAt(stage, "name") ?? "unknown",
    requested_rate_per_s: numberAt(stage, "requested_rate_per_s"),
    achieved_rate_per_s: numberAt(stage, "achieved_rate_per_s"),
    in_flight: numberAt(objectAt(stage, "concurrency"), "mean"),
    successful: numberAt(requests, "successful"),
    failed: numberAt(requests, "failed"),
    requests_per_s: numberAt(stage, "requests_per_s"),
    output_tokens_per_s: numberAt(stage, "output_tokens_per_s"),
    ttft_p50_ms: metric("ttft_ms", "p50"),
    ttft_p99_ms: metric("ttft_ms", "p99"),
    gap_p50_ms: metric("gap_ms", "p50"),
    gap_p99_ms: metric("gap_ms", "p99"),
    e2e_p99_ms: metric("e2e_ms", "p99"),
    goodput_share: numberAt(objectAt(stage, "goodput", "share"), "value"),
  };
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
}
