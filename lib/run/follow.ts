/** Following a file that grows. */
import { Buffer } from "node:buffer";
import { closeSync, existsSync, openSync, readSync } from "node:fs";

const READ_BYTES = 1 << 16;

/**
 * Whole lines of a file that grows; a line that is being written waits for its end, and is read again
 * then: whoever resumes a run may have cut it off.
 */
export class LineFollower implements Disposable {
  readonly #path: string;
  #fd: number | null = null;
  #offset: number;

  /** @param offset the byte to begin at, the start of a line. The file need not be there yet. */
  constructor(path: string, offset = 0) {
    this.#path = path;
    this.#offset = offset;
  }

  /** The byte behind the last line that was given. */
  get offset(): number {
    return this.#offset;
  }

  /** The lines that came since the last call. */
  *lines(): Generator<string> {
    if (this.#fd === null) {
      if (!existsSync(this.#path)) return;
      this.#fd = openSync(this.#path, "r");
    }
    const chunk = Buffer.alloc(READ_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const n = readSync(this.#fd, chunk, 0, READ_BYTES, this.#offset + rest.length);
      if (n === 0) return;
      const bytes: Buffer = Buffer.concat([rest, chunk.subarray(0, n)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        this.#offset += end + 1 - start;
        yield bytes.toString("utf8", start, end);
        start = end + 1;
      }
      rest = bytes.subarray(start);
    }
  }

  /** Leaves out the lines that are there. */
  skip(): void {
    for (const _ of this.lines());
  }

  [Symbol.dispose](): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}
