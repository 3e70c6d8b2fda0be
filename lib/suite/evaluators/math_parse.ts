/** Parses mathematics in LaTeX and plain text into expressions, sets, intervals, tuples and relations. */
import { expressionOf, Unreadable } from "./math_expression.ts";
import type { Expression } from "./math_value.ts";

/** The kinds of answers. */
export type Mathematics =
  | { kind: "expression"; of: Expression; percent: boolean }
  /** In any order: in braces, or separated by commas. */
  | { kind: "several"; of: Mathematics[]; braces?: boolean }
  /** In order: a tuple or an interval, which only the context tells apart. */
  | { kind: "bracketed"; left: string; right: string; of: Mathematics[] }
  | { kind: "matrix"; rows: Expression[][] }
  | { kind: "relation"; signs: string[]; sides: Mathematics[] }
  | { kind: "joined"; by: string; of: Mathematics[] }
  | { kind: "words"; text: string };

const SIGNS: [RegExp, string][] = [
  [/[−–]/g, "-"],
  [/[×·⋅∙]|\\times(?![a-z])|\\cdot(?![a-z])|\\ast(?![a-z])/g, "*"],
  [/\*\*/g, "^"],
  [/÷|\\div(?![a-z])/g, "/"],
  [/≤|\\leqslant|\\leq|\\le(?![a-z])|<=/g, "≤"],
  [/≥|\\geqslant|\\geq|\\ge(?![a-z])|>=/g, "≥"],
  [/\\lt(?![a-z])/g, "<"],
  [/\\gt(?![a-z])/g, ">"],
  [/≠|\\neq|\\ne(?![a-z])|!=/g, "≠"],
  [/≈|\\approx(?![a-z])|\\equiv(?![a-z])/g, "="],
  [/∈|\\in(?![a-z])/g, "∈"],
  [/∪|\\cup(?![a-z])/g, "∪"],
  [/∩|\\cap(?![a-z])/g, "∩"],
  [/\\setminus(?![a-z])|\\backslash(?![a-z])/g, "∖"],
  [/±|\\pm(?![a-z])|\+\/-/g, "±"],
  [/∓|\\mp(?![a-z])/g, "∓"],
  [/π|(?<![a-zA-Z\\])pi(?![a-zA-Z])/g, "\\pi "],
  [/√/g, "\\sqrt "],
  [/(?<![a-zA-Z\\])sqrt\s*(?=\()/g, "\\sqrt "],
  [
    /(?<![a-zA-Z\\])(sin|cos|tan|cot|sec|csc|ln|log|exp|arcsin|arccos|arctan|sinh|cosh|tanh)(?![a-zA-Z])/g,
    "\\$1 ",
  ],
  [/∞|(?<![a-zA-Z\\])(?:infinity|infty|oo|inf)(?![a-zA-Z])/g, "\\infty "],
  [/∅|\\varnothing|\\emptyset/g, "\\{\\}"],
  [/\\[dtc]frac(?![a-z])/g, "\\frac"],
  [/\\[dt]binom(?![a-z])/g, "\\binom"],
  [
    /\\(?:left|right|[bB]ig[glr]?|displaystyle|limits|mathbf|mathit|boldsymbol|bm)(?![a-zA-Z])\.?/g,
    "",
  ],
  [/(?<!\\)\\(?:[,;:! ]|q?quad)|~|\\\$|\$|\\[()]|\\\[|\\\](?!\d)/g, " "],
  [/\^\s*(?:\{\s*\\circ\s*\}|\\circ)|°|\\degree(?:s)?(?![a-z])/g, ""],
  [/\\%/g, "%"],
  [/^\s*(\d+)\s*(?::|\\colon(?![a-z]))\s*(?!0)(\d+)\s*$/g, "$1/$2"],
  [/\\lbrace(?![a-z])/g, "\\{"],
  [/\\rbrace(?![a-z])/g, "\\}"],
  [/\\lvert|\\rvert|\\vert/g, "|"],
  [/\{,\}/g, ","],
  [/(?<=\d\.\d*)\\overline\s*\{(\d+)\}/g, "$1$1$1$1$1$1$1$1$1$1"],
  [/\\mathbb\s*\{?\s*R\s*\}?|ℝ/g, "(-\\infty ,\\infty )"],
];
const RAISED: Record<string, string> = {
  "²": "^{2}",
  "³": "^{3}",
  "⁴": "^{4}",
  "¹": "^{1}",
  "⁰": "^{0}",
  "⁻¹": "^{-1}",
};
const WORDS =
  /\\(?:text(?:bf|it|rm|normal)?|mathrm|mbox|operatorname)\s*\{([^{}]*)\}(\s*\^\s*(?:\{[^{}]*\}|\d))?/g;
/** The content of \\text that is mathematics: a constant or a number. */
const KEPT = /^(?:[eid]|\s*[-+]?\d[\d.,]*\s*)$/;
const JOINING = /^\s*(?:,?\s*(?:or|and|,))\s*$/i;

/** Words after a number and a space, except names of functions: 12 apples, 45 degrees, 3 cm^2. */
const UNIT =
  /(?<=[\d%}]) +(?!.*(?:sin|cos|tan|ln|log|exp|sqrt|pi|inf|or|and)(?![a-z]))(?:mm|cm|dm|km|in|ft|mi|yd|kg|mg|lb|oz|ml|cl|min|hr|hrs|sec|ms|mph|kmh?|rad|deg|sq|cu|cups?|[a-zA-Z]{4,})(?:[ /]+[a-zA-Z]+|\^?\d)*\s*\.?$/;

/** Converts different notations to one. Units and other words are removed; "or" and "and" become commas. */
function plain(text: string): string {
  let form = text.trim().replace(/⁻¹|[²³⁴¹⁰]/g, (raised) => RAISED[raised])
    .replace(
      WORDS,
      (_, words: string) => JOINING.test(words) ? " , " : KEPT.test(words) ? words : " ",
    )
    .replace(/(?<=[\s\d$})])(?:or|and)(?=[\s$\\-])/g, " , ")
    .replace(/(?<=\d)(?:(?:,|\{,\})\s*\\!|\\[,!])\s*(?=\d{3}(?!\d))/g, "")
    .replace(/(\d\.\d+)[eE]([+-]?\d+)/g, "$1*10^{$2}")
    .replace(UNIT, "");
  for (const [sign, plain] of SIGNS) form = form.replace(sign, plain);
  return form.replace(/[.。]\s*$/, "").trim();
}

/** Splits a text at commas and semicolons outside of brackets; thousands separators do not split. */
function parts(text: string): string[] {
  const found: string[] = [];
  let depth = 0, from = 0;
  for (let i = 0; i < text.length; i++) {
    if (/[([{]/.test(text[i])) depth++;
    else if (/[)\]}]/.test(text[i])) depth--;
    else if (depth === 0 && (text[i] === ";" || text[i] === ",")) {
      if (text[i] === "," && isThousands(text, i)) continue;
      found.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return [...found, text.slice(from)].map((part) => part.trim()).filter((part) => part !== "");
}

const isThousands = (text: string, comma: number) =>
  /(?<![\d.])\d{1,3}(?:,\d{3})*$/.test(text.slice(0, comma)) &&
  /^,\d{3}(?!\d)/.test(text.slice(comma));

/** No result is longer. */
const LONGEST = 2000;

/** Parses a text of mathematics; returns words when it cannot be parsed as anything else. */
export function mathematicsOf(text: string): Mathematics {
  const bare = text.slice(0, LONGEST).trim().replace(/^\$+|\$+$/g, "").trim();
  const onlyWords = /^\\(?:text(?:bf|it|rm)?|mathrm|mbox)\s*\{([^{}]*)\}$/.exec(bare);
  if (onlyWords && /[a-z]{2}|^\(?[A-Z]\)?$/i.test(onlyWords[1])) {
    return { kind: "words", text: comparedWords(onlyWords[1]) };
  }
  try {
    return several(plain(bare));
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { kind: "words", text: comparedWords(plain(bare)) };
  }
}

/** A text normalised for comparing words; a letter in brackets is the letter. */
export function comparedWords(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/g, "")
    .replace(/^\(([a-z])\)$/, "$1").replace(/_\{(\d+)\}/g, "_$1");
}

/** Units of time, length and money; other units are ignored in comparisons. */
const MEASURE =
  /\d\s*(?:\\[,;: ]|~)*\s*\\(?:text|mathrm|mbox)\s*\{\s*(seconds?|minutes?|hours?|days?|weeks?|months?|years?|millimeters?|centimeters?|meters?|kilometers?|inch(?:es)?|feet|foot|yards?|miles?|cents?|dollars?)\s*\.?\s*\}/gi;

/** Whether two texts have a number in different units: 6 hours are not 6 minutes. */
export function differInUnit(a: string, b: string): boolean {
  const [one, other] = [a, b].map((text) =>
    new Set(
      [...text.matchAll(MEASURE)].map(([, unit]) =>
        unit.toLowerCase().replace("foot", "feet").replace(/(?<=h)es$|s$/, "")
      ),
    )
  );
  return one.size === 1 && other.size === 1 && one.isDisjointFrom(other);
}

function several(text: string): Mathematics {
  const found = parts(text);
  if (found.length === 0) throw new Unreadable();
  return found.length === 1 ? relation(found[0]) : { kind: "several", of: found.map(relation) };
}

const DEFINED = /^\s*[a-zA-Z]\s*\(\s*[a-z](?:\s*,\s*[a-z])*\s*\)\s*=(?!=)/;

function relation(text: string): Mathematics {
  const defined = DEFINED.exec(text);
  if (defined) {
    const sides = [
      { kind: "words", text: "f" } as Mathematics,
      joined(text.slice(defined[0].length)),
    ];
    return { kind: "relation", signs: ["="], sides };
  }
  const split = atDepth0(text, /[=<>≤≥≠∈]/);
  if (split.signs.length === 0) return joined(text);
  return { kind: "relation", signs: split.signs, sides: split.parts.map(joined) };
}

function joined(text: string): Mathematics {
  const split = atDepth0(text, /[∪∩∖]/);
  if (split.signs.length === 0) return thing(text);
  return { kind: "joined", by: split.signs[0], of: split.parts.map(thing) };
}

function atDepth0(text: string, sign: RegExp): { parts: string[]; signs: string[] } {
  const parts = [""], signs: string[] = [];
  let depth = 0;
  for (const letter of text) {
    if (/[([{]/.test(letter)) depth++;
    else if (/[)\]}]/.test(letter)) depth--;
    if (depth === 0 && sign.test(letter)) {
      signs.push(letter);
      parts.push("");
    } else parts[parts.length - 1] += letter;
  }
  return { parts, signs };
}

const MATRIX = /^\\begin\s*\{([pbvBV]?matrix|array)\}(?:\s*\{[lcr|]*\})?([^]*)\\end\s*\{\1\}$/;

/** Parses a set, a tuple or interval, a matrix or an expression. */
function thing(given: string): Mathematics {
  const text = given.trim();
  const matrix = MATRIX.exec(text);
  if (matrix) {
    const rows = matrix[2].split("\\\\").map((row) => row.trim()).filter((row) => row !== "");
    return { kind: "matrix", rows: rows.map((row) => row.split("&").map(expressionOf)) };
  }
  const set = /^\\\{([^]*)\\\}$/.exec(text);
  if (set && !set[1].includes("\\}")) {
    const of = parts(set[1]).map(relation);
    return { kind: "several", of, braces: true };
  }
  const [left, right] = [text[0], text.at(-1)!];
  if ("([".includes(left) && ")]".includes(right) && closes(text) === text.length - 1) {
    const of = parts(text.slice(1, -1).replace(/,/g, " , "));
    if (of.length > 1) return { kind: "bracketed", left, right, of: of.map(relation) };
    if (left === "(" && of.length === 1 && of[0].startsWith("\\begin")) return thing(of[0]);
  }
  const percent = /%\s*$/.test(text);
  return {
    kind: "expression",
    of: expressionOf(percent ? text.replace(/%\s*$/, "") : text),
    percent,
  };
}

function closes(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (/[([{]/.test(text[i])) depth++;
    else if (/[)\]}]/.test(text[i]) && --depth === 0) return i;
  }
  return -1;
}
