/**
 * chrf: how many character n-grams an answer shares with a reference. Popović 2015, as sacrebleu computes
 * it.
 */
import { z } from "zod";
import { ngrams, overlap, overlapOptions, total, wordsOf } from "./ngrams.ts";
import { hits, listed } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const LETTERS = 6;

const options = z.strictObject({
  ...overlapOptions,
  /** Highest order of word n-grams, in addition to character n-grams: 2 for chrF++. */
  word_order: z.int().min(0).max(4).default(0),
  /** How much more recall counts than precision. */
  beta: z.number().positive().default(2),
  case_sensitive: z.boolean().default(true),
});

type Options = z.infer<typeof options>;

const PUNCTUATION = new Set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");

/** Words, with a punctuation mark at the end, or else at the beginning, as a separate word. */
function words(text: string): string[] {
  return wordsOf(text).flatMap((word) => {
    const letters = [...word];
    if (letters.length === 1) return [word];
    if (PUNCTUATION.has(letters.at(-1)!)) return [letters.slice(0, -1).join(""), letters.at(-1)!];
    return PUNCTUATION.has(letters[0]) ? [letters[0], letters.slice(1).join("")] : [word];
  });
}

function runsOf(text: string, word_order: number): Map<string, number>[] {
  const letters = [...wordsOf(text).join("")];
  return [
    ...Array.from({ length: LETTERS }, (_, i) => ngrams(letters, i + 1)),
    ...Array.from({ length: word_order }, (_, i) => ngrams(words(text), i + 1)),
  ];
}

/** chrF of an answer in 0..1, for the best of the references; sacrebleu returns the same in percent. */
export function chrfScore(
  references: readonly string[],
  answer: string,
  { word_order, beta, case_sensitive }: Pick<Options, "word_order" | "beta" | "case_sensitive">,
): number {
  const cased = (text: string) => case_sensitive ? text : text.toLowerCase();
  const given = runsOf(cased(answer), word_order);
  return Math.max(...references.map((reference) => {
    let precision = 0, recall = 0, orders = 0;
    runsOf(cased(reference), word_order).forEach((wanted, i) => {
      const [own, its] = [total(given[i]), total(wanted)];
      if (own === 0 || its === 0) return;
      const common = overlap(given[i], wanted);
      precision += common / own;
      recall += common / its;
      orders++;
    });
    if (precision + recall === 0) return 0;
    const weight = beta ** 2;
    return (1 + weight) * (precision / orders) * (recall / orders) /
      (weight * precision / orders + recall / orders);
  }));
}

export const chrf: Evaluator<Options> = {
  name: "chrf",
  options: options as z.ZodType<Options>,
  evaluate({ response_text }, given) {
    const score = chrfScore(listed(given.expected), response_text, given);
    const name = given.word_order > 0 ? `chrF${"+".repeat(given.word_order)}` : "chrF";
    return hits("chrf", score, 1, given.pass_at, `${name} ${(100 * score).toFixed(1)}`);
  },
};
