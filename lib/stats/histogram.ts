/** A histogram with a bounded relative error, for too many values to keep. */
import type { Distribution } from "./quantile.ts";

/** Sub-buckets per octave: 1,024 give three significant digits. */
const SUB_BITS = 10;
const SUBS = 1 << SUB_BITS;

/**
 * Counts non-negative values in buckets that are 0.1 % wide (like HDR histograms, G. Tene). Values are
 * stored as whole numbers: choose the unit so that 1 is small enough. Below 1,024 they are exact.
 */
export class LogHistogram {
  #counts = new Float64Array(SUBS * 12);
  #n = 0;
  #sum = 0;
  #max = 0;

  get n(): number {
    return this.#n;
  }

  get max(): number {
    return this.#max;
  }

  add(value: number): void {
    const whole = value < 0 ? 0 : Math.round(value);
    const index = indexOf(whole);
    if (index >= this.#counts.length) this.#grow(index);
    this.#counts[index]++;
    this.#n++;
    this.#sum += whole;
    if (whole > this.#max) this.#max = whole;
  }

  /** The q-quantile by nearest rank, accurate to 0.1 %; null without values. */
  quantile(q: number): number | null {
    if (this.#n === 0) return null;
    let left = Math.max(1, Math.ceil(q * this.#n));
    for (let i = 0; i < this.#counts.length; i++) {
      left -= this.#counts[i];
      if (left <= 0) return Math.min(this.#max, valueAt(i));
    }
    return this.#max;
  }

  /** The distribution, each value multiplied by `unit`; null without values. */
  distribution(unit: number): Distribution | null {
    if (this.#n === 0) return null;
    const at = (q: number) => this.quantile(q)! * unit;
    return {
      n: this.#n,
      mean: this.#sum / this.#n * unit,
      p50: at(0.5),
      p90: at(0.9),
      p95: at(0.95),
      p99: at(0.99),
      p99_9: at(0.999),
      max: this.#max * unit,
    };
  }

  #grow(index: number): void {
    const grown = new Float64Array((Math.floor(index / SUBS) + 4) * SUBS);
    grown.set(this.#counts);
    this.#counts = grown;
  }
}

/** Each value below 1,024 has its own bucket; each octave above is divided into 1,024 buckets. */
function indexOf(whole: number): number {
  if (whole < SUBS) return whole;
  const exponent = whole < 2 ** 31 ? 31 - Math.clz32(whole) : Math.floor(Math.log2(whole));
  const shift = exponent - SUB_BITS;
  return (shift + 1) * SUBS + Math.floor(whole / 2 ** shift) - SUBS;
}

/** The middle of a bucket. */
function valueAt(index: number): number {
  if (index < SUBS) return index;
  const shift = Math.floor(index / SUBS) - 1;
  return (index % SUBS + SUBS + 0.5) * 2 ** shift;
}
