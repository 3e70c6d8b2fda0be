/** numeric: the number that an answer settles on is the expected one. */
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { verdict } from "./verdict.ts";
import {
  announcedIn,
  boxesIn,
  type FinalPlace,
  membersIn,
  NEXT_QUESTION,
  tagsIn,
} from "./final_answer.ts";
import { CORRECTION, SO } from "./choice_words.ts";
import { type NumberFound, numbersOf } from "./numbers.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  expected: z.number(),
  /** Largest absolute difference. */
  tolerance: z.number().min(0).default(1e-9),
  /** Largest difference as a share of the expected value. */
  relative_tolerance: z.number().min(0).default(0),
  /** Which number counts. "last" and "first" look in the last box if there is one. */
  take: z.enum(["final", "last", "first"]).default("final"),
  /** How to read "25 %": as the number 25, as the share 0.25, or as either. */
  percent: z.enum(["either", "number", "share"]).default("either"),
});

type Options = z.infer<typeof options>;

export const numeric: Evaluator<Options> = {
  name: "numeric",
  options: options as z.ZodType<Options>,
  prepare({ expected, tolerance, relative_tolerance }) {
    if (Math.abs(expected) > Number.MAX_SAFE_INTEGER && tolerance < 1 && relative_tolerance === 0) {
      throw new InputError(
        `expected: ${expected} is above 2^53, where a number here loses its last digits; ` +
          'give a relative_tolerance, or use "math", which compares all digits of a text',
      );
    }
    return Promise.resolve();
  },
  evaluate({ response_text }, { expected, tolerance, relative_tolerance, take, percent }) {
    const found = takenNumber(response_text, take);
    if (found === undefined) return verdict("numeric", false, "no single number in the answer");
    const allowed = Math.max(tolerance, relative_tolerance * Math.abs(expected));
    const values = [found.value, ...(found.about === undefined ? [] : [found.about])];
    const readings = !found.percent || percent === "number"
      ? values
      : percent === "share"
      ? values.map((value) => value / 100)
      : values.flatMap((value) => [value, value / 100]);
    const passed = readings.some((value) => Math.abs(value - expected) <= allowed);
    const said = `${found.value}${found.percent ? " %" : ""}`;
    return verdict("numeric", passed, `${said}, expected ${expected}`);
  },
};

/** Converts a number in words to the form of one in digits. */
function inWords(text: string): NumberFound | undefined {
  const values = wordNumbersIn(text), value = values.at(-1);
  const partial = values.length > 1 && /(?<!\p{L})(?:either|or)(?!\p{L})/iu.test(text);
  if (value === undefined) return chineseNumber(text);
  return { value, percent: false, partial, start: 0, end: 0 };
}

/** The number of a final answer: after the last "=", else at its beginning, else the last one. */
function finalNumber({ content, leads }: FinalPlace): NumberFound | undefined {
  const equal = content.lastIndexOf("=");
  const result = numbersOf(`=${content.slice(equal + 1)}`);
  if (equal === -1) return result.at(leads ? 0 : -1) ?? inWords(content);
  return workedOut(content) ?? result[0] ?? numbersOf(content).at(-1);
}

/** The computed side of "12 = 3 * 4". */
function workedOut(content: string): NumberFound | undefined {
  const equal = content.lastIndexOf("=");
  if (equal === -1 || !numbersOf(`=${content.slice(equal + 1)}`)[0]?.partial) return undefined;
  return numbersOf(content.slice(0, equal)).at(-1);
}

/** A last sentence in brackets. */
const ASIDE = /(?<=[.!?]\s{1,9})\([^()]{1,500}[.!?]\)\s*$/;
/** What a model asks or offers at the end of an answer. */
const OFFER =
  /(?<=^|[.!?\n]\s{0,9})(?:[^.!?\n]{0,500}\?|(?:let me know|feel free|if you(?:['’]d)? )[^\n]{0,300})$/i;
const LONGEST_OFFER = 500;

function withoutOffer(answer: string): string {
  const text = answer.trim();
  return text.slice(0, -LONGEST_OFFER) + text.slice(-LONGEST_OFFER).replace(OFFER, "");
}

/** The marker of a list item. */
const ITEM = /^[ \t]{0,20}\d{1,2}[.)]\s+(?=\p{L})/gmu;
/** Numbers that qualify others: per what, since when or how often. */
const AROUND =
  /(?<!\p{L})(?:(?:per|every|each|(?:each )?of (?:the|his|her|their|its|these|those)|after) \d[\d.,]*|out of (?:the|his|her|their|an?) (?:\p{L}+ )?\d[\d.,]*|(?:after|before|including|excluding) (?!(?:an? |the )?(?:total|sum))(?:\p{L}+ ){1,3}of \$?\d[\d.,]*%?|(?:in|by|since|until|during) (?:the year )?(?:19|20)\d\d(?![\d.,]*\d))/giu;
/** The end of a text that was cut off. */
const BROKEN_OFF =
  /(?:(?<!\p{L})(?:from|by|of|to|is|are|was|were|the|an?|and|plus|minus|times|with|than|equals|gives|get|has|have|subtract|add|multiply|divide)|[=+×÷])\s*$/u;
/** A sentence that only says what the result is not. */
const DENIED =
  /(?<!\p{L})(?:(?:is|was|ist|est)(?: \p{L}{1,12})? (?:not|never|nicht|pas)|isn['’]t|wasn['’]t|n['’]est pas|(?:cannot|can['’]t) be)(?: equal to)? \**[$€£]?[-−]?\d[\d.,]{0,40}(?: \p{L}{1,20})?[.!*\s]{0,9}$/iu;
/** Text that only explains or checks the result before it. */
const EXPLAINED =
  /(?:\n\s*|(?<=[.!]) +)(?:\W{0,3}(?:explanation|reason(?:ing)?|note|check(?:ing)?|verification|why|justification)\W{0,3}[:\n]|because )/i;
const GIVEN_FIRST =
  /^(?:\W*\d[^\n]*(?:\n|[.!] +because )|[^\n.]{0,100}\d[^\n.]{0,100}\.? +explanation:)/i;
const TRIED =
  /(?<=[.!\n]\s{1,9})(?:(?:let me|let['’]s|we can|i(?:['’]ll| will)?|to) (?:quickly )?(?:double[- ]?check|check|verify)(?: (?:this|that|it|by|(?:the|my|our) (?:answer|result|work|math|calculation)))*[:,. ]*(?=[:,.—–-]|\n|$|\d)|(?:check|verification|double-check) ?:)/i;
const TURNS = /(?<!\p{L})(?:answer|actually|wait|oops|wrong|instead|should)(?!\p{L})/iu;
const CONCLUDES = new RegExp(`${TURNS.source}|${SO}|(?<!\\p{L})(?:no|but)(?!\\p{L})`, "iu");
/** Two results under conditions: "$43 if it applies before tax; if after, $44" */
const IN_EITHER_CASE =
  /(?<!\p{L})(?:if|assuming)(?!\p{L})[^.;\n]*(?:\.\d[^.;\n]*)*\d[^;\n]*?(?:(?:[;.]|,? (?:but|or))\s+(?:(?:and|or|but) )?(?:if|assuming)|[;,.]?\s+(?:and )?(?:otherwise|if not))(?!\p{L})[^\n]*\d/iu;
/** The same value again in another unit: "90 minutes (1.5 hours)". */
const RESTATED =
  /(?<=\d[^.()\n]{0,40})\s\((?:or|i\.e\.,?|that is|about|approximately|equivalently|which is|≈|=)?\s?[-$€£]?\d(?![^()]*(?:total|altogether|in all))[^()=%\n]*\)(?=[.!]?$)|(?<=\d[^.()\n]{0,40})\s\((?:since|because|as|from|out of|instead of|rather than|not) [^()\n]*\)(?=[.!]?$)|(?<=\d[^.,()\n]{0,40}) after \p{L}+ing [^.\n]*(?=[.!]?$)|(?<=\d[^.,()\n]{0,40}), which is (?:about |only )?[$€£]?\d[\d.,]*%? ?(?:\p{L}+ )?(?:of|more|less|fewer|times|percent|above|below)(?!\p{L})[^.\n]*(?=[.!]?$)/iu;
/** A total before its parts: "72 in total: 48 and 24" */
const TOTAL_FIRST = /(?<number>\d[\d.,]*)(?: \p{L}+){0,3} (?:in total|altogether|in all) ?[:(—–]/iu;
const BOLD = /\*\*([^*\n]{1,40})\*\*/g;

/**
 * The number in the first line if that line has nothing else; otherwise the last number of the last line.
 * Numbers in bold come first, and numbers after "per" or "of the" do not count.
 */
function lastNumber(answer: string): NumberFound | undefined {
  if (BROKEN_OFF.test(answer) || DENIED.test(answer)) return undefined;
  const tried = TRIED.exec(answer);
  const explained = GIVEN_FIRST.test(answer) ? EXPLAINED.exec(answer) : null;
  const aside = explained ?? tried;
  if (aside && !(explained ? TURNS : CONCLUDES).test(answer.slice(aside.index))) {
    const settled = settledNumber(answer.slice(0, aside.index).trim(), []);
    if (settled) return settled;
  }
  const before = answer.replace(ASIDE, "");
  if (before !== answer && numbersOf(before).length > 0) return lastNumber(before);
  const whole = withoutOffer(withoutOffer(answer)).replace(ITEM, "").trim()
    .replace(RESTATED, "");
  const [first] = whole.split("\n", 1);
  if (first !== whole && !/\p{L}|=/u.test(first) && numbersOf(first).length === 1) {
    return numbersOf(first)[0];
  }
  const line = whole.split("\n").at(-1)!;
  const total = TOTAL_FIRST.exec(line);
  if (total) return numbersOf(total.groups!.number).at(-1);
  if (IN_EITHER_CASE.test(line.slice(-LONGEST_OFFER))) return undefined;
  const bold = [...line.matchAll(BOLD)].map(([, content]) => content)
    .filter((content) => /^[^\p{L}\d]{0,4}\d/u.test(content));
  if (bold.length > 0) return numbersOf(bold.at(-1)!)[0];
  const found = numbersOf(whole.replace(AROUND, " "));
  if (found.length === 0) return numbersOf(whole).at(-1) ?? inWords(whole);
  const last = found.at(-1)!;
  return last.partial ? workedOut(line) ?? last : last;
}

const CORRECTED = new RegExp(
  `(?:^|[.!?\\n] *)${CORRECTION}[^.!?\\n]{0,60}?(?:it['’]s|it is|it should be|should be|must be|that['’]s|make that) ([^\\n]{1,40})`,
  "giu",
);

/** The number in a later correction: "No, it is 6". */
function correctedNumber(rest: string): NumberFound | undefined {
  const corrected = [...rest.matchAll(CORRECTED)].at(-1);
  return corrected && numbersOf(corrected[1])[0];
}

/**
 * The number that counts; undefined if there is none, or only numbers that do not count by themselves ("3
 * or 4", "2 hours 30 minutes", "3 * 4"). `final`: the last one that is boxed, tagged, a JSON key's value
 * or announced ("the answer is 42"), else one in bold in the last line, else the last in the text.
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

/** A result in letters, which no other number in the text replaces. */
const EXPRESSION = /\\[dtc]?frac|\\sqrt|^[^\p{L}]*[a-z](?:\s*[-+*/^=]|\s*$)/iu;
/** Terms such as "3x" and "2\sqrt{n}", without an equals sign. */
const TIMES_LETTER = /^[^=]*\d(?:[xyzn](?![\p{L}\d])|\s?\\sqrt\s*\{[^{}]{0,200}[a-z])[^=]*$/iu;

function settledNumber(answer: string, boxes: FinalPlace[]): NumberFound | undefined {
  const announced = announcedIn(answer)
    .filter(({ start, end }) => !DENIED.test(answer.slice(start, end)));
  const places = [...boxes, ...tagsIn(answer), ...membersIn(answer), ...announced]
    .sort((a, b) => a.end - b.end);
  const next = NEXT_QUESTION.exec(answer);
  if (next) {
    const own = answer.slice(0, next.index);
    const number = places.some(({ end }) => end <= next.index) || /^[^\p{L}\n]*\d/u.test(own)
      ? settledNumber(own, boxesIn(own))
      : undefined;
    if (number) return number;
  }
  for (const [i, place] of places.reverse().entries()) {
    const number = finalNumber(place);
    const earlier = places[i + 1];
    // two in a row that differ, with nothing between them that says why
    const isAgainst = number && earlier && earlier.end < place.start &&
      /^[\s.*_]*$/.test(answer.slice(earlier.end, place.start)) &&
      finalNumber(earlier)?.value !== number.value;
    const isBroken = place.end >= answer.trimEnd().length && BROKEN_OFF.test(place.content);
    if (number && (isAgainst || isBroken)) return { ...number, partial: true };
    const isSecond = boxes.some((box) =>
      box.end < place.start &&
      /^[\s$]*(?:,|;|or|and|\\text\{ ?(?:or|and) ?\})[\s$]*$/.test(
        answer.slice(box.end, place.start),
      )
    );
    if (number && isSecond) return { ...number, partial: true };
    if (boxes.includes(place) && (number ? TIMES_LETTER : EXPRESSION).test(place.content)) {
      return undefined;
    }
    if (number) return correctedNumber(answer.slice(place.start)) ?? number;
  }
  return lastNumber(answer);
}

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
    .split(" ");
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const SCALES = ["thousand", "million", "billion", "trillion"];

const UNIT = `(?:${SMALL.join("|")})`, TEN = `(?:${TENS.join("|")})`;
const BELOW_100 = `(?:${TEN}(?:[ -]${UNIT})?|${UNIT})`;
const BELOW_1000 = `(?:(?:${UNIT}|an?) hundred(?:(?: and)? ${BELOW_100})?|${BELOW_100})`;
const WHOLE = `(?:(?:${BELOW_1000}|an?) (?:${
  SCALES.join("|")
})(?:,? (?:and )?)?)*(?:${BELOW_1000})?`;
const PHRASE = new RegExp(
  `(?<![\\p{L}\\p{N}-])(?<sign>minus |negative )?(?:(?<dozen>a dozen)|(?<half>(?:one |a )half)|(?<whole>${WHOLE})(?<and_half> and a half)?)(?![\\p{L}\\p{N}]|-\\p{L})`,
  "giu",
);

/** The value of a phrase such as "two thousand three hundred and five". */
function valueOf(phrase: string): number {
  let total = 0, group = 0;
  for (const word of phrase.toLowerCase().split(/[\s,-]+/)) {
    if (SMALL.includes(word)) group += SMALL.indexOf(word);
    else if (TENS.includes(word)) group += 20 + 10 * TENS.indexOf(word);
    else if (word === "a" || word === "an") group = 1;
    else if (word === "hundred") group *= 100;
    else if (SCALES.includes(word)) {
      total += group * 1000 ** (1 + SCALES.indexOf(word));
      group = 0;
    }
  }
  return total + group;
}

/**
 * The numbers written as words in a text, in order. A bare "one" is usually a pronoun, so it counts only
 * when the text says nothing else.
 */
function wordNumbersIn(text: string): number[] {
  if (/^\W*half\W*$/i.test(text)) return [0.5];
  const isOne = /^\W*one\W*$/i.test(text);
  return [...text.matchAll(PHRASE)].flatMap(({ 0: phrase, groups }) => {
    const { sign, dozen, half, whole, and_half } = groups!;
    if (phrase.trim() === "" || (/^one$/i.test(phrase) && !isOne)) return [];
    const value = dozen ? 12 : half ? 0.5 : valueOf(whole) + (and_half ? 0.5 : 0);
    return [sign ? -value : value];
  });
}

const HAN_DIGITS = "零一二三四五六七八九",
  HAN_SCALES: Record<string, number> = {
    十: 10,
    百: 100,
    千: 1000,
    万: 1e4,
    亿: 1e8,
  };
/** Chinese fractions, ordinals and words with a number's character, which do not count as numbers. */
const HAN_NO_NUMBER =
  /[零一二两三四五六七八九十百]{1,9}分之[零一二两三四五六七八九十百]{1,9}|第[零一二两三四五六七八九十百]{1,9}|(?:星期|周|礼拜)[一二三四五六]|[一二三四五六七八九十]{1,3}[月日号]|一(?:共|起|样|般|些|定|直|下|边|旦|步|切|次性|方面)|(?:统|唯|之|同|另|每)一|万一|十分/g;
const HAN_NUMBER =
  /(?<sign>负)?(?<digits>[零一二两三四五六七八九十百千万亿]+)(?=[\p{Script=Han}つ]|[\s。！.!*]*$)/gu;

/** The last number in Chinese characters: 三十五 is 35. A bare 一 does not count, like a bare "one". */
function chineseNumber(text: string): NumberFound | undefined {
  const last = [...text.replace(HAN_NO_NUMBER, " ").matchAll(HAN_NUMBER)].at(-1)?.groups;
  // 三四个 and 三到五个 are one of several
  if (
    /[一二三四五六七八九]{2}|[零一二三四五六七八九十](?:到|至|或|或者)[一二三四五六七八九十]/.test(
      text,
    )
  ) {
    return undefined;
  }
  if (!last || !/[零一二两三四五六七八九十]/.test(last.digits) || last.digits === "一") {
    return undefined;
  }
  let total = 0, group = 0, digit = 0;
  for (const character of last.digits.replaceAll("两", "二")) {
    const scale = HAN_SCALES[character];
    if (scale === undefined) digit = HAN_DIGITS.indexOf(character);
    else if (scale < 1e4) {
      group += (digit || 1) * scale;
      digit = 0;
    } else {
      total = (total + group + digit) * scale;
      group = digit = 0;
    }
  }
  const value = total + group + digit;
  return { value: last.sign ? -value : value, percent: false, start: 0, end: 0 };
}
