/** Server-sent events from bytes (WHATWG HTML, 9.2.6). Only the data of each event is kept. */
import { Buffer } from "node:buffer";
import { EndpointError } from "./errors.ts";

const LF = 10;
const CR = 13;
const COLON = 58;
const SPACE = 32;
/** Of a line, and of an event's data, as in native/http/sse.h. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/**
 * Splits a byte stream into events. Line ends may be LF, CRLF or CR; a byte order mark and comments
 * are dropped; several data lines are joined by LF; an event without its empty line is discarded.
 */
export class EventSplitter {
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #lines: string[] = [];
  #eventBytes = 0;
  #started = false;
  #afterCr = false;
  readonly #onEvent: (data: string) => void;

  constructor(onEvent: (data: string) => void) {
    this.#onEvent = onEvent;
  }

  /**
   * Takes the next bytes; calls back for each event that they complete.
   *
   * @throws {EndpointError} class malformed: an event above 4 MB.
   */
  push(bytes: Buffer): void {
    let start = 0;
    if (this.#afterCr && bytes.length > 0) {
      if (bytes[0] === LF) start = 1;
      this.#afterCr = false;
    }
    let lf = bytes.indexOf(LF, start);
    let cr = bytes.indexOf(CR, start);
    while (lf >= 0 || cr >= 0) {
      const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      this.#line(bytes, start, end);
      start = end + 1;
      if (end === cr) {
        if (start === bytes.length) this.#afterCr = true;
        else if (bytes[start] === LF) start++;
        cr = bytes.indexOf(CR, start);
      }
      if (lf >= 0 && lf < start) lf = bytes.indexOf(LF, start);
    }
    if (start < bytes.length) this.#keep(bytes.subarray(start));
  }

  #keep(part: Buffer): void {
    this.#pending.push(Buffer.from(part)); // a copy: the socket may reuse its buffer
    this.#pendingBytes += part.length;
    this.#bound(this.#pendingBytes);
  }

  #bound(bytes: number): void {
    if (bytes > MAX_EVENT_BYTES) {
      throw new EndpointError("malformed", "the server sent an event of more than 4 MB");
    }
  }

  #line(bytes: Buffer, start: number, end: number): void {
    if (this.#pendingBytes > 0) {
      this.#pending.push(bytes.subarray(start, end));
      bytes = Buffer.concat(this.#pending);
      start = 0;
      end = bytes.length;
      this.#pending = [];
      this.#pendingBytes = 0;
    }
    this.#bound(end - start);
    if (!this.#started) {
      this.#started = true;
      if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) {
        start += 3;
      }
    }
    if (start === end) return this.#dispatch();
    const isData = end - start >= 4 && bytes[start] === 100 && bytes[start + 1] === 97 &&
      bytes[start + 2] === 116 && bytes[start + 3] === 97;
    if (!isData) return; // a comment, event, id or retry
    start += 4;
    if (start < end && bytes[start] !== COLON) return; // another field, "database: …"
    if (start < end) start++;
    if (start < end && bytes[start] === SPACE) start++;
    this.#eventBytes += end - start + (this.#lines.length > 0 ? 1 : 0);
    this.#bound(this.#eventBytes);
    this.#lines.push(bytes.toString("utf8", start, end));
  }

  #dispatch(): void {
    if (this.#lines.length === 0) return;
    const data = this.#lines.length === 1 ? this.#lines[0] : this.#lines.join("\n");
    this.#lines = [];
    this.#eventBytes = 0;
    this.#onEvent(data);
  }
}
