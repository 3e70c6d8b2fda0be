/**
 * Another attempt, after a wait: the one loop of it, and how long it waits. Not `retry` of @std/async: its
 * waits follow from the number of the attempt alone, where a 429 or 503 is tried again when its server
 * says, and each attempt that failed is journaled before the next.
 */
import { sleep } from "../execute/sleep.ts";

/** Longest wait that backoff alone asks for, seconds. */
const CEILING_S = 60;

/**
 * Attempts until one is final; returns its outcome.
 *
 * @param attempt gives its outcome, a failure too; what it throws ends the attempts.
 * @param waitAfter seconds from an outcome to the next attempt; null where it is final.
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

/** The waits before further attempts. */
export interface Waits {
  /** The first wait; it doubles. */
  delay_s: number;
  /** The longest wait that the server may ask for; a longer one is cut to this. */
  longest_asked_s: number;
  /** The limit of doubling; default 60 s. */
  ceiling_s?: number;
  /** Uniform in [0, 1): full jitter by default. */
  random?: () => number;
}

/**
 * Seconds to wait after the attempt of this number failed: backoff, and no less than what the server asked
 * for.
 *
 * @param nth from 1.
 * @param asked_s what its Retry-After asks for; null for nothing.
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
 * @param attempt failed attempts so far less one: 0 after the first failure.
 * @param delay_s the base delay.
 * @param random uniform in [0, 1).
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
 * Seconds that a Retry-After header asks for: its delta-seconds or its HTTP date less now. Null
 * when there is none or it is malformed (RFC 9110, 10.2.3).
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
 * Seconds that a response asks to wait: its `retry-after-ms`, of OpenAI and Azure, which their own clients
 * prefer, its Retry-After, or the `RetryInfo` in an error of Google's. Null where it asks nothing.
 *
 * @param headers names in lower case.
 * @param body of an error; empty for none.
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
