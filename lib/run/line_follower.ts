/** Whole lines of a file that grows: each reading gives what came since the last. */
import { Buffer } from "node:buffer";
import { closeSync, existsSync, openSync, readSync } from "node:fs";

const READ_BYTES = 1 << 16;

/** Follows a file that may not be there yet. A line that is being written waits for its end. */
export class LineFollower implements Disposable {
  readonly #path: string;
  #fd: number | null = null;
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  /** The lines that are new, without their ends. @throws what the system says. */
  *lines(): Generator<string> {
    if (this.#fd === null) {
      if (!existsSync(this.#path)) return;
      this.#fd = openSync(this.#path, "r");
    }
    const chunk = Buffer.alloc(READ_BYTES);
    for (let n = readSync(this.#fd, chunk); n > 0; n = readSync(this.#fd, chunk)) {
      const bytes: Buffer = Buffer.concat([this.#rest, chunk.subarray(0, n)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        yield bytes.toString("utf8", start, end);
        start = end + 1;
      }
      this.#rest = bytes.subarray(start);
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}
