/** tokens.bin: the gaps between token events of every request, float32 milliseconds, little-endian. */
import { Buffer } from "node:buffer";
import { closeSync, fsyncSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { notWritten, syncFolder, writeAll } from "../write.ts";
import { InputError, messageOf } from "../errors.ts";
import { plainFile } from "./plain_file.ts";
import type { RunDirectory } from "./directory.ts";

const BYTES = 4;

/** Where a run's gaps are. */
export function tokenFilePath(directory: RunDirectory): string {
  return join(directory.path, "tokens.bin");
}

/** Appends the gaps of requests; {@linkcode append} gives the place of the first one. */
export class TokenFile implements Disposable {
  readonly #fd: number;
  readonly #path: string;
  #count = 0;

  /** @throws {InputError} the file cannot be made. */
  constructor(directory: RunDirectory) {
    this.#path = tokenFilePath(directory);
    try {
      this.#fd = openSync(this.#path, "wx");
      syncFolder(directory.path); // the journal speaks of it
    } catch (error) {
      throw notWritten(this.#path, error);
    }
  }

  /** @throws {InputError} the disk is full, or the like. */
  append(gaps_ms: Float32Array): number {
    const at = this.#count;
    if (gaps_ms.length === 0) return at;
    try {
      writeAll(this.#fd, new Uint8Array(gaps_ms.buffer, gaps_ms.byteOffset, gaps_ms.byteLength));
    } catch (error) {
      throw notWritten(this.#path, error);
    }
    this.#count += gaps_ms.length;
    return at;
  }

  /** Syncs and closes. @throws {InputError} the disk fails. */
  [Symbol.dispose](): void {
    try {
      fsyncSync(this.#fd);
    } catch (error) {
      throw notWritten(this.#path, error);
    } finally {
      closeSync(this.#fd);
    }
  }
}

/** Reads the gaps of single requests. */
export class TokenFileReader implements Disposable {
  readonly #fd: number;
  readonly #short = new Set<number>();

  /** @throws {InputError} the file cannot be read. */
  constructor(directory: RunDirectory) {
    const path = tokenFilePath(directory);
    try {
      this.#fd = openSync(plainFile(path), "r");
    } catch (error) {
      throw new InputError(
        `${path}: cannot be read (${messageOf(error)}); was it removed? measure again`,
      );
    }
  }

  /** Requests that were asked for and lack gaps here, as after a power cut. */
  get incomplete(): number {
    return this.#short.size;
  }

  /** The gaps of a request, ms; fewer than it had where the file was cut off. */
  gapsOf({ gaps_at, gaps }: { gaps_at: number; gaps: number }): Float32Array {
    const values = new Float32Array(gaps);
    if (gaps === 0) return values;
    const bytes = Buffer.from(values.buffer);
    const read = readSync(this.#fd, bytes, 0, gaps * BYTES, gaps_at * BYTES);
    const found = Math.floor(read / BYTES);
    if (found < gaps) this.#short.add(gaps_at);
    return values.subarray(0, found);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
