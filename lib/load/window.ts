/** The measured window of a stage; in a closed loop it excludes the ramp-up and the drain. */
import { isOpen, type LoadStage } from "./stages.ts";
import type { RequestRecord } from "../run/request_record.ts";

/** The span of time that figures cover. */
export interface Window {
  /** CLOCK_MONOTONIC nanoseconds. */
  start_ns: number;
  /** CLOCK_MONOTONIC nanoseconds. */
  end_ns: number;
  /**
   * Which requests count. "turn", an open loop: those whose intended time is in the window,
   * whatever their outcome. "stage", a closed loop: all requests of the stage, each in full; the
   * window is when its places were taken. "end", a closed loop of an earlier dyno: those that ended
   * in the window.
   */
  counts: "turn" | "stage" | "end";
  /**
   * Whether a closed loop's places were all taken; null for an open loop. Earlier versions of dyno
   * recorded none.
   */
  kept?: "throughout" | "seldom" | "never" | null;
  /** How it was chosen, in words. */
  rule: string;
}

/**
 * The moment that decides whether a request is in the window: its intended time in an open loop,
 * its end in a closed one.
 */
export function momentIn({ t_intended_ns, t_end_ns }: RequestRecord, { counts }: Window): number {
  return counts === "turn" ? t_intended_ns : t_end_ns;
}

/** Whether a request of a stage counts in its window. */
export function isInside(record: RequestRecord, window: Window): boolean {
  if (window.counts === "stage") return true;
  const t_ns = momentIn(record, window);
  return t_ns >= window.start_ns && t_ns <= window.end_ns;
}

/**
 * Returns the window of a stage. Open loop: the stage itself. Closed loop: from the first to the
 * last moment at which all its places were taken; where they never were, or only for a while, from
 * the first to the last request.
 *
 * @param records the requests of the stage.
 */
export function windowOf(
  stage: LoadStage,
  span: { start_ns: number; end_ns: number },
  records: readonly RequestRecord[],
): Window {
  if (isOpen(stage)) {
    const last_ns = records.reduce(
      (last, { t_sent_ns, t_ready_ns, t_intended_ns }) =>
        Math.max(last, t_sent_ns === null ? t_intended_ns : t_ready_ns),
      span.start_ns,
    );
    // a stage that ends by its count has no other end
    const end_ns = stage.duration_s === null ? last_ns : span.end_ns;
    return { start_ns: span.start_ns, end_ns, counts: "turn", kept: null, rule: "the whole stage" };
  }
  const wanted = stage.concurrency!;
  const stays = staysOf(records);
  const full = fullSpan(stays, wanted);
  let outside = 0;
  for (const end_ns of stays.end_ns) {
    if (full === null || end_ns < full.start_ns || end_ns > full.end_ns) outside++;
  }
  // a ramp-up and a drain have fewer than `wanted` requests each
  if (full !== null && outside <= 2 * wanted) {
    const rule = `${wanted} in flight: without ramp and drain`;
    return { ...full, counts: "stage", kept: "throughout", rule };
  }
  const kept = full === null ? "never" : "seldom";
  if (stays.records.length === 0) {
    return { ...span, counts: "turn", kept, rule: "nothing was sent" };
  }
  return {
    start_ns: stays.start_ns[0],
    end_ns: stays.end_ns.reduce((last, end_ns) => Math.max(last, end_ns)),
    counts: "stage",
    kept,
    rule: `from the first to the last request: ${kept} ${wanted} in flight`,
  };
}

/** Spans on CLOCK_MONOTONIC, nanoseconds: their starts and ends. */
export interface Spans {
  start_ns: Float64Array;
  end_ns: Float64Array;
}

/**
 * Stays in places of a closed loop, ordered by their starts. A stay is one request, or the turns of
 * a conversation.
 */
export interface Stays extends Spans {
  /** The requests, grouped by stay. */
  records: readonly RequestRecord[];
  /** The index of each stay's first record, and at the end the total number of records. */
  first: Uint32Array;
}

/** A span on CLOCK_MONOTONIC, nanoseconds. */
export interface Span {
  start_ns: number;
  end_ns: number;
}

/**
 * Returns how long each place of a closed loop was taken, ordered by start: from when a request got
 * the place until it ended. A conversation keeps its place while its user thinks.
 */
export function staysOf(records: readonly RequestRecord[]): Stays {
  const kept = records.filter(({ failure }) => failure !== "unsent");
  const conversations = new Map<number, number>();
  let count = 0;
  const stayOf = Uint32Array.from(kept, ({ conversation }) => {
    if (conversation === null) return count++;
    const known = conversations.get(conversation);
    if (known !== undefined) return known;
    conversations.set(conversation, count);
    return count++;
  });
  const starts = new Float64Array(count).fill(Infinity);
  const ends = new Float64Array(count).fill(-Infinity);
  kept.forEach(({ t_ready_ns, t_end_ns }, i) => {
    const stay = stayOf[i];
    starts[stay] = Math.min(starts[stay], t_ready_ns);
    ends[stay] = Math.max(ends[stay], t_end_ns);
  });
  const order = Uint32Array.from({ length: count }, (_, i) => i)
    .sort((a, b) => starts[a] - starts[b] || a - b);
  const place = new Uint32Array(count);
  order.forEach((stay, i) => place[stay] = i);
  const first = new Uint32Array(count + 1);
  for (const stay of stayOf) first[place[stay] + 1]++;
  for (let i = 0; i < count; i++) first[i + 1] += first[i];
  const next = first.slice();
  const sorted = new Array<RequestRecord>(kept.length);
  kept.forEach((record, i) => sorted[next[place[stayOf[i]]]++] = record);
  return {
    records: sorted,
    first,
    start_ns: Float64Array.from(order, (stay) => starts[stay]),
    end_ns: Float64Array.from(order, (stay) => ends[stay]),
  };
}

/** From the first to the last moment at which at least `wanted` spans overlap; null where they never do. */
function fullSpan(spans: Spans, wanted: number): Span | null {
  let first = Infinity;
  let last = -Infinity;
  sweep(spans, (t_ns, taken, before) => {
    if (taken >= wanted && first === Infinity) first = t_ns;
    if (before >= wanted) last = t_ns;
  });
  return last > first ? { start_ns: first, end_ns: last } : null;
}

/** Returns the mean and the maximum number of requests in flight over a window. */
export function inFlight(
  records: readonly RequestRecord[],
  window: Span,
): { mean: number; max: number } {
  const sent = records.filter(({ t_sent_ns }) => t_sent_ns !== null);
  return takenOver({
    start_ns: Float64Array.from(sent, ({ t_sent_ns }) => t_sent_ns!),
    end_ns: Float64Array.from(sent, ({ t_end_ns }) => t_end_ns),
  }, window);
}

/** Returns the mean and the maximum number of overlapping spans in a window. */
export function takenOver(
  spans: Spans,
  { start_ns, end_ns }: Span,
): { mean: number; max: number } {
  let area = 0;
  let max = 0;
  let since = start_ns;
  const count = (t_ns: number, taken: number) => {
    const until = Math.min(Math.max(t_ns, start_ns), end_ns);
    if (until > since) {
      area += taken * (until - since);
      max = Math.max(max, taken);
      since = until;
    }
  };
  let current = 0;
  sweep(spans, (t_ns, taken, before) => {
    count(t_ns, before);
    current = taken;
  });
  count(end_ns, current);
  return { mean: end_ns > start_ns ? area / (end_ns - start_ns) : 0, max };
}

/** Visits every change in the number of overlapping spans, in order of time. */
function sweep(
  { start_ns, end_ns }: Spans,
  visit: (t_ns: number, taken: number, before: number) => void,
): void {
  const starts = start_ns.toSorted();
  const ends = end_ns.toSorted();
  let taken = 0;
  for (let s = 0, e = 0; e < ends.length;) {
    // a span that ends when another starts has made room for it
    const isStart = s < starts.length && starts[s] < ends[e];
    const before = taken;
    taken += isStart ? 1 : -1;
    visit(isStart ? starts[s++] : ends[e++], taken, before);
  }
}
