/** Follows a file that grows. */
import { Buffer } from "node:buffer";
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { plainFile } from "./plain_file.ts";

const READ_BYTES = 1 << 16;

/**
 * Yields the complete lines of a growing file. An incomplete line is read again once it is
 * complete, as resuming a run may have cut it off meanwhile.
 */
export class LineFollower implements Disposable {
  readonly #path: string;
  #fd: number | null = null;
  #offset: number;

  /** @param offset the byte to start at, which must be the start of a line. The file need not exist yet. */
  constructor(path: string, offset = 0) {
    this.#path = path;
    this.#offset = offset;
  }

  /** The byte after the last line returned. */
  get offset(): number {
    return this.#offset;
  }

  /** Yields the lines added since the last call. */
  *lines(): Generator<string> {
    if (this.#fd === null) {
      if (!existsSync(this.#path)) return;
      this.#fd = openSync(plainFile(this.#path), "r");
    }
    let rest: Buffer[] = []; // joined only at the end of a line, as lines may be very long
    let rest_bytes = 0;
    for (;;) {
      const chunk = Buffer.alloc(READ_BYTES);
      const n = readSync(this.#fd, chunk, 0, READ_BYTES, this.#offset + rest_bytes);
      if (n === 0) return;
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0 && end < n; end = chunk.indexOf(10, start)) {
        const line = Buffer.concat([...rest, chunk.subarray(start, end)]);
        this.#offset += line.length + 1;
        rest = [];
        rest_bytes = 0;
        start = end + 1;
        yield line.toString("utf8");
      }
      rest.push(chunk.subarray(start, n));
      rest_bytes += n - start;
    }
  }

  /** Skips all existing lines. */
  skip(): void {
    for (const _ of this.lines());
  }

  [Symbol.dispose](): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}
