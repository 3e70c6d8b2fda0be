/** An answer, put together from a stream's events or read from one JSON body. */
import { EndpointError } from "./errors.ts";
import type { ApiType } from "./api.ts";

/** A JSON object. */
export type Json = Record<string, unknown>;

/** What is kept of a stream, in characters: a flood ends here, like a body. */
const MAX_TEXT_LENGTH = 64 * 1024 * 1024;
const MAX_TOKEN_EVENTS = 4_000_000;
const MAX_TOOL_CALLS = 1000;

/**
 * Whether a stream is an answer still, by what is kept of it.
 *
 * @throws {EndpointError} class malformed: more text or token events than any model gives.
 */
export function checkAnswerSize(textLength: number, token_events: number): void {
  if (textLength <= MAX_TEXT_LENGTH && token_events <= MAX_TOKEN_EVENTS) return;
  throw new EndpointError(
    "malformed",
    "the server's answer is larger than 64 MB or 4 million token events",
  );
}

interface ToolCall {
  index?: number;
  function?: { name?: string; arguments?: string };
}

interface Choice {
  text?: string | null;
  finish_reason?: string | null;
  delta?: ChoiceMessage;
  message?: ChoiceMessage;
}

interface ChoiceMessage {
  content?: string | null;
  reasoning_content?: string | null;
  reasoning?: string | null;
  tool_calls?: ToolCall[];
}

/** The answer so far. Feed it events with {@linkcode event}, or one body with {@linkcode body}. */
export class Reply {
  /** The answer's text so far. */
  text = "";
  /** Reasoning that the endpoint gives apart from the answer. */
  reasoning = "";
  /** Why the model stopped, in the server's word; null until it says so. */
  finish_reason: string | null = null;
  /** From the server's usage; null where it tells none. */
  prompt_tokens: number | null = null;
  /** From the server's usage, reasoning included; null where it tells none. */
  completion_tokens: number | null = null;
  /** Events that carried content, reasoning or tool-call text. */
  token_events = 0;
  /** CLOCK_MONOTONIC time of the first token event, nanoseconds; null before it. */
  t_first_token_ns: number | null = null;
  /** CLOCK_MONOTONIC time of the newest token event, nanoseconds; null before the first. */
  t_last_token_ns: number | null = null;
  /** The longest time between two token events, nanoseconds; null before the second. */
  gap_max_ns: number | null = null;
  /** `[DONE]` or a finish reason came: the stream was not cut. */
  complete = false;
  #toolCalls: ToolCall[] = [];
  /** The answer in the server's words: the body, or the last event without its choices. */
  #raw: Json = {};

  /** Whether the answer holds anything at all. */
  get empty(): boolean {
    return this.text === "" && this.reasoning === "" && this.#toolCalls.length === 0;
  }

  /**
   * Takes one event of the stream.
   *
   * @throws {EndpointError} class malformed for bad JSON; the server's own class for an error event.
   */
  event(data: string, t_ns: number): void {
    if (data === "[DONE]") {
      this.complete = true;
      return;
    }
    const chunk = parse(data, "an event");
    const { choices, usage, ...rest } = chunk;
    this.#raw = { ...this.#raw, ...rest };
    this.#usage(usage);
    for (const choice of objectsIn(choices) as Choice[]) {
      const hasToken = this.#take(choice.delta ?? { content: choice.text });
      if (hasToken) this.#stamp(t_ns);
      if (textIn(choice.finish_reason)) this.#finish(textIn(choice.finish_reason));
    }
  }

  /** Takes a whole answer. @throws {EndpointError} class malformed or the server's own. */
  body(text: string): void {
    this.#raw = parse(text, "the answer");
    this.#usage(this.#raw.usage);
    const choice = (objectsIn(this.#raw.choices) as Choice[])[0];
    if (!choice) throw malformed("the answer has no choices", text);
    this.#take(choice.message ?? { content: choice.text });
    this.#finish(textIn(choice.finish_reason) || null);
    this.complete = true;
  }

  /** The response in the non-streaming form. */
  toJson(api_type: ApiType): Json {
    if (this.#raw.choices !== undefined) return this.#raw;
    const content = api_type === "completions" ? { text: this.text } : {
      message: {
        role: "assistant",
        content: this.text,
        ...(this.reasoning ? { reasoning_content: this.reasoning } : {}),
        ...(this.#toolCalls.length ? { tool_calls: this.#toolCalls } : {}),
      },
    };
    return { ...this.#raw, choices: [{ index: 0, ...content, finish_reason: this.finish_reason }] };
  }

  #finish(reason: string | null): void {
    this.finish_reason = reason;
    this.complete = true;
  }

  #usage(usage: unknown): void {
    if (typeof usage !== "object" || usage === null) return;
    const { prompt_tokens, completion_tokens } = usage as Json;
    this.prompt_tokens = count(prompt_tokens) ?? this.prompt_tokens;
    this.completion_tokens = count(completion_tokens) ?? this.completion_tokens;
    this.#raw.usage = usage;
  }

  /** Adds what a message or delta carries; whether that is a token. */
  #take(message: ChoiceMessage): boolean {
    const content = textIn(message.content);
    const thought = textIn(message.reasoning_content) || textIn(message.reasoning);
    const calls = objectsIn(message.tool_calls) as ToolCall[];
    this.text += content;
    this.reasoning += thought;
    for (const call of calls) this.#takeToolCall(call);
    checkAnswerSize(this.text.length + this.reasoning.length, this.token_events);
    return content !== "" || thought !== "" ||
      calls.some((call) => call.function?.name || call.function?.arguments);
  }

  #takeToolCall(part: ToolCall): void {
    const known = this.#toolCalls.find((call) => call.index === part.index);
    if (!known || part.index === undefined) {
      if (this.#toolCalls.length === MAX_TOOL_CALLS) {
        throw new EndpointError("malformed", `more than ${MAX_TOOL_CALLS} tool calls in an answer`);
      }
      this.#toolCalls.push(structuredClone(part));
      return;
    }
    const words = textIn(known.function?.arguments) + textIn(part.function?.arguments);
    checkAnswerSize(words.length, this.token_events);
    known.function = { name: part.function?.name ?? known.function?.name, arguments: words };
  }

  #stamp(t_ns: number): void {
    this.token_events++;
    if (this.t_last_token_ns !== null) {
      this.gap_max_ns = Math.max(this.gap_max_ns ?? 0, t_ns - this.t_last_token_ns);
    }
    this.t_first_token_ns ??= t_ns;
    this.t_last_token_ns = t_ns;
  }
}

/** The objects of a list from outside; anything else counts as none. */
export function objectsIn(value: unknown): object[] {
  const list = Array.isArray(value) ? value : [];
  return list.filter((item) => typeof item === "object" && item !== null);
}

/** A text from outside; anything else counts as empty. */
export function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A count from outside: a whole number from 0, anything else is unknown. */
export function count(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? value as number : null;
}

/**
 * A JSON object from the server.
 *
 * @param what is named when it is none.
 * @throws {EndpointError} class malformed; the server's own class for an error in it.
 */
export function parse(text: string, what: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(`${what} is not JSON`, text);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed(`${what} is not a JSON object`, text);
  }
  const error = (value as Json).error;
  if (error) throw serverError(error);
  return value as Json;
}

function serverError(error: unknown): EndpointError {
  const { message, code } = typeof error === "object"
    ? error as Json
    : { message: error, code: null };
  const overloaded = code === 429 || code === "rate_limit_exceeded";
  const refused = typeof code === "number" && code >= 400 && code < 500;
  const failure = overloaded ? "http_429" : refused ? "http_4xx" : "http_5xx";
  return new EndpointError(
    failure,
    `the server broke off with an error: ${excerpt(textIn(message) || JSON.stringify(error))}`,
  );
}

function malformed(what: string, text: string): EndpointError {
  return new EndpointError("malformed", `${what}: ${JSON.stringify(excerpt(text))}`);
}

/** The beginning of a long text, on one line. */
export function excerpt(text: string, length = 200): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}
