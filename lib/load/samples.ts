/** Collects values: exactly up to a million, in a histogram above. */
import { seriesEstimates } from "../stats/block_bootstrap.ts";
import { LogHistogram } from "../stats/histogram.ts";
import { distributionOf } from "../stats/quantile.ts";
import type { Metric } from "./results.ts";

const MOST_EXACT = 1e6;
const NS_PER_MS = 1e6;
const UNKNOWN = { p50: null, p99: null, mean: null };

/** Collects values in milliseconds. */
export class LatencySamples {
  #exact: Float64Array | Float32Array | null;
  #count = 0;
  #histogram = new LogHistogram();

  /**
   * @param expected how many values to expect.
   * @param Kind the array type for exact values.
   */
  constructor(expected: number, Kind: typeof Float64Array | typeof Float32Array = Float64Array) {
    this.#exact = new Kind(Math.min(Math.max(1, expected), MOST_EXACT));
  }

  add(value_ms: number): void {
    if (this.#exact === null) {
      this.#histogram.add(value_ms * NS_PER_MS);
      return;
    }
    if (this.#count === MOST_EXACT) {
      for (const value of this.#exact) this.#histogram.add(value * NS_PER_MS);
      this.#exact = null;
      return this.add(value_ms);
    }
    if (this.#count === this.#exact.length) throw new Error("more values than were expected");
    this.#exact[this.#count++] = value_ms;
  }

  /**
   * Returns the distribution: exact and with intervals up to a million values, to 0.1 % and without
   * intervals above; null for none.
   */
  metric(): Metric | null {
    if (this.#exact === null) {
      return { ...this.#histogram.distribution(1 / NS_PER_MS)!, intervals: UNKNOWN };
    }
    const values = this.#exact.subarray(0, this.#count);
    const sorted = values.slice().sort();
    const found = distributionOf(sorted);
    return found && { ...found, intervals: seriesEstimates(values, sorted) };
  }
}
