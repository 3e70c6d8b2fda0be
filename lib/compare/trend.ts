/** A metric of runs over time, and where its level changed. */
import { type Estimate, shareEstimate } from "../stats/interval.ts";
import { readRunDirectory } from "../run/read_run.ts";
import { restsOnJudgements } from "./gate.ts";
import { isLimitMetric, limitValue } from "./gate_limits.ts";
import { loadSampleOf } from "./load_sample.ts";
import { mean } from "../stats/quantile.ts";
import { seededRandom, shuffled } from "../stats/random.ts";
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

const LEAST_SIDE = 3;
const SHUFFLES = 999;
const SEED = 1;
const ALPHA = 0.05;

/** A change of level before the value at `at`. */
interface Step {
  at: number;
  /** Means of the intervals on either side. */
  before: number;
  after: number;
  /** The p-value of the test for any step in the interval that it splits. */
  p: number;
}

/**
 * Finds steps by binary segmentation. The split with the largest weighted difference of means, |m₁ −
 * m₂|·√(n₁n₂/n), is kept if at most 5 % of 999 shuffles of the interval have one as large anywhere; both
 * sides are then searched again. Each side needs at least 3 values. Shuffling assumes that values without
 * a step are exchangeable, so a slow drift is reported as steps.
 */
export function findSteps(values: readonly number[]): Step[] {
  const cuts: { at: number; p: number }[] = [];
  const random = seededRandom(SEED);
  const search = (start: number, end: number) => {
    const part = values.slice(start, end);
    const best = bestSplit(part);
    if (best === null || best.size === 0) return;
    let count = 0;
    for (let shuffle = 0; shuffle < SHUFFLES; shuffle++) {
      if (bestSplit(shuffled(part, random))!.size >= best.size * (1 - 1e-12)) count++;
    }
    const p = (count + 1) / (SHUFFLES + 1);
    if (p > ALPHA) return;
    cuts.push({ at: start + best.at, p });
    search(start, start + best.at);
    search(start + best.at, end);
  };
  search(0, values.length);
  cuts.sort((a, b) => a.at - b.at);
  return cuts.map(({ at, p }, i) => ({
    at,
    before: mean(values.slice(cuts[i - 1]?.at ?? 0, at)),
    after: mean(values.slice(at, cuts[i + 1]?.at ?? values.length)),
    p,
  }));
}

function bestSplit(values: readonly number[]): { at: number; size: number } | null {
  const n = values.length;
  if (n < 2 * LEAST_SIDE) return null;
  let total = 0;
  for (const value of values) total += value;
  let best = { at: LEAST_SIDE, size: -1 };
  let left = 0;
  for (let at = 1; at <= n - LEAST_SIDE; at++) {
    left += values[at - 1];
    if (at < LEAST_SIDE) continue;
    const size = Math.abs(left / at - (total - left) / (n - at)) * Math.sqrt(at * (n - at) / n);
    if (size > best.size) best = { at, size };
  }
  return best;
}
