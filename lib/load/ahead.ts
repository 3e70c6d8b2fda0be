/**
 * Announces how many requests may begin before they do. After a kill, this is all that is known of
 * the requests in flight.
 */
import { nowNs } from "../native/clock.ts";

/** Aims at this much time between announcements, ns. */
const INTERVAL_NS = 1e8;
/**
 * At most 1/SHARE of the requests begun so far are announced ahead: the first burst does not show
 * the rate.
 */
const SHARE = 8;

/** Counts the requests of a load that have begun, and how many were announced. */
export class Ahead {
  readonly #tell: (most: number) => void;
  #begun = 0;
  #told = 0;
  #told_ns = 0;
  /** How many more requests each announcement allows: about as many as begin in one interval. */
  #step = 1;

  /** @param tell called before more requests begin than it last announced, with the new limit. */
  constructor(tell: (most: number) => void) {
    this.#tell = tell;
  }

  /** Counts one more request, announcing it first if needed. */
  begin(): void {
    if (++this.#begun <= this.#told) return;
    const now_ns = nowNs();
    const step = now_ns - this.#told_ns < INTERVAL_NS ? 2 * this.#step : Math.ceil(this.#step / 2);
    this.#step = Math.min(step, Math.ceil(this.#begun / SHARE));
    this.#told = this.#begun - 1 + this.#step;
    this.#told_ns = now_ns;
    this.#tell(this.#told);
  }

  /** Uncounts a request that had begun but was not sent. */
  takeBack(): void {
    this.#begun--;
  }
}
