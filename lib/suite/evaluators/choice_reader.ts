/** Finds the letter that an answer settles on, from the text around the marks of possible choices. */
import { boxesIn, membersIn, NEXT_QUESTION, tagsIn } from "./final_answer.ts";
import {
  FINAL,
  finalMark,
  IN_BRACKETS,
  joined,
  KIND,
  letterOf,
  MARK,
  marked,
  pattern,
  plain,
  SEVERAL,
  STRONG,
  THE_CHOICE,
} from "./choice_marks.ts";
import { fromLines, LED, onlyTrueLine, setApart } from "./choice_lines.ts";
import * as w from "./choice_words.ts";

const CLAUSE =
  `(?:^|[,;:(—–"-] ?|(?:on|upon) (?:closer|further|second|careful) \\p{L}+,? |(?:${w.SO}|${w.ANEW}|${
    pattern(
      "(?<!\\p{L})(?:and|that|then|means|implies|shows|suggests|though|although|whereas|believe|think|say|while|because|guess|sure|dass|que|che|что|und|et|y|e)(?!\\p{L})",
    ).source
  })[,、]? ?)`;
const NAMED = `(?:${w.GOOD} ?)*${w.NOUN}(?: ${w.GOOD_AFTER})*\\.?`;
/** "in this case", "to the second question" */
const ABOUT =
  `(?: (?:in|for|to|of|i|im|für|zu|dans|pour|à|para|en|de|nel|per|för|på|till|do|na|voor|op|auf)(?: (?!(?:many|most|some|people|students|key|book|muchos|molti|viele|beaucoup)(?!\\p{L}))\\p{L}+){1,5}?)?`;
const TIE =
  `(?: ?(?:[:=→⇒]|->|=>|—|–|-)+ ?| ?(?:n['’])?(?:${w.NOT} ?)?${w.IS}(?: ?${w.NOT})?(?: ?${w.SURE})*[:,]? ?)`;
/** Nouns that need no verb after them, as in "Ответ C." */
const VERBLESS =
  "(?:cevap|yanıt|ответ|вариант|उत्तर|विकल्प|উত্তর|সমাধান|సమాధానం|பதில்|விடை|jibu|پاسخ|جواب|گزینه|válasz|答案|正解|答え|정답|답|ans\\.?)";
const END =
  "(?= ?(?:[.,;:!()。、]|$|है|ہے|です|である|입니다|이다|است|şık|seçeneğidir|şıkkıdır|['’]d|является|—|-|(?:because|cause|cuz|bc|since|as|imo|tbh|i think|i guess|weil|da|car|porque|perché)(?!\\p{L})))";

const ANNOUNCED = [
  pattern(`(?<mark>${FINAL}${KIND})`),
  pattern(
    `(?:${w.THE} ?|${CLAUSE}(?:question \\d+|[qa]\\d+)? ?|(?<![\\p{Script=Latin}\\p{Script=Cyrillic} 的])|(?<=\\p{Script=Hangul} )(?=정답|답))${NAMED}${ABOUT}${TIE}${THE_CHOICE}:? ?(?<mark>${MARK})`,
  ),
  pattern(
    `^(?:${w.GOOD}|${w.RIGHT}|result|verdict|tl;?dr|in short|summary|bottom line|(?:short|quick|brief) answer|(?:final )?(?:output|prediction|decision|conclusion)|easy|(?:answer )?key|soln?) ?[:–—-] ?${THE_CHOICE}(?<mark>${MARK})${END}`,
  ),
  pattern(`${CLAUSE}(?:${w.THE} ?)?(?:question \\d+|[qa]\\d+): ?(?<mark>${MARK})${END}`),
  pattern(
    `(?:${CLAUSE}|${w.GOOD} ?)(?:${w.THE} ?)?${VERBLESS}(?: ${w.GOOD_AFTER})? ?${THE_CHOICE}(?<mark>${MARK})${END}`,
  ),
  pattern(`${w.CHOOSE}(?: with| for)?:? ?${THE_CHOICE}:? ?(?<mark>${MARK})`),
  pattern(`${w.IS} (?:${w.THE} ?|(?=${w.GOOD}))${NAMED} (?<mark>${MARK})${END}`),
  pattern(`^${w.CHOOSE_ORDER}:? ?${THE_CHOICE}(?<mark>${MARK})`),
  pattern(
    `(?:^|[,。:; 题題]|故|(?<!不)(?:应该?|應該?)|所以|因此|我|综上所述|答案)(?:选择|选|選):? ?(?<mark>${MARK})`,
  ),
  pattern(`${CLAUSE}(?<mark>${MARK}) ?(?:を選|を選択|을 선택|를 선택|을 고르|를 고르)`),
];
/** Takes a decision back: "Answer: A. Also C." */
const MORE = pattern(
  `^(?:also|or|and|or maybe|or perhaps|auch|oder|aussi|ou|también|o|anche|também)[,:]? ${THE_CHOICE}(?<mark>${STRONG})${END}`,
);
/** "so A or B would both do" leaves the choice open. */
const BOTH = pattern(
  `(?<mark>${SEVERAL}) (?:would|could|can|may|might)(?: both| all| each| also)* be (?!${w.WRONG}|${w.NOT})`,
);
const VERB = `(?:${w.IS}|looks|seems|appears|está|semble|pare|является|dipt)`;
const STATED = pattern(
  `${CLAUSE}${THE_CHOICE}(?!${SEVERAL} only)(?<mark>${STRONG})(?:の「[^」]{1,40}」)? ?(?:${w.NOUN} ?)?(?:${VERB} ?)?(?:not only )?(?:${w.THE} ?)*(?:${w.SURE} ?)*(?:${w.THE} ?)*(?:${w.RIGHT}|(?<=${w.THE} )(?:${w.GOOD} )*${w.NOUN})`,
);
/** The choice that is left when the others are ruled out. */
const REMAINS = [
  pattern(
    `(?:^|[,;:(—–] ?|(?:only|so|just|and|then) )(?:only )?${THE_CHOICE}(?<mark>${STRONG}) (?:alone )?${w.LEFT}${END}`,
  ),
  pattern(
    `${w.LEFT}[:,]? (?:us )?(?:with )?(?:only |just )?${THE_CHOICE}(?<mark>${STRONG})(?:,? (?:as ${THE_CHOICE}|is ${w.RIGHT}))?${END}`,
  ),
];
const FITS =
  "(?!(?:is|was|has|does|fails|contradicts|violates|misses|lacks|ignores) )\\p{L}+s(?!\\p{L})";
const FITS_BEST =
  "(?:(?:fits|works|matches|applies) best|makes (?:the )?most sense|comes closest|(?:satisfies|meets|fulfils|fulfills) (?:all|both|every))(?!\\p{L})";
/** "The capital is Paris.", where Paris is a choice. */
export const RESULT_IS = pattern(
  `(?:^|, |${w.SO},? )(?![^\\ue000-\\ue061]{0,60}(?:${w.WRONG}|${w.UNSETTLED}))(?:[^,.:\\ue000-\\ue061]{1,60} )?(?:is|was|are|were|will be|equals|prints|outputs|returns|yields|evaluates to|=|ist|war|est|es|è|é|är|jest) (?<dressed>${IN_BRACKETS})(?=[.!。]?$|,? (?:because|since|as|which|not|rather) )`,
);
const CONCLUDED = [
  pattern(`${CLAUSE}${w.IT_IS} ?(?:${w.SURE} ?)*${THE_CHOICE}(?<mark>${MARK})${END}`),
  pattern(`${CLAUSE}(?:${w.THE} ?)?${w.RIGHT} ?${w.IS} ?${THE_CHOICE}(?<mark>${MARK})${END}`),
  pattern(`${w.IS} ${THE_CHOICE}(?<mark>${STRONG}) ?(?:${w.THE} ?)?${w.RIGHT}`),
  pattern(
    `^(?:${w.ANEW},? )?(?:${w.SURE}|(?:i|we) (?:think|believe|guess)|${w.IF_ASKED}|by [^,.\\ue000-\\ue061]{0,40}|(?:based on|according to|given|of|out of|from) [^,.\\ue000-\\ue061]{1,60},),? (?<mark>${STRONG})${END}`,
  ),
  pattern(`^[^.\\ue000-\\ue061]{1,60}, (?:answer )?${w.NOUN} (?<mark>${STRONG})[.!]?$`),
  pattern(
    `${w.SO},? (?:the )?[^,.:\\ue000-\\ue061]{1,40} ${w.IS} ${w.NOUN} (?<mark>${STRONG})[.!]?$`,
  ),
  pattern(`^(?<mark>${STRONG}) it is[.!]?$`),
  // "the best next step would be B) rest"
  pattern(
    `${w.THE} (?:best|correct|right|most (?:likely|appropriate|suitable|plausible|accurate|probable|reasonable|logical)) (?:(?!${w.WRONG}|${w.COULD_BE}|(?:least|opposite|another|known)(?!\\p{L}))\\p{L}+ ){1,4}${w.IS} (?<mark>${IN_BRACKETS}|${STRONG}${END})`,
  ),
  pattern(`ich (?:würde|werde) ${THE_CHOICE}(?<mark>${MARK}) (?:wählen|nehmen|ankreuzen|sagen)`),
  pattern(`^(?:has to|must|gotta|got to) be ${THE_CHOICE}(?<mark>${MARK})${END}`),
  pattern(`${CLAUSE}only ${THE_CHOICE}(?<mark>${STRONG}) ${FITS}`),
  pattern(`${CLAUSE}${THE_CHOICE}(?<mark>${STRONG}) ${FITS_BEST}`),
  pattern(`${w.SO}[,:]? ?${THE_CHOICE}(?<mark>${MARK})${END}`),
  ...REMAINS,
  // "C is not correct; B is.", "B is, C is not."
  pattern(
    `(?<=(?:${w.NOT}|${w.WRONG})[^.\\ue000-\\ue061]{0,40}[;,] ?(?:(?:but|and|while) )?)${THE_CHOICE}(?<mark>${STRONG}) (?:is|does)[.!]?$`,
  ),
  pattern(
    `^${THE_CHOICE}(?<mark>${STRONG}) (?:is|does)(?=[,;] (?:(?:but|and) )?${STRONG} (?:is|does) not)`,
  ),
  pattern(`(?:^|[,;] ?)${w.CORRECTION}[,:.]? ?${THE_CHOICE}(?<mark>${MARK})${END}`),
  pattern(`^[^\\ue000-\\ue061]*(?:→|⇒|⟹|=>|->) ?${THE_CHOICE}(?<mark>${MARK})[.!]?$`),
  pattern(
    `${w.MATCHES} (?:${w.THE} ?)?(?:(?:${w.GOOD} ?)?${w.NOUN} ?(?<mark>${STRONG})|(?<dressed>${IN_BRACKETS}))`,
  ),
];
/** Such as "Great question! C." */
const LAST = pattern(`^[^\\ue000-\\ue061]*[.!] (?:${w.NOUN} )?(?<mark>${STRONG})[.!]?$`);
const DENIED = pattern(
  `(?<mark>${STRONG}) ?(?:${w.NOUN} ?)?(?:${VERB} ?|が|は|가|는)?(?:(?!(?:because|since|as|for|if|but|and|or|while|when|weil|car|porque)(?!\\p{L}))[^\\s.,;]+ ){0,2}?(?:${w.WRONG}|${w.NOT})`,
);
const WHERE = pattern(`^ ?(?:${w.WHERE}|at first|initially)`, "iu");
/** Such as "seems right but is not" */
const BUT_IS_NOT = pattern(
  `^[^.\\ue000-\\ue061]{0,20}(?:${w.ANEW}|(?:which|that) (?:is|was))[^.\\ue000-\\ue061]{0,20}(?:${w.NOT}|${w.WRONG})`,
  "iu",
);
const NEGATIVE = pattern(w.NOT, "iu");
/** "the one that does not belong is": the negation belongs to the question. */
const ASKED = pattern(
  `(?<!\\p{L})(?:that|which|who) [^,.:\ue000-\ue061]{1,60} (?=(?:is|are|was|were) (?:${w.THE} ?)?$)`,
  "iu",
);
const NEGATIVE_BEHIND = pattern(
  "^ ?(?:ではありません|ではない|でない|じゃない|(?:가|이|는|은) ?아[니닙닌]|değil)",
  "iu",
);
const UNDECIDED = pattern(w.UNDECIDED, "iu");
const OPEN = pattern(w.OPEN, "iu"), ANEW = pattern(w.ANEW), IF = pattern(w.IF, "iu");
const CORRECTS = pattern(`(?:^|[,;] ?)${w.CORRECTION}`, "iu");
/** "A... no, wait": a correction begins a new sentence. */
const TURN = pattern(`(?<=[.…—–;] ?)(?=${w.CORRECTION})`, "iu");
/** "It's A, isn't it?" is not a real question. */
const TAG_QUESTION = /, (?:isn['’]t it|right|correct|no|oder|n['’]est-ce pas|verdad|vero)\?$/i;
/** In "C, but I'm not sure" the choice is C. */
const UNSURE =
  /(?:,| —| -)? ?(?:but|though|although) (?:i['’]?m|i am) not (?:(?:100 ?%|entirely|completely|totally|fully|absolutely|very|too|so|really|quite) )?(?:sure|certain|confident|positive)(?: (?:about|of) (?:it|this|that))?(?=[.!]?$)/i;
const GUESS = pattern(w.IF_ASKED);
const WOULD = /would|wäre|serait|sería|sarebbe|seria/i;

/** Whether the sentence asserts the matched claim, without condition, denial or doubt. */
function isPlain(sentence: string, { index, 0: found }: RegExpExecArray): boolean {
  if (/[?؟]\s*$/.test(sentence)) return false;
  const before = sentence.slice(0, index), behind = sentence.slice(index + found.length);
  const said = before + found.slice(0, -1);
  const turn = [...said.matchAll(ANEW)].at(-1);
  const since = turn ? said.slice(turn.index + turn[0].length) : said;
  if (OPEN.test(since.replace(GUESS, ""))) return false;
  if (WOULD.test(found) && IF.test(behind)) return false;
  if (WHERE.test(behind) || BUT_IS_NOT.test(behind)) return false;
  return !NEGATIVE.test(found.slice(0, -1).replace(CORRECTS, "").replace(ASKED, "")) &&
    !NEGATIVE_BEHIND.test(behind);
}

/** A claim at one place in the answer: a letter, or null for several or one that is not offered. */
interface Claim {
  letter: string | null;
  /** Index of the sentence, then the position in it. */
  at: [number, number];
}

function claims(sentences: string[], patterns: RegExp[]): Claim[] {
  const found: Claim[] = sentences.flatMap((sentence, i) =>
    patterns.flatMap((pattern) =>
      [...sentence.matchAll(pattern)].filter((match) => isPlain(sentence, match)).map((match) => ({
        letter: letterOf(match.groups!.mark ?? match.groups!.dressed),
        at: [i, match.index + match[0].length] as [number, number],
      }))
    )
  );
  return found.sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1]);
}

/**
 * The choice in a box, a tag or a JSON value: a letter, by itself or with the text of the choice; null
 * for several, undefined for none.
 */
function claimOf(content: string, choices: number, mark: Marking): string | null | undefined {
  const whole = plain(content.replace(/<\/?[a-z_]+>/gi, "\n")).trim();
  if (/^\[.*,.*\]$/.test(whole)) return null;
  if (new RegExp(`^[A-${String.fromCharCode(64 + choices)}]{2,}$`).test(whole)) return null;
  const line = joined(mark(whole, choices));
  const led = LED.exec(line);
  if (led) return letterOf(led[1]);
  return claims([line], ANNOUNCED).at(-1)?.letter;
}

const ANNOUNCES = pattern(
  `(?:${w.NOUN}|[:=])(?: ?${w.IS})?(?: ${w.SURE})*[:：]?$`,
  "iu",
);

/** Joins a line that announces a choice and the next line, which holds it. */
function withNext(lines: string[]): string[] {
  const whole: string[] = [];
  for (const [i, line] of lines.entries()) {
    const before = whole.at(-1);
    // "The options are:", followed by all of them
    const isList = letterOf(LED.exec(line)?.[1] ?? SEVERAL) === "A" && lines[i + 2] !== undefined &&
      ["B", "C"].every((letter, j) =>
        letterOf(LED.exec(lines[i + 1 + j])?.[1] ?? SEVERAL) === letter
      );
    const continues = !isList && before !== undefined && ANNOUNCES.test(before) && LED.test(line) &&
      !pattern(MARK, "u").test(before);
    const next = LED.exec(lines[i + 1] ?? "");
    const isSeveral = continues && next !== null &&
      (pattern(`(?:${w.PLURAL})[^\\p{L}]*$`, "iu").test(before) ||
        [line, lines[i + 1]].every((each) => pattern(`^${MARK}[.)]?$`, "u").test(each))) &&
      letterOf(next[1]) !== letterOf(LED.exec(line)![1]);
    if (isSeveral) whole[whole.length - 1] = `${before} ${SEVERAL}`;
    else if (continues) {
      whole[whole.length - 1] = `${before}${/[:=]$/.test(before) ? "" : ":"} ${line}`;
    } else whole.push(line);
  }
  return whole;
}

const SENTENCE =
  /(?<=[.!?;؟।])(?<!\b(?:i\.e|e\.g|approx|cf|vs|viz|z\.B|d\.h)\.) +|(?<=[。！？])|(?<=\.)$/u;

/** No sentence is longer. Longer text is cut, so that reading takes bounded time. */
const LONGEST = /[^]{1,1000}/gu;

const isAfter = (a: Claim["at"], b: Claim["at"]) => a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);

/** "(D) Neither A nor B" is a choice with its text, not a denied choice. */
const isNoOption = ([found]: RegExpExecArray) => !pattern(`^${MARK} ?[A-Z]`, "u").test(found);

/**
 * The last claim of any form in sentences that begin with "wait" or "no," after an earlier claim. When
 * they contain no claim but another letter, the earlier claim is taken back.
 */
function correction(sentences: string[], before: Claim): Claim | undefined {
  const from = sentences.findIndex((sentence, i) => i > before.at[0] && CORRECTS.test(sentence));
  if (from < 0) return undefined;
  const rest = sentences.map((sentence, i) => i < from ? "" : sentence);
  const found = claims(rest, [...ANNOUNCED, STATED, ...CONCLUDED]).at(-1);
  if (found) return found;
  const others = new Set(lettersIn(rest.join(" ")).filter((letter) => letter !== before.letter));
  if (others.size === 0) return undefined;
  return { letter: null, at: [sentences.length, 0] };
}

const lettersIn = (text: string) =>
  [...text.matchAll(pattern(STRONG, "gu"))].map(([mark]) => letterOf(mark));

function claimsDenied(sentences: string[]): Claim[] {
  return sentences.flatMap((sentence, i) =>
    [...sentence.matchAll(DENIED)].filter(isNoOption).map((match) => ({
      letter: letterOf(match.groups!.mark),
      at: [i, match.index + match[0].length] as [number, number],
    }))
  );
}

/** "Paris (C)": the only letter in the answer, in brackets, in an assertion. */
function onlyInBrackets(sentences: string[]): string | null {
  const marks = sentences.flatMap((sentence) =>
    [...sentence.matchAll(pattern(STRONG, "gu"))].map((match) => ({
      sentence,
      match,
      mark: match[0],
    }))
  );
  if (new Set(marks.map(({ mark }) => letterOf(mark))).size !== 1) return null;
  const [asserted] = marks.filter(({ sentence, match, mark }) =>
    pattern(IN_BRACKETS, "u").test(mark) && isPlain(sentence, match) &&
    !pattern(`${w.NOT}|${w.WRONG}|${w.LOOK}|${w.UNSETTLED}`, "iu").test(sentence)
  );
  return asserted ? letterOf(asserted.mark) : null;
}

/**
 * The letter that an answer settles on; null when it names none, several, or one beyond the last.
 *
 * The last choice that is announced ("the answer is C", also in some twenty other languages), boxed,
 * tagged or a JSON key's value decides. Without one, the order is: a line that is a single letter, a
 * statement ("C is correct", "so (C)"), a line that begins with a letter, the only letter in brackets. A
 * choice that is denied, asked about, conditional or ascribed to others does not count.
 */
export function chosenLetter(answer: string, choices: number): string | null {
  return readChoice(answer, choices, marked) ?? null;
}

/** Replaces the choices in a plain text by marks. */
export type Marking = (text: string, choices: number) => string;

/**
 * Like {@linkcode chosenLetter}, with the given marks; undefined when the answer says nothing about any
 * choice.
 *
 * @param counts whether a choice is chosen when it is only mentioned, and no other is.
 */
export function readChoice(
  answer: string,
  choices: number,
  mark: Marking,
  counts: (letter: string) => boolean = () => true,
): string | null | undefined {
  const next = NEXT_QUESTION.exec(answer);
  const own = next && readChoice(answer.slice(0, next.index), choices, mark, counts);
  if (own) return own;
  let text = answer;
  for (const places of [tagsIn, boxesIn, membersIn]) {
    for (const { start, end, content } of places(text).reverse()) {
      const letter = claimOf(content, choices, mark);
      const found = letter === undefined ? " " : finalMark(letter);
      text = `${text.slice(0, start)}${found}${text.slice(end)}`;
    }
  }
  const lines = mark(plain(text), choices).split("\n").map((line) => joined(line))
    .filter((line) => line !== "");
  const sentences = withNext(lines).flatMap((line) => line.split(SENTENCE))
    .flatMap((sentence) => sentence.split(TURN))
    .flatMap((sentence) =>
      sentence.replace(TAG_QUESTION, ".").replace(UNSURE, "").match(LONGEST) ?? []
    );
  const sayings = claims(sentences, ANNOUNCED);
  const [earlier, said] = [sayings.at(-2), sayings.at(-1)];
  const stated = claims(sentences, [STATED]);
  const announced = said && (correction(sentences, said) ?? said);
  if (announced) {
    // two in a row that differ, with nothing between them that says why
    const isAgainst = earlier && earlier.letter !== said.letter && announced === said &&
      said.at[0] - earlier.at[0] === 1 && !CORRECTS.test(sentences[said.at[0]]) &&
      new Set(lettersIn(sentences[earlier.at[0]])).size === 1;
    const isOpen = sentences.some((sentence, i) => i > announced.at[0] && UNDECIDED.test(sentence));
    if (isAgainst || isOpen) return null;
    const denied = claimsDenied(sentences);
    const isTakenBack = [...stated, ...claims(sentences, [MORE, BOTH])].some(({ letter, at }) =>
      isAfter(at, announced.at) && letter !== announced.letter
    ) || denied.some(({ letter, at }) =>
      isAfter(at, announced.at) && letter === announced.letter
    );
    return isTakenBack ? null : announced.letter;
  }
  const alone = fromLines(lines, true);
  if (alone) return alone;
  const judged = onlyTrueLine(lines);
  if (judged !== undefined) return judged;
  const apart = setApart(answer, choices);
  if (apart) return apart;
  if (alone === null) return null;
  const conclusions = [...stated, ...claims(sentences, CONCLUDED), ...claims(lines, [LAST])]
    .concat(mark === marked ? [] : claims(sentences, [RESULT_IS]));
  const concluded = new Set(conclusions.map(({ letter }) => letter));
  if (concluded.size > 0) {
    const corrected = correction(sentences, conclusions[0]);
    if (corrected) return corrected.letter;
  }
  if (concluded.size > 0) return concluded.size === 1 ? [...concluded][0] : null;
  const line = fromLines(lines, false);
  if (line !== undefined) return line;
  const only = onlyInBrackets(sentences);
  return only !== null && counts(only) ? only : undefined;
}
