/** How much blocks of a series depend on their neighbours, and the corrections for it. */
import { mean } from "./quantile.ts";

/** Neighbouring blocks that correlate more than this are merged. */
const CALM = 0.1;

/** The correlation of values with their successors; 0 when all values are the same. */
export function lagCorrelation(values: ArrayLike<number>): number {
  const centre = mean(values);
  let squares = 0, products = 0;
  for (let i = 0; i < values.length; i++) {
    squares += (values[i] - centre) ** 2;
    if (i > 0) products += (values[i] - centre) * (values[i - 1] - centre);
  }
  return squares > 0 ? products / squares : 0;
}

/** Sums of this many neighbours each; the last sum also includes the rest. */
export function mergedSums(values: ArrayLike<number>, of: number): number[] {
  const sums = new Array<number>(Math.floor(values.length / of)).fill(0);
  for (let i = 0; i < values.length; i++) {
    sums[Math.min(sums.length - 1, Math.floor(i / of))] += values[i];
  }
  return sums;
}

/**
 * How many neighbouring blocks to merge into one: the number is doubled until blocks hardly correlate
 * with their neighbours, as long as at least `least` blocks remain (after G. Fishman's batch means,
 * Management Science 24, 1978).
 *
 * @param residuals for each block, its sum minus the expected sum.
 * @param calm the correlation that is accepted; a few independent blocks show 1/√n by chance.
 */
export function blocksToMerge(residuals: ArrayLike<number>, least: number, calm = CALM): number {
  let of = 1;
  while (
    Math.floor(residuals.length / (2 * of)) >= least &&
    lagCorrelation(mergedSums(residuals, of)) > calm
  ) of *= 2;
  return of;
}

/**
 * The factor by which to widen an interval for the remaining correlation: √(1 + 2·(ρ + 1/B)), at least 1,
 * where ρ is the correlation of neighbours among B blocks, whose estimate is too low by about 1/B.
 */
export function widening(residuals: ArrayLike<number>): number {
  return Math.sqrt(Math.max(1, 1 + 2 * (lagCorrelation(residuals) + 1 / residuals.length)));
}
