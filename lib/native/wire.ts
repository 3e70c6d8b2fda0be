/**
 * The wire: an HTTP/1.1 client with TLS in a native thread. It takes requests and returns
 * timestamped records.
 */
import { Buffer } from "node:buffer";
import { NoProcessError } from "../errors.ts";
import { cString, nativeCall, type NativeLibrary, nativeText } from "./ffi.ts";

/** The kinds of records: `enum wire_kind` of native/http/wire/wire.h. */
const WIRE_KIND = { head: 1, event: 2, body: 3, end: 4, error: 5 } as const;

/** How a request ended: `enum wire_failure`. */
const WIRE_FAILURES = [
  "ok",
  "connect",
  "lost",
  "no_answer",
  "unended",
  "truncated",
  "malformed",
  "cancelled",
] as const;

/**
 * How a request ended, with its times on CLOCK_MONOTONIC in nanoseconds; 0 if it did not happen.
 */
export interface WireEnd {
  failure: typeof WIRE_FAILURES[number];
  /** HTTP status, 0 for none. */
  status: number;
  reused: boolean;
  /** The connection was opened before the request's turn. */
  connected_ahead: boolean;
  /** For a request with several places, the number of the place that was used. */
  place: number;
  t_ready_ns: number;
  t_sent_ns: number;
  t_first_byte_ns: number;
  t_end_ns: number;
  connect_ns: number;
  body_bytes: number;
  /** The part of connect_ns for the TLS handshake. */
  tls_ns: number;
  message: string;
}

/** Receives records in the order in which they were read. Texts stay valid. */
export interface WireSink {
  head(request: number, text: string): void;
  event(request: number, data: string, t_ns: number, lag_ns: number): void;
  errorEvent(request: number, data: string): void;
  /** The bytes are valid only during the call. */
  body(request: number, bytes: Buffer): void;
  end(request: number, end: WireEnd): void;
}

/** What the thread has done so far, and its cost. */
export interface WireStatus {
  sent: number;
  ended: number;
  /** Requests sent again, because the server had just closed the kept connection. */
  resent: number;
  connections_opened: number;
  /** How many connections with TLS resumed the session of an earlier one. */
  tls_resumed: number;
  reads: number;
  ring_bytes: number;
  ring_high_water_bytes: number;
  /** Time in which nothing was read because the ring was full. */
  blocked_ns: number;
  cpu_ns: number;
  scheduling: "fifo" | "nice" | "normal" | null;
  /** Whether the kernel reports when it received what was read. */
  kernel_stamps: boolean;
}

/** A lag that the kernel did not report. */
export const LAG_UNKNOWN = 0xffffffff;

const RECORD_BYTES = 32;
const END_BYTES = 72;
const FLAG_REUSED = 1;
const FLAG_AHEAD = 4;
const PLACE_SHIFT = 8;
const PLACE_BYTES = 8;
const REQUEST_BYTES = 40;
/**
 * Also the size of the strings that events are cut from: small enough to be collected while young.
 */
const DRAIN_BYTES = 1 << 16;
const WAIT_MS = 100;
const EAGER_WAIT_MS = 1;
const SETTLE_US = 500;
const EAGAIN = 11;

/** The connection for a request: any free one, a new one, or its session's. */
export type WireConnection = "new" | {
  /** A number, at least 1, below 2^31 − 1. */
  session: number;
  /** This is the session's last request: its connection is closed afterwards. */
  last: boolean;
} | undefined;

/** When to send a request, how long it may take, and which connection to use. */
export interface WireWhen {
  /** Not sent before this time; 0 for as soon as the limit allows. */
  t_send_ns: number;
  timeout_ns: number;
  connection?: WireConnection;
}

const POOLED = 0;
const NEW = 0xffffffff;
const LAST = 0x80000000;

function connectionWord(connection: WireConnection): number {
  if (connection === undefined) return POOLED;
  if (connection === "new") return NEW;
  return (connection.last ? LAST : 0) + connection.session;
}

/**
 * The OpenSSL that the wire uses for TLS, such as "OpenSSL 3.0.19 27 Jan 2026".
 *
 * @throws {Error} no OpenSSL was found; the message says why.
 */
export function tlsLibrary(library: NativeLibrary): string {
  const text = new Uint8Array(256);
  const result = library.call.dyno_tls_library(text, text.length);
  const said = new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
  if (result < 0) throw new Error(said);
  return said;
}

/** A wire. All its calls must come from one JavaScript thread. */
export class Wire implements AsyncDisposable {
  readonly #library: NativeLibrary;
  #number: number;
  #room = new ArrayBuffer(DRAIN_BYTES);
  #waiting: Promise<number> | null = null;
  #closed = false;

  /** @throws {NoProcessError} the thread cannot be started. */
  constructor(library: NativeLibrary, options: { ring_bytes?: number } = {}) {
    this.#library = library;
    const lines = options.ring_bytes === undefined ? "" : `ring_bytes=${options.ring_bytes}`;
    this.#number = nativeCall(
      (message, bytes) => library.call.dyno_wire_open(cString(lines), message, bytes),
      (message) =>
        /temporarily unavailable/.test(message)
          ? new NoProcessError("wire")
          : new Error(`wire: ${message}`),
    );
  }

  /**
   * Adds a place to connect to; its addresses are tried in the given order.
   *
   * @param addresses `ADDRESS PORT` with a numeric address, or `unix PATH`.
   * @param tls the lines of native/http/tls/tls.h; none for plain HTTP.
   * @throws {Error} an address is invalid, there are too many places, or a file does not contain
   * certificates.
   */
  target(addresses: readonly string[], tls: readonly string[] = []): number {
    const lines = cString([...addresses, ...tls].join("\n"));
    return nativeCall(
      (message, bytes) => this.#library.call.dyno_wire_target(this.#number, lines, message, bytes),
      (message) => new Error(message),
    );
  }

  /**
   * Queues a request; false if the queue is full.
   *
   * @param http the bytes of the whole HTTP request.
   */
  send(request: number, target: number, when: WireWhen, http: Uint8Array): boolean {
    return this.#queue(request, target, when, 0, [http]);
  }

  /**
   * Queues a request that may go to one of several places: the one with the fewest requests in
   * flight when its time comes, or among equals the one that has received the fewest.
   *
   * @param places each with the bytes of the request's head for it.
   * @param body the bytes after the head, the same for all places.
   */
  sendToOneOf(
    request: number,
    places: readonly { target: number; head: Uint8Array }[],
    when: WireWhen,
    body: Uint8Array,
  ): boolean {
    const table = Buffer.allocUnsafe(places.length * PLACE_BYTES);
    places.forEach(({ target, head }, i) => {
      table.writeUInt32LE(target, i * PLACE_BYTES);
      table.writeUInt32LE(head.length, i * PLACE_BYTES + 4);
    });
    const parts = [table, ...places.map(({ head }) => head), body];
    return this.#queue(request, 0, when, places.length, parts);
  }

  #queue(
    request: number,
    target: number,
    { t_send_ns, timeout_ns, connection }: WireWhen,
    places: number,
    parts: readonly Uint8Array[],
  ): boolean {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const bytes = Buffer.allocUnsafe(REQUEST_BYTES + length);
    bytes.writeDoubleLE(t_send_ns, 0);
    bytes.writeDoubleLE(timeout_ns, 8);
    bytes.writeUInt32LE(request, 16);
    bytes.writeUInt32LE(target, 20);
    bytes.writeUInt32LE(length, 24);
    bytes.writeUInt32LE(places, 28);
    bytes.writeUInt32LE(connectionWord(connection), 32);
    bytes.writeUInt32LE(0, 36);
    let at = REQUEST_BYTES;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    const result = this.#library.call.dyno_wire_send(this.#number, bytes, bytes.length);
    if (result < 0 && result !== -EAGAIN) throw new Error(`wire: native error ${-result}`);
    return result === 0;
  }

  /** Ends a request; its end arrives as a record. False if the queue of commands is full. */
  cancel(request: number): boolean {
    return this.#library.call.dyno_wire_cancel(this.#number, request) !== -EAGAIN;
  }

  /** Ends every request that was not sent yet. False if the queue of commands is full. */
  withdraw(): boolean {
    return this.#library.call.dyno_wire_withdraw(this.#number) !== -EAGAIN;
  }

  /** Sets the most requests in flight at once. */
  limit(in_flight: number): void {
    this.#library.call.dyno_wire_limit(this.#number, Math.min(in_flight, 0xffffffff));
  }

  /** Waits until a request has ended or there is much to drain, at most 100 ms; if `eager`, at most 1 ms. */
  async wait(eager: boolean): Promise<void> {
    if (this.#closed) return;
    const wait_ms = eager ? EAGER_WAIT_MS : WAIT_MS;
    this.#waiting = this.#library.call.dyno_wire_wait(this.#number, wait_ms, SETTLE_US);
    await this.#waiting;
    this.#waiting = null;
  }

  /** Passes waiting records to the sink, at most 64 KB of them; returns their bytes. */
  drain(sink: WireSink): number {
    const room = Buffer.from(this.#room);
    const count = this.#library.call.dyno_wire_drain(this.#number, room, room.length);
    if (count >= 0) {
      if (count > 0) this.#deliver(count, sink);
      return count;
    }
    this.#room = new ArrayBuffer(-count); // for a record larger than usual
    const bytes = this.drain(sink);
    this.#room = new ArrayBuffer(DRAIN_BYTES);
    return bytes;
  }

  #deliver(count: number, sink: WireSink): void {
    const bytes = Buffer.from(this.#room, 0, count);
    const words = new Uint32Array(this.#room, 0, count >>> 2);
    const doubles = new Float64Array(this.#room, 0, count >>> 3);
    const text = bytes.toString("latin1"); // decode once: a substring costs next to nothing
    for (let at = 0; at < count; at += words[at >>> 2]) {
      const word = at >>> 2;
      const request = words[word + 1];
      const start = at + RECORD_BYTES;
      const end = start + words[word + 5];
      const kind = words[word + 4];
      if (kind === WIRE_KIND.event) {
        const ascii = words[word + 7] === 1;
        const data = ascii ? text.substring(start, end) : bytes.toString("utf8", start, end);
        sink.event(request, data, doubles[(at >>> 3) + 1], words[word + 6]);
      } else if (kind === WIRE_KIND.end) {
        const message = text.substring(start + END_BYTES, end);
        sink.end(request, endOf(words, doubles, start, message));
      } else if (kind === WIRE_KIND.head) {
        sink.head(request, text.substring(start, end));
      } else if (kind === WIRE_KIND.error) {
        sink.errorEvent(request, bytes.toString("utf8", start, end));
      } else {
        sink.body(request, bytes.subarray(start, end));
      }
    }
  }

  status(): WireStatus {
    return JSON.parse(nativeText(
      "wire status",
      (room, bytes) => this.#library.call.dyno_wire_status(this.#number, room, bytes),
    ));
  }

  /** Stops the thread and its connections without waiting for it; pending waits return. */
  stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#library.call.dyno_wire_stop(this.#number);
  }

  /** Stops and frees. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#waiting;
    if (this.#number !== 0) this.#library.call.dyno_wire_close(this.#number);
    this.#number = 0;
  }
}

function endOf(words: Uint32Array, doubles: Float64Array, at: number, message: string): WireEnd {
  const word = at >>> 2;
  const double = (at >>> 3) + 2;
  return {
    failure: WIRE_FAILURES[words[word]],
    status: words[word + 1],
    reused: (words[word + 3] & FLAG_REUSED) !== 0,
    connected_ahead: (words[word + 3] & FLAG_AHEAD) !== 0,
    place: words[word + 3] >>> PLACE_SHIFT,
    t_ready_ns: doubles[double],
    t_sent_ns: doubles[double + 1],
    t_first_byte_ns: doubles[double + 2],
    t_end_ns: doubles[double + 3],
    connect_ns: doubles[double + 4],
    body_bytes: doubles[double + 5],
    tls_ns: doubles[double + 6],
    message,
  };
}
