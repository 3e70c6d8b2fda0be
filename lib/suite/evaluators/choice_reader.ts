/** Which letter an answer settles on: marks each letter that can be a choice, then reads around it. */
import { boxesIn, membersIn, tagsIn } from "./final_answer.ts";
import * as w from "./choice_words.ts";

/**
 * Marks take a letter's place in the text, from the private use area, so that patterns can name "a
 * choice": a bare capital, one in brackets or bold, one that is a choice only where one is expected
 * (a small letter), and a list of several. Each kind has room for 26 letters.
 */
const BARE = 0xe000, DRESSED = 0xe020, WEAK = 0xe040, SEVERAL = "\ue060";
/** Stands before the mark of what was in a box, a tag or behind a key. */
const FINAL = "\ue061";
const KIND = "[\\ue000-\\ue060]", MARK = `${FINAL}?${KIND}`;
const STRONG = `${FINAL}?[\\ue000-\\ue03f\\ue060]`, IN_BRACKETS = `${FINAL}?[\\ue020-\\ue03f]`;

/** The letter of a mark, null for several and for one that is not offered. */
function letterOf(mark: string): string | null {
  const kind = mark.at(-1)!;
  return kind === SEVERAL ? null : String.fromCharCode(65 + (kind.charCodeAt(0) - BARE) % 32);
}

/** Letters that stand for A, B, C and D in Arabic. */
const ARABIC: Record<string, string> = { "أ": "A", "ا": "A", "ب": "B", "ج": "C", "د": "D" };
/** Cyrillic letters that can be meant for one Latin letter only: В may be the third as well. */
const CYRILLIC: Record<string, string> = { "А": "A", "С": "C" };

const WORD = "\\p{Script=Latin}\\p{Script=Cyrillic}\\p{Script=Greek}\\p{N}_";
const OPENING = "[(\\[{\"'«「『【“‘]", CLOSING = "[)\\]}\"'»」』】”’]";

const STYLED =
  /\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:rm|bf|it|sf|tt|bb)|mbox|emph|bf|rm|bm|boldsymbol|underline|operatorname)\s*\{([^{}]*)\}/g;
const BOLD_LETTER =
  /(?:[*`]|(?<![\p{L}\p{N}])_){1,4}\s?\(?([A-Za-z])(?:\)|([).:]?))(?:[*`]|_(?!\w)){1,4}/gu;

/** LaTeX and Markdown taken away; what was bold around one letter becomes brackets. */
function plain(text: string): string {
  let form = text.normalize("NFKC").replace(/[\u200b-\u200f\u2060\ufeff]/g, "");
  for (let before = ""; before !== form;) {
    before = form;
    form = form.replace(STYLED, "$1");
  }
  return form
    .replace(/\\(?:left|right|displaystyle)(?![a-z])/g, "")
    .replace(/\\(?:[,;:! ]|q?quad)|[~\t\u00a0]/g, " ")
    .replace(/\\[()[\]]|\$+/g, "").replace(/\\&/g, "&")
    .replace(/<br\s*\/?>/gi, "\n")
    .replace(/<\/?(?:b|i|u|strong|em|span|p|div|code|mark|font|center)(?:\s[^>]*)?>/gi, "")
    .replace(/^(?:[\s>]|#+|[-*•][^\S\n]+|\d+[.)][^\S\n]+)+/gm, "")
    .replace(BOLD_LETTER, "($1)$2")
    .replace(/\*+|`+|__/g, "")
    .replace(
      /^ *["'“«]([^"'”»\n]+)["'”»] *$/gm,
      (line, inside) => inside.length > 1 ? inside : line,
    )
    .replace(/[^\S\n]+/g, " ");
}

/** A capital that no word, number, initial, hyphen or unit claims, with a bracket behind it or none. */
const BARE_LETTER = new RegExp(
  `(?<![${WORD}\\\\]|[${WORD}]['’.+#&-])(?!I +\\p{L})([A-Z])` +
    `(?:(\\))|(?![${WORD}+#°♭♯]|['’](?!d[ıiuü]r|t[ıiuü]r)\\p{L}|[-‐‑]\\p{L}| ?\\.\\p{L}|\\. ?[A-Z]\\.| ?=|` +
    ` (?!(?:${w.FOLLOWS}))[${WORD}]))`,
  "gu",
);
const DRESSED_LETTER = new RegExp(`${OPENING}+ ?([A-Za-z]) ?[.:]?${CLOSING}+`, "gu");
const SMALL_LETTER = new RegExp(
  `(?<![${WORD}'’.-])([a-z])(?:(\\))|(?= ?[.,;:!]? ?$|[.:] ))`,
  "gmu",
);

/** The same text with marks in the place of letters that can be a choice. */
function marked(text: string, choices: number): string {
  const mark = (letter: string, base: number) => {
    const place = letter.toUpperCase().charCodeAt(0) - 65;
    return place < choices ? String.fromCharCode(base + place) : SEVERAL;
  };
  return text
    .replace(/(?<!\p{L})[АС](?!\p{L})/gu, (letter) => CYRILLIC[letter])
    .replace(DRESSED_LETTER, (_, letter) => mark(letter, DRESSED))
    .replace(BARE_LETTER, (_, letter, closing) => mark(letter, closing ? DRESSED : BARE))
    .replace(SMALL_LETTER, (_, letter, closing) => mark(letter, closing ? DRESSED : WEAK))
    .replace(/(?<!\p{L})[أابجد](?!\p{L})/gu, (letter) => mark(ARABIC[letter], WEAK));
}

const pattern = (source: string, flags = "giu") => new RegExp(source, flags);
const THE_CHOICE = `(?:${w.THE} ?)?(?:${w.GOOD} ?)?(?:${w.NOUN} ?)?`;
const NOT_BUT = [
  pattern(`${w.NOT} ?((?:${w.IS})?) ?${THE_CHOICE}${STRONG}${w.BUT}${THE_CHOICE}(${MARK})`),
  pattern(`()${STRONG} ?(?:ではなく|가 아니라|이 아니라|değil,?) ?${THE_CHOICE}(${MARK})`),
];
const BUT_NOT = pattern(
  `(${MARK})(?:,? (?:and |but |und |et |y |e |и )?(?:not|rather than|instead of|over|nicht|pas|no|non|não|не)|而不是|,? ?不是) ?${THE_CHOICE}${STRONG}`,
);
const LIST = pattern(
  `${MARK}(?:(?: ?\\()?${w.AND_OR}(?:${w.THE} ?)?(?:${w.NOUN} ?)?${MARK})+`,
);
/** "C is right, and A is wrong" lists nothing. */
const TWO_SENTENCES = pattern(`^${MARK}[,，] ?\\S+ ${MARK}$`, "iu");
/** "A, B and C, B is best": the last is no more of the list. */
const AGAIN = pattern(`,[^\\ue000-\\ue061]*(${MARK})$`, "iu");
const ONE_IS = pattern("^ (?:is|isn['’]t|ist|est|es|è|é)(?!\\p{L})", "iu");

/** "not A but D" is D, "D, not A" is D, "A or D" are several. */
function joined(line: string): string {
  let form = line.replace(QUESTION_AND_ANSWER, "answer: $1");
  for (const turn of NOT_BUT) {
    form = form.replace(
      turn,
      (denied, is, meant) => `${/n['’]t/i.test(denied) ? "is" : is} ${meant}`,
    );
  }
  form = form.replace(/ {2,}/g, " ").trim().replace(BUT_NOT, "$1");
  return form.replace(LIST, (list, at: number) => {
    const letters = new Set(
      [...list.matchAll(pattern(MARK, "gu"))].map(([mark]) => letterOf(mark)),
    );
    if (letters.size === 1) return list;
    const again = AGAIN.exec(list);
    if (again && list.slice(0, again.index).includes(again[1])) return SEVERAL + again[0];
    if (TWO_SENTENCES.test(list) && ONE_IS.test(form.slice(at + list.length))) return list;
    return list.includes(FINAL) ? FINAL + SEVERAL : SEVERAL;
  });
}

/** "A: C", where A stands for the answer. */
const QUESTION_AND_ANSWER = pattern(`^\ue000: ?(${MARK})(?=[ .!]*$)`, "u");

const CLAUSE = `(?:^|[,;:(—–"-] ?|(?:${w.SO}|${w.ANEW}|${
  pattern(
    "(?<!\\p{L})(?:and|that|then|though|although|whereas|believe|think|say|while|because|guess|dass|que|che|что|und|et|y|e)(?!\\p{L})",
  ).source
}),? ?)`;
const NAMED = `(?:${w.GOOD} ?)*${w.NOUN}(?: ${w.GOOD_AFTER})*\\.?`;
const TIE =
  `(?: ?(?:[:=→⇒]|->|=>|—|–|-)+ ?| ?(?:n['’])?(?:${w.NOT} ?)?${w.IS}(?: ?${w.NOT})?(?: ?${w.SURE})*[:,]? ?)`;
/** Nouns that need no verb behind them: "Ответ C." */
const VERBLESS =
  "(?:cevap|yanıt|ответ|вариант|उत्तर|विकल्प|پاسخ|گزینه|答案|正解|答え|정답|답|ans\\.?)";
const END =
  "(?= ?(?:[.,;:!()。、]|$|है|است|şık|['’]d|является|—|-|(?:because|since|as|weil|da|car|porque|perché)(?!\\p{L})))";

const ANNOUNCED = [
  pattern(`(?<mark>${FINAL}${KIND})`),
  pattern(
    `(?:${w.THE} ?|${CLAUSE}(?:question \\d+|q\\d+)? ?|(?<![\\p{Script=Latin}\\p{Script=Cyrillic} 的]))${NAMED}${TIE}${THE_CHOICE}:? ?(?<mark>${MARK})`,
  ),
  pattern(`^(?:${w.GOOD}|result|verdict) ?: ?(?<mark>${MARK})${END}`),
  pattern(`${CLAUSE}(?:${w.THE} ?)?(?:question \\d+|q\\d+): ?(?<mark>${MARK})${END}`),
  pattern(
    `(?:${CLAUSE}|${w.GOOD} ?)(?:${w.THE} ?)?${VERBLESS}(?: ${w.GOOD_AFTER})? ?(?<mark>${MARK})${END}`,
  ),
  pattern(`${w.CHOOSE}(?: with| for)?:? ?${THE_CHOICE}:? ?(?<mark>${MARK})`),
  pattern(`${w.IS} (?:${w.THE} ?)${NAMED} (?<mark>${MARK})${END}`),
  pattern(`^${w.CHOOSE_ORDER}:? ?${THE_CHOICE}(?<mark>${MARK})`),
  pattern(
    `(?:^|[,。:; ]|故|应|應|所以|因此|我|综上所述|答案)(?:选择|选|選):? ?(?<mark>${MARK})`,
  ),
  pattern(`${CLAUSE}(?<mark>${MARK}) ?(?:を選|を選択|을 선택|를 선택|을 고르|를 고르)`),
];
/** What takes a decision back: "Answer: A. Also C." */
const MORE = pattern(
  `^(?:also|or|and|or maybe|or perhaps|auch|oder|aussi|ou|también|o|anche|também)[,:]? ${THE_CHOICE}(?<mark>${STRONG})${END}`,
);
const VERB = `(?:${w.IS}|looks|seems|appears|está|semble|pare|является|dipt)`;
const STATED = pattern(
  `${CLAUSE}${THE_CHOICE}(?<mark>${STRONG}) ?(?:${w.NOUN} ?)?(?:${VERB} ?)?(?:${w.THE} ?)*(?:${w.SURE} ?)*(?:${w.THE} ?)*${w.RIGHT}`,
);
const CONCLUDED = [
  pattern(`${CLAUSE}${w.IT_IS} ?(?:${w.SURE} ?)*${THE_CHOICE}(?<mark>${MARK})${END}`),
  pattern(`${CLAUSE}${w.RIGHT} ${w.IS} ${THE_CHOICE}(?<mark>${MARK})${END}`),
  pattern(`${w.IS} ${THE_CHOICE}(?<mark>${STRONG}) ?${w.RIGHT}`),
  pattern(
    `^(?:${w.SURE}|(?:i|we) (?:think|believe|guess)|by [^,.]{0,40}),? (?<mark>${STRONG})${END}`,
  ),
  pattern(`${w.SO}[,:]? ?${THE_CHOICE}(?<mark>${MARK})${END}`),
  pattern(
    `${w.MATCHES} (?:${w.THE} ?)?(?:(?:${w.GOOD} ?)?${w.NOUN} ?(?<mark>${STRONG})|(?<dressed>${IN_BRACKETS}))`,
  ),
];
const DENIED = pattern(
  `(?<mark>${STRONG}) ?(?:${w.NOUN} ?)?(?:${VERB} ?|が|は|가|는)?(?:(?!(?:because|since|as|for|if|but|and|or|while|when|weil|car|porque)(?!\\p{L}))[^\\s.,;]+ ){0,2}?(?:${w.WRONG}|${w.NOT})`,
);
const WHERE = pattern(`^ ?${w.WHERE}`, "iu");
/** "seems right but is not" */
const BUT_IS_NOT = pattern(
  `^[^.\\ue000-\\ue061]{0,20}${w.ANEW}[^.\\ue000-\\ue061]{0,20}(?:${w.NOT}|${w.WRONG})`,
  "iu",
);
const NEGATIVE = pattern(w.NOT, "iu");
const NEGATIVE_BEHIND = pattern(
  "^ ?(?:ではありません|ではない|でない|じゃない|(?:가|이|는|은) ?아[니닙닌]|değil)",
  "iu",
);
const OPEN = pattern(w.OPEN, "iu"), ANEW = pattern(w.ANEW), IF = pattern(w.IF, "iu");
const WOULD = /would|wäre|serait|sería|sarebbe|seria/i;

/** Whether what a sentence says in a match is said without condition, denial or doubt. */
function isPlain(sentence: string, { index, 0: found }: RegExpExecArray): boolean {
  if (/[?؟]\s*$/.test(sentence)) return false;
  const before = sentence.slice(0, index), behind = sentence.slice(index + found.length);
  const turn = [...before.matchAll(ANEW)].at(-1);
  const since = turn ? before.slice(turn.index + turn[0].length) : before;
  if (OPEN.test(since) || OPEN.test(found.slice(0, -1))) return false;
  if (WOULD.test(found) && IF.test(behind)) return false;
  if (WHERE.test(behind) || BUT_IS_NOT.test(behind)) return false;
  return !NEGATIVE.test(found.slice(0, -1)) && !NEGATIVE_BEHIND.test(behind);
}

/** What one place in the answer says: a letter, or null for several or one that is not offered. */
interface Claim {
  letter: string | null;
  /** Sentence, then place in it. */
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

/** What stands in a box, a tag or a key: a letter, with the text of the choice or alone. */
function claimOf(content: string, choices: number): string | null | undefined {
  const whole = plain(content).trim();
  if (/^\[.*,.*\]$/.test(whole)) return null;
  if (new RegExp(`^[A-${String.fromCharCode(64 + choices)}]{2,}$`).test(whole)) return null;
  const line = joined(marked(whole, choices));
  const led = LED.exec(line);
  if (led) return letterOf(led[1]);
  return claims([line], ANNOUNCED).at(-1)?.letter;
}

const LED = pattern(`^(?:${w.THE} ?)?(?:${w.NOUN}[.:]? ?)?(${MARK})(?=$|[\\s.,:;!)(-]|[–—])`, "iu");
const ALONE = pattern(`^(?:${w.NOUN}[.:]? ?)?(${MARK})[\\s.:;!)。]*$`, "iu");
const WITH_TEXT = pattern(
  `^(?:${w.NOUN} ?)?(?:(${MARK})(?:[.:,;] |[.:]? ?[-–—:]+ |[.:]? ?\\(| (?:because|since|as|weil|da|car|porque|perché|потому)(?!\\p{L}) ?)|(${IN_BRACKETS})[:.]? )(\\S.*)$`,
  "iu",
);
const NOT_A_CHOICE = pattern(
  `^(?:[^\\s.,]+ ){0,3}(?:${w.WRONG}|${w.NOT}|possible|can|could|may|might|maybe)(?!\\p{L})|^(?:${w.WRONG}|${w.NOT})`,
  "iu",
);

/** A line that is a choice: a letter alone, or with the text of the choice behind it. */
function choiceLine(line: string): { mark: string; alone: boolean } | null {
  const alone = ALONE.exec(line);
  if (alone) return { mark: alone[1], alone: true };
  const found = WITH_TEXT.exec(line);
  if (!found || NOT_A_CHOICE.test(found[3])) return null;
  const letters = [...line.matchAll(pattern(MARK, "gu"))].map(([mark]) => letterOf(mark));
  const isListing = letters[0] === "A" &&
    (new Set(letters).size > 2 || pattern(`.${MARK}(?=[.:] )`, "u").test(line));
  return isListing ? null : { mark: found[1] ?? found[2], alone: false };
}

/** Lines of choices: the one letter alone; else the one with its text, first or last. */
function fromLines(lines: string[], alone: boolean): string | null | undefined {
  const found = lines.map(choiceLine);
  const letters = found.flatMap((line) =>
    line && line.alone === alone ? [letterOf(line.mark)] : []
  );
  const different = new Set(letters);
  if (different.size === 0) return undefined;
  const first = found[0], last = found.at(-1);
  if (different.size === 1) {
    if (alone) return letters[0];
    return first || last ? letters[0] : undefined;
  }
  if (alone) return null;
  // the choice, and below it what is wrong with the others
  return first && letters[0] !== "A" && letters.slice(1).every((other) => other !== letters[0])
    ? letters[0]
    : null;
}

const ANNOUNCES = pattern(
  `(?:${w.NOUN}|[:=])(?: ?${w.IS})?(?: ${w.SURE})*[:：]?$`,
  "iu",
);

/** A line that announces and the next, which holds the choice, are one. */
function withNext(lines: string[]): string[] {
  const whole: string[] = [];
  for (const line of lines) {
    const before = whole.at(-1);
    const continues = before !== undefined && ANNOUNCES.test(before) && LED.test(line) &&
      !pattern(MARK, "u").test(before);
    if (continues) whole[whole.length - 1] = `${before}${/[:=]$/.test(before) ? "" : ":"} ${line}`;
    else whole.push(line);
  }
  return whole;
}

const SENTENCE = /(?<=[.!?;؟।]) +|(?<=[。！？])|(?<=\.)$/u;

/** No sentence; what is longer is cut, so that reading takes bounded time. */
const LONGEST = /[^]{1,1000}/gu;

const isAfter = (a: Claim["at"], b: Claim["at"]) => a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);

/** "(D) Neither A nor B" is a choice with its text, not a denied one. */
const isNoOption = ([found]: RegExpExecArray) => !pattern(`^${MARK} ?[A-Z]`, "u").test(found);

function claimsDenied(sentences: string[]): Claim[] {
  return sentences.flatMap((sentence, i) =>
    [...sentence.matchAll(DENIED)].filter(isNoOption).map((match) => ({
      letter: letterOf(match.groups!.mark),
      at: [i, match.index + match[0].length] as [number, number],
    }))
  );
}

/** "Paris (C)": the only letter in the answer, in brackets, in a sentence that asserts. */
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
    !pattern(`${w.NOT}|${w.WRONG}|${w.LOOK}`, "iu").test(sentence)
  );
  return asserted ? letterOf(asserted.mark) : null;
}

/**
 * The letter that an answer settles on; null when it gives none, several, or one beyond the last.
 *
 * What is announced ("the answer is C", also in some twenty other languages), boxed, tagged or
 * behind a key of JSON decides, the last of them; then a line that is a letter alone; then a
 * statement ("C is correct", "so (C)"); then a line that begins with a letter; then the only letter
 * in brackets. What is denied, asked, put under a condition or ascribed to others is no choice.
 */
export function chosenLetter(answer: string, choices: number): string | null {
  let text = answer;
  for (const places of [tagsIn, boxesIn, membersIn]) {
    for (const { start, end, content } of places(text).reverse()) {
      const letter = claimOf(content, choices);
      const mark = letter === null
        ? SEVERAL
        : letter && String.fromCharCode(letter.charCodeAt(0) - 65 + DRESSED);
      text = `${text.slice(0, start)}${mark ? FINAL + mark : " "}${text.slice(end)}`;
    }
  }
  const lines = marked(plain(text), choices).split("\n").map((line) => joined(line))
    .filter((line) => line !== "");
  const sentences = withNext(lines).flatMap((line) => line.split(SENTENCE))
    .flatMap((sentence) => sentence.match(LONGEST) ?? []);
  const announced = claims(sentences, ANNOUNCED).at(-1);
  const stated = claims(sentences, [STATED]);
  if (announced) {
    const denied = claimsDenied(sentences);
    const isTakenBack = [...stated, ...claims(sentences, [MORE])].some(({ letter, at }) =>
      isAfter(at, announced.at) && letter !== announced.letter
    ) || denied.some(({ letter, at }) =>
      isAfter(at, announced.at) && letter === announced.letter
    );
    return isTakenBack ? null : announced.letter;
  }
  const alone = fromLines(lines, true);
  if (alone !== undefined) return alone;
  const concluded = new Set(
    [...stated, ...claims(sentences, CONCLUDED)].map(({ letter }) => letter),
  );
  if (concluded.size > 0) return concluded.size === 1 ? [...concluded][0] : null;
  const line = fromLines(lines, false);
  if (line !== undefined) return line;
  return onlyInBrackets(sentences);
}
