/** The shape of a load: stages in closed or open loop, and when each sends its requests. */
import { InputError } from "../errors.ts";
import { DURATION_FORM, isPlainNumber, parseDuration, unitSlip } from "../text/duration.ts";
import { rampedArrivalTimes } from "./arrival.ts";
import { ownOf, shareOf } from "./share.ts";
import type { ArrivalPattern } from "./arrival.ts";
import type { LoadShare } from "./share.ts";

/** A part of a load. It ends by its duration or by its count, whichever comes first. */
export interface LoadStage {
  /** Whether it runs before the measured part. */
  warmup: boolean;
  /** The most requests in flight. Without a rate, this many are kept in flight. */
  concurrency: number | null;
  /** Requests a second at the start and at the end of the stage; null: a closed loop or a replay. */
  rate: { from_per_s: number; to_per_s: number } | null;
  /** Intended times of requests, in seconds from the stage's start, for a replay; null otherwise. */
  times_s: readonly number[] | null;
  /** How long it lasts; null: until `requests` are done. */
  duration_s: number | null;
  /** How many requests it sends; null: as many as fit into `duration_s`. */
  requests: number | null;
}

/** Whether requests have intended times, independent of the server. */
export function isOpen({ rate, times_s }: LoadStage): boolean {
  return rate !== null || times_s !== null;
}

/** Whether any stage limits the requests in flight, so that a request may have to wait for a place. */
export function hasPlaces(stages: readonly LoadStage[]): boolean {
  return stages.some(({ concurrency }) => concurrency !== null);
}

/**
 * Reads stages such as `rate=2:30s`, `rate=2..8:60s`, `concurrency=16:30s` or
 * `rate=4,concurrency=32:1m`, separated by blanks or semicolons. A time without a unit is in
 * seconds.
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
 * Returns the intended times of an open stage's requests, in seconds from its start.
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

/** Describes a stage in words. */
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
 * Returns a stage with a shard's part of its places and requests. Its rate stays that of the whole
 * load, as each shard picks its own arrivals from it. Requests of a closed loop are divided in
 * proportion to places, so that all shards end at about the same time.
 *
 * @throws {InputError} fewer places or requests than shards.
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
