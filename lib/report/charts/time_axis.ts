/**
 * A time axis for a run that leaves out long pauses, such as between an interruption and a resume.
 */
import { busySeconds } from "../../suite/spans.ts";
import type { ItemSpan } from "./spans.ts";

/** A pause is left out if it is longer than this and longer than half of the time with requests. */
const LONG_PAUSE_S = 60;

/** A part of the run without a long pause; seconds after the first request. */
export interface Stretch {
  start_s: number;
  end_s: number;
  /** Where it starts on the axis, seconds. */
  at_s: number;
}

/** Stretches on one axis of `length_s` seconds, in order. */
export interface TimeAxis {
  stretches: Stretch[];
  length_s: number;
}

/** The axis for spans sorted by their start. */
export function timeAxis(spans: readonly ItemSpan[]): TimeAxis {
  let length_s = 0;
  const pause_s = Math.max(LONG_PAUSE_S, busySeconds(spans) / 2);
  const stretches = joined(spans, pause_s).map((part): Stretch => {
    const at_s = length_s;
    length_s += part.end_s - part.start_s;
    return { ...part, at_s };
  });
  return { stretches, length_s };
}

/** The position on the axis of a moment, given in seconds after the first request. */
export function onAxis({ stretches }: TimeAxis, moment_s: number): number {
  const stretch = stretches.findLast(({ start_s }) => start_s <= moment_s) ?? stretches[0];
  return stretch.at_s + Math.min(moment_s, stretch.end_s) - stretch.start_s;
}

/** Joins spans, sorted by their start, if the gap between them is at most `gap_s`. */
function joined(spans: readonly ItemSpan[], gap_s: number) {
  const parts: { start_s: number; end_s: number }[] = [];
  for (const { start_s, end_s } of spans) {
    const last = parts.at(-1);
    if (last && start_s - last.end_s <= gap_s) last.end_s = Math.max(last.end_s, end_s);
    else parts.push({ start_s, end_s });
  }
  return parts;
}
