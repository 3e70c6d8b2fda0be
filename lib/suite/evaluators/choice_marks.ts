/** Replaces each letter in an answer that can be a choice by a mark. */
import * as w from "./choice_words.ts";

/**
 * A mark replaces the letter in the text. Marks are in the private use area, so that patterns can match
 * "a choice" in one of these kinds: a bare capital; a letter in brackets or bold; a small letter, which
 * is a choice only where one is expected; and a list of several. Each kind has room for 26 letters.
 */
const BARE = 0xe000, DRESSED = 0xe020, WEAK = 0xe040;
export const SEVERAL = "\ue060";
/** The mark of a letter in brackets. */
export const dressed = (letter: string) => String.fromCharCode(letter.charCodeAt(0) - 65 + DRESSED);
/** Precedes the mark of a letter from a box, a tag or a JSON key's value. */
export const FINAL = "\ue061";
export const KIND = "[\\ue000-\\ue060]", MARK = `${FINAL}?${KIND}`;
export const STRONG = `${FINAL}?[\\ue000-\\ue03f\\ue060]`,
  IN_BRACKETS = `${FINAL}?[\\ue020-\\ue03f]`;

/** The letter of a mark; null for a list of several or a letter that is not offered. */
export function letterOf(mark: string): string | null {
  const kind = mark.at(-1)!;
  return kind === SEVERAL ? null : String.fromCharCode(65 + (kind.charCodeAt(0) - BARE) % 32);
}

/** The mark of a letter from a box, a tag or a JSON key's value; null means several. */
export function finalMark(letter: string | null): string {
  return FINAL +
    (letter === null ? SEVERAL : dressed(letter));
}

/** Arabic letters that stand for A, B, C and D. */
const ARABIC: Record<string, string> = { "أ": "A", "ا": "A", "ب": "B", "ج": "C", "د": "D" };
/**
 * Cyrillic letters that can mean only one Latin letter: В could also be the third letter of its alphabet.
 */
const CYRILLIC: Record<string, string> = { "А": "A", "С": "C" };

const WORD = "\\p{Script=Latin}\\p{Script=Cyrillic}\\p{Script=Greek}\\p{N}_";
const OPENING = "[(\\[{<⟨〈\"'«「『【“‘]", CLOSING = "[)\\]}>⟩〉\"'»」』】”’]";

const STYLED =
  /\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:rm|bf|it|sf|tt|bb)|mbox|emph|bf|rm|bm|boldsymbol|underline|operatorname)\s*\{([^{}]*)\}/g;
/** Text that was crossed out. */
const STRUCK = /~~[^~\n]+~~|<(del|s|strike)>[^<]*<\/\1>/gi;
const BOLD_LETTER =
  /(?:[*`]|(?<![\p{L}\p{N}])_){1,4}\s?\(?([A-Za-z])(?:\)|([).:]?))(?:[*`]|_(?!\w)){1,4}/gu;

/** Removes LaTeX and Markdown; bold around a single letter becomes brackets. */
export function plain(text: string): string {
  let form = text.replace(STRUCK, " ").replace(/<\|(?:final_?)?answer\|>/gi, "answer: ")
    .replace(/<\|\w+\|>|<\/?(?:li|ul|ol|td|tr|output|response)(?:\s[^>]*)?>/gi, "\n")
    .replace(/🅰\ufe0f?/gu, "A").replace(/🅱\ufe0f?/gu, "B").normalize("NFKC").replace(
      /[\u200b-\u200f\u2060\ufeff\u064b-\u0655]|(?<=\p{L})\[\d+\]/gu,
      "",
    ).replaceAll("ۀ", "ه")
    .replace(/[{,]\s*"([A-Z])"\s*:\s*(true|false)\s*\}?/g, "\n$1: $2");
  for (let before = ""; before !== form;) {
    before = form;
    form = form.replace(STYLED, "$1");
  }
  return form
    .replace(/\\(?:left|right|displaystyle)(?![a-z])/g, "")
    .replace(/\\[dtc]?frac\s*(?:\{(-?\d+)\}\s*\{(\d+)\}|(\d)(\d))/g, "$1$3/$2$4")
    .replace(/\\(?:[,;:! ]|q?quad)|[~\t\u00a0]/g, " ")
    .replace(/\\[()[\]]|\$+/g, "").replace(/\\&/g, "&")
    .replace(/<br\s*\/?>/gi, "\n")
    .replace(/【(\p{Script=Han}{1,4}|정답|답)】/gu, "\n$1: ")
    .replace(/^ *\|(.*)\| *$/gm, (_, cells) => cells.replaceAll("|", " - "))
    .replace(/^([-*•\s]*)\[[xX✓✔]\] +(?=\S)| *☑ */gm, "\n$1✅ ")
    .replace(/^([-*•\s]*)\[ ?\] +(?=\S)| *☐ */gm, "\n$1❌ ")
    .replace(/<\/?(?:b|i|u|strong|em|span|p|div|code|mark|font|center)(?:\s[^>]*)?>/gi, "")
    .replace(
      /^(?:[\s>]|#+|[-*•][^\S\n]+|\d+[.)][^\S\n]+|(?![✅✓✔❌✗✘✖])\p{Extended_Pictographic}\ufe0f?(?=\D))+/gmu,
      "",
    )
    .replace(BOLD_LETTER, "($1)$2")
    .replace(/\*+|`+|__/g, "")
    .replace(
      /^ *["'“«]([^"'”»\n]+)["'”»] *$/gm,
      (line, inside) => inside.length > 1 ? inside : line,
    )
    .replace(/[^\S\n]+/g, " ");
}

/**
 * A capital that is not part of a word, number, initial, hyphenated word or unit, with or without a
 * bracket after it.
 */
const BARE_LETTER = new RegExp(
  `(?<![${WORD}\\\\°]|° ?|[${WORD}]['’.+#&-])(?!I +\\p{L})([A-Z])` +
    `(?:(\\))|(?<=(?:[Oo]ption|[Cc]hoice|[Aa]nswer|[Oo]nly) .)(?= \\p{Ll})|(?![${WORD}+#°♭♯]|['’](?!d[ıiuü]r|t[ıiuü]r)\\p{L}|[-‐‑]\\p{L}| ?\\.\\p{L}|\\. ?[A-Z]\\.| ?=|` +
    ` (?!(?:${w.FOLLOWS}))[${WORD}]))`,
  "gu",
);
const DRESSED_LETTER = new RegExp(
  `${OPENING}+ ?([A-Za-z]) ?[.:]?${CLOSING}+(?!(?<=['’])\\p{L})`,
  "gu",
);
/** Words of chat that say why, or how certainly, a small letter is the choice. */
const INFORMAL = "(?:because|cause|cuz|bc|since|imo|tbh|i (?:think|guess))(?!\\p{L})";
const SMALL_LETTER = new RegExp(
  `(?<![${WORD}'’.-])([a-z])(?:(\\))|(?= ?[.,;:!]? ?$|[.:] )|(?<=(?:[Oo]ption|[Cc]hoice|[Aa]nswer) .)(?=( (?:is|fits|matches) ))|(?<=[b-hj-z]|(?:[Ii]t['’]?s|is) a)(?=,? ${INFORMAL}))`,
  "gmu",
);

const PLACES = ["first 1st 一", "second 2nd 二", "third 3rd 三", "fourth 4th 四", "fifth 5th 五"];
/** "the third option" */
const ORDINAL =
  /(?<!\p{L})(first|second|third|fourth|fifth|1st|2nd|3rd|4th|5th|last) (?:option|choice)(?=$|[.,;:!?]| (?:[—–-]|(?:is|was|seems|fits|works|because|since|as|which|and|or)(?!\p{L}))(?! [A-Z](?!\p{L})))/giu;
/** In "the last option, D, fits" the letter is the choice. */
const ORDINAL_AND_LETTER =
  /(?<!\p{L})(?:first|second|third|fourth|fifth|last) (?:option|choice|answer)(?:,? \(([A-Z])\)|, ([A-Z])),?(?= )/giu;
const CHINESE_ORDINAL = /第([一二三四五])个?(?:选项|選項)/g;

/** "B or C depending on it": letters joined by a conjunction become one mark, whatever follows. */
const ALTERNATIVE = new RegExp(
  `(${STRONG} ?(?:or|and|oder|und|ou|et|o|y|e) )([A-HJ-Z])(?= \\p{Ll})`,
  "gu",
);

/** The text with marks instead of the letters that can be a choice. */
export function marked(text: string, choices: number): string {
  const mark = (letter: string, base: number) => {
    const place = letter.toUpperCase().charCodeAt(0) - 65;
    return place < choices ? String.fromCharCode(base + place) : SEVERAL;
  };
  const placed = (_: string, word: string) => {
    const place = PLACES.findIndex((names) => names.includes(word.toLowerCase()));
    return `option ${mark(String.fromCharCode(place < 0 ? 64 + choices : 65 + place), DRESSED)}`;
  };
  return text.replace(ORDINAL_AND_LETTER, "option $1$2").replace(ORDINAL, placed).replace(
    CHINESE_ORDINAL,
    placed,
  )
    .replace(/(?<!\p{L})[АС](?!\p{L})/gu, (letter) => CYRILLIC[letter])
    .replace(DRESSED_LETTER, (_, letter) => mark(letter, DRESSED))
    .replace(BARE_LETTER, (_, letter, closing) => mark(letter, closing ? DRESSED : BARE))
    .replace(
      SMALL_LETTER,
      (_, letter, closing, named) => mark(letter, closing || named ? DRESSED : WEAK),
    )
    .replace(/(?<!\p{L})[أابجد](?!\p{L})/gu, (letter) => mark(ARABIC[letter], WEAK))
    .replace(ALTERNATIVE, (_, before, letter) => before + mark(letter, BARE));
}

/** Compiles a case-insensitive regular expression. */
export const pattern = (source: string, flags = "giu") => new RegExp(source, flags);
export const THE_CHOICE = `(?:${w.THE} ?)?(?:${w.GOOD} ?)?(?:${w.NOUN} ?|${w.LABELLED} )?`;
const NOT_BUT = [
  pattern(`^${w.NOT} ()${THE_CHOICE}${STRONG}[;,] ?${THE_CHOICE}(${MARK})(?=[.!]?$)`),
  pattern(`${w.NOT} ?((?:${w.IS})?) ?${THE_CHOICE}${STRONG}${w.BUT}${THE_CHOICE}(${MARK})`),
  pattern(`()${STRONG} ?(?:ではなく|가 아니라|이 아니라|değil,?) ?${THE_CHOICE}(${MARK})`),
];
const BUT_NOT = pattern(
  `(${MARK})(?:(?:,| [—–-])? (?:and |but |und |et |y |e |и )?(?:not|rather than|instead of|over|nicht|pas|no|non|não|не)|而不是|,? ?不是) ?${THE_CHOICE}${STRONG}`,
);
const LIST = pattern(
  `${MARK}(?:(?: ?\\()?${w.AND_OR}(?:${w.THE} ?)?(?:${w.NOUN} ?)?${MARK})+`,
);
/** In "C is right, and A is wrong" the letters do not form a list. */
const TWO_SENTENCES = pattern(`^${MARK}[,，] ?\\S+ ${MARK}$`, "iu");
/** In "A, B and C, B is best" the last letter is not part of the list. */
const AGAIN = pattern(`,[^\\ue000-\\ue061]*(${MARK})$`, "iu");
const ONE_IS = pattern("^ (?:is|isn['’]t|ist|est|es|è|é)(?!\\p{L})", "iu");

/** In "B, but it could be D" there are two choices, with doubt between them. */
const DOUBTED = pattern(
  `(${MARK})([^.\\ue000-\\ue061]{0,40}(?:,|\\(| but| or| though| although) ?(?:(?:but|or|though|although|aber|mais|pero|ma|mas) )?(?:it |this |that |also |es |ce |cela )*${w.COULD_BE}:? ${THE_CHOICE})(${MARK})`,
);

/** "not A but D" is D, "D, not A" is D, "A or D" is a list of several. */
export function joined(line: string): string {
  let form = line.replace(QUESTION_AND_ANSWER, "answer: $1");
  for (const turn of NOT_BUT) {
    form = form.replace(
      turn,
      (denied, is, meant) => `${/n['’]t/i.test(denied) ? "is" : is} ${meant}`,
    );
  }
  form = form.replace(/ {2,}/g, " ").trim().replace(BUT_NOT, "$1")
    .replace(
      DOUBTED,
      (whole, one, _, other) => letterOf(one) === letterOf(other) ? whole : SEVERAL,
    );
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

/** In "A: C" the A stands for the answer. */
const QUESTION_AND_ANSWER = pattern(`^\ue000: ?(${MARK})(?=[ .!]*$)`, "u");
