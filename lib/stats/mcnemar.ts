/** Whether two systems that answered the same questions differ in how many they get right. */
import { binomialCdf } from "./distributions.ts";

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
