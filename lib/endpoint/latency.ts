/**
 * The times of an answer. ttft, tpot, gap, e2e, normalized latency and lateness are defined here and
 * nowhere else. Null is unknown, never 0.
 */
import { EndpointError } from "./errors.ts";

const NS_PER_MS = 1e6;
/** More token events than any model sends. */
const MOST_TOKEN_EVENTS = 4_000_000;
/** The first gap reserves room for this many; requests that still wait for their turn need none. */
const FIRST_GAPS = 64;
const NO_GAPS = new Float32Array();

/** Moments of one request on CLOCK_MONOTONIC, nanoseconds; null for those that never came. */
export interface Stamps {
  /** When the arrival process intended to send it; in a closed loop, when a slot became free. */
  t_intended_ns: number | null;
  /**
   * When its time had come and the concurrency limit allowed it: this client causes any delay from here
   * to t_sent_ns.
   */
  t_ready_ns: number | null;
  /** The first request byte was handed to the kernel. */
  t_sent_ns: number | null;
  /** The first event that carried tokens. */
  t_first_token_ns: number | null;
  /** The last event that carried tokens. */
  t_last_token_ns: number | null;
  /** The response was complete, or the exchange had failed. */
  t_end_ns: number | null;
  /** How long connecting took; null or 0 on a reused connection. */
  connect_ns: number | null;
  /** Connecting ended before the request's turn, so that it delayed nothing. */
  connected_ahead?: boolean | undefined;
  /** Tokens of the answer, reasoning included. */
  completion_tokens: number | null;
}

/** The times of one request, milliseconds. */
export interface Latencies {
  /** Time to the first token: t_first_token − t_sent. */
  ttft_ms: number | null;
  /** Time to the first token from the intended time: t_first_token − t_intended. */
  ttft_intended_ms: number | null;
  /** Time per output token after the first; see {@linkcode tpotMs}. */
  tpot_ms: number | null;
  /** t_end − t_sent. */
  e2e_ms: number | null;
  /** From the intended time: t_end − t_intended. */
  e2e_intended_ms: number | null;
  /** e2e / tokens. */
  normalized_latency_ms: number | null;
  /** How late this client sent it, without the time to connect; never below 0. */
  lateness_ms: number | null;
}

/** Computes the times of a request from its stamps. */
export function latencies(stamps: Stamps): Latencies {
  const { t_intended_ns, t_ready_ns, t_sent_ns, t_first_token_ns, t_last_token_ns } = stamps;
  const { t_end_ns, connect_ns, completion_tokens: tokens } = stamps;
  const e2e_ms = betweenMs(t_sent_ns, t_end_ns);
  const waited_ms = betweenMs(t_ready_ns, t_sent_ns);
  return {
    ttft_ms: betweenMs(t_sent_ns, t_first_token_ns),
    ttft_intended_ms: betweenMs(t_intended_ns, t_first_token_ns),
    tpot_ms: tpotMs(betweenMs(t_first_token_ns, t_last_token_ns), tokens),
    e2e_ms,
    e2e_intended_ms: betweenMs(t_intended_ns, t_end_ns),
    normalized_latency_ms: e2e_ms === null || !tokens ? null : e2e_ms / tokens,
    lateness_ms: waited_ms === null
      ? null
      : Math.max(0, waited_ms - (stamps.connected_ahead ? 0 : connect_ns ?? 0) / NS_PER_MS),
  };
}

/** How long a request's new connection took, TLS included; null for a reused connection. */
export function connectMs({ connect_ns }: Pick<Stamps, "connect_ns">): number | null {
  return connect_ns ? connect_ns / NS_PER_MS : null;
}

/** The part of it that was TLS's handshake; null without one. */
export function tlsMs({ tls_ns }: { tls_ns?: number | null | undefined }): number | null {
  return tls_ns ? tls_ns / NS_PER_MS : null;
}

/**
 * Time per output token: (t_last_token − t_first_token) / (tokens − 1). Needs two different token times:
 * twenty tokens in one event, or in one read of the socket, do not show how fast they were made.
 *
 * @param decode_ms from the first token event to the last, milliseconds.
 */
export function tpotMs(decode_ms: number | null, tokens: number | null): number | null {
  if (decode_ms === null || tokens === null || tokens < 2 || !(decode_ms > 0)) return null;
  return decode_ms / (tokens - 1);
}

function betweenMs(from_ns: number | null, to_ns: number | null): number | null {
  return from_ns === null || to_ns === null ? null : (to_ns - from_ns) / NS_PER_MS;
}

/** When the token events of one answer came. Made for 200,000 events a second. */
export class TokenStamps {
  /** Events that carried tokens. */
  count = 0;
  /** The first of them; null before it. */
  first_ns: number | null = null;
  /** The newest of them; null before the first. */
  last_ns: number | null = null;
  #gaps_ms = NO_GAPS;

  /**
   * Records the time of an event that carried tokens.
   *
   * @throws {EndpointError} class malformed: more than 4 million events.
   */
  add(t_ns: number): void {
    const last_ns = this.last_ns;
    if (last_ns === null) {
      this.first_ns = t_ns;
    } else {
      const at = this.count - 1;
      if (at === this.#gaps_ms.length) {
        if (at > MOST_TOKEN_EVENTS) {
          throw new EndpointError("malformed", "the answer has more than 4 million token events");
        }
        const grown = new Float32Array(Math.max(FIRST_GAPS, at * 2));
        grown.set(this.#gaps_ms);
        this.#gaps_ms = grown;
      }
      this.#gaps_ms[at] = (t_ns - last_ns) / NS_PER_MS;
    }
    this.last_ns = t_ns;
    this.count++;
  }

  /**
   * Times between successive token events, milliseconds (inter-token latency). Empty when all came at the
   * same time, which says nothing about how fast they were made.
   */
  get gaps_ms(): Float32Array {
    const told = this.last_ns !== this.first_ns;
    return this.#gaps_ms.subarray(0, told ? this.count - 1 : 0);
  }

  /** The longest gap, milliseconds; null for none. */
  get gap_max_ms(): number | null {
    const gaps = this.gaps_ms;
    if (gaps.length === 0) return null;
    let most = 0;
    for (let i = 0; i < gaps.length; i++) if (gaps[i] > most) most = gaps[i];
    return most;
  }
}
