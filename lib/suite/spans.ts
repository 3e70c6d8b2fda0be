/** Requests as intervals of time. */
import type { ResultTiming, TestResult, TimedAnswer } from "../run/test_result.ts";

const NS_PER_S = 1e9;

interface Timed {
  t_sent_ns: number | null;
  e2e_ms: number | null;
  exchanges?: TimedAnswer[];
}

/** Converts results of questions to exchanges of a test; results without an end time are left out. */
export function exchangesOf(
  asked: readonly Pick<TestResult, "success" | "completion_tokens" | "timing">[],
): TimedAnswer[] {
  const timed = asked.filter((one): one is typeof one & { timing: ResultTiming } =>
    one.timing !== null
  );
  return timed.map(({ success, completion_tokens, timing: { t_sent_ns, e2e_ms, ttft_ms } }) => ({
    ...{ success, completion_tokens, t_sent_ns, e2e_ms, ttft_ms },
  }));
}

/** A request that was sent, in seconds after the first one. */
export interface RequestSpan<Item> {
  /** The test; if it took several questions, with this question's values. */
  item: Item;
  start_s: number;
  end_s: number;
}

/** The requests that were sent, by start time; `origin_ns` is the start of the first one. */
export function requestSpans<Item extends Timed>(
  items: readonly Item[],
): { spans: RequestSpan<Item>[]; origin_ns: number; end_s: number } {
  const asked = items.flatMap((item) =>
    item.exchanges === undefined
      ? [item]
      : item.exchanges.map((exchange): Item => ({ ...item, ...exchange }))
  );
  const sent = asked.filter((item) => item.t_sent_ns !== null && item.e2e_ms !== null);
  const origin_ns = sent.reduce((first, item) => Math.min(first, item.t_sent_ns!), Infinity);
  const spans = sent.map((item): RequestSpan<Item> => {
    const start_s = (item.t_sent_ns! - origin_ns) / NS_PER_S;
    return { item, start_s, end_s: start_s + item.e2e_ms! / 1000 };
  }).sort((a, b) => a.start_s - b.start_s);
  return { spans, origin_ns, end_s: spans.reduce((last, span) => Math.max(last, span.end_s), 0) };
}

/** Seconds in which at least one request was in flight. @param spans sorted by start time. */
export function busySeconds(spans: readonly { start_s: number; end_s: number }[]): number {
  let busy_s = 0, until_s = -Infinity;
  for (const { start_s, end_s } of spans) {
    busy_s += Math.max(0, end_s - Math.max(start_s, until_s));
    until_s = Math.max(until_s, end_s);
  }
  return busy_s;
}
