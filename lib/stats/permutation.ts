/** Whether the means of two independent samples differ, without any assumed distribution. */
import { mean } from "./quantile.ts";
import { seededRandom } from "./random.ts";

const PERMUTATIONS = 10_000;
const SEED = 1;
/** Sums that differ by less than this share of all values count as equal. */
const ROUNDING = 1e-12;

/** A permutation test of a difference of means. */
export interface PermutationTest {
  /** mean(second) − mean(first), in the unit of the values. */
  difference: number;
  /** Two-sided. */
  p: number;
}

/**
 * Splits the pooled values again and again at random, 10,000 times at a fixed seed, and counts how
 * often the means differ as much as they do: p = (count + 1) / (10,000 + 1), which is never 0 (B.
 * Phipson and G. Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010). The
 * values have to be exchangeable: not for a series whose neighbours are alike. Null for an empty
 * sample.
 */
export function permutationTest(
  first: readonly number[],
  second: readonly number[],
): PermutationTest | null {
  const m = first.length, n = second.length;
  if (m === 0 || n === 0) return null;
  const difference = mean(second) - mean(first);
  // centred, so that the sum of one side tells the difference
  const middle = (mean(first) * m + mean(second) * n) / (m + n);
  const pool = Float64Array.from([...first, ...second], (value) => value - middle);
  const few = Math.min(m, n);
  const observed = Math.abs(difference) * m * n / (m + n);
  const slack = ROUNDING * pool.reduce((sum, value) => sum + Math.abs(value), 0);
  const random = seededRandom(SEED);
  let count = 0;
  for (let r = 0; r < PERMUTATIONS; r++) {
    let sum = 0;
    // the first steps of a shuffle draw the smaller side
    for (let i = 0; i < few; i++) {
      const other = i + Math.floor(random() * (pool.length - i));
      const value = pool[other];
      pool[other] = pool[i];
      pool[i] = value;
      sum += value;
    }
    if (Math.abs(sum) >= observed - slack) count++;
  }
  return { difference, p: (count + 1) / (PERMUTATIONS + 1) };
}
