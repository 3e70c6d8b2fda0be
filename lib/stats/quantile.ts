/** Exact quantiles, means and distributions. */

/** A distribution, as the figures that are reported. */
export interface Distribution {
  /** How many values. */
  n: number;
  /** The arithmetic mean. */
  mean: number;
  /** The median. */
  p50: number;
  /** The 90th percentile. */
  p90: number;
  /** The 95th percentile. */
  p95: number;
  /** The 99th percentile. */
  p99: number;
  /** The 99.9th percentile. */
  p99_9: number;
  /** The largest value. */
  max: number;
}

/**
 * The q-quantile by nearest rank: the smallest value with at least q·n values at or below it.
 *
 * @param sorted ascending, not empty.
 * @param q in (0, 1].
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}

/** Values in ascending order, in a new array. */
export function sortedCopy(values: Iterable<number>): Float64Array {
  return new Float64Array(values).sort();
}

/** The distribution of values; null for none. */
export function distribution(values: Iterable<number>): Distribution | null {
  return distributionOf(sortedCopy(values));
}

/** The distribution of values in ascending order; null for none. */
export function distributionOf(sorted: ArrayLike<number>): Distribution | null {
  if (sorted.length === 0) return null;
  return {
    n: sorted.length,
    mean: mean(sorted),
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    p99_9: quantile(sorted, 0.999),
    max: sorted[sorted.length - 1],
  };
}

/** The arithmetic mean; NaN for no values. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
