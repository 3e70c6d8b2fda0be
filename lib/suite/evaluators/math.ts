/** math: the answer's result has the expected meaning: expressions, intervals, sets, tuples, equations. */
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { sameMathematics } from "./math_equal.ts";
import { comparedWords, differInUnit, mathematicsOf } from "./math_parse.ts";
import { someTexts } from "./text.ts";
import { listed, quoted, verdict } from "./verdict.ts";
import { announcedIn, boxesIn, membersIn, tagsIn } from "./final_answer.ts";
import type { Evaluator } from "../evaluator.ts";

const unmarked = (text: string) => text.replace(/[.$*]+/g, "");

const options = z.strictObject({
  /** The right result in LaTeX or plain text, or several right results. */
  expected: someTexts,
});

/** Compares values at points, not the notation: `0.5`, `\frac{2}{4}` and `1/2` are the same. */
export const math: Evaluator<z.infer<typeof options>> = {
  name: "math",
  options: options as z.ZodType<z.infer<typeof options>>,
  prepare({ expected }) {
    const empty = listed(expected).find((text) => text.replace(/[$\s]/g, "") === "");
    if (empty !== undefined) throw new InputError(`expected: ${quoted(empty)} has no mathematics`);
    return Promise.resolve();
  },
  evaluate({ response_text }, { expected }) {
    const result = resultIn(response_text);
    const answer = mathematicsOf(result);
    const passed = listed(expected).some((text) => {
      const wanted = mathematicsOf(text);
      // `True` matches `\\text{true}`
      if (wanted.kind === "words" && wanted.text === comparedWords(unmarked(result))) return true;
      if (answer.kind === "words" && answer.text === comparedWords(unmarked(text))) return true;
      return !differInUnit(text, result) && sameMathematics(wanted, answer);
    });
    const wanted = listed(expected).map((text) => quoted(text)).join(" or ");
    return verdict(
      "math",
      passed,
      passed ? `is ${quoted(result)}` : `${quoted(result)}, expected ${wanted}`,
    );
  },
};

const IN_DOLLARS = /\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\[([^]{1,2000}?)\\\]|\\\(([^]{1,2000}?)\\\)/g;
/** "x = 2 or x = 3", each in its own dollars, is one result. */
const BESIDE = /^\s*(?:,?\s*(?:and|or|,|und|oder|et|ou|y|o)?)\s*$/i;

/**
 * The result in an answer: the last one that is boxed, tagged, a JSON key's value or announced; else the
 * last one between dollars; else the last line, or its last number if the line is a sentence.
 */
export function resultIn(answer: string): string {
  const boxes = boxesIn(answer);
  const places = [...boxes, ...tagsIn(answer), ...membersIn(answer)];
  // an announcement with a box or dollars says no more than they do
  const inside = (text: string) => /\\boxed|\\fbox/.test(text);
  const announced = announcedIn(answer).filter(({ start, content }) =>
    !inside(content) && !boxes.some((box) => box.start < start && start < box.end)
  )
    .map((place) => ({
      ...place,
      content: lastInDollars(place.content) ?? place.content.replace(/^[\s*_]+|[\s*_]+$/g, ""),
    }));
  const last = [...places, ...announced].filter(({ content }) => content.trim() !== "")
    .sort((a, b) => a.end - b.end).at(-1);
  if (last) return boxesUpTo(last.end, answer) ?? last.content;
  const line = answer.trim().split("\n").at(-1)!.replace(/\*\*|^#+\s*/g, "").trim();
  return lastInDollars(answer) ?? (PROSE.test(line) ? lastNumber(line) : null) ?? line;
}

/** "\boxed{2} and \boxed{3}": the boxes in a row that ends there; null when there are not at least two. */
function boxesUpTo(end: number, answer: string): string | null {
  const boxes = boxesIn(answer);
  let first = boxes.length - 1;
  if (boxes[first]?.end !== end) return null;
  const isBeside = (i: number) => {
    const between = answer.slice(boxes[i - 1].end, boxes[i].start)
      .replace(/\$|\\[()]|\\text\s*\{([^{}]*)\}/g, "$1");
    return between.trim() !== "" && BESIDE.test(between);
  };
  while (first > 0 && isBeside(first)) first--;
  return first < boxes.length - 1
    ? boxes.slice(first).map(({ content }) => content).join(", ")
    : null;
}

/** Several words at the beginning: a sentence, not a result by itself. */
const PROSE = /^[A-Za-z]{2,}(?:\s+[A-Za-z]+)+\s/;

const STATED =
  /(?<!\p{L})(?:is|are|equals|be) (\([^()]*\d[^()]*\)|[-−+]?(?:\d[\d.,]*)?√?\d[\d.,]*(?:\s*\/\s*\d+)?%?)(?=[\s.,;:!]|$)/gu;

/** What the line says that something equals, the last time; else its last number. */
function lastNumber(line: string): string | null {
  const stated = [...line.matchAll(STATED)].at(-1);
  return stated?.[1].replace(/[.,]+$/, "") ??
    line.match(/[-+]?\d[\d,]*(?:\.\d+)?(?:\s*\/\s*\d+)?(?:\s?%)?/g)?.at(-1) ?? null;
}

function lastInDollars(text: string): string | null {
  const found = [...text.matchAll(IN_DOLLARS)];
  const contents: string[] = [];
  for (let i = found.length - 1; i >= 0; i--) {
    const { index, 0: whole, ...groups } = found[i];
    const next = found[i + 1];
    if (next && !BESIDE.test(text.slice(index + whole.length, next.index))) break;
    contents.unshift([1, 2, 3, 4].map((group) => groups[group]).find((one) => one !== undefined)!);
  }
  return contents.length > 0 ? contents.join(", ") : null;
}
