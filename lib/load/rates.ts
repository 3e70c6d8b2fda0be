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
import { ratio, ratioEstimate } from "../stats/ratio.ts";
import { momentIn, staysOf, takenOver } from "./window.ts";
import type { Estimate } from "../stats/interval.ts";
import type { RatioUnit } from "../stats/ratio.ts";
import type { RequestRecord } from "../run/request_record.ts";
import type { Stay, Window } from "./window.ts";

/** Gives the gaps of a request, ms. */
export type GapsOf = (record: RequestRecord) => Float32Array;

/** Stretches of a stage's time, one after the other, with the requests that counts are taken of. */
export interface Turnover {
  /** A request, or the turns of a conversation. */
  units: {
    records: readonly RequestRecord[];
    /** As how many it counts: 1 unless requests were cut off. */
    weight: number;
    /** Of the stage's time, all places together. */
    time_s: number;
  }[];
  /** Times come by chance, as those of requests do, not from an arrival process. */
  random: boolean;
}

/** What a request adds to a sum; null is unknown. */
export type CountOf = (record: RequestRecord) => number | null;

const NS_PER_S = 1e9;
const NS_PER_MS = 1e6;
/** A pace told by fewer gaps is not taken for that of the rest. */
const LEAST_GAPS = 8;
/** Ends are held against turns from this share of them to its complement. */
const EDGE = 0.1;

/** What rates of a stage are taken of. */
export interface StageTurnover {
  /** What came of its requests. */
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
 * The same with its 95 % interval, from how units vary within their stages: that stages differ is
 * no chance. Null where fewer than 8 units are known.
 */
export function rateEstimate(turnovers: readonly Turnover[], count: CountOf): Estimate | null {
  const found = overStages(turnovers, count);
  if (found === null) return null;
  const { stages, value } = found;
  if (stages.length === 1) return ratioEstimate(stages[0].units, stages[0]);
  const units = stages.flatMap(({ units, rate }) =>
    units.map(({ numerator, denominator }) => ({
      numerator: numerator + (value - rate) * denominator,
      denominator,
    }))
  );
  const estimate = ratioEstimate(units, { random: false });
  return estimate && {
    ...estimate,
    value,
    low: Math.max(0, Math.min(value, estimate.low)),
    high: Math.max(value, estimate.high),
  };
}

/** The stage's time that its requests took together, seconds. */
export function stageTimeOf({ units }: Turnover): number {
  return units.reduce((sum, { weight, time_s }) => sum + weight * time_s, 0);
}

function overStages(turnovers: readonly Turnover[], count: CountOf) {
  const stages = turnovers.flatMap(({ units: all, random }) => {
    const units = known(all, count);
    const rate = units && ratio(units, { random });
    return units === null || rate === null ? [] : [{ units, random, rate }];
  });
  if (stages.length === 0) return null;
  const times = stages.map(({ units }) => units.reduce((sum, each) => sum + each.denominator, 0));
  const whole = times.reduce((sum, time_s) => sum + time_s, 0);
  const value = stages.reduce((sum, { rate }, i) => sum + rate * times[i], 0) / whole;
  return { stages, value };
}

/** Counts and times of units; null where a count is known of none of the requests that could tell. */
function known(units: Turnover["units"], count: CountOf): RatioUnit[] | null {
  let [answers, told, sum] = [0, 0, 0];
  const counted = units.map(({ records, weight, time_s }) => {
    let [numerator, missing] = [0, 0];
    for (const record of records) {
      const value = count(record);
      if (value === null) missing++;
      else numerator += value;
      if (record.failure !== null) continue;
      answers++;
      if (value === null) continue;
      told++;
      sum += value;
    }
    return { numerator, missing, weight, denominator: weight * time_s };
  });
  if (told === 0 && answers > 0) return null;
  const mean = told > 0 ? sum / told : 0;
  return counted.map(({ numerator, missing, weight, denominator }) => ({
    numerator: weight * (numerator + missing * mean),
    denominator,
  }));
}

function closedTurnover(
  records: readonly RequestRecord[],
  window: Window,
  gapsOf: GapsOf,
): Turnover {
  const stays = staysOf(records);
  const places = takenOver(stays, window).mean;
  if (!(places > 0)) return { units: [], random: true };
  const weights = weightsOf(stays);
  const units = stays.map((stay, i) => ({
    records: stay.records,
    weight: weights[i],
    time_s: timeAtFullLoad(stay, window, gapsOf) / NS_PER_S / places,
  })).filter(({ weight }) => weight > 0);
  return { units, random: true };
}

/**
 * How long a stay would have taken had the load not ended, ns: tokens that came in the drain, where a
 * server of fewer requests is faster, are counted at the pace of the same answer before it.
 */
function timeAtFullLoad({ records, start_ns, end_ns }: Stay, window: Window, gapsOf: GapsOf) {
  let more_ns = 0;
  for (const record of records) {
    const { t_first_token_ns, t_last_token_ns, t_end_ns } = record;
    if (t_end_ns <= window.end_ns || t_first_token_ns === null) continue;
    let before = 0;
    let t_ns = t_first_token_ns;
    const gaps = gapsOf(record);
    while (before < gaps.length && t_ns + gaps[before] * NS_PER_MS <= window.end_ns) {
      t_ns += gaps[before++] * NS_PER_MS;
    }
    const left = gaps.length - before;
    if (before < LEAST_GAPS || left === 0) continue;
    const pace_ns = (t_ns - t_first_token_ns) / before;
    more_ns += left * pace_ns - (t_last_token_ns! - t_ns);
  }
  return end_ns - start_ns + more_ns;
}

/**
 * As how many each stay counts. One that was cut off lasted at least so long: its weight goes to those
 * that lasted longer (E. Kaplan and P. Meier, JASA 53, 1958, as B. Efron redistributes to the right,
 * Proc. 5th Berkeley Symposium 4, 1967). Where none did, it counts as it was cut.
 */
function weightsOf(stays: readonly Stay[]): number[] {
  const isCut = ({ records }: Stay) => records.some(({ failure }) => failure === "unfinished");
  const weights = stays.map(() => 1);
  if (!stays.some(isCut)) return weights;
  const order = stays.map((stay, i) => ({ i, cut: isCut(stay), ns: stay.end_ns - stay.start_ns }))
    .sort((a, b) => a.ns - b.ns || Number(a.cut) - Number(b.cut));
  const last = order.findLastIndex(({ cut }) => !cut);
  let handed = 0;
  order.forEach(({ i, cut }, place) => {
    weights[i] += handed;
    if (!cut || place >= last) return;
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
  if (n === 0) return { units: [], random: false };
  const turns = inside.map(({ t_intended_ns }) => t_intended_ns);
  const last_ns = inside.reduce(
    (last, { t_ready_ns, t_intended_ns, t_sent_ns }) =>
      Math.max(last, t_sent_ns === null ? t_intended_ns : t_ready_ns),
    -Infinity,
  );
  // a stage that ended by its count ended one gap after its last turn
  const end_ns = window.end_ns > last_ns
    ? window.end_ns
    : turns[n - 1] + (turns[n - 1] - turns[0]) / Math.max(1, n - 1);
  const gone = inside.flatMap((record) => {
    const t_ns = leftAt(record);
    return t_ns === null ? [] : [{ t_ns, after_ns: t_ns - record.t_intended_ns }];
  });
  const left = gone.map(({ t_ns }) => t_ns).sort((a, b) => a - b);
  const stage_ns = end_ns - window.start_ns;
  const more_ns = left.length
    ? (middleOf(left) - middleOf(turns)) / (1 - 2 * EDGE) * n / Math.max(1, n - 1)
    : 0;
  // of requests that only differ, a few long ones at one end would look like it
  const behind_ns = more_ns > 2 * deviationOf(gone.map(({ after_ns }) => after_ns)) ? more_ns : 0;
  const whole_ns = stage_ns + behind_ns > 0
    ? stage_ns + behind_ns
    : Math.max(0, (left.at(-1) ?? 0) - window.start_ns);
  const units = inside.map((record, i) => {
    const from_ns = i === 0 ? window.start_ns : turns[i];
    const to_ns = i === n - 1 ? end_ns : turns[i + 1];
    const share = stage_ns > 0 ? (to_ns - from_ns) / stage_ns : 1 / n;
    return { records: [record], weight: 1, time_s: share * whole_ns / NS_PER_S };
  });
  return { units, random: false };
}

/** From the first tenth of ascending times to the last, ns. */
function middleOf(sorted_ns: readonly number[]): number {
  const at = (share: number) => {
    const place = share * (sorted_ns.length - 1);
    const [low, high] = [Math.floor(place), Math.ceil(place)];
    return sorted_ns[low] + (place - low) * (sorted_ns[high] - sorted_ns[low]);
  };
  return at(1 - EDGE) - at(EDGE);
}

function deviationOf(values: readonly number[]): number {
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(
    values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length,
  );
}
