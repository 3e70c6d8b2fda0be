/** Percentile intervals of a bootstrap that are wide enough for few units. */
import { normalCdf, studentTQuantile } from "./distributions.ts";
import { quantile } from "./quantile.ts";

/**
 * The share of resamples to leave out on each side for a 95 % interval. A bootstrap of n units
 * underestimates the variance by (n − 1)/n and does not account for Student's t;
 * Φ(−√(n/(n−1))·t₀.₉₇₅,ₙ₋₁) corrects both (T. Hesterberg, The American Statistician 69, 2015, "expanded
 * percentile").
 *
 * @param units the number of units drawn: values, pairs or blocks; at least 2.
 */
function expandedTail(units: number): number {
  if (!(units >= 2)) throw new RangeError(`${units} units tell nothing of how units differ`);
  return normalCdf(-Math.sqrt(units / (units - 1)) * studentTQuantile(0.975, units - 1));
}

/** The expanded percentile interval of resampled values. Sorts the values in place. */
export function expandedInterval(
  resampled: Float64Array,
  units: number,
): { low: number; high: number } {
  const tail = expandedTail(units);
  resampled.sort();
  return { low: quantile(resampled, tail), high: quantile(resampled, 1 - tail) };
}
