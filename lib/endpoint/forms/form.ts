/** The type of a form of API: a value that says how to ask and how to read answers. */
import { InputError } from "../../errors.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { Question } from "../question.ts";
import type { CallPart, Media, Said } from "../said.ts";

/** The parts of an answer that was read. */
export interface SaidParts {
  text: string;
  reasoning: string;
  /** The part of the text in which the model refused. */
  refusal: string;
  calls: readonly CallPart[];
  finish_reason: string | null;
}

/** How to read the answers of a form of API. */
export interface AnswerForm {
  /**
   * Reads an event of a stream.
   *
   * @param sofar whether the answer has had any token yet.
   */
  event(json: JsonObject, sofar: boolean): Said;
  /** Reads a whole body. */
  body(json: JsonObject): Said;
  /** Reads a file of sound; left out for forms without sound. */
  file?(bytes: Uint8Array): Said;
  /** Reads a whole body of plain text; left out for forms without one. */
  text?(body: string): Said;
  /** The field that holds a body's answer, for error messages. */
  list: string;
  /** Whether only the end of HTTP's body marks the end of a stream. */
  open_end?: boolean;
  /** Adds an event to what is kept of a stream, in the server's words. */
  kept(raw: JsonObject, json: JsonObject): JsonObject;
  /** A stream's answer as a whole body would have it, made from what was kept. */
  whole(raw: JsonObject, said: SaidParts): JsonObject;
}

/** What a request's body depends on, besides its question. */
export interface RequestTarget {
  endpoint: string;
  model: string;
  stream: boolean;
  /** The server's name for the limit on output tokens. */
  max_tokens_field: "max_tokens" | "max_completion_tokens";
  /** Whether to ask for usage with `stream_options`. */
  stream_options: boolean;
}

/** How to make requests of a form of API. */
export interface RequestForm {
  /** The end of its URLs' paths; a group "model" in it captures the model that a URL names. */
  path: RegExp;
  /**
   * The fields of a request's body.
   *
   * @throws {InputError} the question has something that the form has no field for.
   */
  request(question: Question, asked: RequestTarget): JsonObject;
  /** Puts the model and whether to stream into the URL; left out when the URL has neither. */
  setUrl?(url: URL, model: string, stream: boolean): void;
  /**
   * What its answers are: text, whose tokens are counted; numbers, where only the prompt has tokens;
   * sound or images, whose tokens are known only from `usage`.
   */
  says: "text" | "numbers" | "sound" | "images";
  /** Whether it accepts a conversation with earlier turns, tool calls and their results. */
  converses: boolean;
  /** Whether every question must have sound. */
  needs_sound?: true;
  /** Whether its answers are never streamed. */
  whole_only?: boolean;
  /** How the fields become bytes; JSON when left out. */
  encoding?: Encoding;
  /** The header `accept`, when it is neither JSON nor events. */
  accept?: string;
  /** What the request alone says about the answer's media. */
  asked?(body: JsonObject): Media;
}

/** How a body's fields become bytes. */
export interface Encoding {
  content_type: string;
  encode(fields: JsonObject): Uint8Array;
}

/** A form of API. */
export interface ApiForm extends AnswerForm, RequestForm {}

/** The parameters without the limit on output tokens, for a form that has none. */
export function withoutLimit({ max_tokens: _, ...parameters }: JsonObject = {}): JsonObject {
  return parameters;
}

/** The prompt of a question, for a form that accepts only texts. @throws {InputError} it has messages. */
export function promptOf(
  { prompt }: Question,
  { endpoint }: Pick<RequestTarget, "endpoint">,
): string {
  if (prompt !== undefined) return prompt;
  throw new InputError(
    `${endpoint}: this endpoint takes prompts, and this question has messages; ` +
      "use the server's /v1/chat/completions",
  );
}
