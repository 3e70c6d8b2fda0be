/**
 * Splits bytes into server-sent events (WHATWG HTML, 9.2.6), and accepts servers' deviations: the same as
 * native/http/sse.h. Keeps only each event's data and whether the event is called an error.
 */
import { Buffer } from "node:buffer";
import { EndpointError } from "./errors.ts";
import { GatheredBytes } from "./gathered_bytes.ts";

const LF = 10;
const CR = 13;
const COLON = 58;
const SPACE = 32;
const OPEN_BRACE = 123;
const DATA = Buffer.from("data");
const EVENT = Buffer.from("event");
const ERROR = Buffer.from("error");
/** The most bytes of a line, and of an event's data, as in native/http/sse.h. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/**
 * Splits a byte stream into events. Line ends may be LF, CRLF or CR; a byte order mark and comments are
 * dropped; several data lines are joined by LF. Beyond the standard: a line that begins with a brace is
 * data; a JSON object and the beginning of another are two events, even without an empty line between
 * them; a field "error" is an event of that name; and a last event without its empty line counts if it is
 * complete.
 */
export class EventSplitter {
  readonly #pending = new GatheredBytes();
  #lines: string[] = [];
  #eventBytes = 0;
  #started = false;
  #afterCr = false;
  #error = false;
  readonly #onEvent: (data: string, error: boolean) => void;

  /**
   * @param onEvent called with each event's data, and whether the event's name says that it is an error.
   */
  constructor(onEvent: (data: string, error: boolean) => void) {
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

  /** Ends the stream when it was not cut off: the rest of it may be an event. */
  end(): void {
    if (this.#pending.length > 0) this.#line(Buffer.alloc(0), 0, 0);
    if (this.#error || isWhole(this.#lines.join("\n"))) this.#dispatch();
  }

  #keep(part: Buffer): void {
    this.#pending.add(part);
    this.#bound(this.#pending.length);
  }

  #bound(bytes: number): void {
    if (bytes > MAX_EVENT_BYTES) {
      throw new EndpointError("malformed", "the server sent an event of more than 4 MB");
    }
  }

  #line(bytes: Buffer, start: number, end: number): void {
    if (this.#pending.length > 0) {
      this.#pending.add(bytes.subarray(start, end));
      bytes = this.#pending.take();
      start = 0;
      end = bytes.length;
    }
    this.#bound(end - start);
    if (!this.#started) {
      this.#started = true;
      if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) {
        start += 3;
      }
    }
    if (start === end) return this.#dispatch();
    if (bytes[start] !== OPEN_BRACE) {
      let at = valueAt(bytes, start, end, DATA);
      if (at < 0) {
        at = valueAt(bytes, start, end, EVENT);
        if (at >= 0) {
          this.#error = bytes.subarray(at, end).equals(ERROR);
          return;
        }
        at = valueAt(bytes, start, end, ERROR);
        if (at < 0) return; // a comment, id or retry
        this.#error = true;
      }
      start = at;
    }
    if (this.#beginsEvent(bytes, start, end)) this.#dispatch();
    this.#eventBytes += end - start + (this.#lines.length > 0 ? 1 : 0);
    this.#bound(this.#eventBytes);
    this.#lines.push(bytes.toString("utf8", start, end));
  }

  /** Whether a data line begins another event, because the object before it is complete. */
  #beginsEvent(bytes: Buffer, start: number, end: number): boolean {
    if (this.#lines.length === 0 || !this.#lines[this.#lines.length - 1].endsWith("}")) {
      return false;
    }
    return bytes[start] === OPEN_BRACE || bytes.toString("latin1", start, end) === "[DONE]";
  }

  #dispatch(): void {
    const error = this.#error;
    this.#error = false;
    if (this.#lines.length === 0) return;
    const data = this.#lines.length === 1 ? this.#lines[0] : this.#lines.join("\n");
    this.#lines = [];
    this.#eventBytes = 0;
    this.#onEvent(data, error);
  }
}

/** The offset of the value in a line of this field; −1 for a line of another field. */
function valueAt(bytes: Buffer, start: number, end: number, name: Buffer): number {
  let at = start + name.length;
  if (at > end || bytes.compare(name, 0, name.length, start, at) !== 0) return -1;
  if (at < end && bytes[at] !== COLON) return -1; // "database: …"
  if (at < end) at++;
  if (at < end && bytes[at] === SPACE) at++;
  return at;
}

/** Whether a text is one JSON object, or the end marker. */
function isWhole(data: string): boolean {
  if (data === "[DONE]") return true;
  if (!data.startsWith("{")) return false;
  let depth = 0;
  let text = false;
  for (let i = 0; i < data.length; i++) {
    const c = data[i];
    if (text) {
      if (c === "\\") i++;
      else text = c !== '"';
    } else if (c === '"') {
      text = true;
    } else if (c === "{" || c === "[") {
      depth++;
    } else if ((c === "}" || c === "]") && --depth === 0) {
      return i + 1 === data.length;
    }
  }
  return false;
}
