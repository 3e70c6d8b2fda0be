/** Runs of the same problems compared: what flipped, by how much they differ, and how sure that is. */
import { clusteredMean } from "../stats/cluster.ts";
import { holmAdjusted } from "../stats/holm.ts";
import { matchItems, pairedDifference } from "../stats/paired.ts";
import { mean } from "../stats/quantile.ts";
import { markOf } from "../run/index.ts";
import { itemCost } from "./cost.ts";
import { signFlipP } from "./sign_flips.ts";
import type { Price } from "../run/prices.ts";
import type { ReadRun, RunItem } from "../run/summary.ts";
import type { Estimate } from "../stats/interval.ts";

/** What items of two runs are compared by. */
export const PAIRED_METRICS: readonly PairedMetric[] = [
  "pass_rate",
  "answer_rate",
  "score",
  "latency_ms",
  "ttft_ms",
  "completion_tokens",
  "cost_usd",
];

/** What can be compared item by item: shares of items, scores in 0..1, ms, tokens, US dollars. */
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
  /** Of the run's model; null where no table names it, and costs are then unknown. */
  price: Price | null;
}

/** One metric on the items that two runs have in common. */
export interface MetricComparison {
  /** Which one; its unit is in its name. */
  metric: PairedMetric;
  /** Items whose value is known in both runs. */
  items: number;
  /** Means over these items. */
  first: number;
  /** As `first`, of the second run. */
  second: number;
  /** second − first, with its 95 % interval. */
  difference: Estimate | null;
  /** McNemar's exact test of zeros and ones, else a sign-flip test; two-sided. */
  p: number;
  /** Holm-adjusted over the comparisons of this metric, where there are several. */
  p_holm: number;
}

/** A run against the first. */
export interface RunComparison {
  /** Id of the run that the other is held against. */
  baseline: string;
  /** Id of the other run. */
  candidate: string;
  /** Items that both runs have. */
  items_in_common: number;
  /** Items that the candidate lacks. */
  only_in_baseline: number;
  /** Items that the baseline lacks. */
  only_in_candidate: number;
  /** One for each metric that both runs know for some item. */
  metrics: MetricComparison[];
  /** Problems that only the second solved, and that only the first did. */
  flips: { gained: string[]; lost: string[] };
  /** What a reader must know, one line each: other settings, items left out. */
  notes: string[];
}

/** Compares each further run with the first. */
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

/** Values of a metric by item; items of which it is unknown are left out. */
export function valuesOf(run: ComparedRun, metric: PairedMetric): Map<string, number> {
  const values = new Map<string, number>();
  for (const item of run.items) {
    const value = valueOf(item, metric, run.price);
    if (value !== null) values.set(item.item_id, value);
  }
  return values;
}

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
    default: // latencies and lengths are of answers
      return item.success ? item[metric] : null;
  }
}

/** Two runs, item by item. */
export function compareTwo(baseline: ComparedRun, candidate: ComparedRun): RunComparison {
  const first = new Map(baseline.items.map((item) => [item.item_id, item]));
  const second = new Map(candidate.items.map((item) => [item.item_id, item]));
  const common = [...first.keys()].filter((id) => second.has(id));
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
    notes: notesOf(baseline, candidate, first.size, second.size, common.length),
  };
}

/**
 * One metric of two runs; null for fewer than two items in common. Above 2,000 items the interval of
 * what is not zeros and ones is Student's t of the differences, in place of their bootstrap.
 */
export function compareMetric(
  baseline: ComparedRun,
  candidate: ComparedRun,
  metric: PairedMetric,
): MetricComparison | null {
  const { first, second } = matchItems(valuesOf(baseline, metric), valuesOf(candidate, metric));
  if (first.length < 2) return null;
  const differences = second.map((value, i) => value - first[i]);
  // scores of which none changed tell as little of how scores vary as no flips do
  const still = metric === "score" && differences.every((value) => value === 0);
  const { difference, flips } = still
    ? pairedDifference(differences, differences)
    : isLarge(first, second)
    ? { difference: clusteredMean(differences, [...differences.keys()])!.estimate, flips: null }
    : pairedDifference(first, second);
  const p = flips?.p ?? signFlipP(differences);
  return {
    metric,
    items: first.length,
    first: mean(first),
    second: mean(second),
    difference,
    p,
    p_holm: p,
  };
}

/** So many pairs that a mean is as good as normal, and resampling takes seconds. */
const LARGE = 2000;

/** Many pairs of which some are more than a right or wrong. */
function isLarge(first: readonly number[], second: readonly number[]): boolean {
  const plain = (value: number) => value === 0 || value === 1;
  return first.length > LARGE && !(first.every(plain) && second.every(plain));
}

/** Ids of the problems that changed sides. */
export function flipsOf(baseline: ComparedRun, candidate: ComparedRun): RunComparison["flips"] {
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
  { summary: first, items }: ComparedRun,
  { summary: second, items: others }: ComparedRun,
  firstIds: number,
  secondIds: number,
  common: number,
): string[] {
  const notes: string[] = [];
  if (first.benchmark !== second.benchmark) {
    notes.push(`different suites: ${first.benchmark} and ${second.benchmark}`);
  }
  if (common === 0) notes.push("no items in common: nothing can be compared pair by pair");
  for (const { run_id, status } of [first, second]) {
    if (status !== "complete") notes.push(`${run_id} is ${status}: only what it has is compared`);
  }
  if (items.length > firstIds || others.length > secondIds) {
    notes.push("some items have the same id: of each, the last one counts");
  }
  return notes;
}
