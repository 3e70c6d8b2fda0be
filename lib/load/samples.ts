/** Values of which all are kept up to a million, and a histogram of them above. */
import { LogHistogram } from "../stats/histogram.ts";
import { type Distribution, distribution } from "../stats/quantile.ts";

const MOST_EXACT = 1e6;
const NS_PER_MS = 1e6;

/** Collects milliseconds. */
export class LatencySamples {
  #exact: number[] | null = [];
  #histogram: LogHistogram | null = null;

  add(value_ms: number): void {
    if (this.#exact !== null) {
      this.#exact.push(value_ms);
      if (this.#exact.length > MOST_EXACT) this.#condense(this.#exact);
    } else {
      this.#histogram!.add(value_ms * NS_PER_MS);
    }
  }

  /** In the order of their coming; null when they are too many to be kept. */
  get values(): readonly number[] | null {
    return this.#exact;
  }

  /** Exact up to a million values, to 0.1 % above; null for none. */
  distribution(): Distribution | null {
    if (this.#exact !== null) return distribution(this.#exact);
    return this.#histogram!.distribution(1 / NS_PER_MS);
  }

  #condense(values: number[]): void {
    this.#histogram = new LogHistogram();
    for (const value of values) this.#histogram.add(value * NS_PER_MS);
    this.#exact = null;
  }
}
