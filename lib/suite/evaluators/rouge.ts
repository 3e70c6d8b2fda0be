/**
 * rouge: how much of a reference's wording is in the answer. Lin 2004, as the package rouge-score
 * computes it.
 */
import { z } from "zod";
import { ngrams, overlap, overlapOptions, total } from "./ngrams.ts";
import { InputError } from "../../errors.ts";
import { hits, listed, quoted } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  ...overlapOptions,
  /** n-grams of 1 to 9 words, the longest common subsequence, or that of lines as sentences. */
  variant: z.string().regex(/^rouge([1-9]|L|Lsum)$/, {
    message: 'expected "rouge1" to "rouge9", "rougeL" or "rougeLsum"',
  }).default("rougeL"),
  measure: z.enum(["f", "precision", "recall"]).default("f"),
});

type Options = z.infer<typeof options>;
type Score = Record<Options["measure"], number>;

/** Words of ASCII letters and digits in lower case, as in the package. */
function tokens(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

function scoreOf(common: number, reference: number, answer: number): Score {
  const precision = common / Math.max(answer, 1), recall = common / Math.max(reference, 1);
  const sum = precision + recall;
  return { precision, recall, f: sum > 0 ? 2 * precision * recall / sum : 0 };
}

/** Lengths of the longest common subsequences of all prefixes. */
function lcsTable(one: readonly string[], other: readonly string[]): Uint32Array[] {
  const rows = [new Uint32Array(other.length + 1)];
  for (let i = 1; i <= one.length; i++) {
    const [before, row] = [rows[i - 1], new Uint32Array(other.length + 1)];
    for (let j = 1; j <= other.length; j++) {
      row[j] = one[i - 1] === other[j - 1] ? before[j - 1] + 1 : Math.max(before[j], row[j - 1]);
    }
    rows.push(row);
  }
  return rows;
}

/** Length of the longest common subsequence, in memory for two rows. */
function lcsLength(one: readonly string[], other: readonly string[]): number {
  let before = new Uint32Array(other.length + 1), row = new Uint32Array(other.length + 1);
  for (const word of one) {
    for (let j = 1; j <= other.length; j++) {
      row[j] = word === other[j - 1] ? before[j - 1] + 1 : Math.max(before[j], row[j - 1]);
    }
    [before, row] = [row, before];
  }
  return before[other.length];
}

/** Positions in `reference` of one longest common subsequence. */
function lcsPlaces(reference: readonly string[], answer: readonly string[]): number[] {
  const rows = lcsTable(reference, answer);
  const places: number[] = [];
  for (let i = reference.length, j = answer.length; i > 0 && j > 0;) {
    if (reference[i - 1] === answer[j - 1]) {
      places.push(--i);
      j--;
    } else if (rows[i][j - 1] > rows[i - 1][j]) j--;
    else i--;
  }
  return places;
}

/** Over sentences (lines): the union of each reference sentence's subsequences; no word counts twice. */
function summaryScore(reference: string, answer: string): Score {
  const lines = (text: string) => text.split("\n").filter((line) => line !== "").map(tokens);
  const [wanted, given] = [lines(reference), lines(answer)];
  const left = [wanted, given].map((all) => ngrams(all.flat(), 1));
  let common = 0;
  for (const sentence of wanted) {
    const places = new Set(given.flatMap((line) => lcsPlaces(sentence, line)));
    for (const place of [...places].sort((a, b) => a - b)) {
      const word = sentence[place];
      if (left.some((counts) => !counts.get(word))) continue;
      common++;
      left.forEach((counts) => counts.set(word, counts.get(word)! - 1));
    }
  }
  return scoreOf(common, wanted.flat().length, given.flat().length);
}

/** ROUGE of an answer against one reference; 0 when one of them has no words. */
export function rougeScore(reference: string, answer: string, variant: string): Score {
  if (variant === "rougeLsum") return summaryScore(reference, answer);
  const [wanted, given] = [tokens(reference), tokens(answer)];
  if (variant === "rougeL") {
    return scoreOf(lcsLength(wanted, given), wanted.length, given.length);
  }
  const n = Number(variant.slice("rouge".length));
  const [first, second] = [ngrams(wanted, n), ngrams(given, n)];
  return scoreOf(overlap(first, second), total(first), total(second));
}

/** The scores for the reference with the best F. */
export const rouge: Evaluator<Options> = {
  name: "rouge",
  options: options as z.ZodType<Options>,
  prepare({ expected }) {
    const without = listed(expected).find((text) => tokens(text).length === 0);
    if (without !== undefined) {
      throw new InputError(
        `expected: ${
          quoted(without)
        } has no word of the letters a to z or digits, the only ones that ` +
          "ROUGE knows: any answer would get 0; use chrf, or bleu with tokenize",
      );
    }
    return Promise.resolve();
  },
  evaluate({ response_text }, { expected, variant, measure, pass_at }) {
    const scores = listed(expected).map((text) => rougeScore(text, response_text, variant));
    const best = scores.reduce((best, score) => score.f > best.f ? score : best)[measure];
    return hits("rouge", best, 1, pass_at, `${variant} ${measure} ${best.toFixed(3)}`);
  },
};
