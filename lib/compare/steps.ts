/** Finds where a series of values changed its level. */
import { mean } from "../stats/quantile.ts";
import { seededRandom, shuffled } from "../stats/random.ts";

const LEAST_SIDE = 3;
const SHUFFLES = 999;
const SEED = 1;
const ALPHA = 0.05;

/** A change of level before the value at `at`. */
export interface Step {
  at: number;
  /** Means of the intervals on either side. */
  before: number;
  after: number;
  /** The p-value of the test for any step in the interval that it splits. */
  p: number;
}

/**
 * Finds steps by binary segmentation. The split with the largest weighted difference of means, |m₁ −
 * m₂|·√(n₁n₂/n), is kept if at most 5 % of 999 shuffles of the interval have one as large anywhere; both
 * sides are then searched again. Each side needs at least 3 values. Shuffling assumes that values without
 * a step are exchangeable, so a slow drift is reported as steps.
 */
export function findSteps(values: readonly number[]): Step[] {
  const cuts: { at: number; p: number }[] = [];
  const random = seededRandom(SEED);
  const search = (start: number, end: number) => {
    const part = values.slice(start, end);
    const best = bestSplit(part);
    if (best === null || best.size === 0) return;
    let count = 0;
    for (let shuffle = 0; shuffle < SHUFFLES; shuffle++) {
      if (bestSplit(shuffled(part, random))!.size >= best.size * (1 - 1e-12)) count++;
    }
    const p = (count + 1) / (SHUFFLES + 1);
    if (p > ALPHA) return;
    cuts.push({ at: start + best.at, p });
    search(start, start + best.at);
    search(start + best.at, end);
  };
  search(0, values.length);
  cuts.sort((a, b) => a.at - b.at);
  return cuts.map(({ at, p }, i) => ({
    at,
    before: mean(values.slice(cuts[i - 1]?.at ?? 0, at)),
    after: mean(values.slice(at, cuts[i + 1]?.at ?? values.length)),
    p,
  }));
}

function bestSplit(values: readonly number[]): { at: number; size: number } | null {
  const n = values.length;
  if (n < 2 * LEAST_SIDE) return null;
  let total = 0;
  for (const value of values) total += value;
  let best = { at: LEAST_SIDE, size: -1 };
  let left = 0;
  for (let at = 1; at <= n - LEAST_SIDE; at++) {
    left += values[at - 1];
    if (at < LEAST_SIDE) continue;
    const size = Math.abs(left / at - (total - left) / (n - at)) * Math.sqrt(at * (n - at) / n);
    if (size > best.size) best = { at, size };
  }
  return best;
}
