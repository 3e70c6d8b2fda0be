/** Means over questions that come in groups, such as several about one text. */
import { studentTQuantile } from "./distributions.ts";
import { mean } from "./quantile.ts";
import type { Estimate } from "./interval.ts";

/** A mean over grouped questions. Errors are in the unit of the values. */
export interface ClusteredMean {
  /** Null when all values are the same, because their spread is then unknown. */
  estimate: Estimate | null;
  groups: number;
  standard_error: number;
  /** The standard error if the questions were independent: s/√n. */
  independent_error: number;
  /** (standard_error / independent_error)²; null when independent_error is 0. */
  design_effect: number | null;
}

/**
 * A mean with its cluster-robust standard error √(G/(G−1) · Σ_g (Σ_{i∈g} (x_i − x̄))²) / n and interval
 * x̄ ± t₀.₉₇₅ with G − 1 degrees of freedom, for G groups. This is the error of E. Miller (Adding Error
 * Bars to Evals, 2024, section 2.2: the variance of the mean plus the covariances within groups) with the
 * factor G/(G−1) of Liang and Zeger (1986); with one question per group it equals s/√n. The interval of a
 * share is not cut off at 0 and 1. Null for fewer than 2 groups.
 *
 * @param groups the group of each value.
 * @throws {RangeError} `values` and `groups` differ in length.
 */
export function clusteredMean(
  values: readonly number[],
  groups: readonly (string | number)[],
): ClusteredMean | null {
  if (values.length !== groups.length) {
    throw new RangeError(`${values.length} values, but ${groups.length} groups`);
  }
  const n = values.length;
  const value = mean(values);
  const sums = new Map<string | number, number>();
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const off = values[i] - value;
    sums.set(groups[i], (sums.get(groups[i]) ?? 0) + off);
    squares += off * off;
  }
  const count = sums.size;
  if (count < 2) return null;
  const same = values.every((each) => each === values[0]);
  let total = 0;
  for (const sum of sums.values()) total += sum * sum;
  const standard_error = same ? 0 : Math.sqrt(count / (count - 1) * total) / n;
  const independent_error = same ? 0 : Math.sqrt(squares / (n - 1) / n);
  const half = studentTQuantile(0.975, count - 1) * standard_error;
  return {
    estimate: same
      ? null
      : { value, low: value - half, high: value + half, n, method: "cluster-robust t" },
    groups: count,
    standard_error,
    independent_error,
    design_effect: same ? null : (standard_error / independent_error) ** 2,
  };
}
