/** A reply as timed parts, so that a fault is a change of the list. */
import { chunk, usageChunk, wholeBody } from "./replies.ts";
import type { Answer, Asked } from "./replies.ts";

/** What a part puts on the wire, or does to the connection. */
export type Part =
  & {
    /** Seconds after the request was received. */
    at_s: number;
  }
  & (
    | { kind: "head" }
    | { kind: "role" | "token" | "finish" | "usage"; event: string }
    | { kind: "done" }
    | {
      kind: "whole";
      status: number;
      headers?: Record<string, string>;
      body: string;
      type?: string;
    }
    | { kind: "raw"; bytes: string | Uint8Array }
    /** Again and again, until the client has gone. */
    | { kind: "endless"; piece: string }
    /** Ends the connection: cleanly, with a reset, or never. */
    | { kind: "fin" | "reset" | "hang" }
  );

/** When the parts of an answer leave. */
export interface Pace {
  delay_s: number;
  tokens_per_second: number | null;
}

/** The parts of a good answer. */
export function goodReply(asked: Asked, answer: Answer, pace: Pace): Part[] {
  const at_s = pace.delay_s;
  const gap_s = pace.tokens_per_second === null ? 0 : 1 / pace.tokens_per_second;
  const count = answer.reasoning.length + answer.tokens.length;
  const end_s = at_s + Math.max(0, count - 1) * gap_s;
  if (!asked.stream) {
    const body = JSON.stringify(wholeBody(asked, answer, true));
    return [{ kind: "whole", at_s: end_s, status: 200, body }];
  }
  const deltas = [
    ...answer.reasoning.map((reasoning) => ({ reasoning })),
    ...answer.tokens.map((content) => ({ content })),
  ];
  const tokens = deltas.map((delta, i): Part => ({
    kind: "token",
    at_s: at_s + i * gap_s,
    event: JSON.stringify(chunk(asked, answer, delta)),
  }));
  const event = (kind: "role" | "finish" | "usage", when_s: number, json: unknown): Part => ({
    kind,
    at_s: when_s,
    event: JSON.stringify(json),
  });
  return [
    { kind: "head", at_s },
    ...(asked.api_type !== "completions"
      ? [event("role", at_s, chunk(asked, answer, "role"))]
      : []),
    ...tokens,
    event("finish", end_s, chunk(asked, answer, null)),
    ...(asked.include_usage && asked.api_type !== "responses"
      ? [event("usage", end_s, usageChunk(asked, answer))]
      : []),
    { kind: "done", at_s: end_s },
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

/** The text of a part; empty for those that only end the connection, and for bytes. */
export function bytesOf(part: Part): string {
  switch (part.kind) {
    case "head":
      return "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n" +
        "cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
    case "role":
    case "token":
    case "finish":
    case "usage":
      return httpChunk(`data: ${part.event}\n\n`);
    case "done":
      return httpChunk("data: [DONE]\n\n") + "0\r\n\r\n";
    case "whole":
      return whole(part.status, part.body, part.headers, part.type);
    case "raw":
      return typeof part.bytes === "string" ? part.bytes : "";
    default:
      return "";
  }
}

function whole(
  status: number,
  body: string,
  headers: Record<string, string> = {},
  type = "application/json",
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}\r\ncontent-type: ${type}\r\n${lines}` +
    `content-length: ${byteLength(body)}\r\n\r\n${body}`;
}

/** A piece of a chunked body. */
export function httpChunk(text: string): string {
  return `${byteLength(text).toString(16)}\r\n${text}\r\n`;
}

const encoder = new TextEncoder();
const byteLength = (text: string) => encoder.encode(text).length;
