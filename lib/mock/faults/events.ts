/** Faults of events and their content: order, JSON, text, usage. */
import { Buffer } from "node:buffer";
import { httpChunk } from "../parts.ts";
import { beforeTokens, withUsage } from "./fault.ts";
import type { Fault } from "./fault.ts";
import type { ReplyPart } from "../parts.ts";

/** Inserts an event before the tokens; a whole body is not changed. */
const extraEvent = (event: string) => (parts: ReplyPart[]) =>
  beforeTokens(parts, (at_s) => [{ kind: "token", at_s, event }]);

/** Inserts text or bytes before the tokens, as a separate chunk. */
const extraText = (text: string) => (parts: ReplyPart[]) =>
  beforeTokens(parts, (at_s) => [{ kind: "raw", at_s, bytes: httpChunk(text) }]);

/** Labels a whole body as JSON, whatever it contains. */
const asJson = (part: Extract<ReplyPart, { kind: "whole" }>) => ({
  ...part,
  bytes: undefined,
  type: undefined,
});

/** Changes the order or number of a stream's tokens. */
const tokensAs = (change: (tokens: ReplyPart[]) => ReplyPart[]) => (parts: ReplyPart[]) => {
  const tokens = parts.filter((part) => part.kind === "token");
  const first = parts.indexOf(tokens[0]);
  if (first < 0) return parts;
  const times = change(tokens).map((part, i) => ({
    ...part,
    at_s: tokens[Math.min(i, tokens.length - 1)].at_s,
  }));
  return [...parts.slice(0, first), ...times, ...parts.slice(first + tokens.length)];
};

export const eventFaults = {
  malformed_event: {
    description: "an event (or a body) that is no JSON, in the middle",
    failure: "malformed",
    apply: (parts, { text }) =>
      parts.flatMap((part, i): ReplyPart[] => {
        if (part.kind === "whole") return [{ ...part, body: part.body.slice(0, -9) }];
        if (i !== Math.floor(parts.length / 2)) return [part];
        const { step: _, ...added } = text("x");
        return [{ ...added, at_s: part.at_s, event: added.event.slice(0, -7) }, part];
      }),
  },
  error_event: {
    description: "an error in the stream, with status 200",
    failure: "http_5xx",
    apply: (parts) =>
      parts[0].kind === "whole"
        ? [{ ...asJson(parts[0]), body: '{"error":{"message":"the model crashed"}}' }]
        : extraEvent('{"error":{"message":"the model crashed","code":500}}')(parts),
  },
  deep_event: {
    description: "an event of 100,000 nested lists, left open",
    failure: "malformed",
    apply: (parts) =>
      parts[0].kind === "whole"
        ? [{ ...asJson(parts[0]), body: "[".repeat(100_000) }]
        : extraEvent("[".repeat(100_000))(parts),
  },
  role_only_first_chunk: {
    description: "several role-only and empty deltas before the first token",
    failure: null,
    apply: (parts, context) => {
      if (parts[0].kind === "whole") return parts;
      const role = parts.find(({ kind }) => kind === "role");
      const { step: _, ...empty } = context.text("");
      return beforeTokens(
        parts,
        (at_s) => Array.from({ length: 3 }, () => ({ ...role ?? empty, at_s })),
      );
    },
  },
  multi_token_event: {
    description: "four tokens in one event",
    failure: null,
    apply: (parts, context) => {
      const held = new Map<number, string[]>();
      const contents = parts.flatMap((part) => "content" in part && part.content ? [part] : []);
      return parts.flatMap((part): ReplyPart[] => {
        if (!("content" in part) || part.content === undefined) return [part];
        const { index, text } = part.content;
        const texts = [...held.get(index) ?? [], text];
        const isLast = contents.findLast(({ content }) => content?.index === index) === part;
        held.set(index, texts.length < 4 && !isLast ? texts : []);
        if (texts.length < 4 && !isLast) return [];
        const { step: _, ...event } = context.text(texts.join(""), index);
        return [{ ...event, at_s: part.at_s }];
      });
    },
  },
  empty_reply: {
    description: "HTTP 200 without any content",
    failure: "empty_reply",
    apply: (_, { nothing }) => nothing(),
  },
  no_finish: {
    description: "the stream ends without a finish reason or [DONE], cleanly for HTTP",
    failure: "truncated",
    apply: (parts) =>
      parts.flatMap((part): ReplyPart[] =>
        part.kind === "finish" || part.kind === "usage"
          ? []
          : part.kind === "done"
          ? [{ kind: "raw", at_s: part.at_s, bytes: "0\r\n\r\n" }]
          : part.kind === "whole"
          ? [{
            kind: "raw",
            at_s: part.at_s,
            bytes: "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
          }, {
            kind: "fin",
            at_s: part.at_s,
          }]
          : [part]
      ),
  },
  doubled_events: {
    description: "each token event twice",
    failure: null,
    apply: tokensAs((tokens) => tokens.flatMap((token) => [token, token])),
  },
  reordered_events: {
    description: "the token events from the last to the first",
    failure: null,
    apply: tokensAs((tokens) => [...tokens].reverse()),
  },
  events_after_done: {
    description: "tokens after [DONE]",
    failure: null,
    apply: (parts) =>
      parts.map((part): ReplyPart =>
        part.kind === "done"
          ? {
            kind: "raw",
            at_s: part.at_s,
            bytes: httpChunk('data: [DONE]\n\ndata: {"choices":[]}\n\n') + "0\r\n\r\n",
          }
          : part
      ),
  },
  null_choices: {
    description: "events whose choices are null, empty, texts or an object",
    failure: null,
    apply: extraText(
      [null, [], ["x"], { a: 1 }, [null], [{ delta: null }]]
        .map((choices) => `data: ${JSON.stringify({ choices })}\n\n`).join(""),
    ),
  },
  prototype_keys: {
    description: "events with keys that JavaScript objects have",
    failure: null,
    apply: extraText(
      'data: {"__proto__":{"choices":[{"delta":{"content":"x"}}]},"constructor":{},"choices":[]}\n\n',
    ),
  },
  lone_surrogates: {
    description: "text with half of a surrogate pair",
    failure: null,
    apply: extraText('data: {"choices":[{"index":0,"delta":{"content":"\\ud800"}}]}\n\n'),
  },
  invalid_utf8: {
    description: "text with bytes that are no UTF-8",
    failure: null,
    apply: (parts) =>
      beforeTokens(parts, (at_s) => {
        const event = 'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe"}}]}\n\n';
        const bytes = `${event.length.toString(16)}\r\n${event}\r\n`;
        return [{ kind: "raw", at_s, bytes: Buffer.from(bytes, "latin1") }];
      }),
  },
  comment_flood: {
    description: "10,000 comments before the first token",
    failure: null,
    apply: extraText(": ping\n\n".repeat(10_000)),
  },
  empty_event_flood: {
    description: "10,000 empty deltas before the first token",
    failure: null,
    apply: extraText('data: {"choices":[{"index":0,"delta":{}}]}\n\n'.repeat(10_000)),
  },
  usage_missing: {
    description: "no usage, though asked for",
    failure: null,
    apply: (parts) => withUsage(() => undefined)(parts.filter((part) => part.kind !== "usage")),
  },
  usage_negative: {
    description: "a usage of less than nothing",
    failure: null,
    apply: withUsage(() => ({ prompt_tokens: -5, completion_tokens: -1, total_tokens: -6 })),
  },
  usage_huge: {
    description: "a usage of 1e300 tokens",
    failure: null,
    apply: withUsage(() => ({ prompt_tokens: 1e300, completion_tokens: 1e300 })),
  },
  usage_texts: {
    description: "a usage of texts and fractions",
    failure: null,
    apply: withUsage(() => ({ prompt_tokens: "12", completion_tokens: 2.5, total_tokens: null })),
  },
  usage_not_a_number: {
    description: "a usage of NaN, which is no JSON",
    failure: "malformed",
    apply: (parts) => {
      const changed = (text: string) =>
        text.replace(/"(usage|usageMetadata)":\{[^}]*\}/, '"$1":{"prompt_tokens":NaN}');
      return parts[0].kind === "whole"
        ? [{ ...parts[0], body: changed(parts[0].body) }]
        : extraEvent('{"choices":[],"usage":{"prompt_tokens":NaN}}')(parts);
    },
  },
} satisfies Record<string, Fault>;
