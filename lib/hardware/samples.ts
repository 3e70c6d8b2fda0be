/** samples.bin and samples.json: records as the sampler made them, and their description. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  write,
} from "node:fs";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { SampleBatch, type SamplerLayout } from "../native/sample_batch.ts";
import { InputError, messageOf } from "../errors.ts";
import { checksumText, notAsWritten, parseSealed, sealedFile } from "../seal.ts";
import { writeFileAtomic } from "../write.ts";
import type { ClockSource } from "../native/clock.ts";
import type { GpuDescription } from "../native/nvml.ts";

/** A GPU, or a part of one, by its name in the samples. Missing values are unknown. */
export type SampledGpu =
  & Pick<GpuDescription, "series" | "name" | "uuid">
  & Partial<Omit<GpuDescription, "series" | "name" | "uuid" | "absent" | "mig">>;

/** The content of samples.json. A value whose bit in `valid` is 0 is unknown. */
export interface SamplesDescription extends SamplerLayout {
  /** The version of the format; from 2 on with checksums. */
  schema_version: 1 | 2;
  /** Whether libdyno's threads or a timer of this process took the samples. */
  sampler: "native" | "portable";
  /** The clock of all times. */
  clock: ClockSource;
  /** Times of two boots cannot be compared. */
  boot_id: string | null;
  /** The zero of t_ns: nanoseconds on the clock, decimal digits. */
  start_ns: string;
  /** The identities of the GPUs, if GPUs are sampled. */
  gpus?: SampledGpu[];
  /** Records lost because they were not taken fast enough; known once sampling has ended. */
  records_lost?: number;
  /** The sizes in bytes of the parts of samples.bin, in order, with their CRC-32; once it is whole. */
  parts?: [bytes: number, crc: string][];
}

const FLUSH_BYTES = 256 * 1024;
const BATCH_RECORDS = 4096;

/** Writes the records of one session in batches, so that writing disturbs little. */
export class SamplesWriter {
  readonly #fd: number;
  readonly #path: string;
  readonly #description: SamplesDescription;
  #batches: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();
  readonly #parts: [number, string][] = [];
  /** Why writing has stopped; null if it has not. */
  failure: string | null = null;

  /**
   * Starts samples.bin in a folder; a resumed run starts samples_2.bin, and so on.
   *
   * @throws the system's error.
   */
  constructor(folder: string, description: SamplesDescription) {
    let stem = "samples";
    for (let n = 2; existsSync(join(folder, `${stem}.json`)); n++) stem = `samples_${n}`;
    this.#path = join(folder, `${stem}.json`);
    this.#description = description;
    this.#describe();
    this.#fd = openSync(join(folder, `${stem}.bin`), "a");
  }

  /** Keeps a copy of the batch for the next write. */
  append(batch: SampleBatch): void {
    if (this.failure) return;
    this.#batches.push(batch.bytes.slice());
    this.#bytes += batch.bytes.length;
    if (this.#bytes >= FLUSH_BYTES) this.flush();
  }

  /**
   * Passes the collected records to the system, without waiting. A full disk ends the file, not the
   * run.
   */
  flush(): void {
    if (this.#bytes === 0 || this.failure) return;
    const bytes = Buffer.concat(this.#batches);
    this.#batches = [];
    this.#bytes = 0;
    this.#writing = this.#writing.then(() => this.#write(bytes));
  }

  /** @param records_lost see {@linkcode SamplesDescription}; if missing, it stays unknown. */
  async close(records_lost?: number): Promise<void> {
    this.flush();
    await this.#writing;
    this.#sync();
    closeSync(this.#fd);
    if (records_lost === undefined || this.failure) return;
    this.#describe({ records_lost, parts: this.#parts });
  }

  /** Brings the records to the disk before their checksums, so that a power cut cannot keep only these. */
  #sync(): void {
    try {
      fsyncSync(this.#fd);
    } catch (error) {
      this.failure ??= messageOf(error);
    }
  }

  #describe(more: Partial<SamplesDescription> = {}): void {
    writeFileAtomic(this.#path, sealedFile({ ...this.#description, ...more }));
  }

  #write(bytes: Buffer): Promise<void> {
    this.#parts.push([bytes.length, checksumText(crc32(bytes))]);
    return new Promise((resolve) => {
      write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
        if (error) this.failure = error.message;
        else if (written < bytes.length) this.failure = "no space left on the device";
        resolve();
      });
    });
  }
}

/** The records of one session, read back. */
export interface Samples {
  description: SamplesDescription;
  batch: SampleBatch;
}

/** All records of a session's file, in batches; an incomplete last record is ignored. */
export function* sampleBatches(
  path: string,
  description: SamplesDescription,
): Generator<SampleBatch> {
  const { record_bytes } = description;
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe in its place is empty, and does not wait
  try {
    const count = Math.floor(fstatSync(fd).size / record_bytes);
    for (let at = 0; at < count; at += BATCH_RECORDS) {
      const size = Math.min(BATCH_RECORDS, count - at);
      const buffer = new ArrayBuffer(size * record_bytes);
      readSync(fd, new Uint8Array(buffer), 0, buffer.byteLength, at * record_bytes);
      yield new SampleBatch(description, buffer, size);
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * The sessions of a run, in order; empty if it was not sampled. Of a long session only every n-th
 * record is read, so that there are at most `most`; counters stay exact. An incomplete last record
 * is ignored.
 *
 * @throws {InputError} a file is damaged.
 */
export function readSamples(folder: string, most = 4000): Samples[] {
  const sessions: Samples[] = [];
  for (let n = 1;; n++) {
    const stem = join(folder, n === 1 ? "samples" : `samples_${n}`);
    if (!existsSync(`${stem}.json`)) return sessions;
    const description = readDescription(`${stem}.json`);
    if (existsSync(`${stem}.bin`)) checkParts(`${stem}.bin`, description);
    const batch = existsSync(`${stem}.bin`) ? readBatch(`${stem}.bin`, description, most) : null;
    if (batch) sessions.push({ description, batch });
  }
}

/** Reads samples.json. @throws {InputError} it is damaged. */
export function readDescription(path: string): SamplesDescription {
  try {
    return parseSealed(readFileSync(path, "utf8"), path) as SamplesDescription;
  } catch (error) {
    const why = error instanceof InputError ? error.message : `${path}: is no JSON file`;
    throw new InputError(`${why}; move it away to go on without its samples`);
  }
}

/** @throws {InputError} samples.bin is not what was written. */
function checkParts(path: string, { parts = [] }: SamplesDescription): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    let at = 0;
    for (const [bytes, crc] of parts) {
      const part = Buffer.alloc(bytes);
      if (readSync(fd, part, 0, bytes, at) === bytes && checksumText(crc32(part)) === crc) {
        at += bytes;
        continue;
      }
      throw new InputError(`${notAsWritten(path)}; move it away to go on without its samples`);
    }
  } finally {
    closeSync(fd);
  }
}

function readBatch(path: string, description: SamplesDescription, most: number): SampleBatch {
  const { record_bytes } = description;
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe in its place is empty, and does not wait
  try {
    const count = Math.floor(fstatSync(fd).size / record_bytes);
    const stride = Math.max(1, Math.ceil(count / most));
    const kept = Math.ceil(count / stride);
    const buffer = new ArrayBuffer(kept * record_bytes);
    for (let i = 0; i < kept; i++) {
      const room = new Uint8Array(buffer, i * record_bytes, record_bytes);
      readSync(fd, room, 0, record_bytes, i * stride * record_bytes);
    }
    return new SampleBatch(description, buffer, kept);
  } finally {
    closeSync(fd);
  }
}
