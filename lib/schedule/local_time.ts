/** Local times of a time zone, by the runtime's own tables: no Temporal, which Node 22 lacks. */

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
 * The clock on the wall at a moment: as milliseconds since 1970 of a UTC day that reads the same.
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
 * The moment at which the clock on the wall reads `local_ms` (as {@linkcode localTime} gives it). A
 * time that comes twice, when clocks go back, is the first of both; one that is left out, when they
 * go forward, is as much later as was left out (02:30 is 03:30).
 */
export function momentOf(local_ms: number, timezone: string): number {
  const DAY_MS = 86_400_000;
  const offsetAt = (unix_ms: number) => localTime(unix_ms, timezone) - unix_ms;
  const before = offsetAt(local_ms - DAY_MS);
  const after = offsetAt(local_ms + DAY_MS);
  const reads = (unix_ms: number) => localTime(unix_ms, timezone) === local_ms;
  // with the offset from before the change, a time that is left out lands after the change
  return reads(local_ms - before) || !reads(local_ms - after)
    ? local_ms - before
    : local_ms - after;
}

/** `2027-03-01 08:51:25`, of local milliseconds. */
export function localText(local_ms: number): string {
  return new Date(local_ms).toISOString().slice(0, 19).replace("T", " ");
}

/** Local milliseconds of `2027-03-01T08:00`, `2027-03-01 08:00:30` or `2027-03-01`. */
export function localOf(text: string): number {
  const [day, time = "00:00"] = text.split(/[T ]/);
  return Date.parse(`${day}T${time}Z`);
}
