/**
 * A queue of requests that wait for their time and for a slot in flight, for transports without a thread.
 */
import { nowNs } from "../../native/clock.ts";

interface Waiting {
  t_send_ns: number;
  t_queued_ns: number;
  start: (t_ready_ns: number) => void;
  withdrawn: () => void;
}

/** Timers fire up to 1 ms early and 2 ms late, so the rest of the time is spent polling. */
const POLL_NS = 1.5e6;

/** Starts waiting requests in the order of their times; among equal times in the order of arrival. */
export class SendQueue {
  readonly #waiting: Waiting[] = [];
  #limit = Infinity;
  #inFlight = 0;
  /** When a slot in flight last became free. */
  #slot_ns = 0;
  /** Whether the limit holds back a request whose time has come. */
  #held = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #immediate: ReturnType<typeof setImmediate> | null = null;

  /**
   * @param start called with the time since which it was its turn.
   * @param withdrawn called instead when it is taken out of the queue.
   * @returns a function that takes it out of the queue; it returns false when the request was already
   * started.
   */
  add(
    t_send_ns: number,
    start: (t_ready_ns: number) => void,
    withdrawn: () => void,
  ): () => boolean {
    const entry = { t_send_ns, t_queued_ns: nowNs(), start, withdrawn };
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1].t_send_ns > t_send_ns) at--;
    this.#waiting.splice(at, 0, entry);
    this.#startDue();
    return () => {
      const place = this.#waiting.indexOf(entry);
      if (place < 0) return false;
      this.#waiting.splice(place, 1);
      withdrawn();
      return true;
    };
  }

  /** Notes that a started request has ended. */
  ended(): void {
    this.#inFlight--;
    this.#slot_ns = nowNs();
    this.#startDue();
  }

  limit(in_flight: number): void {
    this.#limit = in_flight;
    this.#slot_ns = nowNs();
    this.#startDue();
  }

  /** Takes all waiting requests out of the queue. */
  withdraw(): void {
    this.#unset();
    for (const { withdrawn } of this.#waiting.splice(0)) withdrawn();
  }

  #startDue(): void {
    while (this.#waiting.length > 0 && this.#inFlight < this.#limit) {
      const wait_ns = this.#waiting[0].t_send_ns - nowNs();
      if (wait_ns > 0) {
        this.#held = false;
        return this.#wake(wait_ns);
      }
      const { t_send_ns, t_queued_ns, start } = this.#waiting.shift()!;
      this.#inFlight++;
      // a request that arrives after its time is late because of the caller
      start(Math.max(t_send_ns || t_queued_ns, this.#held ? this.#slot_ns : 0));
    }
    this.#held = this.#waiting.length > 0;
  }

  #wake(wait_ns: number): void {
    this.#unset();
    const again = () => this.#startDue();
    if (wait_ns > POLL_NS) this.#timer = setTimeout(again, (wait_ns - POLL_NS) / 1e6);
    else this.#immediate = setImmediate(again);
  }

  #unset(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#timer = this.#immediate = null;
  }
}
