/**
 * The one loop of retries and their waits. `retry` of @std/async does not fit: its waits depend only on
 * the number of the attempt. Here a 429 or 503 is retried when its server says, and each failed attempt
 * is journaled before the next one.
 */
import { sleep } from "../execute/sleep.ts";

/** The longest wait that backoff asks for by itself, seconds. */
const CEILING_S = 60;

/**
 * Makes attempts until one is final; returns its outcome.
 *
 * @param attempt returns its outcome, also for a failure; an exception ends the attempts.
 * @param waitAfter returns the seconds from an outcome to the next attempt; null when the outcome is
 * final.
 * @throws {CancelledError} the signal is aborted during a wait.
 */
export async function retried<Outcome>(
  attempt: (nth: number) => Promise<Outcome>,
  waitAfter: (outcome: Outcome, nth: number) => number | null,
  signal: AbortSignal,
): Promise<Outcome> {
  for (let nth = 1;; nth++) {
    const outcome = await attempt(nth);
    const wait_s = waitAfter(outcome, nth);
    if (wait_s === null) return outcome;
    await sleep(wait_s * 1000, signal);
  }
}

/** How long to wait before further attempts. */
export interface Waits {
  /** The first wait; it doubles. */
  delay_s: number;
  /** The longest wait that the server may ask for; longer ones are shortened to this. */
  longest_asked_s: number;
  /** The longest backoff; default 60 s. */
  ceiling_s?: number;
  /** Returns a number in [0, 1); uniform by default (full jitter). */
  random?: () => number;
}

/**
 * Seconds to wait after a failed attempt: the backoff, but at least what the server asked for.
 *
 * @param nth the number of the failed attempt, from 1.
 * @param asked_s what its Retry-After asks for; null when it has none.
 */
export function waitSeconds(nth: number, asked_s: number | null, waits: Waits): number {
  const { delay_s, longest_asked_s, random, ceiling_s } = waits;
  const own_s = backoffSeconds(nth - 1, delay_s, random, ceiling_s);
  return Math.max(own_s, Math.min(asked_s ?? 0, longest_asked_s));
}

/**
 * Exponential backoff with full jitter: uniform in 0..delay·2^attempt, seconds, capped.
 * Source: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015 (full jitter).
 *
 * @param attempt the number of failed attempts minus one: 0 after the first failure.
 * @param delay_s the base delay.
 * @param random returns a uniform number in [0, 1).
 */
export function backoffSeconds(
  attempt: number,
  delay_s: number,
  random = Math.random,
  ceiling_s = CEILING_S,
): number {
  return random() * Math.min(ceiling_s, delay_s * 2 ** attempt);
}

/**
 * Seconds that a Retry-After header asks for: its delta-seconds, or its HTTP date minus the current time.
 * Null when it is missing or malformed (RFC 9110, 10.2.3).
 */
export function retryAfterSeconds(
  header: string | null | undefined,
  now_unix_ms: number,
): number | null {
  if (header === null || header === undefined) return null;
  const value = header.trim();
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value);
  const date_ms = Date.parse(value);
  return Number.isNaN(date_ms) ? null : Math.max(0, (date_ms - now_unix_ms) / 1000);
}

/**
 * Seconds that a response asks to wait: `retry-after-ms` of OpenAI and Azure, which their own clients
 * prefer, Retry-After, or the `RetryInfo` in one of Google's errors. Null when it has none of them.
 *
 * @param headers names in lower case.
 * @param body of an error; empty when there is none.
 */
export function waitAsked(
  headers: Record<string, string>,
  now_unix_ms: number,
  body = "",
): number | null {
  const ms = headers["retry-after-ms"]?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(ms)) return Number(ms) / 1000;
  const told = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(body);
  return retryAfterSeconds(headers["retry-after"], now_unix_ms) ?? (told && Number(told[1]));
}
