/** The interface of the mock's faults, and changes that several of them share. */
import { bytesOf } from "../parts.ts";
import { errorBody } from "../replies.ts";
import type { FailureClass } from "../../endpoint/errors.ts";
import type { ReplyPart } from "../parts.ts";
import type { SentEvent } from "../sent_event.ts";

/** What a fault can use. */
export interface FaultContext {
  /** A stream event with only this text, for the choice with this index. */
  text(text: string, index?: number): SentEvent;
  /** The good reply without content. */
  nothing(): ReplyPart[];
  /** The request's body as received. */
  body_text: string;
  /** The Retry-After header to send. */
  retry_after: string;
}

export interface Fault {
  description: string;
  /** The class in which a client must count it; null: it counts as an answer. */
  failure: FailureClass | null;
  apply(parts: ReplyPart[], context: FaultContext): ReplyPart[];
}

/** An error in place of the answer. */
export function refusedReply(
  status: number,
  message: string,
  code: string,
  headers?: Record<string, string>,
): (parts: ReplyPart[]) => ReplyPart[] {
  const body = JSON.stringify(errorBody(message, code, code));
  return (parts) => [{ kind: "whole", at_s: parts[0].at_s, status, body, headers }];
}

/**
 * Bytes in place of the answer, and what happens to the connection: without `end` it stays open.
 */
export function instead(text: string, end?: "fin" | "hang"): (parts: ReplyPart[]) => ReplyPart[] {
  return ([{ at_s }]) => [
    { kind: "raw", at_s, bytes: text },
    ...(end ? [{ kind: end, at_s }] : []),
  ];
}

/** Changes the bytes of the whole reply, which are then all sent when the last one was due. */
export function rewritten(
  change: (reply: string) => string | Uint8Array,
): (parts: ReplyPart[]) => ReplyPart[] {
  return (parts) => {
    const { at_s } = parts[parts.length - 1];
    return [
      { kind: "raw", at_s, bytes: change(parts.map((part) => bytesOf(part)).join("")) },
      ...parts.flatMap((part): ReplyPart[] =>
        part.kind === "whole" && part.bytes ? [{ kind: "raw", at_s, bytes: part.bytes }] : []
      ),
    ];
  };
}

/** Keeps half of the answer: half of a stream's tokens, or half of a whole body's bytes. */
export function firstHalf(parts: ReplyPart[], end: "fin" | "reset" | "hang"): ReplyPart[] {
  const [first] = parts;
  if (first.kind === "whole") {
    const { at_s, body, bytes } = first;
    const half = bytes?.slice(0, Math.ceil(bytes.length / 2)) ??
      body.slice(0, Math.ceil(body.length / 2));
    return [
      { kind: "raw", at_s, bytes: bytesOf({ ...first, without_body: true }) },
      { kind: "raw", at_s, bytes: half },
      { kind: end, at_s },
    ];
  }
  const tokens = parts.filter((part) => part.kind === "token");
  const last = tokens[Math.ceil(tokens.length / 2) - 1] ?? first;
  return [...parts.slice(0, parts.indexOf(last) + 1), { kind: end, at_s: last.at_s }];
}

/** Inserts parts before the first token of a stream; a whole body is not changed. */
export function beforeTokens(
  parts: ReplyPart[],
  make: (at_s: number) => ReplyPart[],
): ReplyPart[] {
  const first = parts.findIndex((part) => part.kind === "token");
  if (first < 0) return parts;
  return [...parts.slice(0, first), ...make(parts[first].at_s), ...parts.slice(first)];
}

/** Changes the usage wherever the reply contains it. */
export function withUsage(
  change: (usage: Record<string, unknown>) => unknown,
): (parts: ReplyPart[]) => ReplyPart[] {
  const changed = (text: string) =>
    JSON.stringify(
      JSON.parse(text),
      (key, value) => /^usage(Metadata)?$/.test(key) && value ? change(value) : value,
    );
  return (parts) =>
    parts.map((part) =>
      part.kind === "usage" || part.kind === "finish" || part.kind === "role"
        ? { ...part, event: changed(part.event) }
        : part.kind === "whole" && !part.bytes
        ? { ...part, body: changed(part.body) }
        : part
    );
}
