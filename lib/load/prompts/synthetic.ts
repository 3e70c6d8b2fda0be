/** Makes prompts with exact token counts. No cache has seen them, unless that is intended. */
import { InputError } from "../../errors.ts";
import { openRandom, seededRandom, shuffled } from "../../stats/random.ts";
import { COMMON_WORDS } from "./common_words.ts";
import { checkSeed } from "../arrival.ts";
import { drawLengths } from "./token_lengths.ts";
import { wordStock } from "./stock.ts";
import type { Stock } from "./stock.ts";
import type { TokenLengths } from "./token_lengths.ts";

/** The properties of the prompts. */
export interface SyntheticLoad {
  /** Tokens of each prompt by the server's count, at least 4. */
  input: TokenLengths;
  /** Tokens of these that the server adds to a prompt, which is made shorter by as many; 0 by default. */
  template_tokens?: number;
  /** Tokens that each answer should have, at least 1. */
  output: TokenLengths;
  /**
   * Share of each prompt, 0 to 1, that is the beginning of one of `prefixes` shared texts, chosen
   * with equal probability; 0 by default. The last 4 tokens of a prompt are always unique.
   */
  prefix_share?: number;
  /** The number of shared texts, 1 to 1,000,000; 1 by default. */
  prefixes?: number;
  /** Seed of the lengths: a whole number, at most 2^32 − 1. */
  seed: number;
  /**
   * Seed of the words, with the same range. The same seed makes the same prompts; with another
   * seed, no prompt begins alike.
   */
  words: number;
  /** Words of one token each; common words by default. */
  vocabulary?: readonly string[];
  /** The text that passages are cut from; words of the vocabulary by default. */
  stock?: Stock;
  /**
   * Whether to make the next prompt; one that is skipped is empty and costs little. By default all
   * are made.
   */
  isMade?: () => boolean;
}

/** A made-up request. */
export interface SyntheticPrompt {
  /** Words separated by single spaces, or four words and a passage of the stock. */
  prompt: string;
  /**
   * Tokens of the prompt in the encoding of the vocabulary, o200k_base by default: exact for words;
   * for another stock, within one or two at the ends of the passage. Other models' encodings give
   * about as many.
   */
  input_tokens: number;
  /** How many of these are the beginning of a shared text. */
  prefix_tokens: number;
  /** Tokens that the answer should have. */
  output_tokens: number;
}

/** The number of words that make each prompt unique: 400^4 = 2.56e10 prompts. */
export const NUMBER_WORDS = 4;
/** A prime, so that its multiples do not collide; its product with 400^4 is below 2^53. */
const STRIDE = 123_457;

/**
 * Returns endless prompts, all different. Any two differ within the first 4 tokens, and 400
 * consecutive ones in the first, so that a prefix cache finds nothing in them except the tokens of
 * `prefix_share`. Lengths do not depend on `prefix_share` and `prefixes`.
 *
 * A prompt is its number, written in 4 words, and a passage of random words; nothing is tokenized.
 * Passages of different prompts may overlap, but at different places after different beginnings.
 *
 * @example
 * ```ts
 * const prompts = syntheticPrompts({ input: { mean: 512, stddev: 128 }, output: 64, seed: 1, words: 7 });
 * const { prompt, input_tokens, output_tokens } = prompts.next().value;
 * ```
 * @throws {InputError} at the call: a setting outside its range.
 */
export function syntheticPrompts(load: SyntheticLoad): Generator<SyntheticPrompt, never> {
  const { prefix_share = 0, prefixes = 1, template_tokens = 0, seed, words } = load;
  const { isMade = () => true } = load;
  checkSeed(seed);
  checkSeed(words);
  if (!(prefix_share >= 0 && prefix_share <= 1)) {
    throw new InputError(`prefix_share: ${prefix_share}; expected a share from 0 to 1`);
  }
  if (!(Number.isInteger(prefixes) && prefixes >= 1 && prefixes <= 1e6)) {
    throw new InputError(`prefixes: ${prefixes}; expected a whole number from 1 to 1000000`);
  }
  // Separate streams: sharing one with the arrivals would put long prompts after long gaps.
  const lengths = openRandom(seed ^ 0x1e46_7105);
  const random = seededRandom(words ^ 0x3039_0a3d);
  const inputLength = drawLengths(load.input, "input", NUMBER_WORDS, lengths);
  const outputLength = drawLengths(load.output, "output", 1, lengths);
  const { passage, stock } = passages(random, load.vocabulary, load.stock);
  const below = (limit: number) => Math.floor(random() * limit);
  const place = () => stock.starts[below(stock.starts.length)];
  const prefixPlaces = Uint32Array.from({ length: prefixes }, place);
  return (function* () {
    // Numbers below `prefixes` belong to the shared texts.
    for (let number = prefixes;; number++) {
      const input_tokens = Math.max(NUMBER_WORDS, inputLength() - template_tokens);
      const prefix_tokens = Math.min(
        Math.round(prefix_share * input_tokens),
        input_tokens - NUMBER_WORDS,
      );
      const prefix = below(prefixes);
      const own_place = place(), output_tokens = outputLength();
      if (!isMade()) {
        yield { prompt: "", input_tokens, prefix_tokens, output_tokens };
        continue;
      }
      const shared = passage(prefix, prefixPlaces[prefix], prefix_tokens);
      const own = passage(number, own_place, input_tokens - prefix_tokens);
      const prompt = (shared + own).slice(1);
      yield { prompt, input_tokens, prefix_tokens, output_tokens };
    }
  })();
}

/**
 * Makes prompts from blocks of words, whose ids a trace gives. Prompts whose ids begin alike begin
 * with the same words, as many as those blocks have. Words beyond the blocks are unique to the
 * prompt.
 *
 * @param words the seed, a whole number, at most 2^32 − 1: the same seed makes the same prompts, in
 * the order of the calls.
 * @returns a function of a prompt's blocks, the tokens per block and the prompt's length; it
 * returns what writes the prompt.
 */
export function blockTexts(
  words: number,
  vocabulary?: readonly string[],
): (ids: readonly number[], block_tokens: number, length: number) => () => string {
  checkSeed(words);
  const { passage, stock } = passages(seededRandom(words ^ 0x3039_0a3d), vocabulary);
  const size = stock.ends.length - 1;
  const numbers = new Map<number, number>();
  let next = 0;
  // spread out, so that consecutive numbers are not neighbours in the stock
  const text = (number: number, count: number) => passage(number, number * 7919 % size, count);
  const numberOf = (id: number) => {
    const number = numbers.get(id) ?? next++;
    numbers.set(id, number);
    return number;
  };
  return (ids, block_tokens, length) => {
    const own = ids.map(numberOf);
    const rest = length > ids.length * block_tokens ? next++ : null;
    return () => {
      let prompt = "";
      let left = length;
      for (const number of own) {
        prompt += text(number, Math.min(block_tokens, left));
        left -= Math.min(block_tokens, left);
      }
      if (rest !== null) prompt += text(rest, left);
      return prompt.slice(1);
    };
  };
}

/** Returns a text of `count` tokens for a number and a place in the stock. */
type Passage = (number: number, place: number, count: number) => string;

/**
 * Makes texts of `count` words with a space before each: first the number, in up to
 * four words, then the stock from `place`. Texts with the same number and place begin alike.
 */
function passages(
  random: () => number,
  vocabulary: readonly string[] = COMMON_WORDS,
  given?: Stock,
): { passage: Passage; stock: Stock } {
  const words = shuffled(vocabulary, random).map((word) => ` ${word}`);
  const numbers = words.length ** NUMBER_WORDS;
  const offset = Math.floor(random() * numbers);
  const stock = given ?? wordStock(random, vocabulary);
  const { text: whole, ends, gap_tokens } = stock;
  const size = ends.length - 1;
  const passage: Passage = (number, place, count) => {
    let text = "";
    // Least significant word first, so that consecutive numbers differ in the first word.
    let rest = ((number % numbers) * STRIDE + offset) % numbers;
    for (let i = 0; i < Math.min(count, NUMBER_WORDS); i++) {
      text += words[rest % words.length];
      rest = Math.floor(rest / words.length);
    }
    let left = count - NUMBER_WORDS;
    // after the number, text starts on a new line
    if (gap_tokens !== null && left > gap_tokens) {
      text += "\n\n";
      left -= gap_tokens;
    }
    for (let from = place; left > 0; from = 0) {
      const taken = Math.min(left, size - from);
      text += whole.slice(ends[from], ends[from + taken]);
      left -= taken;
      // a last word of several tokens may not fit: fills up with short words
      for (let to = from + taken; to > from && ends[to] === ends[to - 1]; to--) text += words[0];
    }
    return text;
  };
  return { passage, stock };
}
