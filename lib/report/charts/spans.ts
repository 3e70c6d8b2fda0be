/** Requests as spans of time. */
import type { ResultItem } from "../../suite/results.ts";

const NS_PER_S = 1e9;

/** A request that was sent, in seconds after the first one. */
export interface RequestSpan {
  item: ResultItem;
  start_s: number;
  end_s: number;
}

/** The requests that were sent, by their start; `origin_ns` is the first one's. */
export function requestSpans(
  items: readonly ResultItem[],
): { spans: RequestSpan[]; origin_ns: number; end_s: number } {
  const sent = items.filter((item) => item.t_sent_ns !== null && item.e2e_ms !== null);
  const origin_ns = sent.reduce((first, item) => Math.min(first, item.t_sent_ns!), Infinity);
  const spans = sent.map((item): RequestSpan => {
    const start_s = (item.t_sent_ns! - origin_ns) / NS_PER_S;
    return { item, start_s, end_s: start_s + item.e2e_ms! / 1000 };
  }).sort((a, b) => a.start_s - b.start_s);
  return { spans, origin_ns, end_s: spans.reduce((last, span) => Math.max(last, span.end_s), 0) };
}

/** Gives each request the lowest lane that is free when it starts. */
export function inLanes(
  spans: readonly RequestSpan[],
): { lanes: number; placed: [RequestSpan, lane: number][] } {
  const freeAt_s: number[] = [];
  const placed = spans.map((span): [RequestSpan, number] => {
    let lane = freeAt_s.findIndex((free_s) => free_s <= span.start_s);
    if (lane < 0) lane = freeAt_s.length;
    freeAt_s[lane] = span.end_s;
    return [span, lane];
  });
  return { lanes: freeAt_s.length, placed };
}
