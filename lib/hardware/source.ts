/** Portable readings: files of /proc and /sys through descriptors kept open. */
import { closeSync, openSync, readSync } from "node:fs";
import { Buffer } from "node:buffer";

/** A value of every record, named as the native sampler names it. */
export interface PortableField {
  name: string;
  unit: "s" | "bytes" | "cores" | "MHz" | "celsius";
  kind: "counter" | "gauge";
}

/** A kind of reading. */
export interface PortableSource {
  fields: PortableField[];
  /**
   * Writes the fields' values from `at` on; NaN for what is unknown.
   *
   * @throws what the system says; the source is then dropped.
   */
  read(values: Float64Array, at: number): void;
  close(): void;
}

/** A file that is read again and again. */
export class SystemFile {
  readonly #fd: number;
  #buffer = Buffer.allocUnsafe(8192);

  /** @throws the system's error when it cannot be opened. */
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
