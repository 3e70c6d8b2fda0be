/** One request and its response on one connection: parsed, stamped, settled exactly once. */
import { Buffer } from "node:buffer";
import { CancelledError } from "../../execute/scope.ts";
import { nowNs } from "../../native/clock.ts";
import { BodyReader } from "../body_form.ts";
import { Deadline, lateError } from "../deadline.ts";
import { connectionError } from "../errors.ts";
import { refuseEncoded, ResponseParser } from "../http_response.ts";
import { proxyOf } from "../proxy.ts";
import { requestHead } from "../transport.ts";
import type { EndpointError } from "../errors.ts";
import type { ResponseHead } from "../http_response.ts";
import type { ExchangeListener, HttpExchange, HttpRequest } from "../transport.ts";

/** What the connection learns when an exchange has ended. */
export interface ExchangeOutcome {
  exchange: HttpExchange;
  error: Error | null;
  /** Whether the connection may carry another request. */
  keepAlive: boolean;
}

/** Receives the events. */
export type Told = Pick<ExchangeListener, "onEvent" | "onErrorEvent">;

/** Feed it what the socket receives; it calls `onSettled` once. */
export class Exchange {
  readonly #request: HttpRequest;
  readonly #onSettled: (outcome: ExchangeOutcome) => void;
  readonly #parser: ResponseParser;
  readonly #listener: Told;
  readonly #deadline: Deadline;
  readonly #started_ns = nowNs();
  #body: BodyReader | null = null;
  #head: ResponseHead | null = null;
  #settled = false;
  readonly #t_ready_ns: number;
  #connect_ns = 0;
  #tls_ns: number | null = 0;
  #t_handshake_ns: number | null = null;
  #t_sent_ns = 0;
  #t_first_byte_ns = 0;
  #t_read_ns = 0;

  constructor(
    request: HttpRequest,
    listener: Told,
    t_ready_ns: number,
    onSettled: (outcome: ExchangeOutcome) => void,
  ) {
    this.#request = request;
    this.#onSettled = onSettled;
    this.#t_ready_ns = t_ready_ns;
    this.#listener = listener;
    this.#parser = new ResponseParser({
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => this.#body!.push(bytes),
    });
    const onLate = () => this.#settle(lateError(request, this.answered));
    this.#deadline = new Deadline(request, onLate);
  }

  /** Whether any byte of the response has come. */
  get answered(): boolean {
    return this.#t_first_byte_ns > 0;
  }

  /** Writes the request. On a new connection, the time since construction was spent connecting. */
  send(write: (bytes: Buffer) => void, reused: boolean): void {
    if (this.#settled) return;
    const bytes = serialise(this.#request);
    this.#t_sent_ns = nowNs();
    if (!reused) {
      this.#connect_ns = this.#t_sent_ns - this.#started_ns;
      if (this.#request.url.protocol === "https:") {
        const begun_ns = this.#t_handshake_ns;
        this.#tls_ns = begun_ns === null ? null : this.#t_sent_ns - begun_ns;
      }
    }
    write(bytes);
  }

  /** Notes that TLS's handshake begins. */
  handshake(): void {
    this.#t_handshake_ns = nowNs();
  }

  read(bytes: Buffer): void {
    if (this.#settled) return;
    this.#t_read_ns = nowNs();
    if (this.#t_first_byte_ns === 0) this.#t_first_byte_ns = this.#t_read_ns;
    try {
      this.#parser.push(bytes);
      if (this.#parser.done) this.#body?.end();
    } catch (error) {
      return this.#settle(error as Error);
    }
    if (this.#parser.done) this.#settle(null);
  }

  /** Ends the exchange; the connection cannot be used again. */
  cancel(): void {
    this.#settle(new CancelledError());
  }

  /** Ends the exchange because the connection is closed, by `error` if there was one. */
  closed(error: Error | null): void {
    if (this.#settled) return;
    if (!this.#parser.end()) return this.#settle(this.#brokenOff(error));
    this.#body?.end();
    this.#settle(null);
  }

  #settle(error: Error | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadline.clear();
    this.#onSettled({
      exchange: this.#result(error),
      error,
      keepAlive: error === null && this.#parser.keepAlive,
    });
  }

  #result(error: Error | null): HttpExchange {
    return {
      status: this.#head?.status ?? 0,
      headers: this.#head?.headers ?? {},
      ...(error === null && this.#body !== null ? this.#body.takeContent() : { body: "" }),
      connect_ns: this.#connect_ns,
      tls_ns: this.#tls_ns,
      t_ready_ns: this.#t_ready_ns,
      t_sent_ns: this.#t_sent_ns,
      t_first_byte_ns: this.#t_first_byte_ns,
      t_end_ns: error ? nowNs() : this.#t_read_ns,
    };
  }

  #onHead(head: ResponseHead): void {
    refuseEncoded(head);
    this.#head = head;
    this.#body = new BodyReader(head, (data, error) => {
      if (error) this.#listener.onErrorEvent(data);
      else this.#listener.onEvent(data, this.#t_read_ns, null);
    });
  }

  #brokenOff(error: Error | null): EndpointError {
    const stage = this.answered ? "answered" : this.#t_sent_ns > 0 ? "sent" : "connecting";
    return connectionError(this.#request.url, stage, error?.message ?? "closed by the server");
  }
}

function serialise(request: HttpRequest): Buffer {
  const content = Buffer.from(request.body);
  const head = requestHead(request, content.length, proxyOf(request.url));
  return Buffer.concat([Buffer.from(head, "latin1"), content]);
}
