/** A metric of runs over time, and where its level changed. */
import { type Estimate, shareEstimate } from "../stats/interval.ts";
import { readRunDirectory } from "../run/read_run.ts";
import { restsOnJudgements } from "./gate.ts";
import { isLimitMetric, limitValue } from "./gate_limits.ts";
import { loadSampleOf } from "./load_sample.ts";
import { findSteps, type Step } from "./steps.ts";
import type { PriceTable } from "../run/prices.ts";
import type { IndexedRun } from "../run/index.ts";

/** Metrics in the index of runs that can be followed over time. */
export const TREND_METRICS = [
  "pass_rate",
  "answer_rate",
  "avg_hit_rate",
  "duration_s",
  "prompt_tokens",
  "completion_tokens",
  "cost_usd",
  "output_tokens_per_s",
  "ttft_p50_ms",
  "ttft_p99_ms",
] as const;

/** Runs for which a note says that answers were not judged: the latest ones. */
const MOST_TOLD = 3;

type IndexedMetric = typeof TREND_METRICS[number];

/** Metrics that are read from a run's own files: any quantile of a latency. */
export type RunValues = ReadonlyMap<string, number | null>;

function isIndexed(metric: string): metric is IndexedMetric {
  return TREND_METRICS.some((known) => known === metric);
}

/** Whether the index has the metric as one value per run, not per mode. */
function isOfRun(metric: string): metric is Exclude<IndexedMetric, "pass_rate" | "answer_rate"> {
  return isIndexed(metric);
}

/** Whether a metric can be followed, for any kind of run. */
export function isTrendMetric(metric: string): boolean {
  return isIndexed(metric) || isLimitMetric(metric);
}

/**
 * Values of a metric by run id, for a metric that the index does not have; null for a metric that it has.
 * A run's value is null when it is unknown.
 *
 * @throws {InputError} a run's folder cannot be read.
 */
export async function readTrendValues(
  runs: readonly IndexedRun[],
  metric: string,
  prices: PriceTable,
): Promise<RunValues | null> {
  if (isIndexed(metric)) return null;
  const values = new Map<string, number | null>();
  for (const summary of runs) {
    const run = { ...await readRunDirectory(summary.path, { items: false }), price: null };
    const load = summary.kind === "load" ? await loadSampleOf(run.summary) : null;
    values.set(summary.run_id, limitValue(run, load, metric, prices));
  }
  return values;
}

export interface TrendPoint {
  run_id: string;
  started_at_unix_seconds: number;
  model: string;
  /** The mode of this point, for a run with several; otherwise null. */
  mode: string | null;
  value: number;
  /** For shares: the 95 % interval over problems; Wilson's when each has one answer. */
  interval: Estimate | null;
}

export interface Trend {
  metric: string;
  /** Oldest first; for runs with several modes, one mode after another. */
  points: TrendPoint[];
  /** `at` is an index into the points; the step is before that point. */
  steps: (Step & { run_id: string })[];
  notes: string[];
}

/** The points of a run: one, or one for each of its modes when the metric is about answers. */
function pointsOf(run: IndexedRun, metric: string, told: RunValues | null): TrendPoint[] {
  const { run_id, started_at_unix_seconds, model } = run;
  if (started_at_unix_seconds === null) return [];
  const point = (mode: string | null, value: number | null, interval: Estimate | null) =>
    value === null ? [] : [{ run_id, started_at_unix_seconds, model, mode, value, interval }];
  if (metric !== "pass_rate" && metric !== "answer_rate" && metric !== "avg_hit_rate") {
    return point(null, isOfRun(metric) ? run[metric] : told?.get(run_id) ?? null, null);
  }
  return (run.modes.length > 0 ? run.modes : [wholeOf(run)]).flatMap((figures) => {
    const { pass_rate, answer_rate, avg_hit_rate } = figures;
    const mode = run.modes.length > 1 ? figures.mode : null;
    if (metric === "pass_rate") return point(mode, pass_rate?.value ?? null, pass_rate);
    if (metric === "avg_hit_rate") return point(mode, avg_hit_rate, null);
    return point(mode, answer_rate?.value ?? null, answer_rate);
  });
}

/** The figures of a run without single items. */
function wholeOf({ items_total, failed, passed, judged, avg_hit_rate }: IndexedRun) {
  const pass_rate = passed === null ? null : shareEstimate(passed, judged);
  const answer_rate = shareEstimate(items_total - failed, items_total);
  return { mode: null, pass_rate, answer_rate, avg_hit_rate };
}

/**
 * The trend over runs, oldest first.
 *
 * @param told values of a metric that the index does not have, by run id.
 */
export function trendOf(
  runs: readonly IndexedRun[],
  metric: string,
  told: RunValues | null = null,
): Trend {
  const ordered = runs.toSorted((a, b) =>
    (a.started_at_unix_seconds ?? 0) - (b.started_at_unix_seconds ?? 0)
  );
  const known = ordered.filter((run) => pointsOf(run, metric, told).length > 0);
  const series = [
    ...Map.groupBy(known.flatMap((run) => pointsOf(run, metric, told)), ({ mode }) => mode ?? "")
      .values(),
  ];
  const points = series.flat();
  const distinct = (key: "model" | "benchmark") => new Set(known.map((run) => run[key])).size;
  const notes: string[] = [];
  if (distinct("model") > 1) {
    notes.push(`${distinct("model")} models together; narrow with --model`);
  }
  if (distinct("benchmark") > 1) {
    notes.push(`${distinct("benchmark")} suites together; narrow with --suite`);
  }
  if (series.every(({ length }) => length < 6)) {
    notes.push("fewer than 6 runs: too few to tell a step from chance");
  }
  const left = restsOnJudgements(metric) ? known.filter(({ not_judged }) => not_judged > 0) : [];
  for (const { run_id, not_judged, items_total } of left.slice(-MOST_TOLD)) {
    notes.push(`${not_judged} of ${items_total} answers of ${run_id} not judged: not in ${metric}`);
  }
  if (left.length > MOST_TOLD) {
    notes.push(`nor were some of ${left.length - MOST_TOLD} earlier runs`);
  }
  let before = 0;
  const steps = series.flatMap((own) => {
    const found = findSteps(own.map(({ value }) => value)).map((step) => ({
      ...step,
      at: before + step.at,
      run_id: own[step.at].run_id,
    }));
    before += own.length;
    return found;
  });
  return { metric, points, steps, notes };
}
