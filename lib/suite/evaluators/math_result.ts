/** Finds the result in an answer about mathematics. */
import { announcedIn, boxesIn, membersIn, tagsIn } from "./final_answer.ts";

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
