/** Made-up prompts of exact token counts, which no cache has seen unless it is meant to. */
import { InputError } from "../../errors.ts";
import { openRandom, seededRandom, shuffled } from "../../stats/random.ts";
import { COMMON_WORDS } from "./common_words.ts";
import { checkSeed } from "../seed.ts";
import { drawLengths } from "./token_lengths.ts";
import { wordStock } from "./stock.ts";
import type { Stock } from "./stock.ts";
import type { TokenLengths } from "./token_lengths.ts";

/** What the prompts are to be like. */
export interface SyntheticLoad {
  /** Tokens of each prompt, from 4, by the server's count. */
  input: TokenLengths;
  /** Tokens of them that the server itself puts around a prompt, which is made shorter by that; 0 by default. */
  template_tokens?: number;
  /** Tokens that each answer is to have, from 1. */
  output: TokenLengths;
  /**
   * Share of each prompt, 0 to 1, that is the beginning of one of `prefixes` shared texts, drawn
   * evenly; 0 by default. The last 4 tokens of a prompt are its own at any share.
   */
  prefix_share?: number;
  /** Shared texts, 1 to 1,000,000; 1 by default. */
  prefixes?: number;
  /** Of the lengths: a whole number, at most 2^32 − 1. */
  seed: number;
  /** Of the words, likewise: the same gives the same prompts, another one none that begins alike. */
  words: number;
  /** Words of one token each, among which there is little to choose; common words by default. */
  vocabulary?: readonly string[];
  /** What passages are cut from; words of the vocabulary by default. */
  stock?: Stock;
  /** Whether the next prompt is made; one that is not costs little, and is empty. By default each is. */
  isMade?: () => boolean;
}

/** One request to be made. */
export interface SyntheticPrompt {
  /** Words with single spaces between them, or a passage of the stock after the first four. */
  prompt: string;
  /**
   * Tokens of the prompt in the encoding of the vocabulary, o200k_base by default: of words exactly, of
   * another stock to within one or two at the passage's ends. About as many in other models' encodings.
   */
  input_tokens: number;
  /** How many of them are the beginning of a shared text. */
  prefix_tokens: number;
  /** Tokens that the answer is to have. */
  output_tokens: number;
}

/** With this many words each prompt differs from all others: 400^4 = 2.56e10 prompts. */
export const NUMBER_WORDS = 4;
/** A prime, so that multiples of it do not meet again; times 400^4 it is below 2^53. */
const STRIDE = 123_457;

/**
 * Prompts, endless and each different. Two prompts differ within the first 4 tokens, neighbours
 * (400 in a row) in the first, so that a prefix cache finds nothing; but with `prefix_share`, whose
 * tokens it does find. Lengths do not depend on `prefix_share` and `prefixes`.
 *
 * A prompt is its number, written in 4 words, and a passage of random words; no text is tokenized.
 * Passages of different prompts may overlap, at different places after different beginnings.
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
  // Separate streams: with that of the arrivals, long prompts would come after long gaps.
  const lengths = openRandom(seed ^ 0x1e46_7105);
  const random = seededRandom(words ^ 0x3039_0a3d);
  const inputLength = drawLengths(load.input, "input", NUMBER_WORDS, lengths);
  const outputLength = drawLengths(load.output, "output", 1, lengths);
  const { passage, stock } = passages(random, load.vocabulary, load.stock);
  const below = (limit: number) => Math.floor(random() * limit);
  const place = () => stock.starts[below(stock.starts.length)];
  const prefixPlaces = Uint32Array.from({ length: prefixes }, place);
  return (function* () {
    // Numbers below `prefixes` are those of the shared texts.
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
 * Makes prompts of blocks of words, as a trace tells them by ids: prompts whose ids begin alike begin with the
 * same words, as many as those blocks have. What the ids do not cover is of no other prompt.
 *
 * @param words a whole number, at most 2^32 − 1: the same gives the same prompts, in the order of the calls.
 * @returns takes the blocks of a prompt, each of this many tokens, and its length, and gives what writes it.
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
  // places apart, so that neighbours in number are not neighbours in the stock
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

/** A text of `count` tokens, of a number and a place in the stock. */
type Passage = (number: number, place: number, count: number) => string;

/**
 * Makes texts of `count` words, a space before each: first the number, as far as it goes, then what
 * stands at `place` in the stock. Texts of the same number and place begin alike.
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
    // Least significant word first: neighbours differ at once.
    let rest = ((number % numbers) * STRIDE + offset) % numbers;
    for (let i = 0; i < Math.min(count, NUMBER_WORDS); i++) {
      text += words[rest % words.length];
      rest = Math.floor(rest / words.length);
    }
    let left = count - NUMBER_WORDS;
    // what is written starts again after the number
    if (gap_tokens !== null && left > gap_tokens) {
      text += "\n\n";
      left -= gap_tokens;
    }
    for (let from = place; left > 0; from = 0) {
      const taken = Math.min(left, size - from);
      text += whole.slice(ends[from], ends[from + taken]);
      left -= taken;
      // a last word of several tokens does not fit any more: short ones take its place
      for (let to = from + taken; to > from && ends[to] === ends[to - 1]; to--) text += words[0];
    }
    return text;
  };
  return { passage, stock };
}
