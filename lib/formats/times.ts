/** Times in foreign files. A time without a zone is read as UTC, because its place is unknown. */
import type { RunItem } from "../run/summary.ts";

const ISO =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[T _-](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d|[+-]\d\d)?$/i;

/** Unix seconds of an ISO 8601 time, or of `YYYYMMDD-HHMMSS`; null if it is neither. */
export function unixSecondsOf(text: string): number | null {
  const match = ISO.exec(text.trim());
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) =>
    Number(part ?? 0)
  );
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) {
    return null;
  }
  const whole_s = Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - zone_s(match[8]);
  const fraction = Number(`0.${match[7] ?? 0}`);
  return whole_s < 0 ? null : Number((whole_s + fraction).toFixed(6));
}

/** ISO 8601 in UTC with microseconds. */
export function isoOf(unix_s: number): string {
  const micros = Math.round((unix_s - Math.floor(unix_s)) * 1e6);
  const whole_s = Math.floor(unix_s) + (micros === 1_000_000 ? 1 : 0);
  const seconds = new Date(whole_s * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(micros % 1_000_000).padStart(6, "0")}Z`;
}

/**
 * Seconds as milliseconds, to the nanosecond, so that {@linkcode secondsOf} returns the same value.
 */
export function millisecondsOf(seconds: number): number {
  return Number((seconds * 1000).toFixed(6));
}

/** Milliseconds as seconds, to the nanosecond. */
export function secondsOf(milliseconds: number): number {
  return Number((milliseconds / 1000).toFixed(9));
}

/** An item's duration, seconds: as stated, or its answer's latency. */
export function elapsedOf(
  { elapsed_s, latency_ms }: Pick<RunItem, "elapsed_s" | "latency_ms">,
): number | null {
  return elapsed_s ?? (latency_ms === null ? null : secondsOf(latency_ms));
}

function zone_s(zone: string | undefined): number {
  if (!zone || zone.toUpperCase() === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(":", "") || 0)];
  return (zone.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60);
}
