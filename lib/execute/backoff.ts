/**
 * How long to wait before the next attempt. Not `retry` of @std/async: its waits follow from the number
 * of the attempt alone, where a 429 or 503 is tried again when its server says, and each attempt that
 * failed is journaled before the next.
 */

/** Longest wait that backoff alone asks for, seconds. */
const CEILING_S = 60;

/**
 * Exponential backoff with full jitter: uniform in 0..delay·2^attempt, seconds, capped at 60 s.
 * Source: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015 (full jitter).
 *
 * @param attempt failed attempts so far less one: 0 after the first failure.
 * @param delay_s the base delay.
 * @param random uniform in [0, 1).
 */
export function backoffSeconds(attempt: number, delay_s: number, random = Math.random): number {
  return random() * Math.min(CEILING_S, delay_s * 2 ** attempt);
}

/**
 * Seconds that a Retry-After header asks for: its delta-seconds or its HTTP date less now. Null
 * when there is none or it is malformed (RFC 9110, 10.2.3).
 */
export function retryAfterSeconds(header: string | undefined, now_unix_ms: number): number | null {
  if (header === undefined) return null;
  const value = header.trim();
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value);
  const date_ms = Date.parse(value);
  return Number.isNaN(date_ms) ? null : Math.max(0, (date_ms - now_unix_ms) / 1000);
}
