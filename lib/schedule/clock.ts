/** The time that a schedule is kept by: the clock on the wall, or one that runs faster. */
import { sleep } from "../execute/sleep.ts";
import type { Rehearsal } from "../run/batch_events.ts";

/** The time that a batch is kept by. */
export interface BatchClock {
  /** Milliseconds since 1970; may jump. */
  now_ms(): number;
  /** Milliseconds that went by, by a clock that nobody sets. */
  elapsed_ms(): number;
  /** Waits at most `ms` of this clock's time. @throws {CancelledError} the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** How many of its seconds go by in one. */
  speed: number;
}

/** A wait is looked at again after this long, because the clock may have been set: real milliseconds. */
const LONGEST_WAIT_MS = 10_000;

/** The clock on the wall. */
export const wallClock: BatchClock = {
  now_ms: () => Date.now(),
  elapsed_ms: () => performance.now(),
  wait: (ms, signal) => sleep(Math.min(ms, LONGEST_WAIT_MS), signal),
  speed: 1,
};

/** So long before its first slot a rehearsal begins: what starting takes makes no slot late. Real milliseconds. */
export const REHEARSAL_LEAD_MS = 500;

/** A clock that runs `speedup` times as fast; a process started later uses the same clock. */
export function rehearsalClock({ speedup, wall_ms, rehearsed_ms }: Rehearsal): BatchClock {
  return {
    now_ms: () => rehearsed_ms + (Date.now() - wall_ms) * speedup,
    elapsed_ms: () => performance.now() * speedup,
    wait: (ms, signal) => sleep(Math.min(ms / speedup, LONGEST_WAIT_MS), signal),
    speed: speedup,
  };
}
