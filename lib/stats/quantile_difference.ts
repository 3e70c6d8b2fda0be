/** The difference of quantiles of two independent samples, such as the p99 of two servers. */
import { expandedInterval } from "./expanded_percentile.ts";
import { quantile, sortedCopy } from "./quantile.ts";
import { seededRandom } from "./random.ts";
import type { Estimate } from "./interval.ts";

const RESAMPLES = 1000;
const SEED = 1;
const LEAST_UNITS = 8;

/** A sample, and which of its values belong together. */
export interface BlockedSample {
  /** The values, in order. */
  values: readonly number[];
  /** The block of each value: a run, or an interval of time. Without it, values are independent. */
  blocks?: readonly (string | number)[];
}

/**
 * The q-quantile of the second sample minus that of the first, in the unit of the values, with an
 * expanded percentile interval: blocks of either sample are drawn with replacement, 1,000 times with a
 * fixed seed. Null for fewer than 8 blocks per sample, or fewer than 8/(1−q) or 8/q values, with which no
 * resample could show how the quantile varies.
 *
 * @param q in (0, 1).
 * @throws {RangeError} the blocks and values of a sample differ in number.
 */
export function quantileDifference(
  first: BlockedSample,
  second: BlockedSample,
  q: number,
): Estimate | null {
  if (!(q > 0 && q < 1)) throw new RangeError(`${q} is not a quantile within 0 and 1`);
  const sides = [first, second].map(sideOf);
  const units = Math.min(...sides.map((side) => side.units));
  const values = Math.min(...sides.map((side) => side.sorted.length));
  if (units < LEAST_UNITS || values * Math.min(q, 1 - q) < LEAST_UNITS - 1e-9) return null;
  const random = seededRandom(SEED);
  const differences = new Float64Array(RESAMPLES);
  for (let r = 0; r < RESAMPLES; r++) {
    differences[r] = -drawn(sides[0], q, random) + drawn(sides[1], q, random);
  }
  return {
    value: quantile(sides[1].sorted, q) - quantile(sides[0].sorted, q),
    ...expandedInterval(differences, units),
    n: sides[0].sorted.length + sides[1].sorted.length,
    method: "block bootstrap",
  };
}

interface Side {
  sorted: Float64Array;
  /** For each sorted value, the unit with which it is drawn. */
  unit: Uint32Array;
  /** The number of values of each unit. */
  sizes: Uint32Array;
  /** How often each unit was drawn last. */
  times: Uint32Array;
  units: number;
}

/** A sample of a million values takes a second to sort, and has several quantiles. */
const sideOfSample = new WeakMap<BlockedSample, Side>();

function sideOf(sample: BlockedSample): Side {
  const side = sideOfSample.get(sample) ?? unitsOf(sample);
  sideOfSample.set(sample, side);
  return side;
}

function unitsOf({ values, blocks }: BlockedSample): Side {
  if (blocks !== undefined && blocks.length !== values.length) {
    throw new RangeError(`${values.length} values, but ${blocks.length} blocks`);
  }
  const ids = new Map<string | number, number>();
  const own = values.map((_, i) => {
    const id = blocks === undefined ? i : blocks[i];
    if (!ids.has(id)) ids.set(id, ids.size);
    return ids.get(id)!;
  });
  const order = Uint32Array.from(own.keys()).sort((i, j) => values[i] - values[j]);
  const sizes = new Uint32Array(ids.size);
  for (const unit of own) sizes[unit]++;
  return {
    sorted: sortedCopy(values),
    unit: order.map((i) => own[i]),
    sizes,
    times: new Uint32Array(ids.size),
    units: ids.size,
  };
}

/** The q-quantile, by nearest rank, of units drawn with replacement, as many as there are. */
function drawn({ sorted, unit, sizes, times, units }: Side, q: number, random: () => number) {
  times.fill(0);
  let total = 0;
  for (let i = 0; i < units; i++) {
    const draw = Math.floor(random() * units);
    times[draw]++;
    total += sizes[draw];
  }
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  let at = -1;
  while (seen < rank) seen += times[unit[++at]];
  return sorted[at];
}
