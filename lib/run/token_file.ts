/** tokens.bin: the gaps between token events of every request, float32 milliseconds, little-endian. */
import { Buffer } from "node:buffer";
import { closeSync, fsyncSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { notWritten, syncFolder, writeAll } from "../write.ts";
import { InputError, messageOf } from "../errors.ts";
import { plainFile } from "./plain_file.ts";
import type { RunDirectory } from "./directory.ts";

const BYTES = 4;
/** Values in a block of gaps that is read at once. 4 MB of blocks are cached. */
const BLOCK = 1 << 14;
const MOST_BLOCKS = 64;
const NONE = new Float32Array();

/** Returns the path of a run's gaps. */
export function tokenFilePath(directory: RunDirectory): string {
  return join(directory.path, "tokens.bin");
}

/** Appends the gaps of requests; {@linkcode append} returns the index of the first one. */
export class TokenFile implements Disposable {
  readonly #fd: number;
  readonly #path: string;
  #count = 0;

  /** @throws {InputError} the file cannot be created. */
  constructor(directory: RunDirectory) {
    this.#path = tokenFilePath(directory);
    try {
      this.#fd = openSync(this.#path, "wx");
      syncFolder(directory.path); // the journal refers to it
    } catch (error) {
      throw notWritten(this.#path, error);
    }
  }

  /**
   * Appends gaps; returns the index of the first.
   *
   * @throws {InputError} the write failed, e.g. on a full disk.
   */
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

  /** Syncs and closes the file. @throws {InputError} the disk failed. */
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

/** Reads the gaps of single requests, which are needed many times, mostly in order. */
export class TokenFileReader implements Disposable {
  readonly #fd: number;
  readonly #blocks = new Map<number, Float32Array>();
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

  /** How many of the requests that were read lack gaps in the file, e.g. after a power cut. */
  get incomplete(): number {
    return this.#short.size;
  }

  /**
   * Returns the gaps of a request, ms; fewer than it had if the file was cut off. The caller must
   * not change them.
   */
  gapsOf({ gaps_at, gaps }: { gaps_at: number; gaps: number }): Float32Array {
    if (gaps === 0) return NONE;
    const first = gaps_at % BLOCK;
    const found = first + gaps > BLOCK
      ? this.#read(gaps_at, gaps)
      : this.#block(gaps_at - first, first + gaps).subarray(first, first + gaps);
    if (found.length < gaps) this.#short.add(gaps_at);
    return found;
  }

  /**
   * The block that starts at an index, with at least this many values if the file has them: it may
   * still grow.
   */
  #block(at: number, needed: number): Float32Array {
    const known = this.#blocks.get(at);
    const block = known && known.length >= needed ? known : this.#read(at, BLOCK);
    this.#blocks.delete(at);
    this.#blocks.set(at, block); // moves it to the end, as the newest
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > MOST_BLOCKS) this.#blocks.delete(oldest);
    return block;
  }

  #read(at: number, count: number): Float32Array {
    const values = new Float32Array(count);
    const read = readSync(this.#fd, Buffer.from(values.buffer), 0, count * BYTES, at * BYTES);
    return values.subarray(0, Math.floor(read / BYTES));
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
