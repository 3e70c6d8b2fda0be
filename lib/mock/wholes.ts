/**
 * Endpoints whose answers are not streamed and contain no text: numbers, sound, images, lists of
 * tokens.
 */
import { readBody, readModel, readPrompts } from "./asked.ts";
import { images, speech } from "./media.ts";
import { NUMBERS } from "./numbers.ts";
import { textHash } from "./tokens.ts";
import type { WholeAnswer } from "./numbers.ts";
import type { ReplyPart } from "./parts.ts";

/** By path; each function parses a body, and receives the default model. */
export const WHOLES: Readonly<Record<string, (body_text: string, model: string) => WholeAnswer>> = {
  ...NUMBERS,
  "/v1/audio/speech": speech,
  "/v1/images/generations": images,
  "/tokenize": tokenized,
};

/** Like vLLM's: a prompt, or messages with the text of its chat template. */
function tokenized(body_text: string, otherwise: string): WholeAnswer {
  const body = readBody(body_text);
  const prompts = readPrompts(body.messages === undefined ? "completions" : "chat", body);
  const tokens = prompts.flatMap((prompt) => prompt.tokens).map(textHash);
  const told = { count: tokens.length, max_model_len: 131_072, tokens, token_strs: null };
  return { model: readModel(body, otherwise), body: told, nothing: {} };
}

/** A reply with this body, which is JSON or a file, or without content. */
export function wholeReply(
  { body, nothing, type }: WholeAnswer,
  at_s: number,
  empty = false,
): ReplyPart[] {
  const content = empty ? nothing : body;
  const said = content instanceof Uint8Array
    ? { body: "", bytes: content }
    : { body: JSON.stringify(content) };
  return [{ kind: "whole", at_s, status: 200, ...said, type }];
}
