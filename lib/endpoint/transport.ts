/** What carries a request to an endpoint and stamps what comes back. */

export interface HttpRequest {
  method: "GET" | "POST";
  url: URL;
  headers: Record<string, string>;
  /** The body; empty for none. */
  body: string;
  /** Seconds from the start (connecting included) until the exchange is given up. */
  timeout_s: number;
}

/** A finished exchange. Times are CLOCK_MONOTONIC, nanoseconds. */
export interface HttpExchange {
  status: number;
  /** Header names in lower case. */
  headers: Record<string, string>;
  /** The body of a response that is no event stream; else empty. */
  body: string;
  /** Connecting (with TLS) took this long; 0 on a connection that was kept alive. */
  connect_ns: number;
  /** The first request byte was handed to the kernel. */
  t_sent_ns: number;
  /** The first response byte was read. */
  t_first_byte_ns: number;
  /** The last response byte was read. */
  t_end_ns: number;
}

/** Receives each event's data with the time of the socket read that completed it. */
export type OnEvent = (data: string, t_ns: number) => void;

/** Disposing closes every connection. */
export interface Transport extends Disposable {
  /** Recorded in results: which one ran. */
  readonly name: string;
  /**
   * Sends a request and waits for the end of the response. Events of a stream are handed to
   * `onEvent` as they come.
   *
   * @throws {EndpointError} class connect, timeout, truncated or malformed.
   * @throws {CancelledError} when the signal is aborted; the connection is closed.
   */
  exchange(request: HttpRequest, onEvent: OnEvent, signal: AbortSignal): Promise<HttpExchange>;
}
