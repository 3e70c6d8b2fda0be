/** Why an exchange with an endpoint failed: a class for the counts, and the server's words. */
import { ToldError } from "../errors.ts";
import { parseSaid } from "../json_fields.ts";
import { originOf } from "./place.ts";
import { waitAsked } from "./retry.ts";
import { inheritedGuard } from "./ssrf_guard.ts";

/**
 * Classes of failure, as results and metrics count them. "client": this process could not open a
 * connection, for want of file descriptors; the server was not asked.
 */
export type FailureClass =
  | "client"
  | "connect"
  | "timeout"
  | "auth"
  | "http_4xx"
  | "http_429"
  | "http_5xx"
  | "truncated"
  | "malformed"
  | "empty_reply";

const RETRYABLE: ReadonlySet<FailureClass> = new Set([
  "client",
  "connect",
  "timeout",
  "http_429",
  "http_5xx",
  "truncated",
]);

/** A failed exchange. `message` is one line for a person. */
export class EndpointError extends ToldError {
  /** Identifies it where `instanceof` cannot. */
  override readonly name = "EndpointError";
  /** The class that it is counted under. */
  readonly failure: FailureClass;
  /** HTTP status; null when the failure came before one. */
  readonly status: number | null;
  /** Seconds that the server asked to wait; null when it did not. */
  readonly retry_after_s: number | null;

  /** Made by transports and clients, which know the class. */
  constructor(
    failure: FailureClass,
    message: string,
    from: { status?: number; retry_after_s?: number | null } = {},
  ) {
    super(message);
    this.failure = failure;
    this.status = from.status ?? null;
    this.retry_after_s = from.retry_after_s ?? null;
  }

  /**
   * Whether another attempt may succeed: true for connection failures, want of descriptors, timeouts, 429 and 5xx. Other 4xx
   * fail at the first attempt.
   */
  get retryable(): boolean {
    return RETRYABLE.has(this.failure);
  }
}

/** The system's words and codes where no further file may be opened. */
const OUT_OF_FILES = /too many open files|\bE[MN]FILE\b/i;

/** The failure of an exchange whose connection failed, classified by how far the exchange had come. */
export function connectionError(
  url: URL,
  stage: "connecting" | "sent" | "answered",
  why: string,
): EndpointError {
  if (stage === "connecting" && OUT_OF_FILES.test(why)) {
    return new EndpointError(
      "client",
      "this client could not open a connection: too many open files; raise the limit, e.g. " +
        "ulimit -n 4096",
    );
  }
  const words = {
    connecting: "cannot connect",
    sent: "connection lost before an answer",
    answered: "the answer broke off",
  };
  const failure = stage === "answered" ? "truncated" : "connect";
  return new EndpointError(failure, `${originOf(url)}: ${words[stage]}: ${why}`);
}

/** The class of an HTTP status that is not a success. */
export function classOfStatus(status: number): FailureClass {
  if (status === 401 || status === 403) return "auth";
  if (status === 429) return "http_429";
  if (status === 408 || status === 504) return "timeout";
  if (status < 400) return "malformed"; // no answer and no HTTP error: a redirect
  return status >= 500 ? "http_5xx" : "http_4xx";
}

/**
 * Whether the body of a response with this status is an answer: true for any 2xx except those without a
 * body.
 */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300 && status !== 204 && status !== 205;
}

/** What the user can change after an error. */
interface Asked {
  api_key_env: string | null;
  timeout: number;
}

/**
 * The failure that an HTTP status stands for, with the server's words and what to try.
 *
 * @param answer its status, headers (names in lower case) and body.
 */
export function statusError(
  { status, headers, body }: { status: number; headers: Record<string, string>; body: string },
  { api_key_env, timeout }: Asked,
): EndpointError {
  const failure = classOfStatus(status);
  // a user who sends tasks to a server must not read pages of other services through it
  const words = wordsOf(body);
  const said = words === body && inheritedGuard() !== null ? "" : excerpt(words);
  const hints: string[] = [];
  if (failure === "auth") {
    hints.push(
      api_key_env === null
        ? "no API key was sent: name its variable with --api-key-env"
        : `check the key in ${api_key_env}`,
    );
  }
  const location = headers["location"];
  if (status >= 300 && status < 400 && location !== undefined) {
    hints.push(
      `it redirects to ${
        excerpt(location)
      }, which is not followed, as the key would go there too; ` +
        "if that is the endpoint, give it as --endpoint",
    );
  }
  if (status === 426 || status === 505) {
    hints.push(
      "it wants a version of HTTP other than 1.1; put a proxy that speaks HTTP/1.1 in front of it",
    );
  }
  const retry_after_s = waitAsked(headers, Date.now(), body);
  if (retry_after_s !== null && retry_after_s > timeout) {
    hints.push(`it asks to wait ${Math.round(retry_after_s)} s, longer than --timeout`);
  }
  const what = failure === "auth" ? "authentication failed" : "the server answered";
  const message = [`${what}: HTTP ${status}${said ? `: ${said}` : ""}`, ...hints].join("; ");
  return new EndpointError(failure, message, { status, retry_after_s });
}

/** The error message in a body, in any of the formats that servers use, else the body itself. */
function wordsOf(body: string): string {
  const text = body.replace(/^(?:event:.*\r?\n)?data: ?/, ""); // a single event, although its status is an error
  try {
    const said = parseSaid(text);
    const error = errorIn(said);
    if (error !== null) return messageIn(error) ?? body;
    const { message, Message, detail, errors } = said as Record<string, unknown>;
    const first = Array.isArray(errors) ? errors[0] : undefined; // Cloudflare
    return messageIn(message ?? Message ?? detail ?? first) ?? body; // Message: AWS
  } catch {
    return body;
  }
}

/**
 * The error that a JSON value from a server contains; null for none. Servers write `{"error": …}`,
 * `{"object": "error", …}` (vLLM, SGLang), `{"type": "error", …}` (the Responses API, Anthropic) and a
 * list that contains one of these (Gemini).
 */
export function errorIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.length > 0 && value.length < 3 ? errorIn(value[0]) : null;
  if (typeof value !== "object" || value === null) return null;
  const { error, object, type, error_type } = value as Record<string, unknown>;
  if (error) {
    // its kind may be a field next to it (TGI, frames of Bedrock)
    if (typeof error_type !== "string") return error;
    return typeof error === "string"
      ? { message: error, type: error_type }
      : { ...error, type: error_type };
  }
  return object === "error" || type === "error" ? value : null;
}

/** The error in an event whose name says that it is an error: an object of any form, or a text. */
export function namedError(text: string): unknown {
  try {
    const value = parseSaid(text);
    return errorIn(value) ?? value;
  } catch {
    return text;
  }
}

/**
 * The failure for an error inside an answer whose status was a success, classified by its code, else
 * its type, else its words.
 *
 * @param how how it arrived, such as "the server broke off with an error".
 */
export function saidError(error: unknown, how: string): EndpointError {
  const message = messageIn(error) ?? JSON.stringify(error);
  return new EndpointError(classOfError(error, message), `${how}: ${excerpt(message)}`);
}

/** Kinds of errors by the words in their codes and types; the first match counts. */
const KINDS: [RegExp, FailureClass][] = [
  [/rate.?limit|too.?many.?request|quota|resource.?exhausted|throttl/i, "http_429"],
  [/authenti|unauthori|api.?key|permission|forbidden/i, "auth"],
  [/time.?out|timed.?out|deadline/i, "timeout"],
  [
    /invalid|bad.?request|context.?(length|size|window)|exceed_context|not.?found|unsupported|validation|unprocessable|content.?(filter|policy)|above_max|too.?large|too.?long/i,
    "http_4xx",
  ],
];
/** Words in an error without a kind that mean that a retry cannot succeed. */
const REFUSED =
  /maximum context|context (length|size|window)|(prompt|input|request)[^.]{0,40} (is too (long|large)|exceeds)/i;

function classOfError(error: unknown, message: string): FailureClass {
  const { code, status, type, http_status_code } =
    (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  for (const value of [code, status, http_status_code]) { // the last: Hugging Face's router
    const number = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
    if (typeof number === "number" && number >= 400 && number < 600) return classOfStatus(number);
  }
  for (const value of [code, status, type]) {
    if (typeof value !== "string") continue;
    const kind = KINDS.find(([words]) => words.test(value));
    if (kind) return kind[1];
  }
  return REFUSED.test(message) ? "http_4xx" : "http_5xx";
}

function messageIn(error: unknown): string | null {
  if (typeof error === "string") return error || null;
  if (typeof error !== "object" || error === null) return null;
  const { message, msg, detail } = error as Record<string, unknown>;
  for (const text of [message, msg, detail]) {
    if (typeof text === "string" && text !== "") return text;
  }
  return JSON.stringify(error);
}

/** The beginning of a long text, on one line. */
export function excerpt(text: string, length = 200): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}
