/** Which of an answer's numbers counts. */
import { announcedIn, boxesIn, membersIn, tagsIn } from "./final_answer.ts";
import { CORRECTION } from "./choice_words.ts";
import { wordNumbersIn } from "./number_words.ts";
import { numbersOf } from "./numbers.ts";
import type { FinalPlace } from "./final_answer.ts";
import type { NumberFound } from "./numbers.ts";

/** A number in words, in the form of one in digits. */
function inWords(text: string): NumberFound | undefined {
  const value = wordNumbersIn(text).at(-1);
  return value === undefined ? undefined : { value, percent: false, start: 0, end: 0 };
}

/** The number after the last "=" of what is final, else the one it begins with, else its last. */
function finalNumber({ content, leads }: FinalPlace): NumberFound | undefined {
  const equal = content.lastIndexOf("=");
  const result = numbersOf(`=${content.slice(equal + 1)}`);
  if (equal === -1) return result.at(leads ? 0 : -1) ?? inWords(content);
  return workedOut(content) ?? result[0] ?? numbersOf(content).at(-1);
}

/** The side of "12 = 3 * 4" that is worked out. */
function workedOut(content: string): NumberFound | undefined {
  const equal = content.lastIndexOf("=");
  if (equal === -1 || !numbersOf(`=${content.slice(equal + 1)}`)[0]?.partial) return undefined;
  return numbersOf(content.slice(0, equal)).at(-1);
}

/** A last sentence in brackets. */
const ASIDE = /(?<=[.!?]\s{1,9})\([^()]{1,500}[.!?]\)\s*$/;
const BOLD = /\*\*([^*\n]{1,40})\*\*/g;

/** The last number of the last line, one in bold before the others; none after "per" or "each". */
function lastNumber(answer: string): NumberFound | undefined {
  const before = answer.replace(ASIDE, "");
  if (before !== answer && numbersOf(before).length > 0) return lastNumber(before);
  const line = answer.trimEnd().split("\n").at(-1)!;
  const bold = [...line.matchAll(BOLD)].map(([, content]) => content)
    .filter((content) => /^[^\p{L}\d]{0,4}\d/u.test(content));
  if (bold.length > 0) return numbersOf(bold.at(-1)!)[0];
  const text = answer.replace(/(?<!\p{L})(?:per|every|each) \d[\d.,]*/giu, " ");
  const found = numbersOf(text);
  if (found.length === 0) return numbersOf(answer).at(-1) ?? inWords(answer);
  const last = found.at(-1)!;
  return last.partial ? workedOut(line) ?? last : last;
}

const CORRECTED = new RegExp(
  `(?:^|[.!?\\n] *)${CORRECTION}[^.!?\\n]{0,60}?(?:it['’]s|it is|it should be|should be|must be|that['’]s|make that) ([^\\n]{1,40})`,
  "giu",
);

/** What a later sentence puts in an answer's place: "No, it is 6". */
function correctedNumber(rest: string): NumberFound | undefined {
  const corrected = [...rest.matchAll(CORRECTED)].at(-1);
  return corrected && numbersOf(corrected[1])[0];
}

/**
 * The number that counts; undefined if there is none, or none that stands for itself ("3 or 4",
 * "2 hours 30 minutes", "3 * 4"). `final`: the last that is boxed, tagged, after a key of JSON or
 * announced ("the answer is 42"), else one in bold in the last line, else the last in the text.
 */
export function takenNumber(
  answer: string,
  take: "final" | "last" | "first",
): NumberFound | undefined {
  const boxes = boxesIn(answer);
  if (take !== "final") {
    const found = numbersOf(boxes.at(-1)?.content ?? answer);
    return take === "last" ? found.at(-1) : found[0];
  }
  const number = settledNumber(answer, boxes);
  return number?.partial ? undefined : number;
}

function settledNumber(answer: string, boxes: FinalPlace[]): NumberFound | undefined {
  const places = [...boxes, ...tagsIn(answer), ...membersIn(answer), ...announcedIn(answer)]
    .sort((a, b) => a.end - b.end);
  for (const place of places.reverse()) {
    const number = finalNumber(place);
    const isSecond = boxes.some((box) =>
      box.end < place.start &&
      /^[\s$]*(?:,|;|or|and|\\text\{ ?(?:or|and) ?\})[\s$]*$/.test(
        answer.slice(box.end, place.start),
      )
    );
    if (number && isSecond) return { ...number, partial: true };
    if (number) return correctedNumber(answer.slice(place.start)) ?? number;
  }
  return lastNumber(answer);
}
