/** coverage_score: how much of what an answer should say it does say. */
import { stemmer } from "stemmer";
import { z } from "zod";
import type { Evaluator } from "../suite/evaluator.ts";

/** The share of a key point's words that must be found. */
const WORD_SHARE = 0.7;
/** Words of the answer, without empty words, within which a key point must be found. */
const WINDOW_WORDS = 30;

/** Words that mean nothing alone. Negations are not among them. */
const EMPTY_WORDS = new Set(
  ("a an and are as at be been being but by can could did do does for from had has have he her his " +
    "i if in into is it its may might more most of on or our she should so such than that the their " +
    "them then there these they this those to was we were what when which who will with would you " +
    "your").split(" "),
);

/** The numbers (as written, after `#`) and word stems that count in a text, in order. */
function terms(text: string): string[] {
  const plain = text
    .replace(/(?<=\d)[,\u2009\u00a0\u202f'](?=\d{3}(?!\d))/g, "") // 1,240 is 1240
    .normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replaceAll("%", " percent ")
    .replace(/per cent\b/g, "percent")
    .replace(/['’]s\b/g, "");
  const found = plain.match(/\d+(?:\.\d+)?|\p{L}[\p{L}\p{N}]*/gu) ?? [];
  return found.flatMap((word) => {
    if (/^\d/.test(word)) return [`#${word}`];
    return EMPTY_WORDS.has(word) ? [] : [stemmer(word)];
  });
}

/** Whether a term of an answer matches a term of a key point; a number may have more digits. */
function isTerm(said: string, wanted: string): boolean {
  if (said === wanted) return true;
  if (!said.startsWith("#") || !wanted.startsWith("#")) return false;
  const decimals = wanted.split(".")[1]?.length ?? 0;
  const value = Number(said.slice(1)), aim = Number(wanted.slice(1));
  return value === aim || decimals > 0 && value.toFixed(decimals) === aim.toFixed(decimals);
}

/**
 * Which key points an answer contains. A key point is found if some {@linkcode WINDOW_WORDS}
 * successive words of the answer contain all its numbers and at least {@linkcode WORD_SHARE} of its
 * other words. Words are compared by their stem (Porter's algorithm, 1980) without case and
 * accents; articles, prepositions and the like do not count. Numbers are compared by value (12.0 is
 * 12, 1,240 is 1240, 12 % is 12 percent), after rounding if the key point has decimals (2.914 is
 * 2.9, but 12.4 is not 12). The meaning of a sentence is not checked: an answer that denies a key
 * point in the key point's own words contains it.
 */
export function coveredPoints(answer: string, key_points: readonly string[]): boolean[] {
  const said = terms(answer);
  return key_points.map((point) => {
    const wanted = [...new Set(terms(point))];
    const numbers = wanted.filter((term) => term.startsWith("#")).length;
    const words = wanted.length - numbers;
    return wanted.length > 0 && anyWindow(said, wanted, (found) => {
      const found_numbers = found.filter((term) => term.startsWith("#")).length;
      return found_numbers === numbers && found.length - numbers >= words * WORD_SHARE;
    });
  });
}

/** Slides the window over the answer; `holds` receives which terms of the key point are in it. */
function anyWindow(
  said: readonly string[],
  wanted: readonly string[],
  holds: (found: string[]) => boolean,
): boolean {
  const last_at = wanted.map(() => -Infinity);
  return said.some((term, i) => {
    const fitting = wanted.flatMap((aim, k) => isTerm(term, aim) ? k : []);
    for (const k of fitting) last_at[k] = i;
    return fitting.length > 0 && holds(wanted.filter((_, k) => last_at[k] > i - WINDOW_WORDS));
  });
}

const options = z.strictObject({ key_points: z.array(z.string().min(1)).min(1) });

/** The score as an evaluator of tests; an answer passes if it contains every key point. */
export const coverage: Evaluator<z.infer<typeof options>> = {
  name: "coverage",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { key_points }) {
    const found = coveredPoints(response_text, key_points);
    const hits = found.filter(Boolean).length;
    const missing = key_points.filter((_, i) => !found[i]);
    return {
      evaluator: "coverage",
      passed: missing.length === 0,
      targets: key_points.length,
      created_hits: hits,
      hit_rate: hits / key_points.length,
      detail: missing.length === 0
        ? "holds every key point"
        : `without: ${missing.map((point) => `"${point}"`).join(", ")}`,
    };
  },
};
