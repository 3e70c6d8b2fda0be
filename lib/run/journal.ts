/** The journal, events.jsonl: what happened, one JSON object a line, on disk before anything else. */
import {
  closeSync,
  createReadStream,
  fdatasync,
  fsyncSync,
  openSync,
  readFileSync,
  truncateSync,
} from "node:fs";
import { Buffer } from "node:buffer";
import { nowNs } from "../native/clock.ts";
import type { Redactor } from "./redact.ts";
import { notWritten, writeAll } from "./write.ts";
import { plainFile } from "./plain_file.ts";

/** Longest time that a written line may wait for its fsync. */
const SYNC_INTERVAL_MS = 200;
/** No event is longer; what is, is damage and is not kept in memory. */
const LONGEST_LINE_BYTES = 256 << 20;

/** One line: `t` in seconds since 1970, `mono_ns` on CLOCK_MONOTONIC, the event's name and fields. */
export interface JournalEvent {
  t: number;
  mono_ns: number;
  event: string;
  [field: string]: unknown;
}

/** Appends events. A line that was written survives the process; within 200 ms also a power cut. */
export class Journal implements Disposable {
  /** The file. */
  readonly path: string;
  readonly #fd: number;
  readonly #redactor: Redactor;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  /** A write failed, maybe in the middle of a line. */
  #torn = false;

  /**
   * Opens the file for appending; lines pass through the redactor, which knows the secrets.
   *
   * @throws {InputError} the file cannot be opened.
   */
  constructor(path: string, redactor: Redactor) {
    this.path = path;
    this.#redactor = redactor;
    try {
      this.#fd = openSync(path, "a");
    } catch (error) {
      throw notWritten(path, error);
    }
  }

  /**
   * Writes one event. It is in the file when this returns.
   *
   * @throws {InputError} the disk is full, or the like; the journal is intact up to here.
   */
  append(event: string, fields: Record<string, unknown> = {}): void {
    const line = JSON.stringify({ t: Date.now() / 1000, mono_ns: nowNs(), event, ...fields });
    try {
      const end = this.#torn && !endsWhole(this.path) ? "\n" : "";
      writeAll(this.#fd, `${end}${this.#redactor.redact(line)}\n`);
      this.#torn = false;
    } catch (error) {
      this.#torn = true;
      throw notWritten(this.path, error);
    }
    this.#timer ??= setTimeout(() => this.#sync(), SYNC_INTERVAL_MS);
  }

  /** The value without what the journal leaves out, for the files that are derived from it. */
  redacted<Value>(value: Value): Value {
    return this.#redactor.redactValue(value);
  }

  /**
   * Waits until all lines are on the disk, for what must outlive a power cut from now on.
   *
   * @throws {InputError} the disk fails.
   */
  flush(): void {
    try {
      fsyncSync(this.#fd);
    } catch (error) {
      throw notWritten(this.path, error);
    }
  }

  /** Syncs and closes. @throws {InputError} the disk fails; what it took is in the file. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    try {
      this.flush();
    } finally {
      closeSync(this.#fd);
    }
  }

  #sync(): void {
    this.#timer = null;
    // A failing sync shows at the next write; the lines are with the kernel either way.
    fdatasync(this.#fd, () => {});
  }
}

/** A journal as read: its whole events, and what had to be left out. */
export interface JournalReading {
  /** Bytes behind the last whole line: a write that was cut off. 0 for a clean end. */
  torn_bytes: number;
  /** Numbers of lines that are no JSON object. */
  damaged_lines: number[];
}

/**
 * Reads a journal from its start, calling `onEvent` for each event in order, in constant memory.
 *
 * @throws the system's error when the file cannot be read.
 */
export async function readJournal(
  path: string,
  onEvent: (event: JournalEvent) => void,
): Promise<JournalReading> {
  const damaged_lines: number[] = [];
  let rest: Buffer[] = []; // joined only at the line's end: lines may be very long
  let rest_bytes = 0;
  let line_number = 0;
  for await (const chunk of createReadStream(plainFile(path)) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      line_number++;
      const line = rest_bytes > 0
        ? Buffer.concat([...rest, chunk.subarray(start, end)])
        : chunk.subarray(start, end);
      const event = rest_bytes > LONGEST_LINE_BYTES ? null : parseLine(line);
      if (event) onEvent(event);
      else damaged_lines.push(line_number);
      rest = [];
      rest_bytes = 0;
      start = end + 1;
    }
    if (rest_bytes <= LONGEST_LINE_BYTES) rest.push(chunk.subarray(start));
    rest_bytes += chunk.length - start;
  }
  return { torn_bytes: rest_bytes, damaged_lines };
}

/** Cuts off the torn end of a journal, so that the next line starts on its own. */
export function dropTornEnd(path: string, size_bytes: number, reading: JournalReading): void {
  if (reading.torn_bytes > 0) truncateSync(path, size_bytes - reading.torn_bytes);
}

/** Whether a file ends with its last line. */
function endsWhole(path: string): boolean {
  const text = readFileSync(path);
  return text.length === 0 || text.at(-1) === 10;
}

function parseLine(line: Buffer): JournalEvent | null {
  try {
    const value = JSON.parse(line.toString("utf8"));
    return typeof value?.event === "string" ? value : null;
  } catch {
    return null;
  }
}
