/** The wire transport: HTTP/1.1 with TLS in a native thread, which sends on time and timestamps reads. */
import { Buffer } from "node:buffer";
import net from "node:net";
import { messageOf } from "../errors.ts";
import { CancelledError } from "../execute/scope.ts";
import { nowNs } from "../native/clock.ts";
import { LAG_UNKNOWN, Wire } from "../native/wire.ts";
import { contentOf } from "./body_form.ts";
import { deadlineNs, lateError } from "./deadline.ts";
import { connectionError, EndpointError } from "./errors.ts";
import { GatheredBytes } from "./gathered_bytes.ts";
import { headersIn } from "./http_response.ts";
import { addressesOf, hostOf, originOf } from "./place.ts";
import { inheritedGuard } from "./ssrf_guard.ts";
import { tlsKey, USUAL_TLS, withWireLines } from "./tls.ts";
import { neverSent, requestHead } from "./transport.ts";
import type { NativeLibrary } from "../native/ffi.ts";
import type { TlsSettings } from "./tls.ts";
import type { WireEnd, WireSink } from "../native/wire.ts";
import type {
  ExchangeListener,
  HttpExchange,
  HttpRequest,
  Transport,
  TransportStatus,
} from "./transport.ts";

/** An exchange in progress. */
interface Flight {
  request: HttpRequest;
  listener: ExchangeListener;
  /** Whether the native thread has taken it. */
  queued: boolean;
  head: string;
  body: GatheredBytes;
}

const QUEUE_FULL_WAIT_MS = 5;
/** A drain of at least this many bytes may have left more to read. */
const MUCH_BYTES = 1 << 15;
/** After this time, timers and signals get their turn. A drain may take 1 ms, or on a busy machine 1 s. */
const MOST_DRAINING_NS = 20e6;

/** Takes `http:`, `https:` and `http+unix:` (the socket's path, percent-encoded, instead of the host). */
export class WireTransport implements Transport, WireSink {
  readonly name = "wire";
  readonly #wire: Wire;
  readonly #flights = new Map<number, Flight>();
  /** The place's number, or a promise of it, by host (or URL) and TLS settings. */
  readonly #targets = new Map<string, number | Promise<number>>();
  readonly #guard = inheritedGuard();
  /** Requests in progress whose events are wanted as they come. */
  #eager = 0;
  #last = 0;
  #pumping = false;
  #disposed = false;

  constructor(library: NativeLibrary, options: { ring_bytes?: number } = {}) {
    this.#wire = new Wire(library, options);
  }

  send(request: HttpRequest, listener: ExchangeListener): () => void {
    const number = this.#last = (this.#last + 1) >>> 0;
    if (request.eager) this.#eager++;
    this.#flights.set(number, {
      request,
      listener,
      queued: false,
      head: "",
      body: new GatheredBytes(),
    });
    const places = this.#places(request);
    if (Array.isArray(places)) this.#submit(number, places);
    else {
      places.then(
        (found) => this.#submit(number, found),
        (error) => this.#fail(number, new EndpointError("connect", messageOf(error))),
      );
    }
    return () => this.#cancel(number);
  }

  withdraw(): void {
    for (const [number, { queued }] of this.#flights) {
      if (!queued) this.#fail(number, new CancelledError());
    }
    this.#order(() => this.#wire.withdraw());
  }

  limit(in_flight: number): void {
    this.#wire.limit(in_flight);
  }

  status(): TransportStatus {
    const status = this.#wire.status();
    return {
      connections_opened: status.connections_opened,
      cpu_ns: status.cpu_ns,
      blocked_ns: status.blocked_ns,
      ring_use: status.ring_high_water_bytes / status.ring_bytes,
      scheduling: status.scheduling,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#wire[Symbol.asyncDispose]();
    for (const number of [...this.#flights.keys()]) this.#fail(number, new CancelledError());
  }

  head(number: number, text: string): void {
    const flight = this.#flights.get(number);
    if (flight) flight.head = text;
  }

  event(number: number, data: string, t_ns: number, lag_ns: number): void {
    const flight = this.#flights.get(number);
    flight?.listener.onEvent(data, t_ns, lag_ns === LAG_UNKNOWN ? null : lag_ns);
  }

  errorEvent(number: number, data: string): void {
    this.#flights.get(number)?.listener.onErrorEvent(data);
  }

  body(number: number, bytes: Buffer): void {
    this.#flights.get(number)?.body.add(bytes);
  }

  end(number: number, end: WireEnd): void {
    const flight = this.#taken(number);
    if (!flight) return;
    flight.listener.onEnd(exchangeOf(flight, end), errorOf(flight.request, end));
  }

  /** Drains records while any exchange is in progress. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#flights.size > 0 && !this.#disposed) {
      await this.#wire.wait(this.#eager > 0);
      const until_ns = nowNs() + MOST_DRAINING_NS;
      while (
        !this.#disposed && this.#wire.drain(this) >= MUCH_BYTES && nowNs() < until_ns
      );
    }
    this.#pumping = false;
  }

  #submit(number: number, targets: number[]): void {
    const flight = this.#flights.get(number);
    if (!flight || this.#disposed) return;
    const { request } = flight;
    const content = Buffer.from(request.body);
    const places = [request.url, ...request.others ?? []].map((url, i) => ({
      target: targets[i],
      head: Buffer.from(requestHead({ ...request, url }, content.length), "latin1"),
    }));
    const [{ target, head }] = places;
    const { connection } = request;
    const when = { t_send_ns: request.t_send_ns ?? 0, timeout_ns: deadlineNs(request), connection };
    const queued = places.length === 1
      ? this.#wire.send(number, target, when, Buffer.concat([head, content]))
      : this.#wire.sendToOneOf(number, places, when, content);
    if (queued) {
      flight.queued = true;
      flight.request = { ...request, body: "" }; // the thread has a copy: thousands may be in flight
      this.#pump();
    } else setTimeout(() => this.#submit(number, targets), QUEUE_FULL_WAIT_MS);
  }

  #cancel(number: number): void {
    const flight = this.#flights.get(number);
    if (flight?.queued) this.#order(() => !this.#flights.has(number) || this.#wire.cancel(number));
    else this.#fail(number, new CancelledError());
  }

  /** Gives an order to the thread; retries while its queue is full. */
  #order(order: () => boolean): void {
    if (!this.#disposed && !order()) setTimeout(() => this.#order(order), QUEUE_FULL_WAIT_MS);
  }

  /**
   * The places of a request, in order. With several endpoints each has its own place, even on the same
   * host.
   */
  #places({ url, others = [], tls = USUAL_TLS }: HttpRequest): number[] | Promise<number[]> {
    const targets = others.length === 0
      ? [this.#target(url, originOf(url), tls)]
      : [url, ...others].map((each) => this.#target(each, each.href, tls));
    return targets.every((target) => typeof target === "number") ? targets : Promise.all(targets);
  }

  #target(url: URL, name: string, tls: TlsSettings): number | Promise<number> {
    const secure = url.protocol === "https:";
    const key = secure ? `${name}\n${tlsKey(tls)}` : name;
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    const open = (addresses: readonly string[]) => {
      const places = addresses.map((address) => placeAt(url, address));
      return secure
        ? withWireLines(url, tls, (lines) => this.#wire.target(places, lines))
        : this.#wire.target(places);
    };
    const address = this.#guard === null && !secure ? knownAddress(url) : null;
    const target = address === null ? this.#resolved(url, key, open) : open([address]);
    this.#targets.set(key, target);
    return target;
  }

  async #resolved(
    url: URL,
    key: string,
    open: (addresses: readonly string[]) => number,
  ): Promise<number> {
    try {
      const target = open(await (this.#guard?.addresses(url) ?? addressesOf(url)));
      this.#targets.set(key, target);
      return target;
    } catch (error) {
      this.#targets.delete(key); // another attempt may find it
      throw new Error(`${originOf(url)}: cannot connect: ${messageOf(error)}`);
    }
  }

  #fail(number: number, error: Error): void {
    this.#taken(number)?.listener.onEnd(neverSent(), error);
  }

  /** Removes a request from those in progress, and returns it. */
  #taken(number: number): Flight | undefined {
    const flight = this.#flights.get(number);
    if (flight?.request.eager) this.#eager--;
    this.#flights.delete(number);
    return flight;
  }
}

/** The address, when no name has to be looked up; null otherwise. */
function knownAddress(url: URL): string | null {
  if (url.protocol === "http+unix:") return decodeURIComponent(url.hostname);
  const host = hostOf(url);
  return net.isIP(host) ? host : null;
}

/** A place in the wire's notation. */
function placeAt({ protocol, port }: URL, address: string): string {
  if (protocol === "http+unix:") return `unix ${address}`;
  return `${address} ${port || (protocol === "https:" ? 443 : 80)}`;
}

function exchangeOf({ request, head, body }: Flight, end: WireEnd): HttpExchange {
  const headers = headersIn(head);
  return {
    ...(request.others?.length ? { place: end.place } : {}),
    status: end.status,
    headers,
    ...(end.failure === "ok"
      ? contentOf({ status: end.status, headers }, body.take())
      : { body: "" }),
    connect_ns: end.connect_ns,
    tls_ns: end.tls_ns,
    ...(end.connected_ahead ? { connected_ahead: true } : {}),
    t_ready_ns: end.t_ready_ns,
    t_sent_ns: end.t_sent_ns,
    t_first_byte_ns: end.t_first_byte_ns,
    t_end_ns: end.t_end_ns,
  };
}

function errorOf(
  request: HttpRequest,
  { failure, message, status, place }: WireEnd,
): Error | null {
  const url = [request.url, ...request.others ?? []][place] ?? request.url;
  switch (failure) {
    case "ok":
      return null;
    case "cancelled":
      return new CancelledError();
    case "connect":
      return connectionError(url, "connecting", message);
    case "lost":
      return connectionError(url, "sent", message);
    case "truncated":
      return connectionError(url, "answered", message);
    case "malformed":
      return new EndpointError("malformed", `the server's HTTP is malformed: ${message}`, {
        status: status || undefined,
      });
    default:
      return lateError({ ...request, url }, failure !== "no_answer");
  }
}
