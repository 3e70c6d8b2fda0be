/** Where samples come from: one kind of reading each, files kept open. */
import { closeSync, openSync, readSync } from "node:fs";
import { Buffer } from "node:buffer";

/** A value of every sample. */
export interface SampleField {
  name: string;
  unit: "%" | "MHz" | "bytes" | "bytes/s" | "celsius";
  /** The file it is read from. */
  source: string;
}

/** A kind of reading. */
export interface SampleSource {
  fields: SampleField[];
  /**
   * Writes the fields' values from `at` on; NaN for what cannot be told.
   *
   * @param interval_s seconds since the reading before; 0 at the first, when rates are NaN.
   * @throws what the system says; the source is then dropped.
   */
  read(values: Float64Array, at: number, interval_s: number): void;
  close(): void;
}

/** A file of /proc or /sys that is read again and again through one descriptor. */
export class SystemFile {
  readonly path: string;
  readonly #fd: number;
  #buffer = Buffer.allocUnsafe(8192);

  /** @throws the system's error when it cannot be opened. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, "r");
  }

  /** The whole text, read from the start. */
  text(): string {
    let length = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0);
    while (length === this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafe(2 * length);
      length = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0);
    }
    return this.#buffer.toString("latin1", 0, length);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** A counter's rate a second; NaN without a reading before, or when the counter was reset. */
export function rate(now: number, before: number, interval_s: number): number {
  const change = now - before;
  return interval_s > 0 && change >= 0 ? change / interval_s : NaN;
}
