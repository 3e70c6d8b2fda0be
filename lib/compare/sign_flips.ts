/** Whether paired differences lie around 0. */
import { normalCdf } from "../stats/distributions.ts";
import { seededRandom } from "../stats/random.ts";

const FLIPS = 10_000;
/** Above so many differences, the flipped sum is as good as normal. */
const DRAWN_TO = 2000;
const SEED = 1;
const ROUNDING = 1e-12;

/**
 * The two-sided p-value of a sign-flip permutation test: if neither side is larger, each difference
 * could as well have had the other sign (R. Fisher, The Design of Experiments, 1935). Signs are drawn
 * 10,000 times at a fixed seed, and p = (count + 1)/(10,000 + 1). Above 2,000 differences that are not
 * 0, the flipped sum counts as normal with variance Σd². 1 for no differences.
 */
export function signFlipP(differences: readonly number[]): number {
  const sizes = Float64Array.from(differences.filter((difference) => difference !== 0), Math.abs);
  if (sizes.length === 0) return 1;
  const observed = Math.abs(differences.reduce((sum, difference) => sum + difference, 0));
  if (sizes.length > DRAWN_TO) {
    const squares = sizes.reduce((sum, size) => sum + size * size, 0);
    return Math.min(1, 2 * normalCdf(-observed / Math.sqrt(squares)));
  }
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const enough = observed - ROUNDING * total;
  const random = seededRandom(SEED);
  let count = 0;
  for (let flip = 0; flip < FLIPS; flip++) {
    if (Math.abs(2 * positives(sizes, random) - total) >= enough) count++;
  }
  return (count + 1) / (FLIPS + 1);
}

/** The sum of those that are drawn to be above 0; 30 signs of one draw. */
function positives(sizes: Float64Array, random: () => number): number {
  let sum = 0, bits = 0;
  for (let i = 0; i < sizes.length; i++) {
    if (i % 30 === 0) bits = Math.floor(random() * 2 ** 30);
    sum += sizes[i] * (bits & 1);
    bits >>= 1;
  }
  return sum;
}
