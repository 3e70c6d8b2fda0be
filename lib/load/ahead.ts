/** Says how many requests may be begun before they are: of what a kill cuts off nothing else is known. */
import { nowNs } from "../native/clock.ts";

/** It is said about this often at most. */
const INTERVAL_NS = 1e8;
/** Of those begun at most this part is said ahead: a first burst does not show the rate. */
const SHARE = 8;

/** The requests of a load that were begun and not taken back, and how many were allowed. */
export class Ahead {
  readonly #tell: (most: number) => void;
  #begun = 0;
  #told = 0;
  #told_ns = 0;
  /** How many more are allowed at a time: as many as are begun in the interval. */
  #step = 1;

  /** @param tell called before more are begun than it was last called with: as many as may be from now on. */
  constructor(tell: (most: number) => void) {
    this.#tell = tell;
  }

  /** Another one will be begun. */
  begin(): void {
    if (++this.#begun <= this.#told) return;
    const now_ns = nowNs();
    const step = now_ns - this.#told_ns < INTERVAL_NS ? 2 * this.#step : Math.ceil(this.#step / 2);
    this.#step = Math.min(step, Math.ceil(this.#begun / SHARE));
    this.#told = this.#begun - 1 + this.#step;
    this.#told_ns = now_ns;
    this.#tell(this.#told);
  }

  /** One that was begun is as if it had not been. */
  takeBack(): void {
    this.#begun--;
  }
}
