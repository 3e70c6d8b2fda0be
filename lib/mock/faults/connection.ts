/** Faults of the connection: silence, resets and ends at each stage, endless bytes. */
import { bytesOf, type ReplyPart } from "../parts.ts";
import { type Fault, firstHalf, instead } from "./fault.ts";

const LATE_S = 0.3;
const OK = "HTTP/1.1 200 OK\r\n";
const STREAM = `${OK}content-type: text/event-stream\r\n\r\n`;

const later = (part: ReplyPart): ReplyPart => ({ ...part, at_s: part.at_s + LATE_S });

/** A start, followed by a piece that is repeated forever. */
function endless(start: string, piece: string): Fault["apply"] {
  return ([{ at_s }]) => [{ kind: "raw", at_s, bytes: start }, { kind: "endless", at_s, piece }];
}

export const connectionFaults = {
  timeout: {
    description: "takes the request and never answers",
    failure: "timeout",
    apply: (parts) => [{ kind: "hang", at_s: parts[0].at_s }],
  },
  half_open: {
    description: "half of the answer, then silence on an open connection",
    failure: "timeout",
    apply: (parts) => firstHalf(parts, "hang"),
  },
  silent_headers: {
    description: "half of the response head, then silence",
    failure: "timeout",
    apply: instead(`${OK}content-type: text/eve`, "hang"),
  },
  connection_reset: {
    description: "resets the connection before the first byte",
    failure: "connect",
    apply: (parts) => [{ kind: "reset", at_s: parts[0].at_s }],
  },
  connection_closed: {
    description: "closes the connection before the first byte",
    failure: "connect",
    apply: (parts) => [{ kind: "fin", at_s: parts[0].at_s }],
  },
  closed_in_headers: {
    description: "closes the connection in the middle of the response head",
    failure: "truncated",
    apply: instead(`${OK}content-type: text/eve`, "fin"),
  },
  reset_after_headers: {
    description: "resets the connection after the response head",
    failure: "truncated",
    apply: ([{ at_s }]) => [{ kind: "raw", at_s, bytes: STREAM }, { kind: "reset", at_s }],
  },
  reset_mid_stream: {
    description: "resets the connection after half of the answer",
    failure: "truncated",
    apply: (parts) => firstHalf(parts, "reset"),
  },
  truncated_stream: {
    description: "closes the connection after half of the answer",
    failure: "truncated",
    apply: (parts) => firstHalf(parts, "fin"),
  },
  closed_in_event: {
    description: "closes the connection in the middle of an event's JSON",
    failure: "truncated",
    apply: ([{ at_s }]) => [
      { kind: "raw", at_s, bytes: `${STREAM}data: {"choices":[{"delta":{"cont` },
      { kind: "fin", at_s },
    ],
  },
  slow_first_byte: {
    description: `everything ${LATE_S} s late`,
    failure: null,
    apply: (parts) => parts.map(later),
  },
  slow_first_token: {
    description: `the headers on time, the tokens ${LATE_S} s late`,
    failure: null,
    apply: (parts) => parts.map((part) => part.kind === "head" ? part : later(part)),
  },
  slow_loris: {
    description: "the first hundred bytes one at a time",
    failure: null,
    apply: (parts) => {
      const [first, ...rest] = parts;
      const reply = bytesOf(first);
      const head = [...reply.slice(0, 100)].map((byte, i): ReplyPart => ({
        kind: "raw",
        at_s: first.at_s + 0.001 * i,
        bytes: byte,
      }));
      const at_s = first.at_s + 0.1;
      return [...head, { kind: "raw", at_s, bytes: reply.slice(100) }, ...rest];
    },
  },
  endless_headers: {
    description: "response headers without end",
    failure: "malformed",
    apply: endless(OK, `x-more: ${"y".repeat(1000)}\r\n`),
  },
  endless_header_line: {
    description: "one response header of gigabytes",
    failure: "malformed",
    apply: endless(`${OK}x-more: `, "y".repeat(65536)),
  },
  endless_interim: {
    description: "100 Continue without end",
    failure: "malformed",
    apply: endless("", "HTTP/1.1 100 Continue\r\n\r\n".repeat(100)),
  },
  endless_event: {
    description: "one event of gigabytes",
    failure: "malformed",
    apply: endless(`${STREAM}data: `, "y".repeat(65536)),
  },
  endless_data_lines: {
    description: "one event of data lines without end",
    failure: "malformed",
    apply: endless(STREAM, `data: ${"y".repeat(121)}\n`.repeat(512)),
  },
  endless_body: {
    description: "a body of gigabytes that is not an event stream",
    failure: "malformed",
    apply: endless(`${OK}content-type: application/json\r\n\r\n"`, "y".repeat(1 << 20)),
  },
  endless_chunk_extension: {
    description: "a chunk header of gigabytes",
    failure: "malformed",
    apply: endless(
      `${OK}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5;`,
      "y".repeat(65536),
    ),
  },
  endless_trailers: {
    description: "trailers without end",
    failure: "malformed",
    apply: endless(
      `${OK}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n0\r\n`,
      "x-more: y\r\n".repeat(5000),
    ),
  },
  endless_comments: {
    description: "keep-alive comments without end, and no answer",
    failure: "timeout",
    apply: endless(STREAM, ": ping\n\n".repeat(1000)),
  },
  endless_tokens: {
    description: "tokens without end, as fast as they are taken",
    failure: "timeout",
    apply: endless(
      STREAM,
      `data: {"choices":[{"index":0,"delta":{"content":"y"},"finish_reason":null}]}\n\n`.repeat(
        500,
      ),
    ),
  },
} satisfies Record<string, Fault>;
