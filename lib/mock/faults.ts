/** The catalogue of faults: each changes the parts of a good reply. Adding one is adding an entry. */
import { chunk, errorBody } from "./replies.ts";
import { bytesOf } from "./parts.ts";
import type { Part } from "./parts.ts";
import type { Answer, Asked } from "./replies.ts";

/** What a fault may look at. */
export interface FaultContext {
  asked: Asked;
  answer: Answer;
  /** The request's body as it came. */
  body_text: string;
  /** The Retry-After header to send. */
  retry_after: string;
}

interface Fault {
  description: string;
  apply(parts: Part[], context: FaultContext): Part[];
}

const LATE_S = 0.3;

/** An error in place of the answer. */
function refusal(
  status: number,
  message: string,
  code: string,
  headers?: Record<string, string>,
): (parts: Part[]) => Part[] {
  const body = JSON.stringify(errorBody(message, code, code));
  return (parts) => [{ kind: "whole", at_s: parts[0].at_s, status, body, headers }];
}

/** Keeps half of the answer: half the tokens of a stream, half the bytes of a whole body. */
function firstHalf(parts: Part[], end: "fin" | "reset"): Part[] {
  const [first] = parts;
  if (first.kind === "whole") {
    const bytes = bytesOf(first);
    const half = bytes.slice(0, bytes.indexOf("\r\n\r\n") + 4 + Math.ceil(first.body.length / 2));
    return [{ kind: "raw", at_s: first.at_s, bytes: half }, { kind: end, at_s: first.at_s }];
  }
  const tokens = parts.filter((part) => part.kind === "token");
  const last = tokens[Math.ceil(tokens.length / 2) - 1] ?? first;
  return [...parts.slice(0, parts.indexOf(last) + 1), { kind: end, at_s: last.at_s }];
}

const later = (part: Part): Part => ({ ...part, at_s: part.at_s + LATE_S });

/** A change of a whole body's JSON. */
function withBody(part: Part, change: (body: Record<string, unknown>) => void): Part {
  if (part.kind !== "whole") return part;
  const body = JSON.parse(part.body);
  change(body);
  return { ...part, body: JSON.stringify(body) };
}

const catalogue = {
  timeout: {
    description: "takes the request and never answers",
    apply: (parts) => [{ kind: "hang", at_s: parts[0].at_s }],
  },
  server_error: {
    description: "HTTP 500",
    apply: refusal(500, "internal server error", "server_error"),
  },
  rate_limit: {
    description: "HTTP 429 with Retry-After",
    apply: (parts, { retry_after }) =>
      refusal(429, "rate limit reached", "rate_limit_exceeded", { "retry-after": retry_after })(
        parts,
      ),
  },
  unauthorized: {
    description: "HTTP 401",
    apply: refusal(401, "invalid API key", "invalid_api_key"),
  },
  forbidden: {
    description: "HTTP 403",
    apply: refusal(403, "no access to this model", "forbidden"),
  },
  reject_stream_options: {
    description: "HTTP 400 to a request with stream_options",
    apply: (parts, { body_text }) =>
      body_text.includes('"stream_options"')
        ? refusal(400, "stream_options is not supported", "invalid_request_error")(parts)
        : parts,
  },
  connection_reset: {
    description: "resets the connection before the first byte",
    apply: (parts) => [{ kind: "reset", at_s: parts[0].at_s }],
  },
  reset_mid_stream: {
    description: "resets the connection after half of the answer",
    apply: (parts) => firstHalf(parts, "reset"),
  },
  truncated_stream: {
    description: "closes the connection after half of the answer",
    apply: (parts) => firstHalf(parts, "fin"),
  },
  malformed_event: {
    description: "an event (or a body) that is no JSON, in the middle",
    apply: (parts, { asked, answer }) =>
      parts.flatMap((part, i): Part[] => {
        if (part.kind === "whole") return [{ ...part, body: part.body.slice(0, -9) }];
        if (i !== Math.floor(parts.length / 2)) return [part];
        const event = JSON.stringify(chunk(asked, answer, { content: "x" })).slice(0, -7);
        return [{ kind: "token", at_s: part.at_s, event }, part];
      }),
  },
  role_only_first_chunk: {
    description: "several role-only and empty deltas before the first token",
    apply: (parts, { asked, answer }) => {
      const event = JSON.stringify(chunk(asked, answer, "role"));
      const first = parts.findIndex((part) => part.kind === "token");
      const empty: Part[] = first < 0
        ? []
        : Array.from({ length: 3 }, () => ({ kind: "role", at_s: parts[first].at_s, event }));
      return [...parts.slice(0, Math.max(first, 0)), ...empty, ...parts.slice(Math.max(first, 0))];
    },
  },
  multi_token_event: {
    description: "four tokens in one event",
    apply: (parts, { asked, answer }) => {
      const deltas = Array.from({ length: Math.ceil(answer.tokens.length / 4) }, (_, i) => ({
        content: answer.tokens.slice(4 * i, 4 * i + 4).join(""),
      }));
      const tokens = parts.filter((part) => part.kind === "token").slice(answer.reasoning.length);
      return parts.flatMap((part): Part[] => {
        const at = tokens.indexOf(part as typeof tokens[number]);
        if (at < 0) return [part];
        if (at % 4 !== 3 && at !== tokens.length - 1) return [];
        const delta = deltas[Math.floor(at / 4)];
        return [{
          kind: "token",
          at_s: part.at_s,
          event: JSON.stringify(chunk(asked, answer, delta)),
        }];
      });
    },
  },
  empty_reply: {
    description: "HTTP 200 without any content",
    apply: (parts) =>
      parts.filter((part) => part.kind !== "token").map((part) =>
        withBody(part, (body) => {
          const [choice] = body.choices as Record<string, unknown>[];
          if ("text" in choice) choice.text = "";
          else choice.message = { role: "assistant", content: "" };
        })
      ),
  },
  slow_first_byte: {
    description: `everything ${LATE_S} s late`,
    apply: (parts) => parts.map(later),
  },
  slow_first_token: {
    description: `the headers on time, the tokens ${LATE_S} s late`,
    apply: (parts) => parts.map((part) => part.kind === "head" ? part : later(part)),
  },
  usage_missing: {
    description: "no usage, though asked for",
    apply: (parts) =>
      parts.filter((part) => part.kind !== "usage").map((part) =>
        withBody(part, (body) => delete body.usage)
      ),
  },
  not_json: {
    description: "HTTP 200 with a page of HTML",
    apply: (parts) => [{
      kind: "whole",
      at_s: parts[0].at_s,
      status: 200,
      body: "<html><body>It works!</body></html>",
      type: "text/html",
    }],
  },
} satisfies Record<string, Fault>;

/** The name of a fault. */
export type ErrorMode = keyof typeof catalogue;

/** Names and one-line descriptions. */
export const errorModes: readonly { name: ErrorMode; description: string }[] = Object.entries(
  catalogue,
).map(([name, { description }]) => ({ name: name as ErrorMode, description }));

/** The parts of a reply with a fault in it. */
export function withFault(mode: ErrorMode, parts: Part[], context: FaultContext): Part[] {
  const fault: Fault = catalogue[mode];
  return fault.apply(parts, context);
}
