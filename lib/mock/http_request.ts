/** An incremental HTTP/1.1 request parser (RFC 9112), for the mock endpoint's sockets. */
import { Buffer } from "node:buffer";

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const CR = 13;
const LF = 10;
/** Method, path, version; a proxy's form with scheme and host is accepted too (RFC 9112, 3.2.2). */
const START_LINE = /^([A-Z]+) (?:https?:\/\/[^\s/?]+)?((?:\/[^\s?]*)?)(?:\?\S*)? HTTP\/(1\.[01])$/;

/** A header: no white space before the colon (RFC 9112, 5.1). */
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

/** A parsed request. */
export interface ParsedRequest {
  /** The HTTP version. */
  version: "1.0" | "1.1";
  /** The HTTP method, in capitals. */
  method: string;
  /** Path without the query. */
  path: string;
  /** Names are in lower case. */
  headers: Record<string, string>;
  /** The body as text; empty if there is none. */
  body_text: string;
  /** The body as received. */
  bytes: Buffer;
}

/** A request that cannot be served; the connection ends with this status. */
export class RequestRefused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type State = "head" | "length" | "chunk_size" | "chunk" | "chunk_end" | "trailer";

/** Splits a connection's bytes into requests; one piece of bytes may contain several. */
export class RequestParser {
  readonly #onRequest: (request: ParsedRequest) => void;
  readonly #onContinue: () => void;
  #pending: Buffer = Buffer.alloc(0);
  #state: State = "head";
  #head: Omit<ParsedRequest, "body_text" | "bytes"> | null = null;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #remaining = 0;

  /** @param onContinue called when the client waits for 100 Continue before it sends the body. */
  constructor(onRequest: (request: ParsedRequest) => void, onContinue: () => void) {
    this.#onRequest = onRequest;
    this.#onContinue = onContinue;
  }

  /** @throws {RequestRefused} the bytes are not a request, or there are too many. */
  push(bytes: Buffer): void {
    let input = this.#pending.length ? Buffer.concat([this.#pending, bytes]) : bytes;
    for (let rest = this.#step(input); rest !== null; rest = this.#step(input)) input = rest;
    this.#pending = input;
  }

  /** Consumes a part; returns null if it needs more bytes. */
  #step(input: Buffer): Buffer | null {
    if (input.length === 0) return null;
    if (this.#state === "head") return this.#takeHead(input);
    if (this.#state === "length" || this.#state === "chunk") return this.#takeBody(input);
    const end = input.indexOf(LF);
    if (end < 0) {
      if (input.length > MAX_HEAD_BYTES) throw new RequestRefused(400, "a line without an end");
      return null;
    }
    this.#takeLine(input.toString("latin1", 0, end).trim());
    return input.subarray(end + 1);
  }

  #takeHead(input: Buffer): Buffer | null {
    if (input[0] === CR && input[1] === LF) return input.subarray(2); // as RFC 9112, 2.2 requires
    const end = input.indexOf("\r\n\r\n");
    if (end < 0) {
      if (input.length > MAX_HEAD_BYTES) throw new RequestRefused(431, "headers above 64 KB");
      return null;
    }
    const [first, ...lines] = input.toString("latin1", 0, end).split("\r\n");
    const start = START_LINE.exec(first);
    if (!start) throw new RequestRefused(400, "no HTTP/1.1 request line");
    const headers: Record<string, string> = Object.create(null);
    for (const line of lines) {
      const [, given, value] = FIELD.exec(line) ?? [];
      if (given === undefined) throw new RequestRefused(400, "a header that is not NAME: VALUE");
      const name = given.toLowerCase();
      if (name === "content-length" && (headers[name] ?? value) !== value) {
        throw new RequestRefused(400, "two lengths that differ");
      }
      headers[name] = value;
    }
    const version = start[3] as ParsedRequest["version"];
    this.#head = { version, method: start[1], path: start[2] || "/", headers };
    this.#begin(headers);
    const waits = version === "1.1" && /^100-continue$/i.test(headers.expect ?? "");
    if (waits && this.#state !== "head") this.#onContinue();
    return input.subarray(end + 4);
  }

  #begin(headers: Record<string, string>): void {
    if (/\bchunked\b/i.test(headers["transfer-encoding"] ?? "")) {
      this.#state = "chunk_size";
      return;
    }
    const length = headers["content-length"] ?? "0";
    if (!/^\d{1,12}$/.test(length)) throw new RequestRefused(400, "content-length is not a number");
    this.#expect(Number(length));
    if (this.#remaining === 0) this.#finish();
    else this.#state = "length";
  }

  #takeLine(line: string): void {
    if (this.#state === "trailer") {
      if (line === "") this.#finish();
    } else if (this.#state === "chunk_end") {
      this.#state = "chunk_size";
    } else {
      const size = line.split(";", 1)[0];
      if (!/^[0-9a-f]{1,8}$/i.test(size)) {
        throw new RequestRefused(400, "chunk size is not a number");
      }
      this.#expect(parseInt(size, 16));
      this.#state = this.#remaining === 0 ? "trailer" : "chunk";
    }
  }

  #expect(bytes: number): void {
    this.#remaining = bytes;
    if (this.#bodyBytes + bytes > MAX_BODY_BYTES) {
      throw new RequestRefused(413, "a body above 32 MB");
    }
  }

  #takeBody(input: Buffer): Buffer {
    const part = input.subarray(0, this.#remaining);
    this.#body.push(Buffer.from(part));
    this.#bodyBytes += part.length;
    this.#remaining -= part.length;
    if (this.#remaining === 0) {
      if (this.#state === "chunk") this.#state = "chunk_end";
      else this.#finish();
    }
    return input.subarray(part.length);
  }

  #finish(): void {
    const bytes = Buffer.concat(this.#body);
    const request = { ...this.#head!, body_text: bytes.toString("utf8"), bytes };
    this.#state = "head";
    this.#body = [];
    this.#bodyBytes = 0;
    this.#onRequest(request);
  }
}
