/** The slots of a schedule: when each evaluation is due. */
import { seededRandom } from "../stats/random.ts";
import { localOf, localTime, momentOf } from "./local_time.ts";
import type { Schedule } from "../settings/batch.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** One evaluation of all models on all questions. */
export interface Slot {
  /** Number from 1, in time order. */
  slot: number;
  /** Day number, from 1. */
  day: number;
  /** Window of the day, from 1. */
  window: number;
  /** When it should start, milliseconds since 1970. */
  due_ms: number;
  /** When the next slot is, or would be, due: from then on this one counts as missed. */
  until_ms: number;
}

/** The time between two slots of a window, milliseconds: 12 h / 14 is 51 min 25.714 s. */
export function spacingMs({ period_h, evaluations }: Schedule): number {
  return period_h * HOUR_MS / evaluations;
}

/**
 * All slots. A window starts at its local time each day: the start's time of day, and for further
 * windows equal parts of 24 h later. If the previous window ends later than that, it starts at that
 * end, so windows do not overlap on a day of 23 h. Slots divide a window into equal parts of
 * elapsed time, counted from the window's start so that rounding errors do not add up. The number
 * of slots is the same every day. Jitter is drawn from the seed and the slot.
 *
 * @param start_ms when the first window begins, milliseconds since 1970.
 */
export function slotsOf(schedule: Schedule, start_ms: number): Slot[] {
  const { evaluations, period_h, windows_per_day, days, timezone, jitter_s, seed } = schedule;
  const random = seededRandom(seed);
  // the wished time of day, also where the first day leaves it out
  const wished = schedule.start === undefined ? null : localOf(schedule.start);
  const start_local = wished !== null && momentOf(wished, timezone) === start_ms
    ? wished
    : localTime(start_ms, timezone);
  const due: { day: number; window: number; due_ms: number }[] = [];
  let free_ms = start_ms;
  for (let day = 1; day <= days; day++) {
    for (let window = 1; window <= windows_per_day; window++) {
      const local = start_local + (day - 1 + (window - 1) / windows_per_day) * DAY_MS;
      const begin_ms = Math.max(free_ms, due.length ? momentOf(local, timezone) : start_ms);
      free_ms = begin_ms + period_h * HOUR_MS;
      for (let i = 0; i < evaluations; i++) {
        const jitter_ms = random() * jitter_s * 1000;
        const exact_ms = begin_ms + i * period_h * HOUR_MS / evaluations;
        due.push({ day, window, due_ms: Math.round(exact_ms + jitter_ms) });
      }
    }
  }
  const last_ms = Math.round(free_ms);
  return due.map((slot, i) => ({
    slot: i + 1,
    ...slot,
    until_ms: Math.min(
      due[i + 1]?.due_ms ?? last_ms,
      Math.round(slot.due_ms + spacingMs(schedule) + jitter_s * 1000),
    ),
  }));
}
