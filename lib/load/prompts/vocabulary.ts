/** Chooses words for made-up prompts so that their lengths are exact in a model's own tokens. */
import { InputError } from "../../errors.ts";
import { COMMON_WORDS } from "./common_words.ts";
import type { TokenCounter } from "./tokenizer.ts";

/** Fewer words would give too few different beginnings of prompts: this many give 160,000. */
const LEAST_WORDS = 20;

/**
 * Returns the common words that are one token each for a tokenizer, both at the beginning of a text
 * and within it.
 *
 * @throws {InputError} there are too few: the vocabulary is small, or for another language.
 */
export function wordsOfOneToken({ name, count }: TokenCounter): readonly string[] {
  const words = COMMON_WORDS.filter((word) => count(word) === 1);
  const within = words.filter((word) => count(`${words[0]} ${word}`) === 2);
  const text = within.join(" ");
  if (within.length >= LEAST_WORDS && count(text) === within.length) return within;
  throw new InputError(
    `--tokenizer: ${name}: ${within.length} of ${COMMON_WORDS.length} common English words are one token ` +
      `each; expected ${LEAST_WORDS} at least, to make up prompts of exact lengths: send prompts of a file`,
  );
}
