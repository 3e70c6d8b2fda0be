/** Why an exchange with an endpoint failed, in the classes that results count. */
import { ToldError } from "../errors.ts";

/** Classes of failure; see the metric dictionary in README. */
export type FailureClass =
  | "connect"
  | "timeout"
  | "auth"
  | "http_4xx"
  | "http_429"
  | "http_5xx"
  | "truncated"
  | "malformed"
  | "empty_reply";

const RETRYABLE: ReadonlySet<FailureClass> = new Set([
  "connect",
  "timeout",
  "http_429",
  "http_5xx",
  "truncated",
]);

/** A failed exchange. `message` is one line for a person. */
export class EndpointError extends ToldError {
  /** Tells it from other errors where `instanceof` cannot. */
  override readonly name = "EndpointError";
  /** The class that it is counted under. */
  readonly failure: FailureClass;
  /** HTTP status; null when the failure came before one. */
  readonly status: number | null;
  /** Seconds that the server asked to wait; null when it did not. */
  readonly retry_after_s: number | null;

  /** Made by transports and clients, which know the class. */
  constructor(
    failure: FailureClass,
    message: string,
    from: { status?: number; retry_after_s?: number | null } = {},
  ) {
    super(message);
    this.failure = failure;
    this.status = from.status ?? null;
    this.retry_after_s = from.retry_after_s ?? null;
  }

  /** Whether another attempt may succeed: connection, timeout, 429, 5xx. Other 4xx fail fast. */
  get retryable(): boolean {
    return RETRYABLE.has(this.failure);
  }
}

/** The class of an HTTP status that is not a success. */
export function classOfStatus(status: number): FailureClass {
  if (status === 401 || status === 403) return "auth";
  if (status === 429) return "http_429";
  if (status === 408 || status === 504) return "timeout";
  if (status < 400) return "malformed"; // no answer, and no error that HTTP knows: a redirect, say
  return status >= 500 ? "http_5xx" : "http_4xx";
}
