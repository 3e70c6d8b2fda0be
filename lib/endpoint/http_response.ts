/** An incremental HTTP/1.1 response parser (RFC 9112): bytes in, head and body slices out. */
import { Buffer } from "node:buffer";
import { EndpointError } from "./errors.ts";

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_INTERIM = 32;
const MAX_CHUNK_LINE_BYTES = 4 * 1024;
const LF = 10;
const CR = 13;
/** The first byte of a TLS server's answer to plain HTTP. */
const TLS_ALERT = 0x15;
const EMPTY = Buffer.alloc(0);

/** Status and headers (lower-case names; repeated ones are joined by a comma). */
export interface ResponseHead {
  status: number;
  headers: Record<string, string>;
}

export interface ResponseSink {
  onHead(head: ResponseHead): void;
  onBody(bytes: Buffer): void;
}

type State =
  | "head"
  | "length"
  | "until_close"
  | "chunk_size"
  | "chunk"
  | "chunk_end"
  | "trailer"
  | "done";

/**
 * Parses one response. Call {@linkcode push} with the bytes, and {@linkcode end} when the peer has
 * closed.
 */
export class ResponseParser {
  #state: State = "head";
  #pending: Buffer = EMPTY;
  #remaining = 0;
  #trailerBytes = 0;
  #interim = 0;
  #keepAlive = false;
  readonly #sink: ResponseSink;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  get done(): boolean {
    return this.#state === "done";
  }

  /** Whether the connection may carry another request. */
  get keepAlive(): boolean {
    return this.done && this.#keepAlive && this.#pending.length === 0;
  }

  /**
   * Takes the next bytes from the socket.
   *
   * @throws {EndpointError} class malformed.
   */
  push(bytes: Buffer): void {
    let input = this.#pending.length ? Buffer.concat([this.#pending, bytes]) : bytes;
    this.#pending = EMPTY;
    while (input.length > 0 && this.#state !== "done") {
      const rest = this.#step(input);
      if (rest === null) {
        this.#pending = input;
        return;
      }
      input = rest;
    }
    this.#pending = input;
  }

  /** Ends the input after the peer has closed: returns whether the response is complete. */
  end(): boolean {
    if (this.#state === "until_close") this.#state = "done";
    return this.done;
  }

  /** Consumes what it can; null when it needs more bytes. */
  #step(input: Buffer): Buffer | null {
    switch (this.#state) {
      case "head":
        return this.#head(input);
      case "until_close":
        this.#sink.onBody(input);
        return EMPTY;
      case "length":
      case "chunk":
        return this.#counted(input);
      case "chunk_size":
        return this.#chunkSize(input);
      case "chunk_end":
        return this.#chunkEnd(input);
      case "trailer":
        return this.#trailer(input);
      case "done":
        return EMPTY;
    }
  }

  #counted(input: Buffer): Buffer {
    const taken = Math.min(this.#remaining, input.length);
    this.#sink.onBody(taken === input.length ? input : input.subarray(0, taken));
    this.#remaining -= taken;
    if (this.#remaining === 0) this.#state = this.#state === "chunk" ? "chunk_end" : "done";
    return input.subarray(taken);
  }

  #chunkSize(input: Buffer): Buffer | null {
    const end = input.indexOf(LF);
    const bytes = end < 0 ? input.length : end + 1;
    if (bytes > MAX_CHUNK_LINE_BYTES) throw malformed("a chunk header without an end");
    if (end < 0) return null;
    const line = input.toString("latin1", 0, end);
    const digits = trim(line.split(";", 1)[0]);
    if (!/^[0-9a-f]{1,12}$/i.test(digits)) throw malformed(`chunk size ${JSON.stringify(line)}`);
    this.#remaining = parseInt(digits, 16);
    this.#state = this.#remaining === 0 ? "trailer" : "chunk";
    return input.subarray(bytes);
  }

  #chunkEnd(input: Buffer): Buffer | null {
    const lf = input[0] === CR ? 1 : 0;
    if (lf === input.length) return null;
    if (input[lf] !== LF) throw malformed("a chunk that is longer than its size");
    this.#state = "chunk_size";
    return input.subarray(lf + 1);
  }

  #trailer(input: Buffer): Buffer | null {
    const end = input.indexOf(LF);
    const bytes = end < 0 ? input.length : end + 1;
    if (this.#trailerBytes + bytes > MAX_HEAD_BYTES) {
      throw malformed("trailers of more than 64 KB");
    }
    if (end < 0) return null;
    this.#trailerBytes += bytes;
    if (end === 0 || (end === 1 && input[0] === CR)) this.#state = "done";
    return input.subarray(bytes);
  }

  #head(input: Buffer): Buffer | null {
    if (input[0] === 0) throw malformed("it speaks HTTP/2, and not HTTP/1.1");
    if (input[0] === TLS_ALERT) throw malformed("it speaks TLS: give the endpoint as https://");
    const end = headEnd(input);
    if ((end < 0 ? input.length : end) > MAX_HEAD_BYTES) {
      throw malformed("headers of more than 64 KB");
    }
    if (end < 0) return null;
    const lines = linesOf(input.toString("latin1", 0, end));
    const status = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/.exec(lines[0]);
    if (!status) throw malformed(`status line ${JSON.stringify(lines[0].slice(0, 80))}`);
    const head = { status: Number(status[2]), headers: headersOf(lines) };
    if (head.status >= 200) this.#begin(head, status[1] === "1");
    else if (++this.#interim > MAX_INTERIM) throw malformed("more than 32 interim responses");
    return input.subarray(end);
  }

  #begin({ status, headers }: ResponseHead, http11: boolean): void {
    const connection = listOf(headers["connection"]);
    const coding = headers["transfer-encoding"];
    const length = lengthIn(headers);
    if (coding !== undefined && coding.toLowerCase() !== "chunked") {
      throw malformed(`transfer-encoding ${JSON.stringify(coding)}`);
    }
    this.#keepAlive = !connection.includes("close") &&
      (http11 || connection.includes("keep-alive"));
    if (status === 204 || status === 304) {
      this.#state = "done";
    } else if (coding !== undefined) {
      this.#state = "chunk_size";
      // with a length, or in HTTP/1.0: an attack or a fault (RFC 9112, 6.1)
      if (!http11 || length !== null) this.#keepAlive = false;
    } else if (length !== null) {
      this.#remaining = length;
      this.#state = length === 0 ? "done" : "length";
    } else {
      this.#state = "until_close";
      this.#keepAlive = false;
    }
    this.#sink.onHead({ status, headers });
  }
}

/** Offset just after the empty line that ends the head; −1 until it has come. */
function headEnd(input: Buffer): number {
  if (input[0] === LF) return 1;
  if (input[0] === CR && input[1] === LF) return 2;
  for (let lf = input.indexOf(LF); lf >= 0; lf = input.indexOf(LF, lf + 1)) {
    if (input[lf + 1] === LF) return lf + 2;
    if (input[lf + 1] === CR && input[lf + 2] === LF) return lf + 3;
  }
  return -1;
}

/** The headers of a complete head. */
export function headersIn(head: string): Record<string, string> {
  return headersOf(linesOf(head));
}

/** @throws {EndpointError} class malformed: the body is compressed or otherwise encoded. */
export function refuseEncoded({ status, headers }: ResponseHead): void {
  const encoding = headers["content-encoding"];
  if (listOf(encoding).every((name) => name === "" || name === "identity")) return;
  throw new EndpointError(
    "malformed",
    `the server compressed its answer (${encoding}) though asked not to`,
    { status },
  );
}

/** Joins continuation lines: a line that begins with a blank continues the one before (RFC 9112, 5.2). */
function linesOf(head: string): string[] {
  return head.replace(/\r?\n(?=[ \t])/g, " ").split(/\r?\n/);
}

/** The text without HTTP's blanks around it; trim() would remove more, such as no-break spaces. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === CR || code === LF;
}

/** The items of a header whose value is a list, in lower case. */
function listOf(value = ""): string[] {
  return value.split(",").map((item) => trim(item).toLowerCase());
}

/** The content length; null for none. The same value may be repeated: "5, 5". */
function lengthIn(headers: Record<string, string>): number | null {
  const value = headers["content-length"];
  if (value === undefined) return null;
  const lengths = listOf(value);
  const good = lengths.every((length) => /^\d{1,15}$/.test(length));
  if (!good || new Set(lengths.map(Number)).size > 1) {
    throw malformed(`content-length ${JSON.stringify(value)}`);
  }
  return Number(lengths[0]);
}

function headersOf(lines: string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = trim(line.slice(0, colon)).toLowerCase();
    const value = trim(line.slice(colon + 1));
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}

function malformed(what: string): EndpointError {
  return new EndpointError("malformed", `the server's HTTP is malformed: ${what}`);
}
