/** Portable readings: files of /proc and /sys that are kept open. */
import { closeSync, openSync, readSync } from "node:fs";
import { Buffer } from "node:buffer";

/** A value in every record, with the native sampler's name. */
export interface PortableField {
  name: string;
  unit: "s" | "bytes" | "cores" | "MHz" | "celsius";
  kind: "counter" | "gauge";
}

/** A kind of reading. */
export interface PortableSource {
  fields: PortableField[];
  /**
   * Writes the fields' values, starting at `at`; NaN if unknown.
   *
   * @throws the system's error; the source is then dropped.
   */
  read(values: Float64Array, at: number): void;
  close(): void;
}

/** A file that is read repeatedly. */
export class SystemFile {
  readonly #fd: number;
  #buffer = Buffer.allocUnsafe(8192);

  /** @throws the system's error if it cannot be opened. */
  constructor(path: string) {
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
