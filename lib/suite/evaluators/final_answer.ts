/** Finds the final answer in a text: in a box, in a tag, or as a JSON key's value. */
import * as w from "./choice_words.ts";

/** A place in an answer that holds its result, and the content there. */
export interface FinalPlace {
  start: number;
  end: number;
  content: string;
  /** Whether the content only begins with the result and may continue with anything. */
  leads?: boolean;
}

/** No result is longer; this bounds the time of looking for its end. */
const LONGEST = 10_000;

const BOX = /\\(?:boxed|fbox|framebox)\s*(?=\{)/g;

/** The contents of LaTeX boxes, with balanced braces; a box that does not end is ignored. */
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

/** The position of the brace that closes the one at `start`; null when none does. */
function closingBrace(text: string, start: number): number | null {
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
  /(<|\[)\s*((?:final[_ -]?)?(?:answer|choice|result|solution)|final)\s*[>\]]([^]{0,2000}?)\1\s*\/\s*\2\s*[>\]]/gi;

/** The contents of `<answer>…</answer>`, `[ANSWER]…[/ANSWER]` and the like. */
export function tagsIn(text: string): FinalPlace[] {
  return [...text.matchAll(TAG)].map(({ index, 0: whole, 3: content }) => ({
    start: index,
    end: index + whole.length,
    content,
  }));
}

const KEY =
  /(\\?["'])(?:(?:final|correct|selected|best|my|the|chosen)[_ -]?)?(?:answer|choice|option|letter|result|prediction|pick|selection|value|(?<=["'])final)(?:[_ -]?(?:letter|choice|option|key|label))?\1\s*:\s*(?:\{\s*["']\w+["']\s*:\s*(?=["'][^"']*["']\s*\}))?/
    .source;
const VALUE = /(\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*"|'[^'\n]*'|\[[^\]]*\]|[^,}\s]+)/.source;
const MEMBER = new RegExp(KEY + VALUE, "gi");

/** The values after `"answer":` and the like in JSON, valid or not quite; without quotes. */
export function membersIn(text: string): FinalPlace[] {
  return [...text.matchAll(MEMBER)].map(({ index, 0: whole, 2: value }) => ({
    start: index,
    end: index + whole.length,
    content: /^\\?["']/.test(value)
      ? value.replace(/^\\?["']|\\?["']$/g, "").replace(/\\(["\\])/g, "$1")
      : value,
  }));
}

const LAX =
  `(?:${w.THE} ?|^|[.!?…:;,\\n*(] ?)(?:${w.GOOD} ?)*(?:${w.NOUN}|(?<![\\p{L}])(?:result|total|value|sum|ergebnis|résultat|resultado|risultato|итог|结果|結果|결과)(?![\\p{L}]))(?: ${w.GOOD_AFTER})*`;
const ANNOUNCED = new RegExp(
  `${LAX}[*_ ]*(?:[:：=→]+|(?:${w.IS})(?: ?${w.SURE})*[:：]?)[*_ ]*(?=\\S|\\n)|^#{4}(?=\\s*[^\\s#])`,
  "gimu",
);
/**
 * Where an announced result ends: at the end of a sentence or line, but not at a decimal point or a
 * leading "…".
 */
const SENTENCE_END = /[.!?;](?=\s|$)|[。！？]|(?<=[^.…\s]\s*)…|\n\s*\n|(?<=\S)\n/;
/** Words that introduce a reason or a contrast: the result comes before them. */
const ASIDE =
  /[,(]?\s*(?<![\p{L}])(?:because|since|as|which|not|weil|da|car|porque|perché|потому)(?![\p{L}])|,\s(?!\(?[-−$€£]?\d)|\s\(/iu;

const LONGEST_SENTENCE = 1000;
/** "if the answer were 12, the total would be 60" does not announce a result. */
const CONDITION = /(?<!\p{L})(?:if|suppose|assuming|wenn|falls|si)(?!\p{L})[^.!?\n]*$/iu;
/** A base model may continue with another question. */
export const NEXT_QUESTION = /\n\s*(?:question|q|exercise|human|user)(?: ?\d+)? ?:/i;

/**
 * What is announced as the result: after "the answer is", "Answer:", "####" and the like, also in other
 * languages. When a sentence begins with the result, only the result; otherwise the whole sentence.
 */
export function announcedIn(text: string): FinalPlace[] {
  const said = [...text.matchAll(ANNOUNCED)].filter(({ index }) =>
    !CONDITION.test(text.slice(Math.max(0, index - LONGEST_SENTENCE), index))
  );
  return said.map((match) => {
    const start = match.index + match[0].length;
    const rest = text.slice(start, start + LONGEST_SENTENCE);
    const indent = /^[\s*_]*/.exec(rest)![0].length;
    const ends = SENTENCE_END.exec(rest.slice(indent));
    const sentence = ends ? rest.slice(0, indent + ends.index) : rest;
    const aside = ASIDE.exec(sentence.slice(indent));
    const beginning = aside ? sentence.slice(0, indent + aside.index) : sentence;
    const leads = BEGINS_WITH_RESULT.test(beginning);
    const content = leads ? beginning : sentence;
    return { start: match.index, end: start + content.length, content, leads };
  });
}

/** A number with little before it: `about 5`, `$5`, `x = 5`, `-\frac{1}{2}`. */
const BEGINS_WITH_RESULT =
  /^[\s*_$(≈~:]*(?:(?:about|approximately|approx\.?|roughly|exactly|around|ungefähr|etwa|circa|ca\.|environ|aproximadamente|примерно|大约|約|약|\p{L}\s?=|minus|negative)\s*)*[\s$€£¥+-]*(?:[\p{Nd}½¼¾√\\-])/iu;
