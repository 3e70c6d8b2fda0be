/** Whole lines of a file that grows: each reading gives what came since the last. */
import { Buffer } from "node:buffer";
import { closeSync, existsSync, openSync, readSync } from "node:fs";

const READ_BYTES = 1 << 16;

/** Follows a file that may not be there yet. A line that is being written waits for its end. */
export class LineFollower implements Disposable {
  readonly #path: string;
  #fd: number | null = null;
  /** Where the next line begins: a torn one there may yet be cut off. */
  #at = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** The lines that are new, without their ends. @throws what the system says. */
  *lines(): Generator<string> {
    if (this.#fd === null) {
      if (!existsSync(this.#path)) return;
      this.#fd = openSync(this.#path, "r");
    }
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = Buffer.alloc(READ_BYTES);
      const n = readSync(this.#fd, chunk, 0, READ_BYTES, this.#at + rest.length);
      if (n === 0) return;
      const bytes: Buffer = Buffer.concat([rest, chunk.subarray(0, n)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        this.#at += end + 1 - start;
        const line = bytes.toString("utf8", start, end);
        start = end + 1;
        yield line;
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
