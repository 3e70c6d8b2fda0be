/** What a form of API is: a value that says how it is asked and how its answers are read. */
import { InputError } from "../../errors.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { Question } from "../question.ts";
import type { CallPart, Media, Said } from "../said.ts";

/** An answer as it was read. */
export interface SaidParts {
  text: string;
  reasoning: string;
  /** The part of the text by which the model refused. */
  refusal: string;
  calls: readonly CallPart[];
  finish_reason: string | null;
}

/** How a form of API is read. */
export interface AnswerForm {
  /**
   * Reads an event of a stream.
   *
   * @param sofar whether the answer has had any token.
   */
  event(json: JsonObject, sofar: boolean): Said;
  /** Reads a whole body. */
  body(json: JsonObject): Said;
  /** Reads a file of sound; left out where none can be. */
  file?(bytes: Uint8Array): Said;
  /** Reads a whole body that is a plain text; left out where none can be. */
  text?(body: string): Said;
  /** Where a body has its answer, for error messages. */
  list: string;
  /** The end of HTTP's body is that of a stream, and nothing else tells it. */
  open_end?: boolean;
  /** What to keep of a stream in the server's words, an event's added. */
  kept(raw: JsonObject, json: JsonObject): JsonObject;
  /** A stream's answer as a body has it, out of what was kept. */
  whole(raw: JsonObject, said: SaidParts): JsonObject;
}

/** What a request's body depends on, besides its question. */
export interface RequestTarget {
  endpoint: string;
  model: string;
  stream: boolean;
  /** The name that this server has for the limit of output tokens. */
  max_tokens_field: "max_tokens" | "max_completion_tokens";
  /** Whether to ask for usage by `stream_options`. */
  stream_options: boolean;
}

/** How a form of API is asked. */
export interface RequestForm {
  /** The end of its URLs' paths; a group "model" in it is the model that a URL names. */
  path: RegExp;
  /**
   * The fields of a request's body.
   *
   * @throws {InputError} what the form has no place for.
   */
  request(question: Question, asked: RequestTarget): JsonObject;
  /** Puts the model and the way of answering into its URL; left out where neither is there. */
  setUrl?(url: URL, model: string, stream: boolean): void;
  /**
   * What its answers are: texts, whose tokens are counted; numbers, of which the prompt's tokens are all;
   * sound or images, of whose tokens nobody knows but by `usage`.
   */
  says: "text" | "numbers" | "sound" | "images";
  /** Whether it takes what was said before, calls of functions and their results. */
  converses: boolean;
  /** Whether a question without sound is none. */
  needs_sound?: true;
  /** Whether its answers always come whole. */
  whole_only?: boolean;
  /** How the fields become bytes; JSON where it is left out. */
  encoding?: Encoding;
  /** What the header `accept` says, where it is neither JSON nor events. */
  accept?: string;
  /** What is known of an answer by what was asked. */
  asked?(body: JsonObject): Media;
}

/** How a body's fields become bytes. */
export interface Encoding {
  content_type: string;
  encode(fields: JsonObject): Uint8Array;
}

/** A form of API. */
export interface ApiForm extends AnswerForm, RequestForm {}

/** Parameters without the limit of output tokens, for a form that has none. */
export function withoutLimit({ max_tokens: _, ...parameters }: JsonObject = {}): JsonObject {
  return parameters;
}

/** The prompt of a question, for a form that takes texts. @throws {InputError} it has messages. */
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
