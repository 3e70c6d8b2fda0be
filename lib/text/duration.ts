/** Durations as people write and read them. */

/**
 * Nanoseconds per unit, as integers, so that 300ms is exactly 300 ms and not 0.3 s times a
 * thousand.
 */
const UNIT_NS: Readonly<Record<string, number>> = {
  us: 1e3,
  "µs": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9,
  d: 86400e9,
};

const PART = /(\d+(?:\.\d*)?|\.\d+)\s*(us|µs|ms|s|min|m|h|d)/gy;
const PLAIN = /^\+?(\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** The accepted forms of a duration, for messages. */
export const DURATION_FORM = "a time such as 500ms, 2s, 10m or 1h30m";

/**
 * Parses `500ms`, `2s`, `10m`, `1.5h` or `1h30m`. A number without a unit is in `unit`, and so is
 * the result. The units are us, ms, s, m (or min), h and d.
 *
 * @example
 * ```ts
 * parseDuration("1h30m", "s"); // 5400
 * parseDuration("0.3s", "ms"); // 300
 * ```
 * @returns null for any other form, a duration too long for a number, and a negative one.
 */
export function parseDuration(text: string, unit: "s" | "ms"): number | null {
  const trimmed = text.trim();
  if (PLAIN.test(trimmed)) return finite(Number(trimmed));
  PART.lastIndex = 0;
  let total_ns = 0;
  let least_ns = Infinity;
  let at = 0;
  for (;;) {
    const part = PART.exec(trimmed);
    if (part === null) return null;
    const unit_ns = UNIT_NS[part[2]];
    if (unit_ns >= least_ns) return null; // rejects 5s1h and 1m1m
    least_ns = unit_ns;
    total_ns += Number(part[1]) * unit_ns;
    at = PART.lastIndex;
    if (at === trimmed.length) return finite(total_ns / UNIT_NS[unit]);
    while (trimmed[at] === " ") at++;
    PART.lastIndex = at;
  }
}

/** Whether a text is a number without a unit. */
export function isPlainNumber(text: string): boolean {
  return PLAIN.test(text.trim());
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** A number of seconds this large is more likely meant as milliseconds, */
const SLIP_S = 1000;
/** and from this size on, even a multiple of a minute is. */
const SURE_SLIP_S = 10_000;

/**
 * The question to ask about a plain number of seconds that may have been meant as milliseconds: at
 * least 1000 and not a whole number of minutes, or at least 10,000 and not a whole number of hours.
 * Null if seconds are likely.
 */
export function unitSlip(seconds: number): string | null {
  if (seconds < SLIP_S || seconds % (seconds < SURE_SLIP_S ? 60 : 3600) === 0) return null;
  return `${seconds} without a unit is seconds, ${durationText(seconds)}; were ms meant? ` +
    `write ${seconds}ms, or ${seconds}s`;
}

/** Seconds in words: `8 s`, `3 min 5 s`, `2 h 10 min`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}
