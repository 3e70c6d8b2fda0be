/** The portable transport: HTTP/1.1 with node:net and node:tls, with connections kept alive. */
import type { Buffer } from "node:buffer";
import type net from "node:net";
import { CancelledError } from "../../execute/scope.ts";
import { Exchange, type ExchangeOutcome, type Told } from "./exchange.ts";
import { Http2Sessions } from "./http2.ts";
import { originOf } from "../place.ts";
import { proxyOf } from "../proxy.ts";
import { SendQueue } from "./send_queue.ts";
import { openSocket } from "./socket.ts";
import { tlsKey, USUAL_TLS } from "../tls.ts";
import { neverSent } from "../transport.ts";
import type {
  ExchangeListener,
  HttpExchange,
  HttpRequest,
  Transport,
  TransportStatus,
} from "../transport.ts";

/** One socket; carries one exchange at a time. */
class Connection {
  /** The place whose requests may use it. */
  readonly place: string;
  readonly #breakOff: () => void;
  #socket: net.Socket | null = null;
  #exchange: Exchange | null = null;
  #error: Error | null = null;
  #closed = false;

  constructor(request: HttpRequest, onClosed: (connection: Connection) => void) {
    const { url } = request;
    this.place = placeOf(request);
    const closed = () => {
      if (this.#closed) return;
      this.#closed = true;
      onClosed(this);
      this.#exchange?.closed(this.#error);
    };
    const failed = (error: Error) => {
      this.#error = error;
      closed();
    };
    const ready = (socket: net.Socket) => {
      this.#socket = socket;
      socket.on("data", (bytes: Buffer) => {
        if (this.#exchange === null) this.destroy(); // data that no request asked for
        else this.#exchange.read(bytes);
      });
      socket.on("error", (error: Error) => this.#error = error);
      socket.on("end", closed);
      socket.on("close", closed);
      this.#exchange?.send((bytes) => socket.write(bytes), false);
    };
    const handshake = () => this.#exchange?.handshake();
    const settings = request.tls ?? USUAL_TLS;
    this.#breakOff = openSocket(url, proxyOf(url), settings, handshake, ready, failed);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether it is connected, which means that it has carried an exchange before. */
  get ready(): boolean {
    return this.#socket !== null;
  }

  /** Runs one exchange; `onSettled` is called once, after which the connection is free or closed. */
  run(
    request: HttpRequest,
    listener: Told,
    t_ready_ns: number,
    onSettled: (outcome: ExchangeOutcome, answered: boolean) => void,
  ): void {
    const exchange = new Exchange(request, listener, t_ready_ns, (outcome) => {
      this.#exchange = null;
      if (!outcome.keepAlive) this.destroy();
      onSettled(outcome, exchange.answered);
    });
    this.#exchange = exchange;
    const socket = this.#socket;
    if (socket) exchange.send((bytes) => socket.write(bytes), true);
  }

  /** Cancels its exchange, which closes the connection. */
  cancel(): void {
    this.#exchange?.cancel();
  }

  destroy(): void {
    this.cancel();
    this.#breakOff();
  }
}

/**
 * Requests with the same place may share connections: it has the origin, the session and the TLS
 * settings.
 */
function placeOf({ url, tls, connection }: HttpRequest): string {
  const spoken = tls === undefined || url.protocol !== "https:" ? "" : tlsKey(tls);
  const session = typeof connection === "object" ? connection.session : "";
  return `${originOf(url)}\n${session}\n${spoken}`;
}

/** Whether no other request may follow on this request's connection. */
function isLast({ connection }: HttpRequest): boolean {
  return connection === "new" || connection?.last === true;
}

/** HTTP/1.1 and HTTPS on the runtime's sockets, under both Deno and Node. */
export class PortableTransport implements Transport {
  readonly name = "portable";
  readonly #idle = new Map<string, Connection[]>();
  readonly #open = new Set<Connection>();
  readonly #queue = new SendQueue();
  readonly #http2 = new Http2Sessions();
  /** Requests by URL. */
  readonly #loads = new Map<string, { in_flight: number; given: number }>();
  #opened = 0;

  send(request: HttpRequest, listener: ExchangeListener): () => void {
    let cancel = () => {};
    const start = (t_ready_ns: number) => {
      const place = this.#leastInFlight([request.url, ...request.others ?? []]);
      const chosen = { ...request, url: place.url };
      const of = request.others?.length ? { place: place.number } : {};
      const told = {
        onEvent: (data: string, t_ns: number, lag_ns: number | null) =>
          listener.onEvent(data, t_ns, lag_ns),
        onErrorEvent: (data: string) => listener.onErrorEvent(data),
        onFree: () => place.load.in_flight--,
        onEnd: (exchange: HttpExchange, error: Error | null) =>
          listener.onEnd({ ...exchange, ...of }, error),
      };
      if (chosen.tls?.http2) {
        cancel = this.#http2.run(
          placeOf(chosen),
          chosen,
          isLast(chosen),
          told,
          t_ready_ns,
          () => this.#opened++,
          (exchange, error) => this.#ended(told, exchange, error),
        );
        return;
      }
      const kept = chosen.connection === "new" ? undefined : this.#takeIdle(placeOf(chosen));
      cancel = this.#run(kept ?? this.#connect(chosen), chosen, t_ready_ns, told);
    };
    const withdrawn = () => listener.onEnd(neverSent(), new CancelledError());
    const unqueue = this.#queue.add(request.t_send_ns ?? 0, start, withdrawn);
    return () => {
      if (!unqueue()) cancel();
    };
  }

  withdraw(): void {
    this.#queue.withdraw();
  }

  limit(in_flight: number): void {
    this.#queue.limit(in_flight);
  }

  status(): TransportStatus {
    return {
      connections_opened: this.#opened,
      cpu_ns: null,
      blocked_ns: null,
      ring_use: null,
      scheduling: null,
    };
  }

  // deno-lint-ignore require-await -- nothing here waits, but a transport may
  async [Symbol.asyncDispose](): Promise<void> {
    this.withdraw();
    for (const connection of this.#open) connection.destroy();
    this.#http2.destroy();
    this.#open.clear();
    this.#idle.clear();
  }

  /** The URL with the fewest requests in flight; among equals, the one with the fewest requests so far. */
  #leastInFlight(urls: readonly URL[]) {
    const places = urls.map((url, number) => {
      const load = this.#loads.get(url.href) ?? { in_flight: 0, given: 0 };
      this.#loads.set(url.href, load);
      return { url, number, load };
    });
    const least = places.reduce((best, place) =>
      (place.load.in_flight - best.load.in_flight || place.load.given - best.load.given) < 0
        ? place
        : best
    );
    least.load.in_flight++;
    least.load.given++;
    return least;
  }

  #connect(request: HttpRequest): Connection {
    const fresh = new Connection(request, (connection) => this.#forget(connection));
    this.#open.add(fresh);
    this.#opened++;
    return fresh;
  }

  /**
   * Runs an exchange; returns a function that cancels it. When the server closes a reused connection
   * before any answer, as servers do with idle ones, the request is sent again on a new one.
   */
  #run(
    connection: Connection,
    request: HttpRequest,
    t_ready_ns: number,
    listener: ExchangeListener & { onFree(): void },
  ): () => void {
    let current = connection;
    const settled = ({ exchange, error, keepAlive }: ExchangeOutcome, answered: boolean) => {
      if (keepAlive && isLast(request)) current.destroy();
      else if (keepAlive && !current.closed) this.#idle.get(current.place)!.push(current);
      if (error !== null && reused && current === connection && current.closed && !answered) {
        current = this.#connect(request);
        return current.run(request, listener, t_ready_ns, settled);
      }
      this.#ended(listener, exchange, error);
    };
    const reused = connection.ready;
    connection.run(request, listener, t_ready_ns, settled);
    return () => current.cancel();
  }

  #ended(
    listener: ExchangeListener & { onFree(): void },
    exchange: HttpExchange,
    error: Error | null,
  ): void {
    listener.onFree(); // before the next request's place is chosen
    this.#queue.ended();
    listener.onEnd(exchange, error);
  }

  #takeIdle(place: string): Connection | undefined {
    const idle = this.#idle.get(place);
    if (idle) return idle.pop();
    this.#idle.set(place, []);
    return undefined;
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection);
    const idle = this.#idle.get(connection.place);
    const at = idle?.indexOf(connection) ?? -1;
    if (at >= 0) idle!.splice(at, 1);
  }
}
