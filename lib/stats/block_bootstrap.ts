/** 95 % intervals for values in order of time that correlate with their neighbours. */
import { blocksToMerge, widening } from "./block_dependence.ts";
import { expandedInterval } from "./expanded_percentile.ts";
import { mean, quantile } from "./quantile.ts";
import { seededRandom } from "./random.ts";
import type { Estimate } from "./interval.ts";

const RESAMPLES = 1000;
const SEED = 1;
/** With fewer blocks it is unclear how much blocks differ. */
const LEAST_BLOCKS = 8;
const MOST_BLOCKS = 40;
const LEAST_IN_BLOCK = 3;
/** With fewer values above the p99 its position is unclear. */
const LEAST_ABOVE = 4;
/** The number of bins into which ranks are divided. */
const BINS = 4096;

/** Estimates for comparisons; null when there are too few values. */
export interface SeriesEstimates {
  p50: Estimate | null;
  p99: Estimate | null;
  mean: Estimate | null;
}

/**
 * The edges of blocks: values in order of time are cut into up to 40 blocks of equal count. Null below 8
 * blocks of 3.
 */
export function blockEdges(n: number): number[] | null {
  const blocks = Math.min(MOST_BLOCKS, Math.floor(n / LEAST_IN_BLOCK));
  if (blocks < LEAST_BLOCKS) return null;
  return Array.from({ length: blocks + 1 }, (_, i) => Math.round(i * n / blocks));
}

/**
 * Median, p99 and mean of values in order of time, with intervals from a block bootstrap: whole blocks of
 * neighbours are drawn, so that correlated values stay together (H. Künsch, Annals of Statistics 17,
 * 1989). 1,000 resamples with a fixed seed.
 *
 * Blocks that still correlate with their neighbours are merged, down to 8; the percentiles are expanded
 * because there are few blocks, and the interval is widened for the remaining correlation. The interval
 * of the mean then covers 94 to 96 % for independent values and about 92 to 94 % when the series is 20 to
 * 50 times as long as its integrated correlation time (plain percentiles of 40 blocks: 76 to 88 %); for
 * shorter series it covers less. The p99 is null below 400 values: with 100, its interval covered 60 %.
 * From 400 on it covers 91 to 94 % when values correlate little, and less when they correlate more.
 *
 * @param sorted the same values, ascending.
 */
export function seriesEstimates(
  values: ArrayLike<number>,
  sorted: ArrayLike<number> = new Float64Array(values).sort(),
): SeriesEstimates {
  const n = values.length;
  const finest = blockEdges(n);
  if (finest === null) return { p50: null, p99: null, mean: null };
  const [centre, p50, p99] = [mean(sorted), quantile(sorted, 0.5), quantile(sorted, 0.99)];
  const offMean = (value: number) => value - centre;
  const of = blocksToMerge(blockSums(values, finest, offMean), LEAST_BLOCKS);
  const count = Math.floor((finest.length - 1) / of);
  const edges = Array.from(
    { length: count + 1 },
    (_, i) => finest[i < count ? i * of : finest.length - 1],
  );
  const bins = Math.min(BINS, n);
  // the largest value of each bin of ranks
  const tops = Float64Array.from(
    { length: bins },
    (_, i) => sorted[Math.ceil((i + 1) * n / bins) - 1],
  );
  const blocks = edges.slice(1).map((end, i) => blockOf(values, edges[i], end, tops));
  const random = seededRandom(SEED);
  const medians = new Float64Array(RESAMPLES);
  const tails = new Float64Array(RESAMPLES);
  const means = new Float64Array(RESAMPLES);
  const counts = new Uint32Array(bins);
  for (let r = 0; r < RESAMPLES; r++) {
    counts.fill(0);
    let total = 0;
    let sum = 0;
    for (let b = 0; b < blocks.length; b++) {
      const block = blocks[Math.floor(random() * blocks.length)];
      total += block.n;
      sum += block.sum;
      for (let k = 0; k < block.bins.length; k++) counts[block.bins[k]] += block.counts[k];
    }
    means[r] = sum / total;
    medians[r] = tops[binAt(counts, 0.5 * total, total)];
    tails[r] = tops[binAt(counts, 0.99 * total, total)];
  }
  const around = (value: number, resampled: Float64Array, off: (value: number) => number) => {
    const found = estimate(value, resampled, count, widening(blockSums(values, edges, off)), n);
    // the widened interval must not extend beyond the data
    found.low = Math.max(found.low, sorted[0]);
    found.high = Math.min(found.high, sorted[n - 1]);
    return found;
  };
  return {
    p50: around(p50, medians, (value) => (value > p50 ? 1 : 0) - 0.5),
    p99: n * 0.01 < LEAST_ABOVE
      ? null
      : around(p99, tails, (value) => (value > p99 ? 1 : 0) - 0.01),
    mean: around(centre, means, offMean),
  };
}

/** For each block, the sum of a function of its values. */
function blockSums(
  values: ArrayLike<number>,
  edges: readonly number[],
  of: (value: number) => number,
): Float64Array {
  const sums = new Float64Array(edges.length - 1);
  for (let b = 0; b < sums.length; b++) {
    for (let i = edges[b]; i < edges[b + 1]; i++) sums[b] += of(values[i]);
  }
  return sums;
}

interface Block {
  n: number;
  sum: number;
  bins: Uint16Array;
  counts: Uint32Array;
}

function blockOf(
  values: ArrayLike<number>,
  start: number,
  end: number,
  tops: Float64Array,
): Block {
  const counts = new Map<number, number>();
  let sum = 0;
  for (let i = start; i < end; i++) {
    sum += values[i];
    const bin = firstAtLeast(tops, values[i]);
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  return {
    n: end - start,
    sum,
    bins: Uint16Array.from(counts.keys()),
    counts: Uint32Array.from(counts.values()),
  };
}

function firstAtLeast(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The bin that holds a rank, searched from the nearer end. */
function binAt(counts: Uint32Array, rank: number, total: number): number {
  if (rank <= total / 2) {
    let bin = 0;
    for (let seen = counts[0]; seen < rank; seen += counts[bin]) bin++;
    return bin;
  }
  let bin = counts.length - 1;
  for (let below = total - counts[bin]; below >= rank; below -= counts[bin]) bin--;
  return bin;
}

/** @param factor how much wider the interval is than its percentiles, on either side of the value. */
function estimate(
  value: number,
  resampled: Float64Array,
  blocks: number,
  factor: number,
  n: number,
): Estimate {
  const { low, high } = expandedInterval(resampled, blocks);
  return {
    value,
    low: value - factor * (value - low),
    high: value + factor * (high - value),
    n,
    method: "block bootstrap",
  };
}
