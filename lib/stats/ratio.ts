/** A ratio of two sums over units in order of time, such as requests per second of use. */
import { blocksToMerge, lagCorrelation, mergedSums } from "./block_dependence.ts";
import { studentTQuantile } from "./distributions.ts";
import { type Estimate, shareEstimate } from "./interval.ts";
import { quantile } from "./quantile.ts";
import { seededRandom } from "./random.ts";

const RESAMPLES = 4000;
const SEED = 1;
const MOST_BLOCKS = 40;
/** With fewer units it is unclear how much units differ: there is no interval. */
export const LEAST_UNITS = 8;
/** With fewer units it is unclear how much they depend on one another. */
const FEW = 24;
/** What a correction down to 0 leaves of a ratio, above or below 0, by rounding. */
const RESIDUE = 1e-9;
/** The factor on skewness/√blocks by which an interval is widened: a sample seldom shows its whole tail. */
const TAIL = 0.6;

/** What each unit, such as a request, adds to the two sums. */
export interface RatioUnits {
  numerators: Float64Array;
  denominators: Float64Array;
}

/** How the two sums were measured. */
export interface RatioOptions {
  /**
   * Whether denominators vary by chance, as the times of requests do. Σnumerators/Σdenominators is then
   * too high for few units, by the squared coefficient of variation of the denominators divided by the
   * number of units, and is corrected by the jackknife (M. Quenouille, Biometrika 43, 1956). False for
   * denominators that are given, such as the times of an arrival process.
   */
  random: boolean;
}

/**
 * The ratio Σnumerators/Σdenominators. Null when the denominators add up to 0.
 *
 * With few units and a very long one among them, the jackknife would go below 0. Its correction is
 * therefore limited, so that units with a numerator of 1 each stay within 1/(1 + 3v), where v is the
 * squared relative standard error, and that no unit counts less than nothing. The limit depends only on
 * the denominators, so that ratios of parts, such as models, add up to that of the whole. In simulations
 * of 16 to 320 units of fixed, uniform, exponential, lognormal (σ 1) and Pareto (2.5) lengths it is off
 * by less than 1 %.
 */
export function ratio(
  { numerators, denominators }: RatioUnits,
  { random }: RatioOptions,
): number | null {
  const n = numerators.length;
  const numerator = sumOf(numerators);
  const denominator = sumOf(denominators);
  if (!(denominator > 0)) return null;
  const raw = numerator / denominator;
  if (!random || n < 2 || !(raw > 0)) return raw;
  let [others, inverses, shortest] = [0, 0, Infinity];
  for (let i = 0; i < n; i++) {
    const left = denominator - denominators[i];
    if (!(left > 0)) return raw;
    others += (numerator - numerators[i]) / left;
    inverses += 1 / left;
    shortest = Math.min(shortest, denominators[i]);
  }
  const changed = n * raw - (n - 1) * others / n - raw;
  const value = raw + changed * shareOfJackknife(denominators, denominator, inverses, shortest);
  return value > RESIDUE * raw ? value : 0;
}

/** The share of the jackknife's correction to apply: 1, or less when it would go too far. */
function shareOfJackknife(
  denominators: Float64Array,
  whole: number,
  inverses: number,
  shortest: number,
): number {
  const n = denominators.length;
  // for units with a numerator of 1 each
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (1 - n * denominators[i] / whole) ** 2;
  const most = 1 + 3 * squares / (n - 1) / n;
  const all = n * n / whole - (n - 1) ** 2 * inverses / n - n / whole;
  const bound = n / whole * (1 - 1 / most);
  // what the unit that counts least would lose of its 1 / whole
  const least = (n - 1) * (1 / whole - (inverses - 1 / (whole - shortest)) / n);
  return Math.min(1, all < 0 ? bound / -all : 1, least < 0 ? -1 / (whole * least) : 1);
}

/**
 * The ratio with its 95 % interval; null below 8 units, or when the denominators add up to 0.
 *
 * Units in order of time are cut into up to 40 blocks, which are merged while neighbours correlate. The
 * interval is a bootstrap-t of the ratio's logarithm over blocks (B. Efron and R. Tibshirani, An
 * Introduction to the Bootstrap, 1993, 12.5), widened for the remaining correlation and for the part of
 * the tail that few units do not show. For the lengths listed at {@linkcode ratio} it covers 93 to 97 %.
 * When all numerators are 0, its upper end is that of Wilson's share, as if a unit had at most one.
 */
export function ratioEstimate(
  units: RatioUnits,
  options: RatioOptions,
): Estimate | null {
  const n = units.numerators.length;
  const value = ratio(units, options);
  if (value === null || n < LEAST_UNITS) return null;
  const whole = (value: number, low: number, high: number): Estimate => ({
    value,
    low,
    high,
    n,
    method: "block bootstrap",
  });
  const { numerators, denominators } = blocksOf(units);
  const [numerator, denominator] = [sumOf(numerators), sumOf(denominators)];
  if (!(numerator > 0)) {
    return whole(value, value, Math.max(value, shareEstimate(0, n)!.high * n / denominator));
  }
  const raw = numerator / denominator;
  const count = numerators.length;
  const residuals = numerators.map((each, b) => each - raw * denominators[b]);
  const error = relativeError(residuals, numerator);
  // with equal lengths the rest is rounding
  if (!(error > 1e-12)) return whole(value, value * (1 - 1e-9), value * (1 + 1e-9));
  const draws = drawsOf(count);
  const tops = Float64Array.from(numerators), bottoms = Float64Array.from(denominators);
  const pivots = new Float64Array(RESAMPLES);
  let known = 0;
  const scale = Math.sqrt(count / (count - 1));
  for (let from = 0; from < draws.length; from += count) {
    let top = 0, bottom = 0;
    for (let i = from; i < from + count; i++) {
      top += tops[draws[i]];
      bottom += bottoms[draws[i]];
    }
    if (!(top > 0 && bottom > 0)) continue;
    const resampled = top / bottom;
    let squares = 0;
    for (let i = from; i < from + count; i++) {
      const off = tops[draws[i]] - resampled * bottoms[draws[i]];
      squares += off * off;
    }
    const spread = scale * Math.sqrt(squares) / top; // as in relativeError
    if (spread > 1e-12) pivots[known++] = Math.log(resampled / raw) / spread;
  }
  const sorted = pivots.subarray(0, known).sort();
  if (sorted.length < RESAMPLES / 10) return null;
  const root = Math.sqrt(count);
  // the part that is more than chance: the estimate is off by about 1/√B, and too low by 1/B
  const correlation = n < FEW ? 0 : lagCorrelation(residuals) + 1 / count - 1.5 / root;
  const skewed = Math.abs(skewness(residuals)) / Math.sqrt(6 / count);
  const wider = Math.sqrt(1 + 2 * Math.max(0, correlation)) *
    (1 + TAIL * Math.max(0, skewed - 1) * Math.sqrt(6) / count);
  // when the skewness is no more than chance shows, Student's t is better than the bootstrap
  const trust = Math.min(1, skewed);
  const t = studentTQuantile(0.975, count - 1);
  const end = (q: number) => {
    const pivot = trust * quantile(sorted, q) + (1 - trust) * (q < 0.5 ? -t : t);
    return raw * Math.exp(-wider * error * pivot);
  };
  return whole(value, Math.min(value, end(0.975)), Math.max(value, end(0.025)));
}

/**
 * By the number of blocks: the seed is always the same, so every figure of every stage has the same
 * draws.
 */
const drawsByCount = new Map<number, Uint8Array>();

/** The blocks of each resample, one resample after another. */
function drawsOf(count: number): Uint8Array {
  let draws = drawsByCount.get(count);
  if (draws === undefined) {
    const random = seededRandom(SEED);
    draws = new Uint8Array(RESAMPLES * count);
    for (let i = 0; i < draws.length; i++) draws[i] = random() * count;
    drawsByCount.set(count, draws);
  }
  return draws;
}

function blocksOf(units: RatioUnits): { numerators: number[]; denominators: number[] } {
  const n = units.numerators.length;
  const count = Math.min(MOST_BLOCKS, n);
  const numerators = new Array<number>(count).fill(0);
  const denominators = new Array<number>(count).fill(0);
  for (let i = 0; i < n; i++) {
    const block = Math.floor(i * count / n);
    numerators[block] += units.numerators[i];
    denominators[block] += units.denominators[i];
  }
  const raw = sumOf(numerators) / sumOf(denominators);
  const residuals = numerators.map((each, b) => each - raw * denominators[b]);
  const of = n < FEW ? 1 : blocksToMerge(residuals, LEAST_UNITS, 1.3 / Math.sqrt(count));
  return { numerators: mergedSums(numerators, of), denominators: mergedSums(denominators, of) };
}

/** The standard error of a ratio as a share of it, from its residuals (the delta method). */
function relativeError(residuals: ArrayLike<number>, numerator: number): number {
  let squares = 0;
  for (let b = 0; b < residuals.length; b++) squares += residuals[b] ** 2;
  return Math.sqrt(squares * residuals.length / (residuals.length - 1)) / numerator;
}

/** The skewness of values around 0. */
function skewness(values: readonly number[]): number {
  const squares = sumOf(values.map((value) => value ** 2)) / values.length;
  return sumOf(values.map((value) => value ** 3)) / values.length / squares ** 1.5;
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
