/** Compares runs with the first of them, in the words of `dyno runs compare`. */
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { compareRuns, type MetricComparison } from "../../compare/compare.ts";
import { basisText, compareLoads, type LoadMetricComparison } from "../../compare/compare_load.ts";
import { readLoadSample } from "../../compare/load_sample.ts";
import { describeDelta, describeValue, isHigherBetter } from "../../measures/describe.ts";
import { grouped } from "../../text/grouped.ts";
import { builtinPrices } from "../../run/prices.ts";
import { readRunDirectory } from "../../run/read_run.ts";
import { type ListedRun, listedRun } from "./run_list.ts";
import type { IndexedRun, RunIndex } from "../../run/index.ts";
import type { Estimate } from "../../stats/interval.ts";

const MOST_RUNS = 8;
const MOST_FLIPS = 100;

const RUN_IDS = new RegExp(`^[^,]+(,[^,]+){1,${MOST_RUNS - 1}}$`);

/** The query of GET /api/compare. */
export const compareQuerySchema = z.strictObject({
  /** Run ids separated by commas; the first one is the baseline. */
  runs: z.string().max(4000).regex(RUN_IDS, `expected 2 to ${MOST_RUNS} run ids`)
    .transform((text) => [...new Set(text.split(","))])
    .refine(({ length }) => length >= 2, `expected 2 to ${MOST_RUNS} run ids that differ`),
});

/** One metric, as displayed. */
export interface ComparedLine {
  metric: string;
  first: string;
  second: string;
  difference: string;
  /** 95 % interval of the difference; null if there are too few values for one. */
  interval: string | null;
  /** Adjusted for several comparisons; null for loads, which only have intervals. */
  p: number | null;
  /** Whether the second run is better or worse beyond chance; null if that is not known. */
  change: "better" | "worse" | null;
}

export interface ComparisonView {
  runs: ListedRun[];
  comparisons: {
    baseline: string;
    candidate: string;
    /** What the comparison is based on. */
    basis: string;
    lines: ComparedLine[];
    gained: string[];
    lost: string[];
    notes: string[];
  }[];
}

/**
 * @throws {InputError} a run does not exist, the runs are of different kinds, or a load was
 * interrupted.
 */
export async function comparison(
  index: RunIndex,
  run_ids: readonly string[],
): Promise<ComparisonView> {
  const found = new Map(
    (await index.list({ run_ids: [...run_ids] })).map((run) => [run.run_id, run]),
  );
  const runs = run_ids.map((id) => {
    const run = found.get(id);
    if (run === undefined) throw new InputError(`there is no run "${id}"`);
    return run;
  });
  const loads = runs.filter(({ kind }) => kind === "load").length;
  if (loads !== 0 && loads !== runs.length) {
    throw new InputError("a load and a suite run cannot be compared; choose runs of one kind");
  }
  return {
    runs: runs.map(listedRun),
    comparisons: loads ? await loadComparisons(runs) : await suiteComparisons(runs),
  };
}

async function suiteComparisons(runs: readonly IndexedRun[]) {
  const prices = builtinPrices();
  const read = await Promise.all(runs.map(async ({ path, model }) => ({
    ...await readRunDirectory(path),
    price: prices.priceOf(model),
  })));
  return compareRuns(read).map(({ flips, metrics, ...each }) => ({
    baseline: each.baseline,
    candidate: each.candidate,
    basis: `${grouped(each.items_in_common)} items in common, ` +
      `${each.only_in_baseline} only in the first, ${each.only_in_candidate} only in the second`,
    lines: metrics.map((metric) => lineOf(metric, metric.p_holm < 0.05, metric.p_holm)),
    gained: flips.gained.slice(0, MOST_FLIPS),
    lost: flips.lost.slice(0, MOST_FLIPS),
    notes: each.notes,
  }));
}

async function loadComparisons(runs: readonly IndexedRun[]) {
  const samples = await Promise.all(runs.map(async (run) => {
    try {
      return await readLoadSample(run);
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw new InputError(`${run.run_id}: its results are missing or damaged`);
    }
  }));
  return compareLoads(samples).map((comparison) => ({
    baseline: comparison.baseline,
    candidate: comparison.candidate,
    basis: basisText(comparison),
    lines: comparison.metrics.map((metric) => lineOf(metric, metric.differs === true, null)),
    gained: [],
    lost: [],
    notes: comparison.notes,
  }));
}

function lineOf(
  { metric, first, second, difference }: MetricComparison | LoadMetricComparison,
  sure: boolean,
  p: number | null,
): ComparedLine {
  const delta = (value: number) => describeDelta(metric, value, true);
  const interval = (estimate: Estimate) => `${delta(estimate.low)} to ${delta(estimate.high)}`;
  const better = second > first === isHigherBetter(metric);
  return {
    metric,
    first: describeValue(metric, first),
    second: describeValue(metric, second),
    difference: delta(second - first),
    interval: difference && interval(difference),
    p,
    change: !sure || second === first ? null : better ? "better" : "worse",
  };
}
