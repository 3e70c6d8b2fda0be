/**
 * Compares runs of the same problems: which outcomes flipped, how large the difference is, and how
 * certain.
 */
import { holmAdjusted } from "../stats/paired.ts";
import { detectableDifference, pairedAmounts, pairedShares } from "../stats/paired.ts";
import { mean } from "../stats/quantile.ts";
import { isShare } from "../measures/describe.ts";
import { isUnjudged, markOf } from "../run/problems.ts";
import { itemCost } from "./cost.ts";
import type { Price } from "../run/prices.ts";
import type { ReadRun, RunItem } from "../run/summary.ts";
import type { Estimate } from "../stats/interval.ts";

/** The metrics by which items of two runs are compared. */
export const PAIRED_METRICS: readonly PairedMetric[] = [
  "pass_rate",
  "answer_rate",
  "score",
  "latency_ms",
  "ttft_ms",
  "completion_tokens",
  "cost_usd",
];

/** Metrics that can be compared item by item: shares of items, scores in 0..1, ms, tokens, US dollars. */
export type PairedMetric =
  | "pass_rate"
  | "answer_rate"
  | "score"
  | "latency_ms"
  | "ttft_ms"
  | "completion_tokens"
  | "cost_usd";

/** A run to compare, with the price of its model. */
export interface ComparedRun extends ReadRun {
  /** The price of the run's model; null when no table has it, and costs are then unknown. */
  price: Price | null;
}

/** One metric over the items that two runs have in common. */
export interface MetricComparison {
  /** The metric; its unit is in its name. */
  metric: PairedMetric;
  /** Problems with a known value in both runs. */
  items: number;
  /** Answers to them, in the first run and in the second. */
  answers: [first: number, second: number];
  /** The first run's mean over these problems of each problem's mean over its answers. */
  first: number;
  /** The same for the second run. */
  second: number;
  /**
   * second − first, with its 95 % interval, which excludes 0 exactly when `p` is below 0.05; null for too
   * few items.
   */
  difference: Estimate | null;
  /**
   * The smallest difference that this many problems would have shown with a power of 80 %; null when they
   * could not have shown any.
   */
  detectable: number | null;
  /**
   * McNemar's exact test for single zeros and ones, else a sign-flip test (above 2,000, a t test);
   * two-sided.
   */
  p: number;
  /** Holm-adjusted over the comparisons of this metric, when there are several. */
  p_holm: number;
}

/** A run compared with the first one. */
export interface RunComparison {
  /** Id of the baseline run. */
  baseline: string;
  /** Id of the run compared with it. */
  candidate: string;
  /** Problems that both runs have. */
  items_in_common: number;
  /** Problems that the candidate lacks. */
  only_in_baseline: number;
  /** Problems that the baseline lacks. */
  only_in_candidate: number;
  /** One for each metric that both runs have for some problem. */
  metrics: MetricComparison[];
  /** Problems that the candidate solved more often, and those that the baseline solved more often. */
  flips: { gained: string[]; lost: string[] };
  /** Warnings, one line each: different settings, items left out. */
  notes: string[];
}

/** Compares each later run with the first one. */
export function compareRuns(runs: readonly ComparedRun[]): RunComparison[] {
  const [baseline, ...others] = runs;
  const comparisons = others.map((other) => compareTwo(baseline, other));
  for (const metric of PAIRED_METRICS) {
    const found = comparisons.flatMap(({ metrics }) =>
      metrics.filter((entry) => entry.metric === metric)
    );
    holmAdjusted(found.map(({ p }) => p)).forEach((p, i) => found[i].p_holm = p);
  }
  return comparisons;
}

/** Values of a metric by problem: the mean over its answers. Problems with no known value are left out. */
export function valuesOf(run: ComparedRun, metric: PairedMetric): Map<string, number> {
  return new Map([...answersOf(run, metric)].map(([problem, values]) => [problem, mean(values)]));
}

/** The known values of a metric by problem, one for each answer. */
function answersOf({ items, price }: ComparedRun, metric: PairedMetric): Map<string, number[]> {
  const known = items.flatMap((item) => {
    const value = valueOf(item, metric, price);
    return value === null ? [] : [{ problem: item.problem_id, value }];
  });
  const groups = Map.groupBy(known, ({ problem }) => problem);
  return new Map([...groups].map(([problem, all]) => [problem, all.map(({ value }) => value)]));
}

/** The runs' items in the modes that both have, so that each mode is compared with itself. */
function inCommonModes(runs: [ComparedRun, ComparedRun]): [ComparedRun, ComparedRun] {
  const modes = runs.map(({ items }) => new Set(items.map(({ mode }) => mode)));
  const common = [...modes[0]].filter((mode) => modes[1].has(mode));
  if (common.length === 0 || modes.every(({ size }) => size === common.length)) return runs;
  const narrowed = (run: ComparedRun) => ({
    ...run,
    items: run.items.filter(({ mode }) => common.includes(mode)),
  });
  return [narrowed(runs[0]), narrowed(runs[1])];
}

/**
 * Whether the answer came from an earlier run's cache or from its test: any other uses tokens for the
 * prompt.
 */
const isUnasked = ({ prompt_tokens, completion_tokens }: RunItem) =>
  prompt_tokens === 0 && completion_tokens === 0;

function valueOf(item: RunItem, metric: PairedMetric, price: Price | null): number | null {
  switch (metric) {
    case "pass_rate": {
      const mark = markOf(item);
      return mark === "-" ? null : Number(mark);
    }
    case "answer_rate":
      return item.success ? 1 : 0;
    case "score":
      return item.score;
    case "cost_usd":
      return itemCost(item, price);
    default: // latencies and lengths only of answers that were requested
      return item.success && !isUnasked(item) ? item[metric] : null;
  }
}

/** Compares two runs problem by problem. */
export function compareTwo(one: ComparedRun, other: ComparedRun): RunComparison {
  const [baseline, candidate] = inCommonModes([one, other]);
  const first = new Set(baseline.items.map(({ problem_id }) => problem_id));
  const second = new Set(candidate.items.map(({ problem_id }) => problem_id));
  const common = [...first].filter((id) => second.has(id));
  const judged = [baseline, candidate].every(({ items }) =>
    items.some(({ passed }) => passed !== null)
  );
  const metrics = PAIRED_METRICS.filter((metric) => metric !== "pass_rate" || judged)
    .flatMap((metric) => compareMetric(baseline, candidate, metric) ?? []);
  return {
    baseline: baseline.summary.run_id,
    candidate: candidate.summary.run_id,
    items_in_common: common.length,
    only_in_baseline: first.size - common.length,
    only_in_candidate: second.size - common.length,
    metrics,
    flips: judged ? flipsOf(baseline, candidate) : { gained: [], lost: [] },
    notes: notesOf([one, other], [baseline, candidate], common.length),
  };
}

/** Compares one metric of two runs by each problem's mean; null for fewer than two problems in common. */
export function compareMetric(
  one: ComparedRun,
  other: ComparedRun,
  metric: PairedMetric,
): MetricComparison | null {
  if (metric === "score" && one.score_measure !== other.score_measure) return null;
  const [ones, others] = inCommonModes([one, other]).map((run) => answersOf(run, metric));
  const common = [...ones.keys()].filter((problem) => others.has(problem));
  if (common.length < 2) return null;
  const first = common.map((problem) => mean(ones.get(problem)!));
  const second = common.map((problem) => mean(others.get(problem)!));
  const answers = (all: Map<string, number[]>) =>
    common.reduce((sum, problem) => sum + all.get(problem)!.length, 0);
  const found = (isShare(metric) ? pairedShares : pairedAmounts)(first, second);
  return {
    metric,
    items: first.length,
    answers: [answers(ones), answers(others)],
    first: mean(first),
    second: mean(second),
    difference: found.difference,
    detectable: detectableDifference(found),
    p: found.p,
    p_holm: found.p,
  };
}

/** Ids of the problems that were solved more often, and of those that were solved less often. */
export function flipsOf(one: ComparedRun, other: ComparedRun): RunComparison["flips"] {
  const [baseline, candidate] = inCommonModes([one, other]);
  const first = valuesOf(baseline, "pass_rate"), second = valuesOf(candidate, "pass_rate");
  const gained: string[] = [], lost: string[] = [];
  for (const [id, value] of first) {
    const other = second.get(id);
    if (other === undefined || other === value) continue;
    (other > value ? gained : lost).push(id);
  }
  return { gained, lost };
}

function notesOf(
  given: [ComparedRun, ComparedRun],
  compared: [ComparedRun, ComparedRun],
  common: number,
): string[] {
  const notes: string[] = [];
  const [{ summary: first, items }, { summary: second, items: others }] = given;
  if (given[0].score_measure !== given[1].score_measure) {
    const told = given.map(({ summary, score_measure }) =>
      `${summary.run_id}: ${score_measure ?? "as its evaluators say"}`
    );
    notes.push(`scores are not compared, as they are different measures (${told.join("; ")})`);
  }
  if (first.benchmark !== second.benchmark) {
    notes.push(`different suites: ${first.benchmark} and ${second.benchmark}`);
  }
  if (common === 0) notes.push("no problems in common: nothing can be compared pair by pair");
  for (const { run_id, status } of [first, second]) {
    if (status !== "complete") notes.push(`${run_id} is ${status}: only what it has is compared`);
  }
  for (const [run_id, all] of [[first.run_id, items], [second.run_id, others]] as const) {
    const unjudged = all.filter(isUnjudged).length;
    if (unjudged > 0) {
      notes.push(`${unjudged} of ${run_id} not judged: excluded from rates and scores`);
    }
  }
  const modesIn = (all: readonly RunItem[]) => [...new Set(all.map(({ mode }) => mode))].join(", ");
  if (compared[0].items.length < items.length || compared[1].items.length < others.length) {
    notes.push(`only ${modesIn(compared[0].items)} is compared: the other mode is in one run`);
  }
  return notes;
}
