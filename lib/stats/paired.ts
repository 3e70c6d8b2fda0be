/**
 * Compares two systems on the same items: the difference item by item, whether it may be chance, and its
 * interval.
 */
import { clusteredMean } from "./cluster.ts";
import { binomialCdf, studentTTail } from "./distributions.ts";
import { pairedDetectable } from "./power.ts";
import { mean } from "./quantile.ts";
import { signFlips } from "./sign_flips.ts";
import { type Estimate, meanEstimate } from "./interval.ts";

const Z = 1.959963984540054;
const ALPHA = 0.05;
/** From this many pairs on a mean is close enough to normal, and sign flips would take seconds. */
const LARGE = 2000;

/**
 * A paired comparison. Differences are second − first, so they are above 0 when the second has more. The
 * interval excludes 0 exactly when p is below 0.05.
 */
export interface PairedDifference {
  /** The mean difference, in the unit of the values; null for too few items. */
  difference: Estimate | null;
  /** Two-sided p-value: how surprising the differences are if neither is better. */
  p: number;
  /** The items that changed, when all values are 0 or 1; null otherwise. */
  flips: Flips | null;
}

/** Items on which two systems differ. */
export interface Flips {
  /** Items with 0 for the first and 1 for the second. */
  gained: number;
  /** Items with 1 for the first and 0 for the second. */
  lost: number;
}

/**
 * The mean of second − first over items, with its 95 % interval, and the matching test.
 *
 * For values of any kind, the test is that of sign flips, and the interval holds the means that it does
 * not reject ({@linkcode signFlips}). With fewer than 6 items no test could reject any mean, so they have
 * no interval. In simulations with 6 to 40 pairs the interval covers 93 to 97 % for normal and for heavy-tailed
 * symmetric differences, and 85 to 89 % for one-sided lognormal ones, like BCa. Above 2,000 items test
 * and interval are Student's t.
 *
 * For zeros and ones, the test is McNemar's exact one. An interval of resampled pairs covers as little as
 * 55 % when few items flip (and has no width when none does). The interval is therefore Wald's with one
 * item added to either kind of flip (D. Bonett and R. Price, Journal of Educational and Behavioral
 * Statistics 37, 2012), which covers 95 to 100 %. It is extended to 0 when the exact test does not reject
 * 0 but Wald's interval would exclude it.
 *
 * @throws {RangeError} the two lists differ in length.
 */
export function pairedDifference(
  first: readonly number[],
  second: readonly number[],
): PairedDifference {
  if (![...first, ...second].every((value) => value === 0 || value === 1)) {
    return pairedAmounts(first, second);
  }
  const differences = differencesOf(first, second);
  const gained = differences.filter((difference) => difference > 0).length;
  const lost = differences.filter((difference) => difference < 0).length;
  const n = differences.length, p = mcnemarP(lost, gained);
  return { difference: adjustedWald(gained, lost, n, p), p, flips: { gained, lost } };
}

/**
 * {@linkcode pairedDifference} for values with a unit: costs of 0 and answers of 1 token are not shares.
 */
export function pairedAmounts(
  first: readonly number[],
  second: readonly number[],
): PairedDifference {
  const differences = differencesOf(first, second);
  return { ...differences.length > LARGE ? byT(differences) : bySigns(differences), flips: null };
}

function differencesOf(first: readonly number[], second: readonly number[]): number[] {
  if (first.length !== second.length) {
    throw new RangeError(`${first.length} and ${second.length} values do not pair up`);
  }
  // a file keeps twelve digits, so values that agree in these are the same
  return second.map((value, i) =>
    Math.abs(value - first[i]) <= 1e-12 * Math.abs(value) ? 0 : value - first[i]
  );
}

/**
 * The smallest difference that this many items would have shown with a power of 80 %: for zeros and ones
 * by McNemar's test, else from the width of the interval, (1.96 + 0.84) errors. Null when they could not
 * have shown any.
 */
export function detectableDifference({ difference, flips }: PairedDifference): number | null {
  if (difference === null) return null;
  const { low, high, n } = difference;
  if (flips === null) return high > low ? (high - low) / 2 * (2.8 / 1.96) : null;
  const discordance = (flips.gained + flips.lost) / n;
  return discordance === 0 ? null : pairedDetectable(n, discordance);
}

/**
 * {@linkcode pairedDifference} for shares, values from 0 to 1. When none of them changed, they say as
 * little about their variation as zeros and ones without a flip.
 */
export function pairedShares(
  first: readonly number[],
  second: readonly number[],
): PairedDifference {
  const still = first.every((value, i) => Math.abs(value - second[i]) <= 1e-12);
  return still
    ? pairedDifference(first.map(() => 0), second.map(() => 0))
    : pairedDifference(first, second);
}

function adjustedWald(gained: number, lost: number, n: number, p: number): Estimate | null {
  if (n < 2) return null;
  const up = (gained + 1) / (n + 2), down = (lost + 1) / (n + 2);
  const centre = up - down;
  const half = Z * Math.sqrt((up + down - centre * centre) / (n + 2));
  const [low, high] = [Math.max(-1, centre - half), Math.min(1, centre + half)];
  return {
    value: (gained - lost) / n,
    low: p < ALPHA ? low : Math.min(0, low),
    high: p < ALPHA ? high : Math.max(0, high),
    n,
    method: "adjusted wald",
  };
}

type Tested = Pick<PairedDifference, "difference" | "p">;

function bySigns(differences: readonly number[]): Tested {
  const { p, interval } = signFlips(differences);
  const value = mean(differences), n = differences.length;
  return { p, difference: interval && { value, ...interval, n, method: "sign flips" } };
}

function byT(differences: readonly number[]): Tested {
  const n = differences.length;
  const { estimate, standard_error } = clusteredMean(differences, [...differences.keys()])!;
  const value = mean(differences);
  const p = standard_error > 0
    ? Math.min(1, 2 * studentTTail(Math.abs(value) / standard_error, n - 1))
    : value === 0
    ? 1
    : 0;
  const same = { value, low: value, high: value, n, method: "cluster-robust t" } as const;
  return { p, difference: estimate ?? same };
}

/**
 * McNemar's exact two-sided p-value: 2·P(X ≤ min(b, c)) with X binomial of b + c trials at ½, at most 1
 * (Q. McNemar, Psychometrika 12, 1947). 1 when no pair is discordant, because nothing then suggests a
 * difference.
 *
 * @param b questions that only the first system got right.
 * @param c questions that only the second system got right.
 * @throws {RangeError} a count is negative or not a whole number.
 */
export function mcnemarP(b: number, c: number): number {
  if (!Number.isSafeInteger(b) || !Number.isSafeInteger(c) || b < 0 || c < 0) {
    throw new RangeError(`discordant pairs are counted in whole numbers, not ${b} and ${c}`);
  }
  const n = b + c;
  const fewer = Math.min(b, c);
  return Math.min(1, 2 * binomialCdf(fewer, n, 0.5));
}

/**
 * The geometric mean of paired ratios with the interval of Student's t on their logarithms, so that what both
 * sides of a pair share cancels. Null for fewer than two pairs; pairs with a value that is not above 0 are
 * left out.
 */
export function pairedRatioEstimate(
  pairs: Iterable<readonly [numerator: number, denominator: number]>,
): Estimate | null {
  const logs: number[] = [];
  for (const [numerator, denominator] of pairs) {
    if (numerator > 0 && denominator > 0) logs.push(Math.log(numerator / denominator));
  }
  const estimate = meanEstimate(logs);
  if (estimate === null) return null;
  const { value, low, high } = estimate;
  return { ...estimate, value: Math.exp(value), low: Math.exp(low), high: Math.exp(high) };
}

/**
 * Holm's step-down adjusted p-values, in the order given: for the i-th smallest of m (from 0), the
 * largest (m − j)·p₍ⱼ₎ over j ≤ i, at most 1. Rejecting those at or below α keeps the chance of any false
 * rejection at α, whatever the dependence (S. Holm, Scandinavian Journal of Statistics 6, 1979).
 *
 * @throws {RangeError} a value is outside 0 to 1.
 */
export function holmAdjusted(pValues: readonly number[]): number[] {
  const wrong = pValues.find((p) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) throw new RangeError(`${wrong} is not a p-value`);
  const order = pValues.map((_, i) => i).sort((i, j) => pValues[i] - pValues[j]);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]));
    adjusted[index] = largest;
  });
  return adjusted;
}
