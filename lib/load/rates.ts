/**
 * Rates of a load: answers, tokens and good requests per second, all by one rule.
 *
 * A closed loop of c places is a renewal process: its rate is c / E[time of a request]. Counting
 * the requests that end within a window would leave out the work done on those in flight at its
 * end, c − 1 of N; counting shares of requests within it would be too high at the start, where all
 * begin together. So every request of the stage counts in full, over the time that it held its
 * place: rate = places · Σ counts / Σ times, where places is the average number taken over the
 * window (J. Little, Operations Research 9, 1961; S. Ross, Introduction to Probability Models, 7.4,
 * renewal rewards). This must include the requests in flight when sending ends: without them the
 * times would be too short (Wald's equation).
 *
 * In an open loop, requests arrive independently of the server. Its rate is their count over the
 * duration of the stage, extended by as much as their ends are more spread out than their intended
 * times, so that the rate shows when a server falls behind.
 */
import { ratio, ratioEstimate, type RatioUnits } from "../stats/ratio.ts";
import { momentIn, type Stays, staysOf, takenOver, type Window } from "./window.ts";
import type { Estimate } from "../stats/interval.ts";
import type { RequestRecord } from "../run/request_record.ts";

/** Returns the gaps between a request's token events, ms. */
export type GapsOf = (record: RequestRecord) => Float32Array;

/**
 * A stage's time, split into consecutive stretches. Each has the requests whose counts belong to
 * it: one request, or the turns of a conversation. Stored in columns, since there may be a million.
 */
export interface Turnover {
  /** The requests, grouped by stretch. */
  records: readonly RequestRecord[];
  /** The index of each stretch's first record, and at the end the total number of records. */
  first: Uint32Array;
  /** The weight of each stretch: 1 unless requests were cut off. */
  weights: Float64Array;
  /** The part of the stage's time that each stretch stands for, all places together. */
  times_s: Float64Array;
  /** Closed loop: the average number of places taken. Null for an open loop, whose times are given. */
  places: number | null;
}

/** What a request adds to a sum; null where unknown. */
export type CountOf = (record: RequestRecord) => number | null;

const NS_PER_S = 1e9;
const NS_PER_MS = 1e6;
/** A pace measured over fewer gaps is not applied to the rest of an answer. */
const LEAST_GAPS = 8;
/** Ends and intended times are compared between this quantile and its complement. */
const EDGE = 0.1;
/** The turnover of a stage in which nothing was sent. */
const NONE: Turnover = {
  records: [],
  first: new Uint32Array(1),
  weights: new Float64Array(),
  times_s: new Float64Array(),
  places: null,
};

/** What a stage's rates are computed from. */
export interface StageTurnover {
  /** For the outcome of its requests. */
  ends: Turnover;
  /** For how fast they were sent, regardless of their outcome. */
  sends: Turnover;
}

/**
 * Returns the turnover of a stage.
 *
 * @param records the requests of the stage, without the warm-up.
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
 * Returns a count per second; over several stages, the mean weighted by their times. Requests whose
 * count is unknown are assumed to be like the others of their stage. Null where no count is known.
 */
export function rateOf(turnovers: readonly Turnover[], count: CountOf): number | null {
  return overStages(turnovers, count)?.value ?? null;
}

/**
 * Returns the same rate with its 95 % interval. The interval reflects how units vary within their
 * stage: differences between stages are not due to chance. Null where fewer than 8 units are known.
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

/** Returns the same stretches of time with only some of the requests: what those add to each rate. */
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
 * Returns the average number of requests in flight: the time that they took divided by the time of
 * the stage, which is the number in flight at its rate (Little's law). In a closed loop it is the
 * number of places minus the time in which a place was taken and nothing was sent. The window alone
 * would show the start of a short load, where connections are opened, but not its end. Over several
 * stages it is the mean weighted by their times, as for rates.
 *
 * @param connecting whether a request counts as in flight while its connection is opened.
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

/** Counts and times of units; null where the count is unknown for every answered request. */
function known({ records, first, weights, times_s }: Turnover, count: CountOf): RatioUnits | null {
  let [answers, told, sum] = [0, 0, 0];
  const numerators = new Float64Array(times_s.length);
  let missing: Uint32Array | null = null; // rarely needed
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
    // a request that was cut off gave its weight to others and is not a separate unit
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
 * How much longer an answer would have taken if the load had not ended, ns. Tokens that came after
 * the window, when fewer requests made the server faster, are timed at the answer's earlier pace.
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
 * The weight of each stay. A request that was cut off would have lasted longer, so its weight goes
 * to those that did (E. Kaplan and P. Meier, JASA 53, 1958, as B. Efron redistributes to the right,
 * Proc. 5th Berkeley Symposium 4, 1967). Where none lasted longer, it counts as it is.
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
  // a stage that ends by its count ends one mean gap after its last intended time
  const end_ns = window.end_ns > last_ns
    ? window.end_ns
    : turns[n - 1] + (turns[n - 1] - turns[0]) / Math.max(1, n - 1);
  const gone = inside.filter((record) => leftAt(record) !== null);
  const left = Float64Array.from(gone, (record) => leftAt(record)!).sort();
  const stage_ns = end_ns - window.start_ns;
  const more_ns = left.length
    ? (middleOf(left) - middleOf(turns)) / (1 - 2 * EDGE) * n / Math.max(1, n - 1)
    : 0;
  // a few long requests at one end look the same, so a small difference is ignored
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

/** The time from the 10th to the 90th percentile of ascending times, ns. */
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
