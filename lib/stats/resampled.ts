/** The bootstrap of a mean. */
import { seededRandom } from "./random.ts";

const RESAMPLES = 2000;
const SEED = 1;

/** The means of 2,000 resamples of the values, with a fixed seed (B. Efron, 1979). */
export function resampledMeans(values: readonly number[]): Float64Array {
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
