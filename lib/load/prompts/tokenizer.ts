/** Counts tokens of text where an endpoint does not. The one encoding is loaded when first needed. */
import { Buffer } from "node:buffer";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError, messageOf } from "../../errors.ts";
import { asObject } from "../../json_fields.ts";
import { readWhole } from "../../read_whole.ts";
import { OWN_TOKENIZER } from "../../settings/load.ts";
import { noSuchFile } from "../../text/no_such_file.ts";

/** Counts the tokens of texts as one model's tokenizer does. */
export interface TokenCounter {
  /** The name of the encoding, or the file it comes from. */
  readonly name: string;
  /**
   * Returns the number of tokens in a text. A word of over 1,000 letters may count one more for
   * each thousand.
   */
  count(text: string): number;
}

/**
 * Converts text to tokens and back, by OpenAI's encoding of 2024; other models' tokenizers give
 * other counts. Text that looks like a special token is plain text.
 */
export interface Tokenizer extends TokenCounter {
  readonly name: "o200k_base";
  /** The number of tokens; their ids start at 0. Excludes special tokens. */
  readonly vocabulary_size: number;
  /** Returns the tokens of a text. */
  encode(text: string): number[];
  /**
   * Returns the text of tokens, with U+FFFD for an incomplete character.
   *
   * @throws {RangeError} an id outside the vocabulary.
   */
  decode(tokens: readonly number[]): string;
  /**
   * Returns `count` ids drawn evenly from the tokens that are text on their own. Nearly all are; a
   * few are part of a character's bytes. Encoding their joined text may give other ids.
   *
   * @param random uniform in [0, 1).
   */
  sample(count: number, random: () => number): number[];
}

/**
 * Tokenizers take quadratic time in the length of a word, so a model that repeats one letter could
 * stall the load. A longer word is split, which may add one token per part.
 */
const LONGEST_WORD = 1000;
/** Some tokenizers use stack for each token of a text. */
const LONGEST_PART = 20_000;
/** Between two such letters, a token can only start with the space. */
const LETTERS = /^[a-z] [a-z]$/;
const WORD = /[\p{L}\p{M}]+|[^\s\p{L}\p{M}\p{N}]+|\s+/gu;

/**
 * Splits a text into bounded parts without words above {@linkcode LONGEST_WORD}; a short text is
 * one part.
 */
function* partsOf(text: string): Generator<string> {
  let from = 0;
  if (text.length > LONGEST_WORD) {
    for (const { index, 0: word } of text.matchAll(WORD)) {
      const length = index - from;
      const isExact = word === " " && LETTERS.test(text.slice(index - 1, index + 2));
      if (/^\s/.test(word) && (length > 2 * LONGEST_PART || (length > LONGEST_PART && isExact))) {
        yield text.slice(from, index);
        from = index;
      }
      for (let at = LONGEST_WORD; at < word.length; at += LONGEST_WORD) {
        const inPair = /[\udc00-\udfff]/.test(word[at]) ? 1 : 0;
        yield text.slice(from, index + at + inPair);
        from = index + at + inPair;
      }
    }
  }
  yield text.slice(from);
}

/** Counts the tokens of a text with a tokenizer that is given one part at a time. */
function countInParts(text: string, countPart: (part: string) => number): number {
  let count = 0;
  for (const part of partsOf(text)) count += countPart(part);
  return count;
}

/** All text is plain: an answer that contains `<|endoftext|>` must not throw. */
const PLAIN = { disallowedSpecial: new Set<string>() };

/**
 * Loads the tokenizer. The first call takes a quarter of a second and some 80 MB of memory, later
 * ones nothing.
 *
 * @example
 * ```ts
 * const tokenizer = await loadTokenizer();
 * tokenizer.count("How many tokens?"); // 4
 * ```
 */
export async function loadTokenizer(): Promise<Tokenizer> {
  const { countTokens, encode } = await import("gpt-tokenizer/encoding/o200k_base");
  const { default: vocabulary } = await import("gpt-tokenizer/bpeRanks/o200k_base");
  return {
    name: "o200k_base",
    vocabulary_size: vocabulary.length,
    count: (text) => countInParts(text, (part) => countTokens(part, PLAIN)),
    encode: (text) => [...partsOf(text)].flatMap((part) => encode(part, PLAIN)),
    decode: (tokens) => decode(vocabulary, tokens),
    sample: (count, random) => Array.from({ length: count }, () => drawId(vocabulary, random)),
  };
}

/** Tokens by id: the text of each, or its bytes where they are not text on their own. */
type Vocabulary = readonly (string | readonly number[])[];

/** Replaces the package's decode, which keeps an incomplete character for its next call. */
function decode(vocabulary: Vocabulary, tokens: readonly number[]): string {
  const parts = tokens.map((id) => {
    const part = vocabulary[id];
    if (part === undefined) {
      throw new RangeError(
        `token ${id}: expected a whole number from 0 to ${vocabulary.length - 1}`,
      );
    }
    return typeof part === "string" ? Buffer.from(part) : Uint8Array.from(part);
  });
  return Buffer.concat(parts).toString("utf8");
}

function drawId(vocabulary: Vocabulary, random: () => number): number {
  while (true) {
    const id = Math.floor(random() * vocabulary.length);
    if (typeof vocabulary[id] === "string") return id;
  }
}

/**
 * Opens the tokenizer that `--tokenizer` names: `o200k_base`, a tokenizer.json, or a folder with
 * one. It counts the tokens of the text, without tokens that mark its beginning and end.
 *
 * @example
 * ```ts
 * const { count } = await openTokenizer("models/SmolLM2/tokenizer.json");
 * ```
 * @throws {InputError} no such file, not a tokenizer.json, or one with unknown parts.
 */
export async function openTokenizer(path: string): Promise<TokenCounter> {
  if (path === OWN_TOKENIZER) return await loadTokenizer();
  const isFolder = (await stat(path).catch(() => null))?.isDirectory() ?? false;
  const file = isFolder ? join(path, "tokenizer.json") : path;
  const text = new TextDecoder().decode(await readWhole(file, noSuchFile, "name another"));
  const { Tokenizer } = await import("@huggingface/tokenizers");
  try {
    const tokenizer = new Tokenizer(definitionIn(text), {});
    const countPart = (part: string) =>
      tokenizer.encode(part, { add_special_tokens: false }).ids.length;
    const count = (text: string) => countInParts(text, countPart);
    count("A first text shows what is not known.");
    return { name: file, count };
  } catch (error) {
    // for a file that merely looks like one, the library fails on missing parts
    const why = error instanceof TypeError ? "parts of it are missing" : messageOf(error);
    throw new InputError(
      `--tokenizer: ${file}: ${why}; expected a tokenizer.json of Hugging Face's form, or a folder with ` +
        `one, or ${OWN_TOKENIZER}`,
    );
  }
}

/** @throws {Error} not JSON, or not a tokenizer. */
function definitionIn(text: string): object {
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error("is no JSON");
  }
  if (asObject(parsed)?.model === undefined) throw new Error('has no "model"');
  return parsed as object;
}
