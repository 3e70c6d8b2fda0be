/** Carries requests to an endpoint and timestamps the responses. */
import { nowNs } from "../native/clock.ts";
import { proxyAuthorization } from "./proxy.ts";
import { asCancelled, throwIfAborted } from "../execute/scope.ts";
import type { WireConnection } from "../native/wire.ts";
import type { TlsSettings } from "./tls.ts";

/** One HTTP request, ready to be sent. */
export interface HttpRequest {
  /** The HTTP method. */
  method: "GET" | "POST";
  /** The URL; http or https. */
  url: URL;
  /**
   * Other URLs that can take its place: it goes to the one with the fewest requests in flight when it is
   * sent.
   */
  others?: readonly URL[];
  /** Header names and values. */
  headers: Record<string, string>;
  /** The body; empty for none. */
  body: string | Uint8Array;
  /**
   * Returns its headers with a signature of the whole request, made when a connection takes the request;
   * absent: no signature.
   */
  sign?: (
    request: Pick<HttpRequest, "method" | "url" | "headers" | "body">,
  ) => Record<string, string>;
  /** Seconds from its turn (connecting included) until the exchange is given up. */
  timeout_s: number;
  /** The request is not sent before this time, CLOCK_MONOTONIC nanoseconds; absent: sent immediately. */
  t_send_ns?: number;
  /** TLS settings for https; absent: the defaults. */
  tls?: TlsSettings;
  /** The connection to use; absent: a free reused one, else a new one. */
  connection?: WireConnection;
  /**
   * Whether each event is wanted within milliseconds, as for a request that is cancelled at a token. Events
   * may otherwise wait up to 0.1 s for others, which costs less CPU time; their timestamps are the same.
   */
  eager?: boolean;
}

/**
 * An exchange that has ended. Times are CLOCK_MONOTONIC nanoseconds, 0 for what never happened: a failed
 * exchange has the times of the steps that it reached.
 */
export interface HttpExchange {
  /** 0 when no response head came. */
  status: number;
  /** Header names in lower case. */
  headers: Record<string, string>;
  /** The body of a response that came whole and is not an event stream; otherwise empty. */
  body: string;
  /** The body as bytes: sound, images and other files. */
  bytes?: Uint8Array;
  /** How long connecting took, with TLS; 0 on a reused connection. */
  connect_ns: number;
  /** The part of it that was TLS's handshake; 0 without one, null when unknown. */
  tls_ns: number | null;
  /** Connecting had ended before the request's turn. */
  connected_ahead?: boolean;
  /** For a request with other URLs: where it went. 0 is its `url`, 1 the first of the others. */
  place?: number;
  /** Its turn: its time had come, and the limit on requests in flight allowed it. */
  t_ready_ns: number;
  /** The first request byte was handed to the kernel. */
  t_sent_ns: number;
  /** The first response byte was read. */
  t_first_byte_ns: number;
  /** The last response byte was read, or the exchange failed. */
  t_end_ns: number;
}

/** Receives each event's data with the time of the socket read that completed it. */
export type OnEvent = (data: string, t_ns: number) => void;

/** Callbacks of one exchange. */
export interface ExchangeListener {
  /**
   * Each event of a stream, as it is read; `t_ns` is CLOCK_MONOTONIC nanoseconds.
   *
   * @param lag_ns from the kernel's receipt of the bytes to the read; null when it is not known.
   */
  onEvent(data: string, t_ns: number, lag_ns: number | null): void;
  /** An event whose name says that it is an error. */
  onErrorEvent(data: string): void;
  /** Whether the answer's first token has come; left out by listeners that do not look for it. */
  begun?(): boolean;
  /** Called once, last. `error` is an EndpointError (connect, timeout, truncated, malformed) or a
   * CancelledError; null when the response came whole. */
  onEnd(exchange: HttpExchange, error: Error | null): void;
}

/** What a transport has done so far, and its cost; null is unknown. */
export interface TransportStatus {
  /** Connections made so far. */
  connections_opened: number;
  /** CPU time of its thread. */
  cpu_ns: number | null;
  /** Time during which it read nothing, because earlier data had not been taken yet. */
  blocked_ns: number | null;
  /** The most data that ever waited to be taken, as a share of the buffer. */
  ring_use: number | null;
  /** How its thread is scheduled. */
  scheduling: string | null;
}

/** Disposing closes every connection; exchanges in progress end as cancelled. */
export interface Transport extends AsyncDisposable {
  /** The name that results record. */
  readonly name: string;
  /** Sends a request when its time has come and the limit allows it; returns a function that cancels it. */
  send(request: HttpRequest, listener: ExchangeListener): () => void;
  /** Cancels every request that was not sent yet. */
  withdraw(): void;
  /** Sets the most requests in flight at the same time; unlimited at first. */
  limit(in_flight: number): void;
  /** What it has done so far, and its cost. */
  status(): TransportStatus;
}

/**
 * Sends a request and waits for the end of the response. `told` receives the stream's events as they
 * come; an exception from it ends the exchange. Pass null to ignore events.
 *
 * @param onOver called with the exchange, even if it failed or was cancelled.
 * @throws {EndpointError} class connect, timeout, truncated or malformed.
 * @throws {CancelledError} when the signal is aborted; the connection is closed.
 */
export function exchange(
  transport: Transport,
  request: HttpRequest,
  told: { event: OnEvent; errorEvent(data: string): void } | null,
  signal: AbortSignal,
  onOver: (exchange: HttpExchange) => void = () => {},
): Promise<HttpExchange> {
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    let failure: unknown = null;
    const fail = (error: unknown) => {
      failure ??= error;
      cancel();
    };
    const onAbort = () => fail(asCancelled(signal.reason));
    const tell = (take: () => void) => {
      if (failure !== null) return;
      try {
        take();
      } catch (error) {
        fail(error);
      }
    };
    const cancel = transport.send(request, {
      onEvent: (data, t_ns) => tell(() => told?.event(data, t_ns)),
      onErrorEvent: (data) => tell(() => told?.errorEvent(data)),
      onEnd(exchange, error) {
        signal.removeEventListener("abort", onAbort);
        onOver(exchange);
        if (failure ?? error) reject(failure ?? error);
        else resolve(exchange);
      },
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** An exchange that never took place; it ends now. */
export function neverSent(): HttpExchange {
  const now = nowNs();
  return {
    status: 0,
    headers: {},
    body: "",
    connect_ns: 0,
    tls_ns: 0,
    t_ready_ns: now,
    t_sent_ns: 0,
    t_first_byte_ns: 0,
    t_end_ns: now,
  };
}

/** The headers of a request as they are sent, with its signature. */
export function sentHeaders(
  request: Pick<HttpRequest, "method" | "url" | "headers" | "body" | "sign">,
): Record<string, string> {
  return request.sign?.(request) ?? request.headers;
}

/**
 * The head of a request in HTTP/1.1.
 *
 * @param proxy the proxy that the request goes through.
 */
export function requestHead(
  request: Pick<HttpRequest, "method" | "url" | "headers" | "connection" | "body" | "sign">,
  body_bytes: number,
  proxy: URL | null = null,
): string {
  const { method, url, connection } = request;
  const host = url.protocol === "http+unix:" ? "localhost" : url.host;
  // a proxy receives the whole URL; through a tunnel, dyno talks to the server itself
  const asked = proxy !== null && url.protocol === "http:" ? url.origin : "";
  const login = asked ? proxyAuthorization(proxy!) : null;
  let head = `${method} ${asked}${url.pathname}${url.search} HTTP/1.1\r\nhost: ${host}\r\n`;
  if (login !== null) head += `proxy-authorization: ${login}\r\n`;
  if (connection === "new") head += "connection: close\r\n";
  for (const [name, value] of Object.entries(sentHeaders(request))) head += `${name}: ${value}\r\n`;
  if (method === "POST") head += `content-length: ${body_bytes}\r\n`;
  return `${head}\r\n`;
}
