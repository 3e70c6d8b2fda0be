/** Records of hardware samples, as the native sampler writes them and as files store them. */

/** One value of a record. */
export interface SampleField {
  /** With its unit at the end: `cpu.busy_s`, `gpu0.power_instant_w`. */
  name: string;
  /** The value's unit: "s", "bytes", "W" and the like. */
  unit: string;
  /** A counter only grows, so differences matter; a gauge is a reading. */
  kind: "counter" | "gauge";
  /** How the value is written: a little-endian double. */
  type: "f64";
  /** Bytes from the record's start. */
  offset: number;
  /** The source it comes from, named as in the option `metrics`. */
  source: string;
}

/** One source of values, and whether this host has it. */
export interface SampleSource {
  /** The source's name in the option `metrics`. */
  name: string;
  /** The file or library that it is read from. */
  where: string;
  /** The thread that reads it: every tick, slowly, or at the GPU's pace. */
  thread: "fast" | "slow" | "gpu";
  /** Whether this host has it. */
  available: boolean;
  /** Why it is missing or what it lacks; null if all is well. */
  note: string | null;
}

/** One bit per field, in the order of the fields. */
export interface SampleMask {
  /** Bytes from the record's start. */
  offset: number;
  /** Its length in bytes. */
  bytes: number;
}

/** The layout of a record; little-endian. */
export interface SamplerLayout {
  /** The version of libdyno's record format. */
  abi: number;
  /** Records per second. */
  rate_hz: number;
  /** How many records the native ring has room for. */
  ring_records: number;
  /** Length of a record in bytes. */
  record_bytes: number;
  /** t_ns (since the start), tick (its number), nvml_ns (time in NVML since the last record). */
  header: SampleField[];
  /** Which fields are known in a record. */
  valid: SampleMask;
  /** Which fields differ from the previous record. */
  fresh: SampleMask;
  /** The values, in the order of their offsets. */
  fields: SampleField[];
  /** All sources, including missing ones. */
  sources: SampleSource[];
}

/** A view of records in a buffer that it does not own. */
export class SampleBatch {
  readonly layout: SamplerLayout;
  readonly count: number;
  /** All words of all records: `layout.record_bytes / 8` per record. */
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

  /** The records' bytes, to write to a file unchanged. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.words.buffer, 0, this.words.byteLength);
  }

  /** When record i was taken: nanoseconds since the sampler's start. */
  t_ns(i: number): number {
    return this.words[i * this.#stride];
  }

  /** The tick number of record i; a gap means missed ticks or lost records. */
  tick(i: number): number {
    return this.words[i * this.#stride + 1];
  }

  /** Nanoseconds spent in NVML between the previous record and record i. */
  nvml_ns(i: number): number {
    return this.words[i * this.#stride + 2];
  }

  /**
   * The value in record i of a field, given by its position in `layout.fields`; null if unknown.
   */
  value(i: number, field: number): number | null {
    if (!this.valid(i, field)) return null;
    return this.words[i * this.#stride + this.layout.fields[field].offset / 8];
  }

  /** Whether the field is known in record i. */
  valid(i: number, field: number): boolean {
    return this.#bit(this.layout.valid, i, field);
  }

  /** Whether the field differs from the previous record: only then is its value new. */
  fresh(i: number, field: number): boolean {
    return this.#bit(this.layout.fresh, i, field);
  }

  #bit(mask: SampleMask, i: number, field: number): boolean {
    const word = i * this.#stride * 2 + mask.offset / 4 + (field >>> 5);
    return (this.#masks[word] >>> (field & 31) & 1) === 1;
  }
}
