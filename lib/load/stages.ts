/** The shape of a load: stages in closed or open loop, and when each wants its requests. */
import { InputError } from "../errors.ts";
import { DURATION_FORM, isPlainNumber, parseDuration, unitSlip } from "../text/duration.ts";
import { rampedArrivalTimes } from "./arrival.ts";
import { ownOf, shareOf } from "./share.ts";
import type { ArrivalPattern } from "./arrival.ts";
import type { LoadShare } from "./share.ts";

/** A stretch of a load. It ends by its time or by its count, whichever comes first. */
export interface LoadStage {
  /** Sent before the measured part. */
  warmup: boolean;
  /** The most requests in flight; without a rate as many as that are kept in flight. */
  concurrency: number | null;
  /** Requests a second, from the stage's start to its end; null: a closed loop. */
  rate: { from_per_s: number; to_per_s: number } | null;
  /** Seconds from the stage's start at which requests are wanted: a replay. */
  times_s: readonly number[] | null;
  /** How long it lasts; null: until `requests` are done. */
  duration_s: number | null;
  /** How many requests it sends; null: as many as fit into `duration_s`. */
  requests: number | null;
}

/** Whether requests have their own times, whatever the server does. */
export function isOpen({ rate, times_s }: LoadStage): boolean {
  return rate !== null || times_s !== null;
}

/** Whether any stage has a number of places in flight: a request may then wait for one. */
export function hasPlaces(stages: readonly LoadStage[]): boolean {
  return stages.some(({ concurrency }) => concurrency !== null);
}

/**
 * Reads stages such as `rate=2:30s`, `rate=2..8:60s`, `concurrency=16:30s` or
 * `rate=4,concurrency=32:1m`, separated by blanks or semicolons. A plain number is seconds.
 *
 * @throws {InputError} naming the part that is wrong.
 */
export function parseStages(text: string): LoadStage[] {
  const stages = text.split(/[\s;]+/).filter(Boolean).map(parseStage);
  if (stages.length === 0) throw new InputError(`--stages: expected e.g. rate=2:30s`);
  return stages;
}

function parseStage(part: string): LoadStage {
  const wrong = (why: string) =>
    new InputError(
      `--stages: "${part}": ${why}; e.g. rate=2:30s, rate=2..8:60s, concurrency=16:1m`,
    );
  const match = /^(.+):([^:]*)$/.exec(part);
  const duration_s = match && parseDuration(match[2], "s");
  if (!match || duration_s === null) {
    throw wrong(`expected LOAD:TIME, where TIME is ${DURATION_FORM}`);
  }
  if (duration_s === 0) throw wrong("the duration is 0");
  const slip = isPlainNumber(match[2]) ? unitSlip(duration_s) : null;
  if (slip !== null) throw wrong(slip);
  const stage: LoadStage = {
    warmup: false,
    concurrency: null,
    rate: null,
    times_s: null,
    duration_s,
    requests: null,
  };
  for (const setting of match[1].split(",")) {
    const [name, value] = setting.split("=");
    const numbers = (value ?? "").split("..").map(Number);
    if (
      numbers.some((number) => !(number >= 0 && number < Infinity)) || numbers.length > 2 ||
      value === ""
    ) {
      throw wrong(`"${setting}": expected a number, or FROM..TO for a rate`);
    }
    const [from, to = from] = numbers;
    if (name === "rate" && Math.max(from, to) > 0) stage.rate = { from_per_s: from, to_per_s: to };
    else if (name === "concurrency" && Number.isInteger(from) && from >= 1 && to === from) {
      stage.concurrency = from;
    } else throw wrong(`"${setting}": expected rate or a whole concurrency`);
  }
  return stage;
}

/**
 * The seconds from a stage's start at which it wants requests; for an open stage.
 *
 * @throws {InputError} a seed or burstiness outside its range.
 */
export function timesOf(stage: LoadStage, pattern: ArrivalPattern): Iterator<number, unknown> {
  const times = allTimesOf(stage, pattern);
  return pattern.share ? ownOf(times, pattern.share) : times;
}

function allTimesOf(stage: LoadStage, pattern: ArrivalPattern): Iterator<number, unknown> {
  if (stage.times_s !== null) return stage.times_s[Symbol.iterator]();
  const { from_per_s, to_per_s } = stage.rate!;
  const duration_s = stage.duration_s ?? 1e9;
  const ramp = { duration_s, rate_from_per_s: from_per_s, rate_to_per_s: to_per_s };
  return rampedArrivalTimes([ramp], pattern);
}

/** A stage in words. */
export function stageName(
  { concurrency, rate, times_s, duration_s }: LoadStage,
  { arrival, share }: ArrivalPattern,
): string {
  const part = share ? `, shard ${share.index + 1} of ${share.count} of these` : "";
  const cap = concurrency === null ? "" : `, at most ${concurrency} in flight`;
  if (times_s !== null) return `replay of ${times_s.length} requests${cap}${part}`;
  if (rate === null) return `${concurrency} in flight`;
  const { from_per_s, to_per_s } = rate;
  const range = from_per_s === to_per_s ? `${from_per_s}` : `${from_per_s} to ${to_per_s}`;
  const over = from_per_s === to_per_s || duration_s === null ? "" : ` over ${duration_s} s`;
  return `${range} requests/s${over}, ${arrival}${cap}${part}`;
}

/**
 * A stage with a shard's part of its places and requests; its rate stays the whole one, of whose arrivals
 * the shard takes its own. Requests of a closed loop go with its places, so that all shards end together.
 *
 * @throws {InputError} there are fewer places or requests than shards.
 */
export function stageShare(stage: LoadStage, share: LoadShare): LoadStage {
  const { warmup, rate, times_s, concurrency: places, requests } = stage;
  const least = (name: string, whole: number | null) => {
    if (warmup || whole === null || whole >= share.count) return;
    throw new InputError(
      `--shards ${share.count}: more than ${name} ${whole}; each shard needs at least one`,
    );
  };
  least("--concurrency", places);
  least("--requests", requests);
  const own = places && Math.max(1, shareOf(places, share));
  const rounds = places !== null && rate === null && times_s === null
    ? Math.floor((requests ?? 0) / places)
    : 0;
  return {
    ...stage,
    concurrency: own,
    requests: requests &&
      rounds * shareOf(places ?? 0, share) + shareOf(requests - rounds * (places ?? 0), share),
  };
}
