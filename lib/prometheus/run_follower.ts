/** Follows a run directory: its journal, token gaps and hardware samples, reading only what is new. */
import { Buffer } from "node:buffer";
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { readDescription } from "../hardware/samples.ts";
import { SampleBatch } from "../native/sample_batch.ts";
import { type RunDirectory, runDirectoryAt } from "../run/directory.ts";
import { JournalFollower } from "../run/fold.ts";
import { type JsonObject, parsedObject } from "../json_fields.ts";
import { TokenFileReader } from "../run/token_file.ts";
import { plainFile, plainText } from "../run/plain_file.ts";
import type { SamplesDescription } from "../hardware/samples.ts";
import type { Recorded, RunEvent } from "../run/events.ts";
import type { NewestSample } from "./host_metrics.ts";

/**
 * The run that is followed may be measured at the same time, so nothing is blocked for longer than
 * this.
 */
const MOST_BUSY_MS = 1;

/** Reads a run directory as it grows. Only {@linkcode RunFollower.read} reads events. */
export class RunFollower implements Disposable {
  readonly directory: RunDirectory;
  readonly #journal: JournalFollower<"run">;
  #tokens: TokenFileReader | null = null;
  #metadata: JsonObject | null = null;
  #samples: { description: SamplesDescription; fd: number; session: number } | null = null;
  #reading: Promise<void> = Promise.resolve();
  #closed = false;

  /**
   * @param path the run directory; it may still be empty.
   * @param fromNow whether to skip what its journal already contains.
   */
  constructor(path: string, fromNow: boolean) {
    this.directory = runDirectoryAt(path);
    this.#journal = new JournalFollower(this.directory.journal, "run");
    if (fromNow) this.#journal.skip();
  }

  /** run_metadata.json; null while there is none. */
  metadata(): JsonObject | null {
    this.#metadata ??= readJson(this.directory.metadata);
    return this.#metadata;
  }

  /**
   * Passes the journal's new events on in order, with pauses for other work. Damaged lines are
   * skipped. Calls wait for each other.
   *
   * @throws the system's error when a file cannot be read.
   */
  read(onEvent: (event: Recorded<RunEvent>) => void): Promise<void> {
    const read = this.#reading.then(() => this.#read(onEvent));
    this.#reading = read.catch(() => {});
    return read;
  }

  async #read(onEvent: (event: Recorded<RunEvent>) => void): Promise<void> {
    if (this.#closed) return;
    let since_ms = performance.now();
    for (const { event } of this.#journal.lines()) {
      if (event !== null) onEvent(event);
      if (performance.now() - since_ms < MOST_BUSY_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      since_ms = performance.now();
    }
  }

  /** Returns the gaps between a load request's token events, ms. */
  gapsOf(record: { gaps_at: number; gaps: number }): Float32Array {
    if (record.gaps === 0) return new Float32Array();
    this.#tokens ??= new TokenFileReader(this.directory);
    return this.#tokens.gapsOf(record);
  }

  /** Returns the newest hardware sample; null while there is none. */
  newestSample(): NewestSample | null {
    this.#openSamples();
    if (this.#samples === null) return null;
    const { description, fd } = this.#samples;
    const { record_bytes } = description;
    const records = Math.floor(fstatSync(fd).size / record_bytes);
    if (records === 0) return null;
    const buffer = new ArrayBuffer(record_bytes);
    readSync(fd, Buffer.from(buffer), 0, record_bytes, (records - 1) * record_bytes);
    return { description, batch: new SampleBatch(description, buffer, 1) };
  }

  /** Opens the samples of the last session, each of which has a separate file. */
  #openSamples(): void {
    for (let n = (this.#samples?.session ?? 0) + 1;; n++) {
      const stem = join(this.directory.path, n === 1 ? "samples" : `samples_${n}`);
      if (!existsSync(`${stem}.json`) || !existsSync(`${stem}.bin`)) return;
      if (this.#samples) closeSync(this.#samples.fd);
      const description = readDescription(plainFile(`${stem}.json`));
      this.#samples = { description, fd: openSync(plainFile(`${stem}.bin`), "r"), session: n };
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#journal[Symbol.dispose]();
    this.#tokens?.[Symbol.dispose]();
    if (this.#samples) closeSync(this.#samples.fd);
    this.#tokens = this.#samples = null;
  }
}

function readJson(path: string): JsonObject | null {
  return existsSync(path) ? parsedObject(plainText(path)) : null;
}
