/** An incremental HTTP/1.1 response parser (RFC 9112): bytes in, head and body slices out. */
import { Buffer } from "node:buffer";
import { EndpointError } from "./errors.ts";

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_CHUNK_LINE_BYTES = 4 * 1024;
const LF = 10;
const CR = 13;
const EMPTY = Buffer.alloc(0);

/** Status and headers (lower-case names; repeated ones joined by a comma). */
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

/** Parses one response. Feed it with {@linkcode push}, and {@linkcode end} when the peer closed. */
export class ResponseParser {
  #state: State = "head";
  #pending: Buffer = EMPTY;
  #remaining = 0;
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

  /** The peer closed: whether that completes the response. */
  end(): boolean {
    if (this.#state === "until_close") this.#state = "done";
    return this.done;
  }

  /** Consumes what it can; null when it needs more bytes first. */
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
        return this.#line(input, () => this.#state = "chunk_size");
      case "trailer":
        return this.#line(input, (line) => {
          if (line === "") this.#state = "done";
        });
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

  #line(input: Buffer, use: (line: string) => void): Buffer | null {
    const end = input.indexOf(LF);
    if (end < 0) {
      if (input.length > MAX_CHUNK_LINE_BYTES) throw malformed("a chunk header without an end");
      return null;
    }
    use(input.toString("latin1", 0, end > 0 && input[end - 1] === CR ? end - 1 : end));
    return input.subarray(end + 1);
  }

  #chunkSize(input: Buffer): Buffer | null {
    return this.#line(input, (line) => {
      const digits = line.split(";", 1)[0].trim();
      if (!/^[0-9a-f]{1,12}$/i.test(digits)) throw malformed(`chunk size ${JSON.stringify(line)}`);
      this.#remaining = parseInt(digits, 16);
      this.#state = this.#remaining === 0 ? "trailer" : "chunk";
    });
  }

  #head(input: Buffer): Buffer | null {
    const end = headEnd(input);
    if (end < 0) {
      if (input.length > MAX_HEAD_BYTES) throw malformed("headers of more than 64 KB");
      return null;
    }
    const lines = input.toString("latin1", 0, end).split(/\r?\n/);
    const status = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/.exec(lines[0]);
    if (!status) throw malformed(`status line ${JSON.stringify(lines[0].slice(0, 80))}`);
    const head = { status: Number(status[2]), headers: headersOf(lines) };
    if (head.status >= 200) this.#begin(head, status[1] === "1");
    return input.subarray(end); // an interim 1xx response is skipped
  }

  #begin({ status, headers }: ResponseHead, http11: boolean): void {
    const connection = (headers["connection"] ?? "").toLowerCase();
    this.#keepAlive = http11 ? !connection.includes("close") : connection.includes("keep-alive");
    const length = headers["content-length"];
    if (status === 204 || status === 304) {
      this.#state = "done";
    } else if (/\bchunked\b/i.test(headers["transfer-encoding"] ?? "")) {
      this.#state = "chunk_size";
    } else if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) throw malformed(`content-length ${JSON.stringify(length)}`);
      this.#remaining = Number(length);
      this.#state = this.#remaining === 0 ? "done" : "length";
    } else {
      this.#state = "until_close";
      this.#keepAlive = false;
    }
    this.#sink.onHead({ status, headers });
  }
}

/** Offset just behind the empty line that ends the head; −1 while it has not come. */
function headEnd(input: Buffer): number {
  const crlf = input.indexOf("\r\n\r\n");
  const lf = input.indexOf("\n\n");
  if (lf >= 0 && (crlf < 0 || lf < crlf)) return lf + 2;
  return crlf < 0 ? -1 : crlf + 4;
}

/** The headers of a whole head. */
export function headersIn(head: string): Record<string, string> {
  return headersOf(head.split(/\r?\n/));
}

function headersOf(lines: string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}

function malformed(what: string): EndpointError {
  return new EndpointError("malformed", `the server's HTTP is malformed: ${what}`);
}
