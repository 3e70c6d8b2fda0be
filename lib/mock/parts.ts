/** A reply as a list of timed parts, so that a fault is a change of this list. */
import { frameOf } from "./bedrock.ts";
import { MOCK_FORMS } from "./replies.ts";
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { SentEvent } from "./sent_event.ts";

/** What a part sends, or does to the connection. */
export type ReplyPart =
  & {
    /** Seconds after the request was received. */
    at_s: number;
  }
  & (
    | { kind: "head" }
    | Omit<SentEvent, "step">
    /** The end of a stream, with the end word of the API if it has one. */
    | { kind: "done"; word: string }
    | {
      kind: "whole";
      status: number;
      headers?: Record<string, string>;
      body: string;
      /** A file, in place of the body's text. */
      bytes?: Uint8Array;
      type?: string | undefined;
      /** Only the head, as the answer to HEAD. */
      without_body?: boolean;
    }
    | { kind: "raw"; bytes: string | Uint8Array }
    /** Repeated until the client has gone. */
    | { kind: "endless"; piece: string }
    /** Ends the connection cleanly or with a reset, or keeps it open. */
    | { kind: "fin" | "reset" | "hang" }
  );

/** When the parts of an answer are sent. */
export interface Pace {
  delay_s: number;
  tokens_per_second: number | null;
}

/** The parts of a good answer. */
export function goodReply(asked: Asked, answer: MockAnswer, pace: Pace): ReplyPart[] {
  const form = MOCK_FORMS[asked.api_type];
  const gap_s = pace.tokens_per_second === null ? 0 : 1 / pace.tokens_per_second;
  const at = (step: number) => pace.delay_s + step * gap_s;
  const last = Math.max(0, ...answer.choices.map(({ deltas }) => deltas.length - 1));
  if (!asked.stream) {
    const said = form.whole(asked, answer);
    const content = typeof said === "string"
      ? { body: said, type: "text/plain; charset=utf-8" }
      : { body: JSON.stringify(said) };
    return [{ kind: "whole", at_s: at(last), status: 200, ...content }];
  }
  return [
    { kind: "head", at_s: at(0) },
    ...form.events(asked, answer).map(({ step, ...event }): ReplyPart => ({
      ...event,
      at_s: at(step),
    })),
    { kind: "done", at_s: at(last), word: form.last },
  ];
}

const REASONS: Record<number, string> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** How a reply is framed in HTTP, as its request allows. */
export interface Framing {
  /** HTTP/1.0 has no chunks: there the end of the connection ends a stream. */
  chunked: boolean;
  /** The Connection header; null if there is none. */
  connection: "close" | "keep-alive" | null;
  /** Events are sent as frames: all text is then latin1, one letter per byte. */
  frames?: boolean;
}

const TEXT = "text/event-stream; charset=utf-8", FRAMES = "application/vnd.amazon.eventstream";
const PLAIN: Framing = { chunked: true, connection: null };

/**
 * The text of a part. Empty for parts that only end the connection, and for bytes; for a file, its
 * head.
 */
export function bytesOf(part: ReplyPart, framing = PLAIN): string {
  const { chunked, connection, frames = false } = framing;
  switch (part.kind) {
    case "head":
      return `HTTP/1.1 200 OK\r\ncontent-type: ${frames ? FRAMES : TEXT}\r\n` +
        "cache-control: no-cache\r\n" + (chunked ? "transfer-encoding: chunked\r\n" : "") +
        (connection === null ? "" : `connection: ${connection}\r\n`) + "\r\n";
    case "role":
    case "token":
    case "finish":
    case "usage": {
      if (frames) {
        const frame = frameOf(part).toString("latin1");
        return chunked ? `${frame.length.toString(16)}\r\n${frame}\r\n` : frame;
      }
      const name = part.name === undefined ? "" : `event: ${part.name}\n`;
      return pieceOf(`${name}data: ${part.event}\n\n`, chunked);
    }
    case "done":
      return (part.word === "" ? "" : pieceOf(`data: ${part.word}\n\n`, chunked)) +
        (chunked ? "0\r\n\r\n" : "");
    case "whole": {
      const headers = connection === null ? part.headers : { ...part.headers, connection };
      return whole({ ...part, headers });
    }
    case "raw":
      return typeof part.bytes === "string" ? part.bytes : "";
    default:
      return "";
  }
}

function whole(
  { status, body, bytes, headers = {}, type = "application/json", without_body }: Extract<
    ReplyPart,
    { kind: "whole" }
  >,
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}\r\ncontent-type: ${type}\r\n${lines}` +
    `content-length: ${bytes?.length ?? byteLength(body)}\r\n\r\n${
      without_body || bytes ? "" : body
    }`;
}

function pieceOf(text: string, chunked: boolean): string {
  return chunked ? httpChunk(text) : text;
}

/** Formats a chunk of a chunked body. */
export function httpChunk(text: string): string {
  return `${byteLength(text).toString(16)}\r\n${text}\r\n`;
}

const encoder = new TextEncoder();
const byteLength = (text: string) => encoder.encode(text).length;
