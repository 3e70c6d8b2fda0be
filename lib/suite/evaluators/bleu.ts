/**
 * bleu: how many n-grams of an answer's words are in a reference. Papineni 2002, as sacrebleu computes it
 * for sentences.
 */
import { z } from "zod";
import { ngrams, overlap, overlapOptions, total, wordsOf } from "./ngrams.ts";
import { hits, listed } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const ORDER = 4;

const options = z.strictObject({
  ...overlapOptions,
  /** "13a" of the WMT's script, "intl" for Unicode's classes, "char" for languages without spaces. */
  tokenize: z.enum(["13a", "intl", "char", "none"]).default("13a"),
  case_sensitive: z.boolean().default(true),
});

type Options = z.infer<typeof options>;

const TOKENIZERS: Record<Options["tokenize"], (text: string) => string> = {
  // after mteval-v13a.pl
  "13a": (text) => {
    const plain = text.replaceAll("<skipped>", "").replaceAll("-\n", "").replaceAll("\n", " ")
      .replaceAll("&quot;", '"').replaceAll("&amp;", "&").replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">");
    return ` ${plain} `
      .replace(/([{-~[-` -&(-+:-@/])/g, " $1 ")
      .replace(/([^0-9])([.,])/gu, "$1 $2 ")
      .replace(/([.,])([^0-9])/gu, " $1 $2")
      .replace(/([0-9])(-)/g, "$1 $2 ");
  },
  // after mteval-v14.pl
  intl: (text) =>
    text.replace(/(\P{N})(\p{P})/gu, "$1 $2 ").replace(/(\p{P})(\P{N})/gu, " $1 $2")
      .replace(/(\p{S})/gu, " $1 "),
  char: (text) => [...text].join(" "),
  none: (text) => text,
};

/**
 * BLEU of one sentence in 0..1, with the brevity penalty and exponential smoothing; uses only the orders
 * that the answer is long enough for. sacrebleu returns the same in percent.
 */
export function bleuScore(
  references: readonly string[],
  answer: string,
  { tokenize, case_sensitive }: Pick<Options, "tokenize" | "case_sensitive">,
): number {
  const words = (text: string) =>
    wordsOf(TOKENIZERS[tokenize]((case_sensitive ? text : text.toLowerCase()).trimEnd()));
  const given = words(answer), wanted = references.map(words);
  const correct: number[] = [], all: number[] = [];
  for (let n = 1; n <= ORDER; n++) {
    const most = new Map<string, number>();
    for (const reference of wanted) {
      for (const [run, count] of ngrams(reference, n)) {
        most.set(run, Math.max(count, most.get(run) ?? 0));
      }
    }
    const runs = ngrams(given, n);
    correct.push(overlap(runs, most));
    all.push(total(runs));
  }
  if (correct.every((count) => count === 0)) return 0;
  let smoothing = 1, sum = 0, orders = 0;
  for (let n = 0; n < ORDER && all[n] > 0; n++) {
    if (correct[n] === 0) smoothing *= 2;
    sum += Math.log(correct[n] === 0 ? 1 / (smoothing * all[n]) : correct[n] / all[n]);
    orders++;
  }
  const length = closest(given.length, wanted.map((reference) => reference.length));
  const brevity = given.length < length ? Math.exp(1 - length / given.length) : 1;
  return brevity * Math.exp(sum / orders);
}

/** The length of the reference that is nearest to the answer's; of two equally near, the shorter. */
function closest(length: number, lengths: readonly number[]): number {
  return lengths.reduce((best, other) => {
    const [near, far] = [Math.abs(other - length), Math.abs(best - length)];
    return near < far || (near === far && other < best) ? other : best;
  });
}

/** Combines several references: each n-gram has its highest count in any of them. */
export const bleu: Evaluator<Options> = {
  name: "bleu",
  options: options as z.ZodType<Options>,
  evaluate({ response_text }, given) {
    const score = bleuScore(listed(given.expected), response_text, given);
    return hits("bleu", score, 1, given.pass_at, `BLEU ${(100 * score).toFixed(1)}`);
  },
};
