/** What made-up prompts are written with, so that their lengths are exact in a model's own tokens. */
import { InputError } from "../../errors.ts";
import { COMMON_WORDS } from "./common_words.ts";
import type { TokenCounter } from "./tokenizer.ts";

/** With fewer words prompts of one length would begin alike too soon: so many give 160,000 beginnings. */
const LEAST_WORDS = 20;

/**
 * The common words that a tokenizer makes one token each, at the beginning of a text and within it.
 *
 * @throws {InputError} too few of them are: its vocabulary is small, or of another language.
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
