/**
 * The time limit of a request (`timeout_s`, --timeout), from its turn to the end of its answer. The
 * portable transport enforces it here; on the wire the native thread does (native/http/wire), in
 * nanoseconds. Both report a timeout in the same words.
 */
import { EndpointError } from "./errors.ts";
import { originOf } from "./place.ts";
import type { HttpRequest } from "./transport.ts";

/** Where a request goes and its time limit. */
type Timed = Pick<HttpRequest, "url" | "timeout_s">;

/** Calls `onLate` when the request's time is up, unless it is cleared before. */
export class Deadline {
  readonly #timer: ReturnType<typeof setTimeout>;

  /** Starts the time: it is the request's turn now. */
  constructor({ timeout_s }: Timed, onLate: () => void) {
    this.#timer = setTimeout(onLate, timeout_s * 1000);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** A request's time limit in nanoseconds, as the native thread expects it. */
export function deadlineNs({ timeout_s }: Timed): number {
  return timeout_s * 1e9;
}

/**
 * The failure of a request whose time is up.
 *
 * @param answered whether any part of the answer had come.
 */
export function lateError({ url, timeout_s }: Timed, answered: boolean): EndpointError {
  const stage = answered ? "the answer had not ended" : "there was no answer";
  return new EndpointError(
    "timeout",
    `${originOf(url)}: ${stage} after ${timeout_s} s (--timeout)`,
  );
}
