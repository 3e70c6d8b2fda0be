/**
 * f1: how many words an answer and an expected text share. SQuAD's measure, as inspect_ai's `f1` computes
 * it.
 */
import { z } from "zod";
import { ngrams, overlap, overlapOptions } from "./ngrams.ts";
import { withoutCase } from "./text.ts";
import { hits, listed } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject(overlapOptions);

const NUMBER = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?\s*$/i;
const ARTICLE = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;
const SIGN = "[!-/:-@[-`{-~]";
const SIGNS = new RegExp(SIGN, "g"), EDGES = new RegExp(`^${SIGN}+|${SIGN}+$`, "g");

/** Words without case, ASCII punctuation and articles; a number counts by its value. */
function wordsOf(text: string): string[] {
  const parts = withoutCase(text).split(/[ -]/).map((part) => {
    const number = [part, part.replace(EDGES, ""), part.replace(SIGNS, "")]
      .find((form) => NUMBER.test(form));
    if (number !== undefined) return String(Number(number));
    return part.replace(SIGNS, "").replace(ARTICLE, " ");
  });
  return parts.join(" ").split(/\s+/).filter((word) => word !== "");
}

/** The harmonic mean of precision and recall of the words, 0..1; 0 when one text has no words. */
export function f1Score(expected: string, answer: string): number {
  const [wanted, given] = [wordsOf(expected), wordsOf(answer)];
  const common = overlap(ngrams(wanted, 1), ngrams(given, 1));
  return common === 0 ? 0 : 2 * common / (wanted.length + given.length);
}

/** The score for the nearest of several expected texts. */
export const f1: Evaluator<z.infer<typeof options>> = {
  name: "f1",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { expected, pass_at }) {
    const best = Math.max(...listed(expected).map((text) => f1Score(text, response_text)));
    return hits("f1", best, 1, pass_at, `f1 ${best.toFixed(3)}`);
  },
};
