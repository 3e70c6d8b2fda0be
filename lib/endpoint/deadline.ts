/**
 * The time that a request has, from when it is its turn to the end of its answer: `timeout_s`, by --timeout.
 * The portable transport holds it here; on the wire the native thread does (native/http/wire), told in
 * nanoseconds. When it has ended, both say it in the same words.
 */
import { EndpointError } from "./errors.ts";
import { originOf } from "./place.ts";
import type { HttpRequest } from "./transport.ts";

/** Where a request was going and the time that it had. */
type Timed = Pick<HttpRequest, "url" | "timeout_s">;

/** Calls `onLate` when the request's time has ended, unless it is cleared before. */
export class Deadline {
  readonly #timer: ReturnType<typeof setTimeout>;

  /** @param request its turn is now. */
  constructor({ timeout_s }: Timed, onLate: () => void) {
    this.#timer = setTimeout(onLate, timeout_s * 1000);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** A request's time in nanoseconds, as the native thread takes it. */
export function deadlineNs({ timeout_s }: Timed): number {
  return timeout_s * 1e9;
}

/**
 * The failure of a request whose time has ended.
 *
 * @param answered whether any of the answer had come.
 */
export function lateError({ url, timeout_s }: Timed, answered: boolean): EndpointError {
  const stage = answered ? "the answer had not ended" : "there was no answer";
  return new EndpointError(
    "timeout",
    `${originOf(url)}: ${stage} after ${timeout_s} s (--timeout)`,
  );
}
