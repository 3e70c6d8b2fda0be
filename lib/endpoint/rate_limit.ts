/**
 * Limits on requests and tokens per minute: the user's own, and those that a server reports in its
 * headers. A request waits here before it is sent; latencies exclude this wait.
 */
import { nowNs } from "../native/clock.ts";
import { asCancelled } from "../execute/scope.ts";
import { sleep } from "../execute/sleep.ts";
import { retryAfterSeconds, waitAsked } from "./retry.ts";
import type { HttpExchange } from "./transport.ts";

/** The user's limits; undefined means no limit. */
export interface RateLimits {
  /** The most requests sent in any minute. */
  requests_per_minute?: number;
  /** The most tokens of prompts and answers in any minute. */
  tokens_per_minute?: number;
}

/** A wait for a limit, reported when it begins. */
export interface LimitWait {
  /** Seconds until the request may go. */
  wait_s: number;
  /** The limit that is used up. */
  by: "requests" | "tokens";
  /** Who set the limit. */
  of: "server" | "setting";
}

type Kind = LimitWait["by"];

/** How much a server still allows of one kind, and until when. */
interface Left {
  left: number;
  reset_s: number;
}

/** Header names of OpenAI, Azure, Groq and vLLM's gateways, of Anthropic, and of the IETF's drafts. */
const HEADERS: [Kind, remaining: string, reset: string][] = [
  ["requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
  ["requests", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"],
  ["requests", "x-ratelimit-remaining", "x-ratelimit-reset"],
  ["requests", "ratelimit-remaining", "ratelimit-reset"],
  ["tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
  ["tokens", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"],
];

/**
 * What a response's headers say about the limits; unreadable values are left out.
 *
 * @param headers names in lower case.
 */
export function limitsIn(
  headers: Record<string, string>,
  now_unix_ms: number,
): Partial<Record<Kind, Left>> {
  const told: Partial<Record<Kind, Left>> = {};
  for (const [kind, remaining, reset] of HEADERS) {
    const left = Number(headers[remaining]?.trim() || NaN);
    const reset_s = resetSeconds(headers[reset], now_unix_ms);
    if (Number.isFinite(left) && reset_s !== null) told[kind] ??= { left, reset_s };
  }
  return told;
}

const UNIT_S: Record<string, number> = { d: 86_400, h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6 };

/**
 * Seconds until a limit is reset. Reads `6m0s`, `250ms`, `12`, a date, or seconds or milliseconds since
 * 1970.
 */
function resetSeconds(header: string | undefined, now_unix_ms: number): number | null {
  const text = header?.trim() ?? "";
  if (/^(?:\d+(?:\.\d+)?(?:d|h|ms|us|m|s))+$/.test(text)) {
    const parts = text.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|us|m|s)/g);
    return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_S[unit], 0);
  }
  const since_1970_ms = /^\d{13}$/.test(text)
    ? Number(text)
    : /^\d{10}(\.\d+)?$/.test(text)
    ? Number(text) * 1000
    : null;
  if (since_1970_ms !== null) return Math.max(0, (since_1970_ms - now_unix_ms) / 1000);
  return retryAfterSeconds(text || null, now_unix_ms);
}

/** One request that was released. */
export interface Admission {
  /** Its number, from 0. */
  nth: number;
  t_ns: number;
  /** The tokens it counts for: an estimate, then what it used. */
  tokens: number;
}

/** Releases requests when the limits have room for them, first come, first served. */
export class RateLimit {
  readonly #limits: RateLimits;
  readonly #longest_s: number;
  readonly #window_ns: number;
  readonly #onWait: (wait: LimitWait) => void;
  /** Requests of the last minute, kept when the user sets a limit. */
  #recent: Admission[] = [];
  #admitted = 0;
  /**
   * By kind: how much the server still allowed, which request it answered then, and until when that
   * holds.
   */
  #told = new Map<Kind, { left: number; until_ns: number; nth: number }>();
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;

  /**
   * @param longest_s the longest wait for a server's limit; for a longer one the request is sent and its
   * refusal reported.
   * @param onWait called with each wait, when it begins.
   * @param window_s the length of a minute: shorter in tests.
   */
  constructor(
    limits: RateLimits,
    longest_s: number,
    onWait: (wait: LimitWait) => void,
    window_s = 60,
  ) {
    this.#limits = limits;
    this.#longest_s = longest_s;
    this.#onWait = onWait;
    this.#window_ns = window_s * 1e9;
  }

  /**
   * Waits until the limits have room for a request.
   *
   * @param tokens an estimate of what the request will use.
   * @throws {CancelledError} the signal is aborted.
   */
  async admit(tokens: number, signal: AbortSignal): Promise<Admission> {
    if (this.#waiting === 0 && this.#wait(tokens) === null) return this.#admission(tokens);
    this.#waiting++;
    const before = this.#queue;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queue = before.then(() => promise);
    try {
      await orAborted(before, signal);
      for (let wait; (wait = this.#wait(tokens)) !== null;) {
        this.#onWait(wait);
        await sleep(Math.max(1, wait.wait_s * 1000), signal);
      }
      return this.#admission(tokens);
    } finally {
      this.#waiting--;
      resolve();
    }
  }

  #admission(tokens: number): Admission {
    const admission = { nth: this.#admitted++, t_ns: nowNs(), tokens };
    const { requests_per_minute, tokens_per_minute } = this.#limits;
    if (requests_per_minute !== undefined || tokens_per_minute !== undefined) {
      this.#recent.push(admission);
    }
    for (const [kind, told] of this.#told) told.left -= kind === "requests" ? 1 : tokens;
    return admission;
  }

  /** Reads the limits from a response; a 429 also delays the other requests. */
  heed(
    of: Admission,
    { status, headers, body }: Pick<HttpExchange, "status" | "headers" | "body">,
    now_unix_ms: number,
  ): void {
    const since = this.#admitted - 1 - of.nth;
    for (const [kind, { left, reset_s }] of Object.entries(limitsIn(headers, now_unix_ms))) {
      // the server's count may not include requests that were sent since then
      this.#hold(kind as Kind, of.nth, kind === "requests" ? left - since : left, reset_s);
    }
    const retry_s = status === 429 ? waitAsked(headers, now_unix_ms, body) : null;
    if (retry_s !== null) this.#hold("requests", of.nth, 0, retry_s);
  }

  #hold(kind: Kind, nth: number, left: number, reset_s: number): void {
    const known = this.#told.get(kind);
    if (known !== undefined && known.nth > nth) return;
    this.#told.set(kind, { left, until_ns: nowNs() + reset_s * 1e9, nth });
  }

  /** The wait that a request needs now; null for none. */
  #wait(tokens: number): LimitWait | null {
    const now_ns = nowNs();
    this.#recent = this.#recent.filter(({ t_ns }) => now_ns - t_ns < this.#window_ns);
    for (const [kind, { left, until_ns }] of this.#told) {
      const wait_s = (until_ns - now_ns) / 1e9;
      if (wait_s <= 0) this.#told.delete(kind);
      else if (left < (kind === "requests" ? 1 : tokens) && wait_s <= this.#longest_s) {
        return { wait_s, by: kind, of: "server" };
      }
    }
    const { requests_per_minute = Infinity, tokens_per_minute = Infinity } = this.#limits;
    const until = ({ t_ns }: Admission) => (t_ns + this.#window_ns - now_ns) / 1e9;
    if (this.#recent.length >= requests_per_minute) {
      const oldest = this.#recent[this.#recent.length - requests_per_minute];
      return { wait_s: until(oldest), by: "requests", of: "setting" };
    }
    let used = this.#recent.reduce((sum, { tokens }) => sum + tokens, 0);
    if (used + tokens <= tokens_per_minute) return null;
    // a request that is larger than the whole limit is released when nothing else was sent for a minute
    for (const admission of this.#recent) {
      used -= admission.tokens;
      if (used + tokens <= tokens_per_minute || admission === this.#recent.at(-1)) {
        return { wait_s: until(admission), by: "tokens", of: "setting" };
      }
    }
    return null;
  }
}

function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(asCancelled(signal.reason));
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(asCancelled(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
  });
}
