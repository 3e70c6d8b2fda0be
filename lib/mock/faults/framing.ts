/**
 * Faults of HTTP's framing: wrong sizes, lengths and status lines, more or fewer responses than
 * requests.
 */
import { bytesOf, type ReplyPart } from "../parts.ts";
import { type Fault, instead, rewritten } from "./fault.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n`;
const BODY = '{"choices":[{"message":{"content":"x"}}]}';
const withLength = (length: string) =>
  `${OK}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${BODY}`;

/** The reply with changed lines before or in its head. */
const withHead = (change: (head: string) => string) =>
  rewritten((reply) => {
    const end = reply.indexOf("\r\n\r\n");
    return change(reply.slice(0, end)) + reply.slice(end);
  });

export const framingFaults = {
  chunk_too_short: {
    description: "a chunk that is longer than its size",
    failure: "malformed",
    apply: instead(`${CHUNKED}4\r\ndata: {}\n\n\r\n0\r\n\r\n`),
  },
  chunk_too_long: {
    description: "a chunk that ends with the connection before its size is reached",
    failure: "truncated",
    apply: instead(`${CHUNKED}ff\r\ndata: {}\n\n\r\n0\r\n\r\n`, "fin"),
  },
  chunk_size_no_number: {
    description: "a chunk size that is not a hexadecimal number",
    failure: "malformed",
    apply: instead(`${CHUNKED}0x5\r\n: hi\n\r\n0\r\n\r\n`),
  },
  chunk_size_overflow: {
    description: "a chunk size beyond 64 bits",
    failure: "malformed",
    apply: instead(`${CHUNKED}fffffffffffffffff5\r\n: hi\n\r\n0\r\n\r\n`),
  },
  length_too_short: {
    description: "a content-length that is smaller than the body",
    failure: "malformed",
    apply: instead(withLength("9")),
  },
  length_too_long: {
    description: "a content-length that the connection ends before",
    failure: "truncated",
    apply: instead(withLength("999"), "fin"),
  },
  length_negative: {
    description: "a negative content-length",
    failure: "malformed",
    apply: instead(withLength("-5")),
  },
  length_twice: {
    description: "two content-lengths that differ",
    failure: "malformed",
    apply: instead(withLength(`${BODY.length}\r\ncontent-length: 9`)),
  },
  coding_unknown: {
    description: "a transfer-encoding that HTTP does not know",
    failure: "malformed",
    apply: instead(`${OK}transfer-encoding: rot13\r\n\r\nabc`),
  },
  status_line_garbage: {
    description: "no HTTP at all",
    failure: "malformed",
    apply: instead("SSH-2.0-OpenSSH_9.2\r\n\r\n", "fin"),
  },
  http_2_preface: {
    description: "the frames of HTTP/2",
    failure: "malformed",
    apply: instead(
      "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d\0\x04\0\x10\0\0\0\x06\0\0@\0\r\n\r\n",
      "fin",
    ),
  },
  second_response: {
    description: "a second response after the answer, which nobody asked for",
    failure: null,
    apply: (parts) => [
      ...parts,
      {
        kind: "raw",
        at_s: parts[parts.length - 1].at_s,
        bytes: bytesOf({ kind: "whole", at_s: 0, status: 500, body: "not yours" }),
      },
    ],
  },
  closes_each_time: {
    description: "promises to keep the connection alive, and closes it after the answer",
    failure: null,
    apply: (parts) => [...parts, { kind: "fin", at_s: parts[parts.length - 1].at_s }],
  },
  interim_responses: {
    description: "100 Continue and 103 Early Hints before the answer",
    failure: null,
    apply: (parts): ReplyPart[] => [
      {
        kind: "raw",
        at_s: parts[0].at_s,
        bytes: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
      },
      ...parts,
    ],
  },
  headers_twice: {
    description: "headers that repeat, and names that JavaScript objects have",
    failure: null,
    apply: withHead((head) => `${head}\r\n__proto__: x\r\nconstructor: y\r\ncontent-type: z`),
  },
  wrong_type: {
    description: "an answer called text/plain",
    failure: null,
    apply: (parts) =>
      parts[0].kind === "whole"
        ? [{ ...parts[0], type: "text/plain" }, ...parts.slice(1)]
        : withHead((head) => head.replace("text/event-stream", "text/plain"))(parts),
  },
} satisfies Record<string, Fault>;
