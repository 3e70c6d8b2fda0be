/** How many problems a comparison needs, and how small a difference it could have detected. */
import { binomialCdf, binomialProbability, binomialTail, normalQuantile } from "./distributions.ts";

/** The requirements of a test: the two-sided level and the power. */
const ALPHA = 0.05;
const POWER = 0.8;
const MOST_PROBLEMS = 1e9;
/** Up to this many expected discordant pairs the power is summed exactly. */
const EXACT_TO = 2000;
/**
 * Numbers of discordant pairs that are further than this from the mean, in standard deviations, are
 * ignored.
 */
const SPREAD = 7;

/**
 * The smallest difference of success rates, as a share, that a paired comparison of n problems would have
 * found significant with the required power: by the exact power of McNemar's test up to 2,000 expected
 * discordant pairs, by Connor's formula above. Null when even a difference as large as the discordance
 * would be missed, as with 5 discordant pairs.
 */
export function pairedDetectable(n: number, discordance: number): number | null {
  mustBeRate(discordance);
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`no ${n} problems`);
  const exact = n * discordance <= EXACT_TO;
  const critical = exact ? criticalCounts(n, discordance) : [];
  const enough = exact
    ? (difference: number) => powerOf(critical, difference / discordance) >= POWER
    : (difference: number) => connor(difference, discordance) <= n;
  return smallest(enough, discordance);
}

/**
 * The number of problems that a paired comparison needs to find a difference: Connor's formula n =
 * (z₁₋α/₂·√ψ + z_power·√(ψ − δ²))² / δ² with discordance ψ and difference δ, rounded up. It assumes a
 * normal test statistic; McNemar's exact test needs up to about 10 % more when flips are few.
 *
 * @param difference δ, not 0, at most the discordance.
 */
export function pairedProblems(difference: number, discordance: number): number {
  mustBeRate(discordance);
  const size = Math.abs(difference);
  if (!(size > 0 && size <= discordance)) {
    throw new RangeError(`a difference of ${difference} does not fit a discordance`);
  }
  return Math.ceil(connor(size, discordance));
}

function connor(difference: number, discordance: number): number {
  const root = -normalQuantile(ALPHA / 2) * Math.sqrt(discordance) +
    normalQuantile(POWER) * Math.sqrt(discordance - difference * difference);
  return Math.min(MOST_PROBLEMS ** 2, (root / difference) ** 2);
}

/** The smallest value from which on a condition holds; null when it does not hold at `most`. */
function smallest(holds: (value: number) => boolean, most: number): number | null {
  if (!holds(most)) return null;
  let low = 0, high = most;
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

interface Critical {
  /** Discordant pairs. */
  m: number;
  chance: number;
  /** With at most this many of one kind, the test rejects; −1 when it never does. */
  count: number;
}

function criticalCounts(n: number, discordance: number): Critical[] {
  const centre = n * discordance;
  const reach = SPREAD * Math.sqrt(centre * (1 - discordance)) + SPREAD;
  const found: Critical[] = [];
  let count = -1;
  for (let m = Math.max(0, Math.floor(centre - reach)); m <= Math.min(n, centre + reach); m++) {
    if (found.length === 0) {
      let above = m + 1;
      while (above - count > 1) {
        const middle = (above + count) >> 1;
        if (binomialCdf(middle, m, 0.5) <= ALPHA / 2) count = middle;
        else above = middle;
      }
    } else if (binomialCdf(count + 1, m, 0.5) <= ALPHA / 2) count++;
    found.push({ m, chance: binomialProbability(m, n, discordance), count });
  }
  return found;
}

/**
 * The power of McNemar's exact test: the sum over m of the binomial chance of m discordant pairs times
 * the chance that they are uneven enough (R. Connor, Biometrics 43, 1987, "unconditional").
 *
 * @param tilt difference divided by discordance, −1 to 1: how much more often a flip goes one way.
 */
function powerOf(critical: readonly Critical[], tilt: number): number {
  const p = Math.min(1, Math.max(0, (1 + tilt) / 2));
  let sum = 0;
  for (const { m, chance, count } of critical) {
    if (count >= 0) sum += chance * (binomialCdf(count, m, p) + binomialTail(m - count, m, p));
  }
  return sum;
}

function mustBeRate(discordance: number): void {
  if (!(discordance > 0 && discordance <= 1)) {
    throw new RangeError(`a discordance is above 0 and at most 1, not ${discordance}`);
  }
}
