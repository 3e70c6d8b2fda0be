/** Records of hardware samples, as the native sampler writes them and as files keep them. */

/** One value of a record. */
export interface SampleField {
  /** With its unit at the end: `cpu.busy_s`, `gpu0.power_instant_w`. */
  name: string;
  /** The value's unit: "s", "bytes", "W" and the like. */
  unit: string;
  /** A counter only grows (differences mean something), a gauge is a reading. */
  kind: "counter" | "gauge";
  /** How the value is written: a little-endian double. */
  type: "f64";
  /** Bytes from the record's start. */
  offset: number;
  /** The source it comes from, as in the option `metrics`. */
  source: string;
}

/** One source of values, and whether this host has it. */
export interface SampleSource {
  /** The source's name, as in the option `metrics`. */
  name: string;
  /** The file or library that it is read from. */
  where: string;
  /** Which thread reads it: each tick, slowly, or at the GPU's pace. */
  thread: "fast" | "slow" | "gpu";
  /** Whether this host has it. */
  available: boolean;
  /** Why it is missing or what it lacks; null when all is well. */
  note: string | null;
}

/** A bit a field, in order of the fields. */
export interface SampleMask {
  /** Bytes from the record's start. */
  offset: number;
  /** Its length in bytes. */
  bytes: number;
}

/** How a record is laid out; little-endian. */
export interface SamplerLayout {
  /** The version of libdyno's record form. */
  abi: number;
  /** Records a second. */
  rate_hz: number;
  /** How many records the native ring has room for. */
  ring_records: number;
  /** Length of a record in bytes. */
  record_bytes: number;
  /** t_ns since the start, tick (its number at the rate), nvml_ns (NVML's time since the last). */
  header: SampleField[];
  /** Which fields are known in a record. */
  valid: SampleMask;
  /** Which fields differ from the record before. */
  fresh: SampleMask;
  /** The values, in the order of their offsets. */
  fields: SampleField[];
  /** All sources, those that are missing too. */
  sources: SampleSource[];
}

/** Records over a buffer, which they do not own. */
export class SampleBatch {
  readonly layout: SamplerLayout;
  readonly count: number;
  /** All words of all records: `layout.record_bytes / 8` a record. */
  readonly words: Float64Array<ArrayBuffer>;
  readonly #masks: Uint32Array<ArrayBuffer>;
  readonly #stride: number;

  /** The first `count` records of a buffer. */
  constructor(layout: SamplerLayout, buffer: ArrayBuffer, count: number) {
    this.layout = layout;
    this.count = count;
    this.#stride = layout.record_bytes / 8;
    this.words = new Float64Array(buffer, 0, count * this.#stride);
    this.#masks = new Uint32Array(buffer, 0, count * this.#stride * 2);
  }

  /** The records' bytes, to be written to a file as they are. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.words.buffer, 0, this.words.byteLength);
  }

  /** When record i was taken: nanoseconds since the sampler's start. */
  t_ns(i: number): number {
    return this.words[i * this.#stride];
  }

  /** The number of record i's tick; a gap means ticks that were missed or records lost. */
  tick(i: number): number {
    return this.words[i * this.#stride + 1];
  }

  /** Nanoseconds spent in NVML between the record before and record i. */
  nvml_ns(i: number): number {
    return this.words[i * this.#stride + 2];
  }

  /** The value of a field (by its place in `layout.fields`) in record i; null where unknown. */
  value(i: number, field: number): number | null {
    if (!this.valid(i, field)) return null;
    return this.words[i * this.#stride + this.layout.fields[field].offset / 8];
  }

  /** Whether the field is known in record i. */
  valid(i: number, field: number): boolean {
    return this.#bit(this.layout.valid, i, field);
  }

  /** Whether the field differs from the record before: only then does it carry information. */
  fresh(i: number, field: number): boolean {
    return this.#bit(this.layout.fresh, i, field);
  }

  #bit(mask: SampleMask, i: number, field: number): boolean {
    const word = i * this.#stride * 2 + mask.offset / 4 + (field >>> 5);
    return (this.#masks[word] >>> (field & 31) & 1) === 1;
  }
}
