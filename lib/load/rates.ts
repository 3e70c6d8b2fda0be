/**
 * What happens in a second of a load: answers, tokens, good requests, each by one rule.
 *
 * A closed loop of c places is a renewal process: its rate is c / E[time of a request]. Counting the
 * ends within a window leaves out what the requests in flight at its end have done, c − 1 of N; shares of
 * requests within it are too high at the start, where all begin at once. So every request of the
 * stage counts, in full, over the time that it held its place: rate = places · Σ counts / Σ times, with the
 * places that were taken on average over the window (J. Little, Operations Research 9, 1961; S. Ross,
 * Introduction to Probability Models, 7.4, renewal rewards). The requests that are in flight when the
 * sending ends must be among them: without them the times would be too short (Wald's equation).
 *
 * An open loop's requests come when they want: its rate is their count over the stage, longer by
 * as much as its ends are more spread than its turns, so that a server that falls behind shows it.
 */
import { ratio, ratioEstimate, type RatioUnits } from "../stats/ratio.ts";
import { momentIn, type Stays, staysOf, takenOver, type Window } from "./window.ts";
import type { Estimate } from "../stats/interval.ts";
import type { RequestRecord } from "../run/request_record.ts";

/** Returns the gaps of a request, ms. */
export type GapsOf = (record: RequestRecord) => Float32Array;

/**
 * Stretches of a stage's time, one after the other, each with the requests that counts are taken of: a
 * request, or the turns of a conversation. In columns, since there may be a million.
 */
export interface Turnover {
  /** Those of a stretch together. */
  records: readonly RequestRecord[];
  /** Where the records of each stretch begin, and where those of the last one end. */
  first: Uint32Array;
  /** As how many each stretch counts: 1 unless requests were cut off. */
  weights: Float64Array;
  /** Of the stage's time, all places together. */
  times_s: Float64Array;
  /** Of a closed loop, those that were taken on average; null for an open one, whose times are given. */
  places: number | null;
}

/** What a request adds to a sum; null is unknown. */
export type CountOf = (record: RequestRecord) => number | null;

const NS_PER_S = 1e9;
const NS_PER_MS = 1e6;
/** A pace told by fewer gaps is not taken for that of the rest. */
const LEAST_GAPS = 8;
/** Ends are compared with turns from this share of them to its complement. */
const EDGE = 0.1;
/** Of a stage in which nothing was sent. */
const NONE: Turnover = {
  records: [],
  first: new Uint32Array(1),
  weights: new Float64Array(),
  times_s: new Float64Array(),
  places: null,
};

/** What rates of a stage are taken of. */
export interface StageTurnover {
  /** The outcome of its requests. */
  ends: Turnover;
  /** How fast they were sent, whatever came of them. */
  sends: Turnover;
}

/**
 * The turnover of a stage.
 *
 * @param records those of the stage, warm-up left out.
 */
export function turnoverOf(
  records: readonly RequestRecord[],
  window: Window,
  gapsOf: GapsOf,
): StageTurnover {
  if (window.counts !== "turn") {
    const ends = closedTurnover(records, window, gapsOf);
    return { ends, sends: ends };
  }
  return {
    ends: openTurnover(
      records,
      window,
      ({ failure, t_end_ns }) => failure === "unfinished" || failure === "unsent" ? null : t_end_ns,
    ),
    sends: openTurnover(records, window, ({ t_sent_ns }) => t_sent_ns),
  };
}

/**
 * What is counted, per second; of several stages by the time that each took. Where a count is not known
 * of some, they are taken to be like the others of their stage. Null where nothing is known.
 */
export function rateOf(turnovers: readonly Turnover[], count: CountOf): number | null {
  return overStages(turnovers, count)?.value ?? null;
}

/**
 * The same with its 95 % interval, from how units vary within their stages: differences between stages
 * are not chance. Null where fewer than 8 units are known.
 */
export function rateEstimate(turnovers: readonly Turnover[], count: CountOf): Estimate | null {
  const found = overStages(turnovers, count);
  if (found === null) return null;
  const { stages, value } = found;
  if (stages.length === 1) return ratioEstimate(stages[0].units, stages[0]);
  const numerators: number[] = [], denominators: number[] = [];
  for (const { units, rate } of stages) {
    units.denominators.forEach((time_s, i) => {
      numerators.push(units.numerators[i] + (value - rate) * time_s);
      denominators.push(time_s);
    });
  }
  const estimate = ratioEstimate({
    numerators: Float64Array.from(numerators),
    denominators: Float64Array.from(denominators),
  }, { random: false });
  return estimate && {
    ...estimate,
    value,
    low: Math.max(0, Math.min(value, estimate.low)),
    high: Math.max(value, estimate.high),
  };
}

/** The same time with only some of the requests in it: what they add to each rate. */
export function turnoverOfPart(
  { ends, sends }: StageTurnover,
  isPart: (record: RequestRecord) => boolean,
): StageTurnover {
  const part = (turnover: Turnover): Turnover => {
    const first = new Uint32Array(turnover.first.length);
    const records: RequestRecord[] = [];
    for (let i = 0; i < turnover.times_s.length; i++) {
      first[i] = records.length;
      for (let r = turnover.first[i]; r < turnover.first[i + 1]; r++) {
        if (isPart(turnover.records[r])) records.push(turnover.records[r]);
      }
    }
    first[first.length - 1] = records.length;
    return { ...turnover, records, first };
  };
  const own = part(ends);
  return { ends: own, sends: sends === ends ? own : part(sends) };
}

/**
 * Requests in flight on average: the time that they took by the time of the stage, which is what its rate
 * keeps in flight (Little). In a closed loop it is the places less the time in which a place was taken and
 * nothing was sent. The window alone would show the beginning of a short load, where connections are
 * opened, and not its end. Of several stages by the time that each took, as rates are.
 *
 * @param connecting whether a request is in flight while its connection is opened.
 */
export function meanInFlight(turnovers: readonly Turnover[], connecting = false): number {
  let [used_s, whole_s] = [0, 0];
  for (const { records, first, weights, times_s, places } of turnovers) {
    for (let i = 0; i < times_s.length; i++) {
      if (first[i] === first[i + 1]) {
        whole_s += weights[i] * times_s[i];
        continue;
      }
      const own = { sent_ns: 0, start_ns: Infinity, end_ns: -Infinity };
      for (let r = first[i]; r < first[i + 1]; r++) {
        const { t_sent_ns, t_ready_ns, t_end_ns, connect_ns, connected_ahead } = records[r];
        if (t_sent_ns !== null) own.sent_ns += t_end_ns - t_sent_ns;
        if (connecting && !connected_ahead) own.sent_ns += connect_ns ?? 0;
        own.start_ns = Math.min(own.start_ns, t_ready_ns);
        own.end_ns = Math.max(own.end_ns, t_end_ns);
      }
      const idle_s = (own.end_ns - own.start_ns - own.sent_ns) / NS_PER_S;
      const own_s = places === null ? own.sent_ns / NS_PER_S : times_s[i] * places - idle_s;
      used_s += weights[i] * own_s;
      whole_s += weights[i] * times_s[i];
    }
  }
  return whole_s > 0 ? used_s / whole_s : 0;
}

function overStages(turnovers: readonly Turnover[], count: CountOf) {
  const stages = turnovers.flatMap((turnover) => {
    const random = turnover.places !== null;
    const units = known(turnover, count);
    const rate = units && ratio(units, { random });
    return units === null || rate === null ? [] : [{ units, random, rate }];
  });
  if (stages.length === 0) return null;
  const times = stages.map(({ units }) => units.denominators.reduce((sum, each) => sum + each, 0));
  const whole = times.reduce((sum, time_s) => sum + time_s, 0);
  const value = stages.reduce((sum, { rate }, i) => sum + rate * times[i], 0) / whole;
  return { stages, value };
}

/** Counts and times of units; null where a count is known of none of the requests that could tell. */
function known({ records, first, weights, times_s }: Turnover, count: CountOf): RatioUnits | null {
  let [answers, told, sum] = [0, 0, 0];
  const numerators = new Float64Array(times_s.length);
  let missing: Uint32Array | null = null; // seldom
  for (let i = 0; i < times_s.length; i++) {
    for (let r = first[i]; r < first[i + 1]; r++) {
      const value = count(records[r]);
      if (value === null) (missing ??= new Uint32Array(times_s.length))[i]++;
      else numerators[i] += value;
      if (records[r].failure !== null) continue;
      answers++;
      if (value === null) continue;
      told++;
      sum += value;
    }
  }
  if (told === 0 && answers > 0) return null;
  const mean = told > 0 ? sum / told : 0;
  const denominators = new Float64Array(times_s.length);
  let units = 0;
  for (let i = 0; i < times_s.length; i++) {
    // what was cut off and counts through others is not a separate unit
    if (!(weights[i] > 0)) continue;
    numerators[units] = weights[i] * (numerators[i] + (missing === null ? 0 : missing[i]) * mean);
    denominators[units++] = weights[i] * times_s[i];
  }
  return {
    numerators: numerators.subarray(0, units),
    denominators: denominators.subarray(0, units),
  };
}

function closedTurnover(
  records: readonly RequestRecord[],
  window: Window,
  gapsOf: GapsOf,
): Turnover {
  const stays = staysOf(records);
  const places = takenOver(stays, window).mean;
  if (!(places > 0)) return { ...NONE, places: 0 };
  const { records: own, first, start_ns, end_ns } = stays;
  const times_s = start_ns.map((from_ns, i) => {
    let more_ns = 0;
    for (let r = first[i]; r < first[i + 1]; r++) more_ns += moreAtFullLoad(own[r], window, gapsOf);
    return (end_ns[i] - from_ns + more_ns) / NS_PER_S / places;
  });
  return { records: own, first, weights: weightsOf(stays), times_s, places };
}

/**
 * How much longer an answer would have taken had the load not ended, ns: tokens that came in the drain,
 * where a server of fewer requests is faster, are counted at the pace of the same answer before it.
 */
function moreAtFullLoad(record: RequestRecord, window: Window, gapsOf: GapsOf): number {
  const { t_first_token_ns, t_last_token_ns, t_end_ns } = record;
  if (t_end_ns <= window.end_ns || t_first_token_ns === null) return 0;
  let before = 0;
  let t_ns = t_first_token_ns;
  const gaps = gapsOf(record);
  while (before < gaps.length && t_ns + gaps[before] * NS_PER_MS <= window.end_ns) {
    t_ns += gaps[before++] * NS_PER_MS;
  }
  const left = gaps.length - before;
  if (before < LEAST_GAPS || left === 0) return 0;
  const pace_ns = (t_ns - t_first_token_ns) / before;
  return left * pace_ns - (t_last_token_ns! - t_ns);
}

/**
 * As how many each stay counts. One that was cut off lasted at least so long: its weight goes to those
 * that lasted longer (E. Kaplan and P. Meier, JASA 53, 1958, as B. Efron redistributes to the right,
 * Proc. 5th Berkeley Symposium 4, 1967). Where none did, it counts as it was cut.
 */
function weightsOf({ records, first, start_ns, end_ns }: Stays): Float64Array {
  const weights = new Float64Array(start_ns.length).fill(1);
  const cut = new Uint8Array(start_ns.length);
  for (let i = 0; i < cut.length; i++) {
    for (let r = first[i]; r < first[i + 1]; r++) {
      if (records[r].failure === "unfinished") cut[i] = 1;
    }
  }
  if (!cut.includes(1)) return weights;
  const ns = end_ns.map((end, i) => end - start_ns[i]);
  const order = Uint32Array.from(ns, (_, i) => i).sort((a, b) => ns[a] - ns[b] || cut[a] - cut[b]);
  const last = order.findLastIndex((i) => cut[i] === 0);
  let handed = 0;
  order.forEach((i, place) => {
    weights[i] += handed;
    if (cut[i] === 0 || place >= last) return;
    handed += weights[i] / (order.length - place - 1);
    weights[i] = 0;
  });
  return weights;
}

function openTurnover(
  records: readonly RequestRecord[],
  window: Window,
  leftAt: (record: RequestRecord) => number | null,
): Turnover {
  const inside = records.filter((record) => {
    const t_ns = momentIn(record, window);
    return t_ns >= window.start_ns && t_ns <= window.end_ns;
  }).sort((a, b) => a.t_intended_ns - b.t_intended_ns);
  const n = inside.length;
  if (n === 0) return NONE;
  const turns = Float64Array.from(inside, ({ t_intended_ns }) => t_intended_ns);
  const last_ns = inside.reduce(
    (last, { t_ready_ns, t_intended_ns, t_sent_ns }) =>
      Math.max(last, t_sent_ns === null ? t_intended_ns : t_ready_ns),
    -Infinity,
  );
  // a stage that ended by its count ended one gap after its last turn
  const end_ns = window.end_ns > last_ns
    ? window.end_ns
    : turns[n - 1] + (turns[n - 1] - turns[0]) / Math.max(1, n - 1);
  const gone = inside.filter((record) => leftAt(record) !== null);
  const left = Float64Array.from(gone, (record) => leftAt(record)!).sort();
  const stage_ns = end_ns - window.start_ns;
  const more_ns = left.length
    ? (middleOf(left) - middleOf(turns)) / (1 - 2 * EDGE) * n / Math.max(1, n - 1)
    : 0;
  // of requests that only differ, a few long ones at one end would look like it
  const behind_ns = more_ns >
      2 * deviationOf(Float64Array.from(gone, (record) => leftAt(record)! - record.t_intended_ns))
    ? more_ns
    : 0;
  const whole_ns = stage_ns + behind_ns > 0
    ? stage_ns + behind_ns
    : Math.max(0, (left.at(-1) ?? 0) - window.start_ns);
  const times_s = turns.map((turn_ns, i) => {
    const from_ns = i === 0 ? window.start_ns : turn_ns;
    const to_ns = i === n - 1 ? end_ns : turns[i + 1];
    const share = stage_ns > 0 ? (to_ns - from_ns) / stage_ns : 1 / n;
    return share * whole_ns / NS_PER_S;
  });
  return {
    records: inside,
    first: Uint32Array.from({ length: n + 1 }, (_, i) => i),
    weights: new Float64Array(n).fill(1),
    times_s,
    places: null,
  };
}

/** From the first tenth of ascending times to the last, ns. */
function middleOf(sorted_ns: Float64Array): number {
  const at = (share: number) => {
    const place = share * (sorted_ns.length - 1);
    const [low, high] = [Math.floor(place), Math.ceil(place)];
    return sorted_ns[low] + (place - low) * (sorted_ns[high] - sorted_ns[low]);
  };
  return at(1 - EDGE) - at(EDGE);
}

function deviationOf(values: Float64Array): number {
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(
    values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length,
  );
}
