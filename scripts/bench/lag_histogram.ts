/**
 * Counts lags in buckets 1.6 % wide, so that keeping them costs the measured client almost nothing.
 */

/** Lags in nanoseconds. */
export interface Lags {
  p50: number;
  p99: number;
  p99_9: number;
  max: number;
}

/** The number of buckets per octave is 2 to this power. */
const STEP_BITS = 6;
const NS_MAX = 0xffffffff;

/** Covers lags up to 4.3 s. The buckets are the same as in epoll_client.c. */
export class LagHistogram {
  readonly #counts = new Uint32Array((33 - STEP_BITS) << STEP_BITS);
  #count = 0;
  #max = 0;

  add(lag_ns: number): void {
    const lag = lag_ns < 0 ? 0 : lag_ns > NS_MAX ? NS_MAX : lag_ns >>> 0;
    if (lag > this.#max) this.#max = lag;
    const shift = Math.max(0, 31 - STEP_BITS - Math.clz32(lag));
    this.#counts[(shift << STEP_BITS) + (lag >>> shift)]++;
    this.#count++;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = this.#max = 0;
  }

  /** Values are NaN if there are no lags. */
  lags(): Lags {
    return {
      p50: this.#quantile(0.5),
      p99: this.#quantile(0.99),
      p99_9: this.#quantile(0.999),
      max: this.#max,
    };
  }

  #quantile(q: number): number {
    let left = Math.ceil(q * this.#count);
    if (left === 0) return NaN;
    let bucket = 0;
    while ((left -= this.#counts[bucket]) > 0) bucket++;
    const shift = Math.max(0, (bucket >> STEP_BITS) - 1);
    return (bucket - (shift << STEP_BITS) + (shift ? 0.5 : 0)) * 2 ** shift;
  }
}
