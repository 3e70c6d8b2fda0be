/** Whether paired differences lie around 0. */
import { seededRandom } from "../stats/random.ts";

const FLIPS = 10_000;
/** Differences × flips that are drawn at most: a comparison should not take seconds. */
const MOST_DRAWS = 2e7;
const LEAST_FLIPS = 2000;
const SEED = 1;
const ROUNDING = 1e-12;

/**
 * The two-sided p-value of a sign-flip permutation test: if neither side is larger, each difference
 * could as well have had the other sign (R. Fisher, The Design of Experiments, 1935). Signs are drawn
 * 10,000 times at a fixed seed (fewer, but 2,000 at least, of more than 2,000 differences), and
 * p = (count + 1)/(draws + 1). 1 for no differences.
 */
export function signFlipP(differences: readonly number[]): number {
  const sizes = Float64Array.from(differences.filter((difference) => difference !== 0), Math.abs);
  if (sizes.length === 0) return 1;
  const observed = Math.abs(differences.reduce((sum, difference) => sum + difference, 0));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const enough = observed - ROUNDING * total;
  const flips = Math.max(LEAST_FLIPS, Math.min(FLIPS, Math.floor(MOST_DRAWS / sizes.length)));
  const random = seededRandom(SEED);
  let count = 0;
  for (let flip = 0; flip < flips; flip++) {
    let sum = 0, bits = 0;
    for (let i = 0; i < sizes.length; i++) {
      // 30 signs of one draw
      if (i % 30 === 0) bits = Math.floor(random() * 2 ** 30);
      sum += (bits & 1) === 1 ? sizes[i] : -sizes[i];
      bits >>= 1;
    }
    if (Math.abs(sum) >= enough) count++;
  }
  return (count + 1) / (flips + 1);
}
