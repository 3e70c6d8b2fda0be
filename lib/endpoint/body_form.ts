/**
 * Reads an answer's body: events, frames of events, or one whole body. The first bytes decide, because
 * servers leave out the content type or send a wrong one. The same rules as in native/http/body_form.c.
 */
import { Buffer } from "node:buffer";
import { EndpointError } from "./errors.ts";
import { FrameSplitter } from "./event_frames.ts";
import { GatheredBytes } from "./gathered_bytes.ts";
import { EventSplitter } from "./sse.ts";
import type { ResponseHead } from "./http_response.ts";
import type { HttpExchange } from "./transport.ts";

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const EVENT_STREAM = /^text\/event-stream/i;
/** The beginnings of an event stream. */
const FIELDS = [":", "data:", "event:", "id:", "retry:"];
/** Blanks and the bytes of a byte order mark, which decide nothing. */
const BLANKS = /^[ \t\r\n\xef\xbb\xbf]+/;
/** Enough bytes to decide, even after some blanks. */
const FIRST_BYTES = 16;

/** Content types of files, whose bytes say nothing about the form of API. */
const FILE = /^((audio|image|video)\/|application\/octet-stream)/i;

function isFile(headers: Record<string, string>): boolean {
  return FILE.test(headers["content-type"] ?? "");
}

/** A whole body: text, or bytes when the headers say that it is a file. An error is always text. */
export function contentOf(
  { status, headers }: ResponseHead,
  bytes: Buffer,
): Pick<HttpExchange, "body" | "bytes"> {
  const good = status >= 200 && status < 300;
  return good && isFile(headers) ? { body: "", bytes } : { body: bytes.toString("utf8") };
}

/** Feed it the bytes of one body. */
export class BodyReader {
  readonly #splitter: EventSplitter;
  readonly #frames: FrameSplitter;
  readonly #head: ResponseHead;
  readonly #typed: boolean;
  #form: "untold" | "whole" | "events" | "frames";
  #first = "";
  readonly #whole = new GatheredBytes();

  /**
   * @param onEvent called with each event's data, and whether the event's name says that it is an
   * error.
   */
  constructor(head: ResponseHead, onEvent: (data: string, error: boolean) => void) {
    const { status, headers } = this.#head = head;
    this.#splitter = new EventSplitter(onEvent);
    this.#frames = new FrameSplitter(onEvent);
    this.#typed = EVENT_STREAM.test(headers["content-type"] ?? "");
    // a body that is not an answer is kept as one text
    this.#form = status >= 200 && status < 300 && !isFile(headers) ? "untold" : "whole";
  }

  /** Takes the response's body, if it is not an event stream. */
  takeContent(): Pick<HttpExchange, "body" | "bytes"> {
    return contentOf(this.#head, this.#whole.take());
  }

  /**
   * Takes the next bytes.
   *
   * @throws {EndpointError} class malformed: a body above 64 MB or an event above 4 MB.
   */
  push(bytes: Buffer): void {
    let at = 0;
    if (this.#form === "untold") {
      while (at < bytes.length && this.#form === "untold") {
        this.#first += String.fromCharCode(bytes[at++]);
        this.#form = this.#told();
      }
      if (this.#form === "untold") return;
      this.#deliver(Buffer.from(this.#first, "latin1"));
    }
    this.#deliver(at === 0 ? bytes : bytes.subarray(at));
  }

  /** Ends the body. */
  end(): void {
    if (this.#form === "untold") {
      this.#form = "whole";
      this.#deliver(Buffer.from(this.#first, "latin1"));
    } else if (this.#form === "events") {
      this.#splitter.end();
    }
  }

  /**
   * A body whose content type says events is whole if it starts an object, a list or a page; any other
   * body is a stream if it begins with a field.
   */
  #told(): "untold" | "whole" | "events" | "frames" {
    // the length of a frame; no text begins like this
    if (this.#first[0] === "\0") return "frames";
    if (this.#typed) return /^[{[<]/.test(this.#first) ? "whole" : "events";
    const first = this.#first.replace(BLANKS, "");
    if (FIELDS.some((field) => first.startsWith(field))) return "events";
    if (this.#first.length === FIRST_BYTES) return "whole";
    return FIELDS.some((field) => field.startsWith(first)) ? "untold" : "whole";
  }

  #deliver(bytes: Buffer): void {
    if (this.#form === "events") return this.#splitter.push(bytes);
    if (this.#form === "frames") return this.#frames.push(bytes);
    if (this.#whole.length + bytes.length > MAX_BODY_BYTES) {
      throw new EndpointError("malformed", "the server's answer is larger than 64 MB");
    }
    this.#whole.add(bytes);
  }
}
