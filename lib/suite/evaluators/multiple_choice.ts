/** multiple_choice: the choice that the answer settles on is the expected letter. */
import * as w from "./choice_words.ts";
import { z } from "zod";
import { chosenLetter, readChoice, RESULT_IS } from "./choice_reader.ts";
import { verdict } from "./verdict.ts";
import { dressed, joined, marked, pattern, plain, SEVERAL } from "./choice_marks.ts";
import { withoutCase } from "./text.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  expected: z.string().regex(/^[A-Za-z]$/, "expected one letter"),
  /** The number of choices, from A on; or their texts, so that naming a choice's text counts too. */
  choices: z.union([z.int().min(2).max(26), z.array(z.coerce.string()).min(2).max(26)])
    .default(26),
});

export const multipleChoice: Evaluator<z.infer<typeof options>> = {
  name: "multiple_choice",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { expected, choices }) {
    const chosen = typeof choices === "number"
      ? chosenLetter(response_text, choices)
      : chosenChoice(response_text, choices);
    if (chosen === null) return verdict("multiple_choice", false, "no clear choice");
    const wanted = expected.toUpperCase();
    return verdict("multiple_choice", chosen === wanted, `chose ${chosen}, expected ${wanted}`);
  },
};

const ARTICLE =
  /^(?:an?|the|le|la|les|un|une|el|los|las|una|il|lo|gli|der|die|das|ein|eine|o|os|um|uma) (?=\S)|^l['’](?=\S)/i;

/** An answer with one of these words does not settle on a choice by naming its text. */
const DOUBT = pattern(
  `${w.OPEN}|${w.COULD_BE}|(?:cannot|can['’]t|unable|refuse|except|until|anything but|all but|(?:asks?|asked|talks?|question is) about)(?!\\p{L})`,
  "iu",
);

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** Finds a choice's text as whole words, with or without an article. */
function patternOf(text: string): string {
  const form = plain(text).trim().replace(/[.。]$/, "");
  const bare = form.replace(ARTICLE, "");
  const begins = /^[\p{L}\p{N}]/u.test(bare) ? "(?<![\\p{L}\\p{N}]|\\d[.,])" : "";
  const ends = /[\p{L}\p{N}]$/u.test(bare) ? "(?![\\p{L}\\p{N}]|[.,]\\d)" : "";
  const isJoined =
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;
  if (isJoined.test(bare)) return escaped(bare);
  const words = escaped(bare).replace(/\s+/g, "\\s+");
  return `(?:(?<!\\p{L})(?:an?|the|le|la|el|il|der|die|das|l['’]) ?)?${begins}${words}${ends}`;
}

/** A text that is a letter, or equals another choice's text, cannot identify a choice. */
function isTelling(text: string, texts: readonly string[]): boolean {
  const form = withoutCase(plain(text).trim());
  return /[\p{L}\p{N}]{2}|[\p{N}\p{Script=Han}]/u.test(form) &&
    texts.filter((other) => withoutCase(plain(other).trim()) === form).length === 1;
}

/**
 * The letter of the choice that an answer settles on, like {@linkcode chosenLetter}. When it names no
 * letter, the letter of the choice whose text it settles on. A letter with another choice's text counts
 * as none.
 */
export function chosenChoice(answer: string, texts: readonly string[]): string | null {
  const choices = texts.length;
  const known = texts.map((text, i) => ({ text, letter: String.fromCharCode(65 + i) }))
    .filter(({ text }) => isTelling(text, texts))
    .sort((a, b) => b.text.length - a.text.length);
  if (known.length < 2) return chosenLetter(answer, choices);
  const all = new RegExp(
    known.map(({ text }) => `["“«]?(${patternOf(text)})["”»]?`).join("|"),
    "giu",
  );
  const byText = (text: string) =>
    text.replace(all, (...found) => {
      const at = found.slice(1, 1 + known.length).findIndex((part) => part !== undefined);
      return dressed(known[at].letter);
    });
  const byLetter = readChoice(answer, choices, marked);
  const lines = byText(plain(answer)).split("\n");
  const letterIsText = /(?<![\p{L}\p{N}])([A-Z])[).:\]]+ ?([\ue020-\ue03f])[.!]?$/u;
  const letterThenText = /^\W*([A-Z])[).:\]]*\s*[-–—:]?\s*\(?([\ue020-\ue03f])/u;
  const listed = lines.map((line) => letterThenText.exec(line)).filter((found) => found !== null);
  if (byLetter) {
    const own = [
      ...listed,
      ...lines.flatMap((line) => [letterIsText.exec(line)].filter((found) => found !== null)),
    ]
      .filter(([, letter]) => letter === byLetter);
    const isOther = own.length > 0 && own.every(([, , mark]) => mark !== dressed(byLetter)) ||
      !lines.some((line) => line.includes(dressed(byLetter))) &&
        lines.some((line) => [...line.matchAll(RESULT_IS)].length > 0);
    return isOther ? null : byLetter;
  }
  const letters = marked(plain(answer), choices).split("\n");
  const isOpen = letters.some((line) =>
    joined(line).split(SEVERAL).length > line.split(SEVERAL).length
  );
  if (byLetter === null || isOpen) return null;
  // a final list of all choices says nothing
  const rest = listed.length < choices ? answer : lines.filter((line) => !letterThenText.test(line))
    .join("\n");
  // a number may be an intermediate result
  const counts = (letter: string) =>
    !DOUBT.test(answer) && /\p{L}{2}|\p{Script=Han}/u.test(texts[letter.charCodeAt(0) - 65]);
  return readChoice(rest, choices, byText, counts) ?? null;
}
