/** Carries requests to an endpoint and stamps the responses. */
import { nowNs } from "../native/clock.ts";
import { proxyAuthorization } from "./proxy.ts";
import { asCancelled, throwIfAborted } from "../execute/scope.ts";
import type { WireConnection } from "../native/wire.ts";
import type { TlsSettings } from "./tls.ts";

/** One HTTP request, ready to be sent. */
export interface HttpRequest {
  /** The HTTP method. */
  method: "GET" | "POST";
  /** Where it goes; http or https. */
  url: URL;
  /** It may go to one of these instead: to the place with the fewest requests in flight at its time. */
  others?: readonly URL[];
  /** Header names and values. */
  headers: Record<string, string>;
  /** The body; empty for none. */
  body: string | Uint8Array;
  /** Its headers with a signature of all of it, made when it is given to a connection; absent: none. */
  sign?: (
    request: Pick<HttpRequest, "method" | "url" | "headers" | "body">,
  ) => Record<string, string>;
  /** Seconds from when it is its turn (connecting included) until the exchange is given up. */
  timeout_s: number;
  /** CLOCK_MONOTONIC nanoseconds before which it is not sent; absent: at once. */
  t_send_ns?: number;
  /** How https is spoken; absent: as usual. */
  tls?: TlsSettings;
  /** The connection it goes on; absent: any that was kept alive and is free, else a new one. */
  connection?: WireConnection;
}

/**
 * An exchange that has ended. Times are CLOCK_MONOTONIC nanoseconds, 0 for what never happened: a
 * failed exchange has those that it came to.
 */
export interface HttpExchange {
  /** 0 when no response head came. */
  status: number;
  /** Header names in lower case. */
  headers: Record<string, string>;
  /** The body of a response that came whole and is not an event stream; else empty. */
  body: string;
  /** Instead of it: sound, images and other files. */
  bytes?: Uint8Array;
  /** Connecting (with TLS) took this long; 0 on a connection that was kept alive. */
  connect_ns: number;
  /** Of that, TLS's handshake; 0 without one, null where it is not known. */
  tls_ns: number | null;
  /** Connecting was over before it was the request's turn. */
  connected_ahead?: boolean;
  /** Of a request with other places: where it went; 0 is its `url`, 1 the first of the others. */
  place?: number;
  /** Its turn: its time had come, and the limit of requests in flight let it. */
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
  /** An event that its name calls an error. */
  onErrorEvent(data: string): void;
  /** Whether an answer's first token has come; left out by who does not look for it. */
  begun?(): boolean;
  /** Called once, last. `error` is an EndpointError (connect, timeout, truncated, malformed) or a
   * CancelledError; null when the response came whole. */
  onEnd(exchange: HttpExchange, error: Error | null): void;
}

/** What a transport has done and cost so far; null is unknown. */
export interface TransportStatus {
  /** Connections made so far. */
  connections_opened: number;
  /** CPU time of its thread. */
  cpu_ns: number | null;
  /** Time in which nothing was read because what was read had not been taken. */
  blocked_ns: number | null;
  /** The most that ever waited to be taken, as a share of the room for it. */
  ring_use: number | null;
  /** How its thread is scheduled. */
  scheduling: string | null;
}

/** Disposing closes every connection; exchanges under way end as cancelled. */
export interface Transport extends AsyncDisposable {
  /** Recorded in results: which one ran. */
  readonly name: string;
  /** Sends a request when its time has come and the limit lets it; gives what cancels it. */
  send(request: HttpRequest, listener: ExchangeListener): () => void;
  /** Ends, as cancelled, every request that was not sent yet. */
  withdraw(): void;
  /** The most requests in flight at once; at first any number. */
  limit(in_flight: number): void;
  /** What it has done and cost until now. */
  status(): TransportStatus;
}

/**
 * Sends a request and waits for the end of the response. Events of a stream are handed to `told` as
 * they come; a throw of it ends the exchange. Null where none matters.
 *
 * @param onOver called with the exchange, also where it failed or was cancelled.
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

/** An exchange without any result, ended now. */
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

/** The headers of a request as they are sent, its signature among them. */
export function sentHeaders(
  request: Pick<HttpRequest, "method" | "url" | "headers" | "body" | "sign">,
): Record<string, string> {
  return request.sign?.(request) ?? request.headers;
}

/**
 * The head of a request, as HTTP/1.1 has it.
 *
 * @param proxy the proxy that it goes to.
 */
export function requestHead(
  request: Pick<HttpRequest, "method" | "url" | "headers" | "connection" | "body" | "sign">,
  body_bytes: number,
  proxy: URL | null = null,
): string {
  const { method, url, connection } = request;
  const host = url.protocol === "http+unix:" ? "localhost" : url.host;
  // a proxy receives the whole URL; through a tunnel the server itself is spoken to
  const asked = proxy !== null && url.protocol === "http:" ? url.origin : "";
  const login = asked ? proxyAuthorization(proxy!) : null;
  let head = `${method} ${asked}${url.pathname}${url.search} HTTP/1.1\r\nhost: ${host}\r\n`;
  if (login !== null) head += `proxy-authorization: ${login}\r\n`;
  if (connection === "new") head += "connection: close\r\n";
  for (const [name, value] of Object.entries(sentHeaders(request))) head += `${name}: ${value}\r\n`;
  if (method === "POST") head += `content-length: ${body_bytes}\r\n`;
  return `${head}\r\n`;
}
