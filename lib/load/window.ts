/** The measured window of a stage: in a closed loop without its ramp and its drain. */
import { isOpen } from "./stages.ts";
import type { LoadStage } from "./stages.ts";
import type { RequestRecord } from "../run/request_record.ts";

/** The span of time that figures are of. */
export interface Window {
  /** CLOCK_MONOTONIC nanoseconds. */
  start_ns: number;
  /** CLOCK_MONOTONIC nanoseconds. */
  end_ns: number;
  /**
   * Which requests count. Open loop: those whose turn lay in the window, whatever came of them. Closed
   * loop: those that ended in it, since the others saw the ramp or the drain.
   */
  counts: "turn" | "end";
  /** How it was chosen, in words. */
  rule: string;
}

/** The moment by which a request counts in a window or does not. */
export function momentIn({ t_intended_ns, t_end_ns }: RequestRecord, { counts }: Window): number {
  return counts === "turn" ? t_intended_ns : t_end_ns;
}

/** Whether a request counts in a window. */
export function isInside(record: RequestRecord, window: Window): boolean {
  const t_ns = momentIn(record, window);
  return t_ns >= window.start_ns && t_ns <= window.end_ns;
}

/**
 * The window of a stage. Open loop: the stage itself. Closed loop: from when the wanted number of
 * requests was in flight first until it was so last; where it never was, or only for a while,
 * from the first to the last request.
 *
 * @param records those of the stage.
 */
export function windowOf(
  stage: LoadStage,
  span: { start_ns: number; end_ns: number },
  records: readonly RequestRecord[],
): Window {
  const sent = records.filter((record) => record.t_sent_ns !== null);
  if (isOpen(stage)) {
    const last_ns = records.reduce(
      (last, { t_sent_ns, t_ready_ns, t_intended_ns }) =>
        Math.max(last, t_sent_ns === null ? t_intended_ns : t_ready_ns),
      span.start_ns,
    );
    // a stage that ends by its count has no end of its own
    const end_ns = stage.duration_s === null ? last_ns : span.end_ns;
    return { start_ns: span.start_ns, end_ns, counts: "turn", rule: "the whole stage" };
  }
  const wanted = stage.concurrency!;
  const full = fullSpan(sent, wanted);
  const outside =
    sent.filter(({ t_end_ns }) =>
      full === null || t_end_ns < full.start_ns || t_end_ns > full.end_ns
    ).length;
  // a ramp and a drain are of fewer than `wanted` each
  if (full !== null && outside <= 2 * wanted) {
    return { ...full, counts: "end", rule: `${wanted} in flight: without ramp and drain` };
  }
  const start_ns = sent.reduce((first, { t_sent_ns }) => Math.min(first, t_sent_ns!), Infinity);
  const end_ns = sent.reduce((last, { t_end_ns }) => Math.max(last, t_end_ns), -Infinity);
  if (sent.length === 0) return { ...span, counts: "turn", rule: "nothing was sent" };
  return {
    start_ns,
    end_ns,
    counts: "end",
    rule: `from the first to the last request: ${
      full === null ? "never" : "seldom"
    } ${wanted} in flight`,
  };
}

/** From the first to the last moment at which so many were in flight; null where they never were. */
function fullSpan(
  records: readonly RequestRecord[],
  wanted: number,
): { start_ns: number; end_ns: number } | null {
  let first = Infinity;
  let last = -Infinity;
  sweep(records, (t_ns, in_flight, before) => {
    if (in_flight >= wanted && first === Infinity) first = t_ns;
    if (before >= wanted) last = t_ns;
  });
  return last > first ? { start_ns: first, end_ns: last } : null;
}

/** The mean and the greatest number of requests in flight over a window. */
export function inFlight(
  records: readonly RequestRecord[],
  { start_ns, end_ns }: { start_ns: number; end_ns: number },
): { mean: number; max: number } {
  let area = 0;
  let max = 0;
  let since = start_ns;
  const count = (t_ns: number, in_flight: number) => {
    const until = Math.min(Math.max(t_ns, start_ns), end_ns);
    if (until > since) {
      area += in_flight * (until - since);
      max = Math.max(max, in_flight);
      since = until;
    }
  };
  let current = 0;
  sweep(records.filter((record) => record.t_sent_ns !== null), (t_ns, in_flight, before) => {
    count(t_ns, before);
    current = in_flight;
  });
  count(end_ns, current);
  return { mean: end_ns > start_ns ? area / (end_ns - start_ns) : 0, max };
}

/** Visits every change of the number in flight, in the order of time. */
function sweep(
  records: readonly RequestRecord[],
  visit: (t_ns: number, in_flight: number, before: number) => void,
): void {
  const starts = Float64Array.from(records, ({ t_sent_ns }) => t_sent_ns!).sort();
  const ends = Float64Array.from(records, ({ t_end_ns }) => t_end_ns).sort();
  let in_flight = 0;
  for (let s = 0, e = 0; e < ends.length;) {
    // one that ends as another starts has made room for it
    const isStart = s < starts.length && starts[s] < ends[e];
    const before = in_flight;
    in_flight += isStart ? 1 : -1;
    visit(isStart ? starts[s++] : ends[e++], in_flight, before);
  }
}
