/** Request records as time series. */
import { latencies } from "../../endpoint/latency.ts";
import { timeStep } from "../charts/scales.ts";
import type { Points } from "../charts/host_panels.ts";
import type { RequestRecord } from "../../run/request_record.ts";

const NS_PER_S = 1e9;
/** Rates are per whole second, unless the run is shorter than this. */
const SHORT_RUN_S = 20;
const MOST_RATES = 300;
const INTERVALS = 400;
/** How many points are kept from each part of a scatter with too many points. */
const KEPT_OF_PART = 4;

/** A request that was sent. */
export type SentRequest = RequestRecord & { t_sent_ns: number };

/** The sent requests, in order; second 0 is the sending of the first one. */
export interface LoadSpan {
  sent: SentRequest[];
  origin_ns: number;
  length_s: number;
}

/** The sent requests of a run; null if there are none. */
export function loadSpan(records: readonly RequestRecord[]): LoadSpan | null {
  const sent = records.filter((each): each is SentRequest => each.t_sent_ns !== null)
    .sort((a, b) => a.t_sent_ns - b.t_sent_ns);
  if (sent.length === 0) return null;
  const origin_ns = sent[0].t_sent_ns;
  const end_ns = sent.reduce((last, { t_end_ns }) => Math.max(last, t_end_ns), origin_ns);
  return { sent, origin_ns, length_s: Math.max((end_ns - origin_ns) / NS_PER_S, 1e-3) };
}

/** Events per second. */
export interface Rates {
  step_s: number;
  sent: Points;
  answered: Points;
  failed: Points;
}

/** Requests sent, answered and failed per second; each point is the middle of an interval. */
export function requestRates({ sent, origin_ns, length_s }: LoadSpan): Rates {
  const least_s = length_s < SHORT_RUN_S ? 0.2 : 1;
  const wished_s = Math.max(least_s, timeStep(length_s, MOST_RATES));
  const count = Math.max(1, Math.round(length_s / wished_s));
  const step_s = length_s / count;
  const counts = { sent: zeros(count), answered: zeros(count), failed: zeros(count) };
  const at = (t_ns: number) =>
    Math.min(count - 1, Math.floor((t_ns - origin_ns) / NS_PER_S / step_s));
  for (const { t_sent_ns, t_end_ns, failure } of sent) {
    counts.sent[at(t_sent_ns)]++;
    if (failure === null) counts.answered[at(t_end_ns)]++;
    else if (failure !== "cancelled") counts.failed[at(t_end_ns)]++;
  }
  const points = (values: Float64Array): Points =>
    Array.from(values, (value, i) => [(i + 0.5) * step_s, value / step_s]);
  return {
    step_s,
    sent: points(counts.sent),
    answered: points(counts.answered),
    failed: points(counts.failed),
  };
}

/**
 * Requests in flight by what they wait for, as the mean of each of 400 intervals. Of a sequence of
 * equal values only the first and last are returned: the line between them covers the rest.
 */
export function inFlightSteps({ sent, origin_ns, length_s }: LoadSpan): {
  first_token: Points;
  last_token: Points;
} {
  const width_s = length_s / INTERVALS;
  const before = zeros(INTERVALS), after = zeros(INTERVALS);
  const place = (t_ns: number) => (t_ns - origin_ns) / NS_PER_S / width_s;
  for (const { t_sent_ns, t_first_token_ns, t_end_ns } of sent) {
    const turn = place(t_first_token_ns ?? t_end_ns);
    addSpan(before, place(t_sent_ns), turn);
    addSpan(after, turn, place(t_end_ns));
  }
  const turns = Array.from(before.keys()).filter((i) =>
    [before, after].some((means) => means[i] !== means[i - 1] || means[i] !== means[i + 1])
  );
  const points = (means: Float64Array): Points => turns.map((i) => [(i + 0.5) * width_s, means[i]]);
  return { first_token: points(before), last_token: points(after) };
}

/** Adds to each interval the share of it that [from, to] covers. */
function addSpan(sums: Float64Array, from: number, to: number): void {
  for (let i = Math.floor(from); i < Math.min(to, sums.length); i++) {
    sums[i] += Math.min(to, i + 1) - Math.max(from, i);
  }
}

/** The ttft, ms, of each request that had a first token, over the second of its sending. */
export function firstTokens({ sent, origin_ns }: LoadSpan): Points {
  return sent.flatMap((request): Points => {
    const { ttft_ms } = latencies(request);
    return ttft_ms === null ? [] : [[(request.t_sent_ns - origin_ns) / NS_PER_S, ttft_ms]];
  });
}

/**
 * At most `most` of the points, in order. Each part with the same number of points keeps its
 * lowest, its highest and some in between, so that no outlier is lost.
 */
export function thinned(points: Points, most: number): Points {
  if (points.length <= most) return points;
  const parts = Math.floor(most / KEPT_OF_PART);
  const kept: Points = [];
  for (let part = 0; part < parts; part++) {
    const from = Math.floor(part * points.length / parts);
    const to = Math.floor((part + 1) * points.length / parts);
    const third = (to - from) / 3;
    const chosen = new Set([
      from + Math.floor(third / 2),
      from + Math.floor(third * 2.5),
      lowest(points, from, to, 1),
      lowest(points, from, to, -1),
    ]);
    for (const i of [...chosen].sort((a, b) => a - b)) kept.push(points[i]);
  }
  return kept;
}

/** The index of the lowest value, or with sign −1 of the highest. */
function lowest(points: Points, from: number, to: number, sign: 1 | -1): number {
  let best = from;
  for (let i = from + 1; i < to; i++) {
    if (sign * points[i][1] < sign * points[best][1]) best = i;
  }
  return best;
}

function zeros(length: number): Float64Array {
  return new Float64Array(length);
}
