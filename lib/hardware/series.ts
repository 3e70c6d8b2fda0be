/** Records over time: counters as growth between two moments, gauges as means. */
import type { Samples } from "./samples.ts";
import type { SampleBatch, SamplerLayout } from "../native/sample_batch.ts";

/** A session's samples, read back, as a series. */
export function seriesFrom({ description, batch }: Samples): Series {
  const series = new Series(description, batch.count);
  series.append(batch, Number(description.start_ns));
  return series;
}

/** Positions of fields by name. */
export type FieldIndex = ReadonlyMap<string, number>;

/** The positions of a layout's fields. */
function fieldIndex(layout: SamplerLayout): FieldIndex {
  return new Map(layout.fields.map((field, i) => [field.name, i]));
}

/**
 * Records with times on the run's clock, ascending. When there are more than `capacity`, every
 * second record of the older half is dropped: recent times keep their resolution, and counters stay
 * exact.
 */
export class Series {
  /** The position of each field, by name. */
  readonly index: FieldIndex;
  readonly #fields: number;
  readonly #capacity: number;
  #t_ns: number[] = [];
  #rows: Float64Array[] = [];

  /** Creates an empty series; `capacity` is the most records to keep, at least 64. */
  constructor(layout: SamplerLayout, capacity: number) {
    this.index = fieldIndex(layout);
    this.#fields = layout.fields.length;
    this.#capacity = Math.max(64, capacity);
  }

  /** How many records there are. */
  get length(): number {
    return this.#t_ns.length;
  }

  /** The time of record i, nanoseconds. */
  t_ns(i: number): number {
    return this.#t_ns[i];
  }

  /**
   * Adds a batch whose times are relative to `start_ns`.
   *
   * @internal
   */
  append(batch: SampleBatch, start_ns: number): void {
    for (let i = 0; i < batch.count; i++) {
      const row = new Float64Array(this.#fields);
      for (let field = 0; field < this.#fields; field++) row[field] = batch.value(i, field) ?? NaN;
      this.#t_ns.push(start_ns + batch.t_ns(i));
      this.#rows.push(row);
    }
    if (this.length > this.#capacity) this.#thin();
  }

  /** Record i's value of a field; NaN if unknown. */
  value(i: number, name: string): number {
    const field = this.index.get(name);
    return field === undefined || i < 0 || i >= this.length ? NaN : this.#rows[i][field];
  }

  /** The newest value; null if unknown. */
  latest(name: string): number | null {
    const value = this.value(this.length - 1, name);
    return Number.isNaN(value) ? null : value;
  }

  /**
   * The records whose interval (since the previous record) overlaps the span: the first, and the
   * one after the last.
   */
  overlapping(from_ns: number, to_ns: number): [first: number, end: number] {
    const first = Math.max(1, this.#after(from_ns));
    return [first, Math.min(this.length, Math.max(this.#after(to_ns, true) + 1, first))];
  }

  /**
   * How much a counter grew over the span, interpolated linearly between records. Null if it is
   * unknown at either end, or decreased in between: it was restarted, and its earlier value is
   * lost.
   */
  growth(name: string, from_ns: number, to_ns: number): number | null {
    const field = this.index.get(name);
    if (field === undefined) return null;
    const end = this.#after(to_ns);
    let before = -Infinity;
    for (let i = Math.max(0, this.#after(from_ns) - 1); i < end; i++) {
      const value = this.#rows[i][field];
      if (value < before) return null;
      if (!Number.isNaN(value)) before = value;
    }
    const grown = this.#counterAt(name, to_ns) - this.#counterAt(name, from_ns);
    return grown >= 0 ? grown : null;
  }

  /** A gauge's mean over the span; each record's value applies to the interval that it ends. */
  mean(name: string, from_ns: number, to_ns: number): number | null {
    let sum = 0, weight = 0;
    const [first, end] = this.overlapping(from_ns, to_ns);
    for (let i = first; i < end; i++) {
      const value = this.value(i, name);
      if (Number.isNaN(value)) continue;
      const overlap_ns = Math.max(
        1,
        Math.min(this.#t_ns[i], to_ns) - Math.max(this.#t_ns[i - 1], from_ns),
      );
      sum += value * overlap_ns;
      weight += overlap_ns;
    }
    return weight === 0 ? null : sum / weight;
  }

  /** A gauge's highest value over the span. */
  max(name: string, from_ns: number, to_ns: number): number | null {
    let highest = -Infinity;
    const [first, end] = this.overlapping(from_ns, to_ns);
    for (let i = first; i < end; i++) {
      const value = this.value(i, name);
      if (value > highest) highest = value;
    }
    return highest === -Infinity ? null : highest;
  }

  /** Names of matching fields, in the layout's order. */
  names(pattern: RegExp): string[] {
    return [...this.index.keys()].filter((name) => pattern.test(name));
  }

  /** The number of records at or before (with `strictly`: before) a time. */
  #after(t_ns: number, strictly = false): number {
    let low = 0, high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#t_ns[middle] < t_ns || (!strictly && this.#t_ns[middle] === t_ns)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A counter's value at a time; before the first and after the last record it is constant. */
  #counterAt(name: string, t_ns: number): number {
    const next = this.#after(t_ns);
    if (next === 0) return this.value(0, name);
    if (next === this.length) return this.value(next - 1, name);
    const before_ns = this.#t_ns[next - 1], after_ns = this.#t_ns[next];
    const before = this.value(next - 1, name), after = this.value(next, name);
    return before + (after - before) * (t_ns - before_ns) / (after_ns - before_ns);
  }

  #thin(): void {
    const half = this.length >> 1;
    const kept = (_: unknown, i: number) => i >= half || i % 2 === 0;
    this.#t_ns = this.#t_ns.filter(kept);
    this.#rows = this.#rows.filter(kept);
  }
}
