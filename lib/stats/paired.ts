/** Two systems on the same items: the difference item by item. */
import { expandedInterval } from "./expanded_percentile.ts";
import { mean } from "./quantile.ts";
import { resampledMeans } from "./resampled.ts";
import { binomialCdf } from "./distributions.ts";
import type { Estimate } from "./interval.ts";

const Z = 1.959963984540054;

/** A paired comparison. Differences are second − first: above 0 where the second has more. */
export interface PairedDifference {
  /** The mean difference, in the unit of the values; null for fewer than two items. */
  difference: Estimate | null;
  /** What changed where all values are 0 or 1; null otherwise. */
  flips: Flips | null;
}

/** Items on which two systems differ, and how surprising that is if neither is better. */
export interface Flips {
  /** Items with 0 of the first and 1 of the second. */
  gained: number;
  /** Items with 1 of the first and 0 of the second. */
  lost: number;
  /** McNemar's exact two-sided p-value. */
  p: number;
}

/**
 * The mean of second − first over items, with its 95 % interval.
 *
 * Of values of any kind, the interval is an expanded percentile bootstrap of the pairs, 2,000
 * resamples at a fixed seed. In simulations with 15, 40 and 150 pairs it covered 92.7 to 96 % of
 * normal and heavy-tailed symmetric differences, where BCa covered 84 to 95 %; of one-sided lognormal
 * ones it covers 87 % at 15 pairs and 94 % at 150, as BCa does.
 *
 * Of zeros and ones, a bootstrap covers as little as 55 % where few items flip (and has no width
 * where none does), so there the interval is Wald's with one item added to either kind of flip (D.
 * Bonett and R. Price, Journal of Educational and Behavioral Statistics 37, 2012): 95 to 100 %.
 *
 * @throws RangeError where the two are not as many.
 */
export function pairedDifference(
  first: readonly number[],
  second: readonly number[],
): PairedDifference {
  if (first.length !== second.length) {
    throw new RangeError(`${first.length} and ${second.length} values do not pair up`);
  }
  const differences = second.map((value, i) => value - first[i]);
  if (![...first, ...second].every((value) => value === 0 || value === 1)) {
    return { difference: resampled(differences), flips: null };
  }
  const gained = differences.filter((difference) => difference > 0).length;
  const lost = differences.filter((difference) => difference < 0).length;
  const flips = { gained, lost, p: mcnemarP(lost, gained) };
  return { difference: adjustedWald(gained, lost, differences.length), flips };
}

function adjustedWald(gained: number, lost: number, n: number): Estimate | null {
  if (n < 2) return null;
  const up = (gained + 1) / (n + 2), down = (lost + 1) / (n + 2);
  const centre = up - down;
  const half = Z * Math.sqrt((up + down - centre * centre) / (n + 2));
  return {
    value: (gained - lost) / n,
    low: Math.max(-1, centre - half),
    high: Math.min(1, centre + half),
    n,
    method: "adjusted wald",
  };
}

function resampled(differences: readonly number[]): Estimate | null {
  const n = differences.length;
  if (n < 2) return null;
  const means = resampledMeans(differences);
  return { value: mean(differences), ...expandedInterval(means, n), n, method: "paired bootstrap" };
}

/**
 * McNemar's exact two-sided p-value: 2·P(X ≤ min(b, c)) with X binomial of b + c trials at ½, at most
 * 1 (Q. McNemar, Psychometrika 12, 1947). 1 where no pair is discordant: nothing speaks for a
 * difference.
 *
 * @param b questions that only the first system got right.
 * @param c questions that only the second one got right.
 * @throws RangeError for counts that are negative or not whole.
 */
export function mcnemarP(b: number, c: number): number {
  if (!Number.isSafeInteger(b) || !Number.isSafeInteger(c) || b < 0 || c < 0) {
    throw new RangeError(`discordant pairs are counted in whole numbers, not ${b} and ${c}`);
  }
  const n = b + c;
  const fewer = Math.min(b, c);
  return Math.min(1, 2 * binomialCdf(fewer, n, 0.5));
}
