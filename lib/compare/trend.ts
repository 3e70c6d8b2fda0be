/** A metric of runs over time, and where it changed its level. */
import { shareEstimate } from "../stats/interval.ts";
import { groupedBy } from "../run/problems.ts";
import { findSteps } from "./steps.ts";
import type { IndexedRun } from "../run/index.ts";
import type { Estimate } from "../stats/interval.ts";
import type { Step } from "./steps.ts";

/** What can be followed over time. */
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

export type TrendMetric = typeof TREND_METRICS[number];

export interface TrendPoint {
  run_id: string;
  started_at_unix_seconds: number;
  model: string;
  /** Of a run with several ways of asking, which one this is of; null else. */
  mode: string | null;
  value: number;
  /** Of shares: the 95 % interval over problems; Wilson's where each has one answer. */
  interval: Estimate | null;
}

export interface Trend {
  metric: TrendMetric;
  /** Oldest first; of runs with several modes, one mode after the other. */
  points: TrendPoint[];
  /** `at` counts points; the step lies before that one. */
  steps: (Step & { run_id: string })[];
  notes: string[];
}

/** The points of a run: one, or one for each of its modes where the metric is of answers. */
function pointsOf(run: IndexedRun, metric: TrendMetric): TrendPoint[] {
  const { run_id, started_at_unix_seconds, model } = run;
  if (started_at_unix_seconds === null) return [];
  const point = (mode: string | null, value: number | null, interval: Estimate | null) =>
    value === null ? [] : [{ run_id, started_at_unix_seconds, model, mode, value, interval }];
  if (metric !== "pass_rate" && metric !== "answer_rate" && metric !== "avg_hit_rate") {
    return point(null, run[metric], null);
  }
  return (run.modes.length > 0 ? run.modes : [wholeOf(run)]).flatMap((figures) => {
    const { answers, errors, pass_rate, avg_hit_rate } = figures;
    const mode = run.modes.length > 1 ? figures.mode : null;
    if (metric === "pass_rate") return point(mode, pass_rate?.value ?? null, pass_rate);
    if (metric === "avg_hit_rate") return point(mode, avg_hit_rate, null);
    const share = shareEstimate(answers - errors, answers);
    return point(mode, share?.value ?? null, share);
  });
}

/** The figures of a run whose items are not told one by one. */
function wholeOf({ items_total, failed, passed, judged, avg_hit_rate }: IndexedRun) {
  const pass_rate = passed === null ? null : shareEstimate(passed, judged);
  return { mode: null, answers: items_total, errors: failed, pass_rate, avg_hit_rate };
}

/** The trend over runs, oldest first. */
export function trendOf(runs: readonly IndexedRun[], metric: TrendMetric): Trend {
  const ordered = runs.toSorted((a, b) =>
    (a.started_at_unix_seconds ?? 0) - (b.started_at_unix_seconds ?? 0)
  );
  const known = ordered.filter((run) => pointsOf(run, metric).length > 0);
  const series = [
    ...groupedBy(known.flatMap((run) => pointsOf(run, metric)), ({ mode }) => mode ?? "").values(),
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
