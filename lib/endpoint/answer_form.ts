/** What a form of API has to give, so that its answers are read and kept like all others. */
import type { JsonObject } from "../json_fields.ts";
import type { CallPart, Said } from "./said.ts";

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
  /** Where a body has its answer. */
  list: string;
  /** What to keep of a stream in the server's words, an event's added. */
  kept(raw: JsonObject, json: JsonObject): JsonObject;
  /** A stream's answer as a body has it, out of what was kept. */
  whole(raw: JsonObject, said: SaidParts): JsonObject;
}
