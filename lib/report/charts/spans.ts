/** Places overlapping requests in lanes. */
import type { ResultItem } from "../../suite/results.ts";
import type { RequestSpan } from "../../suite/spans.ts";

/** An item's request. */
export type ItemSpan = RequestSpan<ResultItem>;

/** Gives each request the lowest lane that is free at its start. */
export function inLanes<Span extends Pick<ItemSpan, "start_s" | "end_s">>(
  spans: readonly Span[],
): { lanes: number; placed: [Span, lane: number][] } {
  const freeAt_s: number[] = [];
  const placed = spans.map((span): [Span, number] => {
    let lane = freeAt_s.findIndex((free_s) => free_s <= span.start_s);
    if (lane < 0) lane = freeAt_s.length;
    freeAt_s[lane] = span.end_s;
    return [span, lane];
  });
  return { lanes: freeAt_s.length, placed };
}
