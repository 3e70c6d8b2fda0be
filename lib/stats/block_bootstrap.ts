/** 95 % intervals for values that came one after the other, and are like their neighbours. */
import { mean, quantile, sortedCopy } from "./quantile.ts";
import { seededRandom } from "./random.ts";
import type { Estimate } from "./interval.ts";

const RESAMPLES = 1000;
const SEED = 1;
/** Fewer blocks tell too little of how blocks differ. */
const LEAST_BLOCKS = 8;
const MOST_BLOCKS = 40;
const LEAST_IN_BLOCK = 3;
/** Ranks are told apart as finely as this. */
const BINS = 4096;

/** Estimates of what is usually compared; null where there are too few values. */
export interface SeriesEstimates {
  p50: Estimate | null;
  p99: Estimate | null;
  mean: Estimate | null;
}

/**
 * The edges of blocks: values in the order of time are cut into up to 40 stretches of equal count.
 * Null below 8 stretches of 3.
 */
export function blockEdges(n: number): number[] | null {
  const blocks = Math.min(MOST_BLOCKS, Math.floor(n / LEAST_IN_BLOCK));
  if (blocks < LEAST_BLOCKS) return null;
  return Array.from({ length: blocks + 1 }, (_, i) => Math.round(i * n / blocks));
}

/**
 * Median, p99 and mean of values in the order of time, with percentile intervals of a block
 * bootstrap: whole stretches of neighbours are drawn, so that what correlates stays together
 * (H. Künsch, Annals of Statistics 17, 1989). 1,000 resamples at a fixed seed.
 */
export function seriesEstimates(values: ArrayLike<number>): SeriesEstimates {
  const n = values.length;
  const edges = blockEdges(n);
  if (edges === null) return { p50: null, p99: null, mean: null };
  const sorted = sortedCopy(Array.from(values));
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
    medians[r] = tops[binAt(counts, 0.5 * total)];
    tails[r] = tops[binAt(counts, 0.99 * total)];
  }
  return {
    p50: estimate(quantile(sorted, 0.5), medians, n),
    p99: estimate(quantile(sorted, 0.99), tails, n),
    mean: estimate(mean(sorted), means, n),
  };
}

/**
 * A ratio of two sums over stretches of time, such as requests per second, with its interval.
 *
 * @param blocks of each stretch, the numerator and the denominator.
 */
export function ratioEstimate(
  blocks: readonly { numerator: number; denominator: number }[],
): Estimate | null {
  if (blocks.length < LEAST_BLOCKS) return null;
  const random = seededRandom(SEED);
  const ratios = new Float64Array(RESAMPLES);
  for (let r = 0; r < RESAMPLES; r++) {
    let numerator = 0;
    let denominator = 0;
    for (let b = 0; b < blocks.length; b++) {
      const block = blocks[Math.floor(random() * blocks.length)];
      numerator += block.numerator;
      denominator += block.denominator;
    }
    ratios[r] = denominator === 0 ? 0 : numerator / denominator;
  }
  const sum = (key: "numerator" | "denominator") => blocks.reduce((s, block) => s + block[key], 0);
  return estimate(sum("numerator") / sum("denominator"), ratios, blocks.length);
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

/** The bin that holds a rank. */
function binAt(counts: Uint32Array, rank: number): number {
  let seen = 0;
  for (let i = 0; i < counts.length; i++) {
    seen += counts[i];
    if (seen >= rank) return i;
  }
  return counts.length - 1;
}

function estimate(value: number, resampled: Float64Array, n: number): Estimate {
  resampled.sort();
  return {
    value,
    low: quantile(resampled, 0.025),
    high: quantile(resampled, 0.975),
    n,
    method: "block bootstrap",
  };
}
