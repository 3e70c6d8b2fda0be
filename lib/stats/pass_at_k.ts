/** Success over several attempts at a problem: of any of k, and of all of k. */
import { expandedInterval } from "./expanded_percentile.ts";
import { type Estimate, shareEstimate } from "./interval.ts";
import { mean } from "./quantile.ts";
import { seededRandom } from "./random.ts";

/** Attempts at one problem. */
export interface Attempts {
  /** Attempts made. */
  n: number;
  /** Attempts that succeeded. */
  c: number;
}

/**
 * The unbiased chance that at least one of k attempts succeeds: 1 − C(n−c, k)/C(n, k) (M. Chen et al.,
 * Evaluating Large Language Models Trained on Code, 2021), computed as a sum of logarithms. Null when n <
 * k.
 *
 * @throws {RangeError} unless 0 ≤ c ≤ n and k ≥ 1 are whole numbers.
 */
export function passAtK({ n, c }: Attempts, k: number): number | null {
  mustBeCounts(n, c, k);
  if (n < k) return null;
  if (c === 0) return 0;
  if (n - c < k) return 1;
  // C(n−c, k)/C(n, k) is symmetric in c and k: the product has as many terms as the smaller one
  const few = Math.min(c, k), other = Math.max(c, k);
  let logarithm = 0;
  for (let i = 0; i < few; i++) logarithm += Math.log1p(-other / (n - i));
  return -Math.expm1(logarithm);
}

/**
 * The unbiased chance that all of k attempts succeed: C(c, k)/C(n, k) (S. Yao et al., τ-bench, 2024,
 * pass^k). Null when n < k.
 *
 * @throws {RangeError} as {@linkcode passAtK}.
 */
export function passAllK({ n, c }: Attempts, k: number): number | null {
  mustBeCounts(n, c, k);
  if (n < k) return null;
  let product = 1;
  for (let i = 0; i < k && product > 0; i++) product *= (c - i) / (n - i);
  return product;
}

/**
 * The mean pass@k over problems. Its interval is an expanded percentile bootstrap over problems, 2,000
 * resamples with a fixed seed, so it describes problems like these. When every problem has 0 or 1, the
 * mean is a share and has Wilson's interval, so that a run with all problems solved does not look
 * certain. Null for fewer than two problems, or when one has fewer than k attempts, because a mean over
 * the others would describe a different set.
 */
export function meanPassAtK(problems: readonly Attempts[], k: number): Estimate | null {
  return overProblems(problems.map((attempts) => passAtK(attempts, k)));
}

/** The mean pass^k over problems, like {@linkcode meanPassAtK}. */
export function meanPassAllK(problems: readonly Attempts[], k: number): Estimate | null {
  return overProblems(problems.map((attempts) => passAllK(attempts, k)));
}

/**
 * The share of attempts that succeed. Attempts at one problem are similar, so when problems have several,
 * share and interval are over problems, as in {@linkcode meanPassAtK}, and a problem with more attempts
 * has no more weight. Otherwise, and for attempts at a single problem, the interval is Wilson's. Null for
 * no attempts.
 */
export function attemptsShare(problems: readonly Attempts[]): Estimate | null {
  const n = problems.reduce((sum, problem) => sum + problem.n, 0);
  const c = problems.reduce((sum, problem) => sum + problem.c, 0);
  const over = n > problems.length ? meanPassAtK(problems, 1) : null;
  return over ?? shareEstimate(c, n);
}

function overProblems(chances: readonly (number | null)[]): Estimate | null {
  const values = chances.filter((chance) => chance !== null);
  const n = values.length;
  if (n < chances.length || n < 2) return null;
  if (values.every((value) => value === 0 || value === 1)) {
    return shareEstimate(values.filter((value) => value === 1).length, n);
  }
  const means = resampledMeans(values);
  return { value: mean(values), ...expandedInterval(means, n), n, method: "bootstrap" };
}

function mustBeCounts(n: number, c: number, k: number): void {
  const whole = [n, c, k].every(Number.isSafeInteger);
  if (!whole || c < 0 || c > n || k < 1) {
    throw new RangeError(`no ${c} of ${n} attempts, taken ${k} at a time`);
  }
}

const RESAMPLES = 2000;
const SEED = 1;

/** The means of 2,000 resamples of the values, with a fixed seed (B. Efron, 1979). */
function resampledMeans(values: readonly number[]): Float64Array {
  const n = values.length;
  const random = seededRandom(SEED);
  const means = new Float64Array(RESAMPLES);
  for (let r = 0; r < RESAMPLES; r++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[Math.floor(random() * n)];
    means[r] = sum / n;
  }
  return means;
}
