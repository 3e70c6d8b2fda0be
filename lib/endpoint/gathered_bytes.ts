/** Gathers bytes that come in pieces and are needed as a whole. */
import { Buffer } from "node:buffer";

const SMALLEST_BLOCK_BYTES = 512;
const LARGEST_BLOCK_BYTES = 64 * 1024;

/**
 * Copies pieces into blocks: a server may send a body byte by byte, and a buffer for each piece would
 * need a hundred times the memory.
 */
export class GatheredBytes {
  #blocks: Buffer[] = [];
  /** Free bytes at the end of the last block. */
  #free = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds a copy of the bytes. */
  add(bytes: Buffer): void {
    const fitting = Math.min(this.#free, bytes.length);
    this.#fill(bytes.subarray(0, fitting));
    if (fitting === bytes.length) return;
    const rest = bytes.subarray(fitting);
    const usual = Math.min(Math.max(this.#length, SMALLEST_BLOCK_BYTES), LARGEST_BLOCK_BYTES);
    this.#free = Math.max(usual, rest.length);
    this.#blocks.push(Buffer.allocUnsafe(this.#free));
    this.#fill(rest);
  }

  /** Returns all bytes in order and removes them. */
  take(): Buffer {
    const whole = Buffer.concat(this.#blocks, this.#length);
    this.#blocks = [];
    this.#free = this.#length = 0;
    return whole;
  }

  #fill(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const block = this.#blocks[this.#blocks.length - 1];
    bytes.copy(block, block.length - this.#free);
    this.#free -= bytes.length;
    this.#length += bytes.length;
  }
}
