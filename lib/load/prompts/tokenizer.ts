/** Tokens of a text where an endpoint does not count them: one encoding, loaded when first needed. */
import { Buffer } from "node:buffer";

/** Counts the tokens of texts as one model's tokenizer does. */
export interface TokenCounter {
  /** The encoding's name, or the file that it is from. */
  readonly name: string;
  /** The count of tokens of a text; of a word above 1,000 letters one more for each thousand, perhaps. */
  count(text: string): number;
}

/**
 * Turns text into tokens and back, by OpenAI's encoding of 2024: other models' tokenizers give other counts.
 * What looks like a special token is plain text.
 */
export interface Tokenizer extends TokenCounter {
  readonly name: "o200k_base";
  /** Tokens have the ids from 0 to this, exclusive. Special tokens are not among them. */
  readonly vocabulary_size: number;
  /** The tokens of a text. */
  encode(text: string): number[];
  /**
   * The text of tokens; U+FFFD for a character of which they hold a part only.
   *
   * @throws {RangeError} an id outside the vocabulary.
   */
  decode(tokens: readonly number[]): string;
  /**
   * `count` ids drawn evenly from the tokens that are text by themselves, as nearly all are: a few
   * are a part of a character's bytes. Encoding their joined text need not give the same ids back.
   *
   * @param random uniform in [0, 1).
   */
  sample(count: number, random: () => number): number[];
}

/**
 * Tokenizers take a time quadratic in the length of a word: a model that says one letter over and over would
 * stop the load. A word above this is taken in parts, which may make one token more for each.
 */
const LONGEST_WORD = 1000;
/** Some tokenizers need stack for each token of a text. */
const LONGEST_PART = 20_000;
/** Between such letters no token begins but with the space. */
const LETTERS = /^[a-z] [a-z]$/;
const WORD = /[\p{L}\p{M}]+|[^\s\p{L}\p{M}\p{N}]+|\s+/gu;

/** A text in parts that are bounded, and hold no word above {@linkcode LONGEST_WORD}; a short one as it is. */
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

/** The count of a text's tokens, of one whose tokenizer counts a part at a time. */
export function countInParts(text: string, countPart: (part: string) => number): number {
  let count = 0;
  for (const part of partsOf(text)) count += countPart(part);
  return count;
}

/** All text is plain: a model's answer that holds `<|endoftext|>` must not throw. */
const PLAIN = { disallowedSpecial: new Set<string>() };

/**
 * Loads the tokenizer: a quarter of a second and some 80 MB of memory at the first call, nothing
 * at later ones.
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

/** By id: the token's text, or its bytes where they are not a text by themselves. */
type Vocabulary = readonly (string | readonly number[])[];

/** The package's own decode keeps a part of a character for its next call, so it is not used. */
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
