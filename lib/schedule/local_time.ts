/**
 * Local times of a time zone, from the runtime's own tables. Temporal is not used, because Node 22
 * lacks it.
 */

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timezone: string): Intl.DateTimeFormat {
  let format = formats.get(timezone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      calendar: "iso8601",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(timezone, format);
  }
  return format;
}

/**
 * The wall clock's reading at a moment, as the milliseconds since 1970 of a UTC time that reads the
 * same.
 *
 * @param unix_ms the moment.
 */
export function localTime(unix_ms: number, timezone: string): number {
  const whole_ms = Math.floor(unix_ms / 1000) * 1000;
  const part: Record<string, number> = {};
  for (const { type, value } of formatOf(timezone).formatToParts(whole_ms)) {
    part[type] = Number(value);
  }
  const { year, month, day, hour, minute, second } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (unix_ms - whole_ms);
}

/**
 * The moment at which the wall clock reads `local_ms` (as returned by {@linkcode localTime}). If
 * clocks go back and the time occurs twice, it is the first one. If clocks go forward and skip the
 * time, it is later by the time skipped (02:30 is 03:30).
 */
export function momentOf(local_ms: number, timezone: string): number {
  const DAY_MS = 86_400_000;
  const offsetAt = (unix_ms: number) => localTime(unix_ms, timezone) - unix_ms;
  const before = offsetAt(local_ms - DAY_MS);
  const after = offsetAt(local_ms + DAY_MS);
  const reads = (unix_ms: number) => localTime(unix_ms, timezone) === local_ms;
  // with the offset from before the change, a skipped time falls after the change
  return reads(local_ms - before) || !reads(local_ms - after)
    ? local_ms - before
    : local_ms - after;
}

/** Formats local milliseconds as `2027-03-01 08:51:25`. */
export function localText(local_ms: number): string {
  return new Date(local_ms).toISOString().slice(0, 19).replace("T", " ");
}

/** Parses `2027-03-01T08:00`, `2027-03-01 08:00:30` or `2027-03-01` into local milliseconds. */
export function localOf(text: string): number {
  const [day, time = "00:00"] = text.split(/[T ]/);
  return Date.parse(`${day}T${time}Z`);
}
