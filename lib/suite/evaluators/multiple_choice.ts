/** multiple_choice: the answer's final choice is the expected letter. */
import { z } from "zod";
import { verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  expected: z.string().regex(/^[A-Za-z]$/, "expected one letter"),
  /** How many choices there are, from A on. */
  choices: z.int().min(2).max(26).default(26),
});

/**
 * The letter that an answer settles on; null when none, or several, are given without a decision. In
 * falling order: a boxed letter, "answer: B" and its like (the last one counts), a bare letter alone
 * on the first or last line, the only bracketed or bold letter.
 */
export function chosenLetter(answer: string, choices: number): string | null {
  const last = String.fromCharCode(64 + choices);
  const letter = `([A-${last}])`;
  const mark = "[*_`(\\[{]*";
  const end = "(?![\\p{L}\\d'’])";
  const lastOf = (pattern: string, flags = "giu") =>
    [...answer.matchAll(new RegExp(pattern, flags))].at(-1)?.[1];
  const stated = lastOf(`\\\\boxed\\{(?:\\\\text\\{)?\\(?${letter}\\)?\\}`) ??
    lastOf(
      `(?:answer|option|choice)[*_]*\\s*(?:is|are|would be|must be|should be|=|:)+[*_:\\s]*(?:option|choice)?\\s*${mark}${letter}${end}`,
    );
  if (stated) return stated.toUpperCase();
  const lines = answer.split("\n").map((line) => line.trim()).filter(Boolean);
  const alone = new RegExp(`^${mark}${letter}[*_\`)\\]}.:]*(?:$|[.):]\\s)`, "u");
  for (const line of [lines.at(-1), lines[0]]) {
    const found = line === undefined ? null : alone.exec(line);
    if (found && (lines.length === 1 || line === lines.at(-1) || !alone.test(lines[1] ?? ""))) {
      return found[1];
    }
  }
  const marked = new Set(
    [...answer.matchAll(new RegExp(`(?:\\(|\\*\\*)${letter}(?:\\)|\\*\\*)`, "gu"))].map((m) =>
      m[1]
    ),
  );
  return marked.size === 1 ? [...marked][0] : null;
}

export const multipleChoice: Evaluator<z.infer<typeof options>> = {
  name: "multiple_choice",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { expected, choices }) {
    const chosen = chosenLetter(response_text, choices);
    if (chosen === null) return verdict("multiple_choice", false, "no clear choice");
    const wanted = expected.toUpperCase();
    return verdict("multiple_choice", chosen === wanted, `chose ${chosen}, expected ${wanted}`);
  },
};
