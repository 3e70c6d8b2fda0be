/**
 * The journal, events.jsonl: what happened, one JSON object a line with its checksum, written to
 * disk before anything else.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
} from "node:fs";
import { dirname } from "node:path";
import { nowNs } from "../native/clock.ts";
import { InputError } from "../errors.ts";
import { notWritten, syncFolder, writeAll } from "../write.ts";
import { sealed } from "../seal.ts";
import { type JournalReading, leftOut } from "./fold.ts";
import type { JournalEvents, JournalKind } from "./events.ts";
import type { Redactor } from "./redact.ts";

/** The longest time between writing a line and its fsync. */
const SYNC_INTERVAL_MS = 200;

/**
 * Appends events to one kind of journal. A written line survives the end of the process, and within
 * 200 ms also a power cut.
 */
export class Journal<Kind extends JournalKind = "run"> implements Disposable {
  /** Path of the file. */
  readonly path: string;
  readonly #fd: number;
  /** Only for syncing: Deno refuses to write to a descriptor that it cannot duplicate for a sync. */
  readonly #sync_fd: number;
  readonly #redactor: Redactor;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  /** Whether a write failed, possibly in the middle of a line. */
  #torn = false;

  /**
   * Opens the file for appending; a redactor removes the secrets from all lines.
   *
   * @throws {InputError} the file cannot be opened.
   */
  constructor(path: string, redactor: Redactor) {
    this.path = path;
    this.#redactor = redactor;
    try {
      // does not wait for a pipe's reader; a device that cannot be written to fails at the first event
      const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
      this.#fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o666);
      if (fstatSync(this.#fd).isFIFO()) {
        throw new InputError(`${path}: is not a plain file; remove it`);
      }
      this.#sync_fd = openSync(path, O_RDONLY);
      syncFolder(dirname(path)); // for a new file
    } catch (error) {
      throw notWritten(path, error);
    }
  }

  /**
   * Writes one event, which is in the file when this returns.
   *
   * @throws {InputError} the write failed, e.g. on a full disk; the journal is intact up to here.
   */
  append(event: JournalEvents[Kind]): void {
    const line = JSON.stringify({ t: Date.now() / 1000, mono_ns: nowNs(), ...event });
    try {
      const end = this.#torn && !endsWhole(this.path) ? "\n" : "";
      writeAll(this.#fd, `${end}${sealed(this.#redactor.redact(line))}\n`);
      this.#torn = false;
    } catch (error) {
      this.#torn = true;
      throw notWritten(this.path, error);
    }
    this.#timer ??= setTimeout(() => this.#sync(), SYNC_INTERVAL_MS);
  }

  /** Returns a value without what the journal redacts, for files derived from it. */
  redacted<Value>(value: Value): Value {
    return this.#redactor.redactValue(value);
  }

  /**
   * Waits until all lines are on disk, so that they survive a power cut.
   *
   * @throws {InputError} the disk failed.
   */
  flush(): void {
    try {
      fsyncSync(this.#fd);
    } catch (error) {
      throw notWritten(this.path, error);
    }
  }

  /**
   * Syncs and closes the file.
   *
   * @throws {InputError} the disk failed; lines written before are in the file.
   */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    try {
      this.flush();
    } finally {
      closeSync(this.#fd);
      closeSync(this.#sync_fd);
    }
  }

  #sync(): void {
    this.#timer = null;
    // A failed sync shows at the next write; the kernel has the lines either way.
    fdatasync(this.#sync_fd, () => {});
  }
}

/** Cuts off an incomplete last line of a journal, so that the next event starts a new line. */
export function dropTornEnd(
  path: string,
  size_bytes: number,
  reading: { torn_bytes: number },
): void {
  if (reading.torn_bytes > 0) truncateSync(path, size_bytes - reading.torn_bytes);
}

/**
 * Prepares a journal that was read for more events, by cutting off an incomplete last line.
 *
 * @param notice called with what was cut off or skipped, one line each.
 */
export function mendJournal(
  path: string,
  reading: JournalReading,
  notice: (line: string) => void,
): void {
  if (reading.torn_bytes > 0) {
    dropTornEnd(path, statSync(path).size, reading);
    notice(`${path}: dropped the last line, which was only partly written`);
  }
  leftOut(path, reading).forEach(notice);
}

/** Whether a file ends with a complete line. */
function endsWhole(path: string): boolean {
  const text = readFileSync(path);
  return text.length === 0 || text.at(-1) === 10;
}
