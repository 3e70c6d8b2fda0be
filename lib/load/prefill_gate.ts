/**
 * Limits the number of requests that wait for their first token. The others are held back here, in
 * the order of their times, so that prefill has a load of known depth while decoding continues.
 */
import { neverSent } from "../endpoint/transport.ts";
import { CancelledError } from "../execute/scope.ts";
import { nowNs } from "../native/clock.ts";
import type {
  ExchangeListener,
  HttpRequest,
  Transport,
  TransportStatus,
} from "../endpoint/transport.ts";

interface Waiting {
  request: HttpRequest;
  listener: ExchangeListener;
  /** Cancels the request once the transport has it; null before. */
  cancel: (() => void) | null;
}

/**
 * A transport that holds requests back until one before them has its first token, or has ended: for
 * an answer that is not streamed, only the end is known. The caller still closes the transport.
 */
export class PrefillGate implements Transport {
  readonly #transport: Transport;
  readonly #limit: number;
  readonly #waiting = new Set<Waiting>();
  #before_first = 0;

  constructor(transport: Transport, limit: number) {
    this.#transport = transport;
    this.#limit = limit;
  }

  get name(): string {
    return this.#transport.name;
  }

  send(request: HttpRequest, listener: ExchangeListener): () => void {
    const waiting: Waiting = { request, listener, cancel: null };
    this.#waiting.add(waiting);
    this.#open();
    return () => {
      if (waiting.cancel !== null) waiting.cancel();
      else this.#end(waiting);
    };
  }

  withdraw(): void {
    for (const waiting of [...this.#waiting]) this.#end(waiting);
    this.#transport.withdraw();
  }

  limit(in_flight: number): void {
    this.#transport.limit(in_flight);
  }

  status(): TransportStatus {
    return this.#transport.status();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const waiting of [...this.#waiting]) this.#end(waiting);
    await this.#transport[Symbol.asyncDispose]();
  }

  /** Ends a request that the transport never received. */
  #end(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting)) return;
    waiting.listener.onEnd(neverSent(), new CancelledError());
  }

  #open(): void {
    for (const waiting of this.#waiting) {
      if (this.#before_first >= this.#limit) return;
      this.#waiting.delete(waiting);
      this.#give(waiting);
    }
  }

  #give(waiting: Waiting): void {
    const { request, listener } = waiting;
    this.#before_first++;
    let is_before = true;
    const leave = () => {
      if (!is_before) return;
      is_before = false;
      this.#before_first--;
      this.#open();
    };
    // a request held back is due only now, so that it does not count as sent late
    const t_send_ns = (request.t_send_ns ?? 0) > nowNs() ? request.t_send_ns! : 0;
    const due = { ...request, t_send_ns, eager: true };
    waiting.cancel = this.#transport.send(due, {
      onEvent: (data, t_ns, lag_ns) => {
        listener.onEvent(data, t_ns, lag_ns);
        if (is_before && listener.begun?.()) leave();
      },
      onErrorEvent: (data) => listener.onErrorEvent(data),
      onEnd: (exchange, error) => {
        listener.onEnd(exchange, error);
        leave();
      },
    });
  }
}
