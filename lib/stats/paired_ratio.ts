/** Compares two systems on the same seeds. */
import { type Estimate, meanEstimate } from "./interval.ts";

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
