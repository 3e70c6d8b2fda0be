/** When requests are sent: arrival processes of constant or ramped rate, repeatable by seed. */
import { InputError } from "../errors.ts";
import { openRandom, standardNormal } from "../stats/random.ts";
import type { LoadShare } from "./share.ts";

/** How the gaps between arrivals vary, at any rate. */
export interface ArrivalPattern {
  /**
   * constant: equal gaps; poisson: exponential gaps, like those of many independent users; gamma:
   * gaps from a gamma distribution with shape `burstiness`.
   */
  arrival: "constant" | "poisson" | "gamma";
  /**
   * Shape of the gamma distribution, 0.01 to 1e6, 1 by default: 1 equals poisson, below 1 is
   * burstier, above 1 more regular. The gaps' coefficient of variation is 1/√burstiness. For gamma
   * only.
   */
  burstiness?: number;
  /** Whole number from 0 to 2^32 − 1. The same seed gives the same times. */
  seed: number;
  /** This process's share of the arrivals, when several processes send the load together. */
  share?: LoadShare;
}

/** An arrival pattern at a constant mean rate. */
export interface ArrivalProcess extends ArrivalPattern {
  /** Mean arrivals a second, above 0. */
  rate_per_s: number;
}

/** A stretch of time in which the rate changes linearly from one value to another. */
export interface RampStage {
  /** Above 0. */
  duration_s: number;
  /** Arrivals a second at the start of the stage, from 0. */
  rate_from_per_s: number;
  /** Arrivals a second at the end of the stage, from 0. */
  rate_to_per_s: number;
}

/** A stage, with the expected count of arrivals before it and by its end. */
interface PlacedStage extends RampStage {
  start_s: number;
  count_before: number;
  count_after: number;
}

/**
 * Returns arrival times in seconds from 0, endless and ascending (two may be equal). Constant
 * arrivals are at exactly i / rate from i = 0; other processes start one random gap after 0.
 *
 * @example
 * ```ts
 * const times = arrivalTimes({ arrival: "poisson", rate_per_s: 20, seed: 1 });
 * const first_s = times.next().value;
 * ```
 * @throws {InputError} at the call: a rate, burstiness or seed outside its range.
 */
export function arrivalTimes(process: ArrivalProcess): Generator<number, never> {
  const { rate_per_s } = process;
  if (!(rate_per_s > 0 && Number.isFinite(rate_per_s))) {
    throw new InputError(`rate_per_s: ${rate_per_s}; expected a number above 0`);
  }
  const unit = unitTimes(process);
  return (function* () {
    while (true) yield unit.next().value / rate_per_s;
  })();
}

/**
 * Returns arrival times in seconds from 0 at a rate that changes with time; ends when the stages
 * end.
 *
 * A process of mean rate 1 is mapped onto the cumulative rate Λ(t) = ∫rate: its time u becomes the
 * t with Λ(t) = u (time rescaling; Daley and Vere-Jones, An Introduction to the Theory of Point
 * Processes, theorem 7.4.I). Poisson arrivals thus become an exact inhomogeneous Poisson process;
 * constant ones fall where Λ passes a whole number, from 0.
 *
 * @example
 * ```ts
 * const stages = [
 *   { duration_s: 30, rate_from_per_s: 0, rate_to_per_s: 50 },
 *   { duration_s: 60, rate_from_per_s: 50, rate_to_per_s: 50 },
 * ];
 * const times_s = [...rampedArrivalTimes(stages, { arrival: "poisson", seed: 1 })];
 * ```
 * @throws {InputError} at the call: a stage, burstiness or seed outside its range, or no stages.
 */
export function rampedArrivalTimes(
  stages: readonly RampStage[],
  pattern: ArrivalPattern,
): Generator<number, void> {
  const placed = placeStages(stages);
  const unit = unitTimes(pattern);
  return (function* () {
    let u = unit.next().value;
    for (const stage of placed) {
      for (; u < stage.count_after; u = unit.next().value) yield timeWithin(stage, u);
    }
  })();
}

function placeStages(stages: readonly RampStage[]): PlacedStage[] {
  if (stages.length === 0) throw new InputError("stages: none; expected at least one");
  let start_s = 0, count = 0;
  return stages.map((stage, i) => {
    const { duration_s, rate_from_per_s, rate_to_per_s } = stage;
    if (!(duration_s > 0 && Number.isFinite(duration_s))) {
      throw new InputError(`stages[${i}].duration_s: ${duration_s}; expected a number above 0`);
    }
    for (const key of ["rate_from_per_s", "rate_to_per_s"] as const) {
      if (!(stage[key] >= 0 && Number.isFinite(stage[key]))) {
        throw new InputError(`stages[${i}].${key}: ${stage[key]}; expected a number, at least 0`);
      }
    }
    const count_before = count;
    const placed = { ...stage, start_s, count_before };
    start_s += duration_s;
    count += duration_s * (rate_from_per_s + rate_to_per_s) / 2;
    return { ...placed, count_after: count };
  });
}

/**
 * The time at which the cumulative rate reaches `u`, count_before ≤ u < count_after. Within a stage
 * Λ(s) = from·s + slope·s²/2; this form of its root loses no digits and allows slope 0.
 */
function timeWithin(stage: PlacedStage, u: number): number {
  const { start_s, duration_s, rate_from_per_s: from, rate_to_per_s: to } = stage;
  const count = u - stage.count_before;
  if (count === 0) return start_s;
  if (from === to) return start_s + Math.min(count / from, duration_s);
  const slope = (to - from) / duration_s;
  const rate = Math.sqrt(Math.max(0, from * from + 2 * slope * count));
  return start_s + Math.min(2 * count / (from + rate), duration_s);
}

/** Arrival times at mean rate 1. Checks the pattern when called. */
function unitTimes(pattern: ArrivalPattern): Generator<number, never> {
  const { arrival, burstiness, seed } = pattern;
  checkSeed(seed);
  if (burstiness !== undefined) checkBurstiness(arrival, burstiness);
  if (arrival === "constant") return wholeNumbers();
  const random = openRandom(seed);
  if (arrival === "poisson") return sums(() => -Math.log(random()));
  if (arrival === "gamma") return sums(gammaGaps(burstiness ?? 1, random));
  throw new InputError(`arrival: "${arrival}"; expected "constant", "poisson" or "gamma"`);
}

function checkBurstiness(arrival: string, burstiness: number): void {
  if (arrival !== "gamma") {
    throw new InputError(
      `burstiness: ${burstiness} with arrival "${arrival}"; it is for arrival "gamma" only`,
    );
  }
  if (!(burstiness >= 0.01 && burstiness <= 1e6)) {
    throw new InputError(
      `burstiness: ${burstiness}; expected a number, at least 0.01 and at most 1e6`,
    );
  }
}

function* wholeNumbers(): Generator<number, never> {
  for (let i = 0;; i++) yield i;
}

function* sums(gap: () => number): Generator<number, never> {
  let sum = 0;
  while (true) yield sum += gap();
}

/**
 * Gamma gaps of mean 1 (G. Marsaglia and W. W. Tsang, A simple method for generating gamma
 * variables, ACM TOMS 26, 2000). For a shape below 1: a variable of shape + 1 times U^(1/shape).
 */
function gammaGaps(shape: number, random: () => number): () => number {
  const normal = standardNormal(random);
  const d = (shape < 1 ? shape + 1 : shape) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  const atLeastOne = () => {
    while (true) {
      const x = normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(random()) < x * x / 2 + d * (1 - v + Math.log(v))) return d * v;
    }
  };
  if (shape >= 1) return () => atLeastOne() / shape;
  return () => atLeastOne() * random() ** (1 / shape) / shape;
}

/** @throws {InputError} the seed is not a whole number from 0 to 2^32 − 1. */
export function checkSeed(seed: number): void {
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return;
  throw new InputError(`seed: ${seed}; expected a whole number from 0 to ${2 ** 32 - 1}`);
}
