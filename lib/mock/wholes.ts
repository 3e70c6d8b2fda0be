/**
 * Endpoints whose answers are not streamed and contain no text: numbers, sound, images, lists of
 * tokens.
 */
import { AskedWrongly, readBody, readModel, readPrompts } from "./asked.ts";
import { NUMBERS, type WholeAnswer } from "./numbers.ts";
import { textHash, tokensOf } from "./tokens.ts";
import { Buffer } from "node:buffer";
import { wavHead } from "../endpoint/forms/wav.ts";
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

const SAMPLES_PER_S = 8000;
/** The duration of a spoken word. */
const SAMPLES_PER_TOKEN = SAMPLES_PER_S / 20;
const MOST_TOKENS = 20_000, MOST_IMAGES = 10;

/**
 * Speech: a WAV file of silence (8 kHz, 8 bits, one channel), a twentieth of a second per token.
 */
function speech(body_text: string, otherwise: string): WholeAnswer {
  const body = readBody(body_text);
  const { input, voice, response_format = "mp3" } = body;
  if (typeof input !== "string" || input === "") throw new AskedWrongly("input: expected text");
  if (typeof voice !== "string") throw new AskedWrongly("voice: expected a voice's name");
  if (response_format !== "wav" && response_format !== "pcm") {
    throw new AskedWrongly("response_format: expected wav or pcm");
  }
  const tokens = Math.min(tokensOf(input).length, MOST_TOKENS);
  const samples = Buffer.alloc(tokens * SAMPLES_PER_TOKEN, 0x80);
  const isWav = response_format === "wav";
  const bytes = isWav
    ? Buffer.concat([wavHead(SAMPLES_PER_S, 8, samples.length), samples])
    : samples;
  const type = `audio/${response_format}`;
  return { model: readModel(body, otherwise), body: bytes, type, nothing: Buffer.alloc(0) };
}

/** A PNG of one pixel. */
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Images: `n` images of one pixel each. */
function images(body_text: string, otherwise: string): WholeAnswer {
  const body = readBody(body_text);
  const { prompt, n = 1, response_format = "b64_json" } = body;
  if (typeof prompt !== "string" || prompt === "") throw new AskedWrongly("prompt: expected text");
  if (!Number.isInteger(n) || Number(n) < 1 || Number(n) > MOST_IMAGES) {
    throw new AskedWrongly(`n: expected a whole number from 1 to ${MOST_IMAGES}`);
  }
  if (response_format !== "b64_json" && response_format !== "url") {
    throw new AskedWrongly("response_format: expected b64_json or url");
  }
  const image = response_format === "url"
    ? { url: `data:image/png;base64,${PIXEL}` }
    : { b64_json: PIXEL };
  const answer = (data: unknown[]) => ({ created: 0, data });
  const data = Array.from({ length: Number(n) }, () => image);
  return { model: readModel(body, otherwise), body: answer(data), nothing: answer([]) };
}
