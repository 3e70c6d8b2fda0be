/** Endpoints whose answers come whole and hold no text: numbers, sound, images, lists of tokens. */
import { readBody, readModel, readPrompts } from "./asked.ts";
import { images, speech } from "./media.ts";
import { NUMBERS } from "./numbers.ts";
import { textHash } from "./tokens.ts";
import type { WholeAnswer } from "./numbers.ts";
import type { ReplyPart } from "./parts.ts";

/** By the path; each reads a body, and takes a model for those that name none. */
export const WHOLES: Readonly<Record<string, (body_text: string, model: string) => WholeAnswer>> = {
  ...NUMBERS,
  "/v1/audio/speech": speech,
  "/v1/images/generations": images,
  "/tokenize": tokenized,
};

/** As vLLM has it: a prompt, or messages with what its chat template makes of them. */
function tokenized(body_text: string, otherwise: string): WholeAnswer {
  const body = readBody(body_text);
  const prompts = readPrompts(body.messages === undefined ? "completions" : "chat", body);
  const tokens = prompts.flatMap((prompt) => prompt.tokens).map(textHash);
  const told = { count: tokens.length, max_model_len: 131_072, tokens, token_strs: null };
  return { model: readModel(body, otherwise), body: told, nothing: {} };
}

/** A reply with this body, JSON or a file, or with nothing in it. */
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
