/** The time that a schedule follows: the wall clock, or a clock that runs faster. */
import { sleep } from "../execute/sleep.ts";
import type { Rehearsal } from "../run/batch_events.ts";

/** The clock of a batch. */
export interface BatchClock {
  /** Milliseconds since 1970; may jump. */
  now_ms(): number;
  /** Elapsed milliseconds, on a clock that cannot be set. */
  elapsed_ms(): number;
  /** Waits at most `ms` of this clock's time. @throws {CancelledError} the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** How many of its seconds pass per real second. */
  speed: number;
}

/** A wait is re-checked after this long, because the clock may have been set; real milliseconds. */
const LONGEST_WAIT_MS = 10_000;

/** The wall clock. */
export const wallClock: BatchClock = {
  now_ms: () => Date.now(),
  elapsed_ms: () => performance.now(),
  wait: (ms, signal) => sleep(Math.min(ms, LONGEST_WAIT_MS), signal),
  speed: 1,
};

/**
 * A rehearsal starts this long before its first slot, so that starting up makes no slot late; real
 * milliseconds.
 */
export const REHEARSAL_LEAD_MS = 500;

/** A clock that runs `speedup` times as fast; a process started later continues the same clock. */
export function rehearsalClock({ speedup, wall_ms, rehearsed_ms }: Rehearsal): BatchClock {
  return {
    now_ms: () => rehearsed_ms + (Date.now() - wall_ms) * speedup,
    elapsed_ms: () => performance.now() * speedup,
    wait: (ms, signal) => sleep(Math.min(ms / speedup, LONGEST_WAIT_MS), signal),
    speed: speedup,
  };
}
