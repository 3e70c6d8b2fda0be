/** samples.bin and samples.json: fixed-size little-endian records and their description. */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  write,
} from "node:fs";
import { Buffer } from "node:buffer";
import { join } from "@std/path";
import { writeFileAtomic } from "../run/write.ts";
import type { ClockSource } from "../native/clock.ts";
import type { SampleField } from "./source.ts";

/** A value of a record: `t_ns` (CLOCK_MONOTONIC), `fresh`, then a field each. */
export interface RecordField {
  name: string;
  unit: string;
  type: "i64" | "u64" | "f64";
  offset: number;
  source?: string;
  /** The bit of `fresh` that is set where this value was read at this tick. */
  fresh_bit?: number;
}

/** samples.json. NaN in a record is a value that is not known. */
export interface SamplesDescription {
  schema_version: 1;
  record_bytes: number;
  clock: ClockSource;
  /** Times of two boots cannot be compared. */
  boot_id: string | null;
  rate_hz: number;
  /** Rate of temperatures and frequencies; their last value stands in between. */
  slow_rate_hz: number;
  fields: RecordField[];
}

const HEAD_BYTES = 16;
const FLUSH_BYTES = 64 * 1024;

/** Describes records of the given fields. */
export function describeSamples(
  fields: readonly (SampleField & { fresh_bit: number })[],
  facts: Pick<SamplesDescription, "clock" | "boot_id" | "rate_hz" | "slow_rate_hz">,
): SamplesDescription {
  return {
    schema_version: 1,
    record_bytes: HEAD_BYTES + 8 * fields.length,
    ...facts,
    fields: [
      { name: "t_ns", unit: "ns", type: "i64", offset: 0 },
      { name: "fresh", unit: "bits", type: "u64", offset: 8 },
      ...fields.map(({ name, unit, source, fresh_bit }, i): RecordField => ({
        name,
        unit,
        type: "f64",
        offset: HEAD_BYTES + 8 * i,
        source,
        fresh_bit,
      })),
    ],
  };
}

/** Appends records; written in batches, so that writing disturbs little. */
export class SamplesWriter {
  readonly #fd: number;
  #batch: Buffer[] = [];
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();
  /** Why nothing is written any more; null while all is well. */
  failure: string | null = null;

  /**
   * Opens samples.bin in a folder: goes on with one of the same description, whose torn last record
   * is cut off; beside one of another description (another boot, other devices) it starts
   * samples_2.bin, and so on.
   *
   * @throws what the system says.
   */
  constructor(folder: string, description: SamplesDescription) {
    const json = JSON.stringify(description, null, 2) + "\n";
    const stem = fileStem(folder, json);
    writeFileAtomic(join(folder, `${stem}.json`), json);
    const path = join(folder, `${stem}.bin`);
    this.#fd = openSync(path, "a");
    const { size } = statSync(path);
    ftruncateSync(this.#fd, size - size % description.record_bytes);
  }

  append(t_ns: number, fresh: number, values: Float64Array): void {
    const record = Buffer.allocUnsafe(HEAD_BYTES + 8 * values.length);
    record.writeBigInt64LE(BigInt(Math.round(t_ns)), 0);
    record.writeBigUInt64LE(BigInt(fresh), 8);
    for (let i = 0; i < values.length; i++) record.writeDoubleLE(values[i], HEAD_BYTES + 8 * i);
    this.#batch.push(record);
    this.#bytes += record.length;
    if (this.#bytes >= FLUSH_BYTES) this.flush();
  }

  /** Hands what has gathered to the system, without waiting. A full disk ends the file, not the run. */
  flush(): void {
    if (this.#bytes === 0 || this.failure) return;
    const bytes = Buffer.concat(this.#batch);
    this.#batch = [];
    this.#bytes = 0;
    this.#writing = this.#writing.then(() => this.#write(bytes));
  }

  async close(): Promise<void> {
    this.flush();
    await this.#writing;
    closeSync(this.#fd);
  }

  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
        if (error) this.failure = error.message;
        else if (written < bytes.length) this.failure = "the disk is full";
        resolve();
      });
    });
  }
}

function fileStem(folder: string, json: string): string {
  for (let n = 1;; n++) {
    const stem = n === 1 ? "samples" : `samples_${n}`;
    const path = join(folder, `${stem}.json`);
    if (!existsSync(path) || readFileSync(path, "utf8") === json) return stem;
  }
}

/** Samples read back: times and a column for each field. */
export interface SampleColumns {
  description: SamplesDescription;
  t_ns: Float64Array;
  /** By field name. */
  columns: Map<string, Float64Array>;
}

/** Reads samples of a run; null when it has none. A torn last record is left out. */
export function readSamples(folder: string, stem = "samples"): SampleColumns | null {
  const path = join(folder, `${stem}.bin`);
  if (!existsSync(path)) return null;
  const description: SamplesDescription = JSON.parse(
    readFileSync(join(folder, `${stem}.json`), "utf8"),
  );
  const bytes = readFileSync(path);
  const count = Math.floor(bytes.length / description.record_bytes);
  const t_ns = new Float64Array(count);
  const values = description.fields.filter((field) => field.type === "f64");
  const columns = new Map(values.map((field) => [field.name, new Float64Array(count)]));
  for (let record = 0; record < count; record++) {
    const start = record * description.record_bytes;
    t_ns[record] = Number(bytes.readBigInt64LE(start));
    for (const field of values) {
      columns.get(field.name)![record] = bytes.readDoubleLE(start + field.offset);
    }
  }
  return { description, t_ns, columns };
}
