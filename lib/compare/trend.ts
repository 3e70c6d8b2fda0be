/** A metric of runs over time, and where it changed its level. */
import { shareEstimate } from "../stats/interval.ts";
import { attemptsShare } from "../stats/pass_at_k.ts";
import { findSteps } from "./steps.ts";
import type { IndexedRun, RunOutcomes } from "../run/index.ts";
import type { Estimate } from "../stats/interval.ts";
import type { Attempts } from "../stats/pass_at_k.ts";
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
  value: number;
  /** Of shares: Wilson's 95 % interval; over problems where these have several answers. */
  interval: Estimate | null;
}

export interface Trend {
  metric: TrendMetric;
  points: TrendPoint[];
  /** `at` counts points; the step lies before that one. */
  steps: (Step & { run_id: string })[];
  notes: string[];
}

/** What the id of one of several answers to a coding problem ends with. */
const SAMPLE = / #\d+$/;

/** A run's value of a metric; null where it is unknown. */
function runValue(run: IndexedRun, metric: TrendMetric): number | null {
  if (metric === "pass_rate") return passRate(run)?.value ?? null;
  if (metric === "answer_rate") return run.items_total ? run.successful / run.items_total : null;
  return run[metric];
}

/** The share of right answers among the judged ones and those without an answer; null for none. */
function passRate({ passed, judged }: IndexedRun): Estimate | null {
  return passed === null ? null : shareEstimate(passed, judged);
}

/** The same share, with an interval over problems: the answers to one of them are alike. */
function sampledPassRate({ items, marks }: RunOutcomes): Estimate | null {
  const problems = new Map<string, Attempts>();
  items.forEach(([id], i) => {
    if (marks[i] === "-") return;
    const problem = id.replace(SAMPLE, "");
    const { n, c } = problems.get(problem) ?? { n: 0, c: 0 };
    problems.set(problem, { n: n + 1, c: c + Number(marks[i] === "1") });
  });
  return attemptsShare([...problems.values()]);
}

/**
 * The trend over runs, oldest first.
 *
 * @param outcomes of the runs' items; coding runs with several answers to a problem need theirs.
 */
export function trendOf(
  runs: readonly IndexedRun[],
  metric: TrendMetric,
  outcomes: readonly RunOutcomes[] = [],
): Trend {
  const sampled = new Map(
    outcomes.filter(({ items }) => items.some(([id]) => SAMPLE.test(id)))
      .map((outcome) => [outcome.run_id, outcome]),
  );
  const passRateOf = (run: IndexedRun) => {
    const own = run.mode === null ? undefined : sampled.get(run.run_id);
    return own ? sampledPassRate(own) : passRate(run);
  };
  const points = runs.flatMap((run): TrendPoint[] => {
    const { run_id, started_at_unix_seconds, model, items_total, successful } = run;
    const value = runValue(run, metric);
    if (value === null || started_at_unix_seconds === null) return [];
    const interval = metric === "pass_rate"
      ? passRateOf(run)
      : metric === "answer_rate"
      ? shareEstimate(successful, items_total)
      : null;
    return [{ run_id, started_at_unix_seconds, model, value, interval }];
  }).sort((a, b) => a.started_at_unix_seconds - b.started_at_unix_seconds);
  const known = runs.filter((run) => runValue(run, metric) !== null);
  const distinct = (key: "model" | "benchmark") => new Set(known.map((run) => run[key])).size;
  const notes: string[] = [];
  if (distinct("model") > 1) {
    notes.push(`${distinct("model")} models together; narrow with --model`);
  }
  if (distinct("benchmark") > 1) {
    notes.push(`${distinct("benchmark")} suites together; narrow with --suite`);
  }
  if (points.length < 6) notes.push("fewer than 6 runs: too few to tell a step from chance");
  const steps = findSteps(points.map(({ value }) => value));
  return {
    metric,
    points,
    steps: steps.map((step) => ({ ...step, run_id: points[step.at].run_id })),
    notes,
  };
}
