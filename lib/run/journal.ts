/**
 * The journal, events.jsonl: what happened, one JSON object a line with its checksum, on disk before anything
 * else.
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
import { sealed } from "./event_forms.ts";
import { type JournalReading, leftOut } from "./fold.ts";
import type { JournalEvents, JournalKind } from "./events.ts";
import type { Redactor } from "./redact.ts";

/** Longest time that a written line may wait for its fsync. */
const SYNC_INTERVAL_MS = 200;

/** Appends events of one kind of journal. A line that was written survives the process; within 200 ms also a power cut. */
export class Journal<Kind extends JournalKind = "run"> implements Disposable {
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
      // a pipe would be waited for; that nothing can be written to a device tells its first event
      const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
      this.#fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o666);
      if (fstatSync(this.#fd).isFIFO()) {
        throw new InputError(`${path}: is not a plain file; remove it`);
      }
      syncFolder(dirname(path)); // it may be new
    } catch (error) {
      throw notWritten(path, error);
    }
  }

  /**
   * Writes one event. It is in the file when this returns.
   *
   * @throws {InputError} the disk is full, or the like; the journal is intact up to here.
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

/** Cuts off the torn end of a journal, so that the next line starts on its own. */
export function dropTornEnd(
  path: string,
  size_bytes: number,
  reading: { torn_bytes: number },
): void {
  if (reading.torn_bytes > 0) truncateSync(path, size_bytes - reading.torn_bytes);
}

/**
 * Makes a journal that was read fit to be continued: a torn end is cut off.
 *
 * @param notice called with that, and with what was left out, one line each.
 */
export function mendJournal(
  path: string,
  reading: JournalReading,
  notice: (line: string) => void,
): void {
  if (reading.torn_bytes > 0) {
    dropTornEnd(path, statSync(path).size, reading);
    notice(`${path}: dropped a last line that was cut off in writing`);
  }
  leftOut(path, reading).forEach(notice);
}

/** Whether a file ends with its last line. */
function endsWhole(path: string): boolean {
  const text = readFileSync(path);
  return text.length === 0 || text.at(-1) === 10;
}
