/** Where an answer says what is final: in a box, in a tag, behind a key of JSON. */

/** A place in an answer that holds its result, and what stands there. */
export interface FinalPlace {
  start: number;
  end: number;
  content: string;
}

/** No result is longer, and looking for its end takes bounded time. */
const LONGEST = 10_000;

const BOX = /\\(?:boxed|fbox|framebox)\s*(?=\{)/g;

/** What stands in LaTeX boxes, braces in braces respected; a box that does not end is none. */
export function boxesIn(text: string): FinalPlace[] {
  const found: FinalPlace[] = [];
  for (const { index, 0: opening } of text.matchAll(BOX)) {
    const start = index + opening.length;
    const end = closingBrace(text, start);
    if (end !== null) {
      found.push({ start: index, end: end + 1, content: text.slice(start + 1, end) });
    }
  }
  return found;
}

/** The place of the brace that closes the one at `start`; null if none does. */
export function closingBrace(text: string, start: number): number | null {
  let depth = 0;
  const last = Math.min(text.length, start + LONGEST);
  for (let i = start; i < last; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return i;
  }
  return null;
}

const TAG =
  /(<|\[)\s*((?:final[_ -]?)?(?:answer|choice|result|solution))\s*[>\]]([^]{0,2000}?)\1\s*\/\s*\2\s*[>\]]/gi;

/** What stands in `<answer>…</answer>`, `[ANSWER]…[/ANSWER]` and their like. */
export function tagsIn(text: string): FinalPlace[] {
  return [...text.matchAll(TAG)].map(({ index, 0: whole, 3: content }) => ({
    start: index,
    end: index + whole.length,
    content,
  }));
}

const KEY =
  /(["'])(?:(?:final|correct|selected|best|my|the|chosen)[_ -]?)?(?:answer|choice|option|letter|result|prediction)(?:[_ -]?(?:letter|choice|option|key|label))?\1\s*:\s*/
    .source;
const VALUE = /("(?:[^"\\]|\\.)*"|'[^'\n]*'|\[[^\]]*\]|[^,}\s]+)/.source;
const MEMBER = new RegExp(KEY + VALUE, "gi");

/** What stands behind `"answer":` and its like in JSON, whole or not quite JSON; without quotes. */
export function membersIn(text: string): FinalPlace[] {
  return [...text.matchAll(MEMBER)].map(({ index, 0: whole, 2: value }) => ({
    start: index,
    end: index + whole.length,
    content: /^["']/.test(value) ? value.slice(1, -1).replace(/\\(["\\])/g, "$1") : value,
  }));
}
