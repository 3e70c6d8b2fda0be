/** Finds numbers in a text, as people and models of many countries write them. */

/** A number in a text. */
export interface NumberFound {
  value: number;
  /** Whether a percent sign or word follows; `value` is the number before the sign. */
  percent: boolean;
  /** The value that the text says it approximately equals ("1/3 ≈ 0.333"): the other side of the sign. */
  about?: number;
  /** Whether it is one of several ("3 or 4", "2 h 30 min") or part of an unfinished calculation. */
  partial?: boolean;
  /** Its position in the text that {@linkcode plainNumbers} returned. */
  start: number;
  end: number;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹", SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const RAISED = /[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g;
const FRACTION_SIGN = /[\u00bc-\u00be\u2150-\u215e\u2189]/g;
/** The zeros of the scripts whose digits are in use; the other nine digits follow each zero. */
const ZEROS = [0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50];
const OTHER_DIGIT = new RegExp(
  `[${
    ZEROS.map((zero) => String.fromCharCode(zero) + "-" + String.fromCharCode(zero + 9)).join("")
  }]`,
  "g",
);
const STYLED =
  /\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:rm|bf|it|sf|tt)|mbox|emph|operatorname|underline)\s*\{([^{}]*)\}/g;
const ROOTED = String.raw`√\d[\d.,]*|\d[\d.,]*(?:\s*√\d[\d.,]*|\s+\d[\d.,]*)?`;
const TERM = String.raw`(?:\{\s*(-?\s*(?:${ROOTED})\s*π?|π)\s*\}|(\d))`;
const FRACTION = new RegExp(String.raw`\\[dtc]?frac\s*${TERM}\s*${TERM}`, "g");
/** A fraction with a letter in it; neither it nor its denominator counts as a number. */
const SYMBOLIC =
  /\\[dtc]?frac\s*\{(?:[^{}]{0,200}[a-z][^{}]{0,200}\}\s*\{[^{}]{0,200}|[^{}]{0,200}\}\s*\{[^{}]{0,200}[a-z][^{}]{0,200})\}/gi;
const ROOT = new RegExp(String.raw`\\sqrt\s*${TERM}`, "g");

/** Clock times, dates, versions and addresses, which are not numbers, and numbers in other bases. */
function withoutLabels(text: string): string {
  return text
    .replace(/(?<![\d.,:])\d{1,2}:[0-5]\d(?::[0-5]\d)?(?![\d:])/g, "§")
    .replace(/(?<![\d-])\d{4}-\d{2}-\d{2}(?![\d-])/g, "§")
    .replace(
      /(?<![\d.,])(?!\d{1,3}(?:\.\d{3})+(?![\d.]))\d+(?:\.\d+){2,}(?!\.?\d)/g,
      "§",
    )
    .replace(
      /(?<![\p{L}\p{N}])0(?:x[\da-f]{1,13}|b[01]{1,52})(?![\p{L}\p{N}])/giu,
      (number) => String(Number(number)),
    );
}

/** Rewrites a text so that its numbers have ASCII digits, and LaTeX's forms become plain text. */
function plainNumbers(text: string): string {
  return text.replaceAll("&nbsp;", " ")
    .replace(OTHER_DIGIT, (digit) => {
      const code = digit.charCodeAt(0);
      return String(code - ZEROS.findLast((zero) => zero <= code)!);
    })
    .replace(RAISED, (raised) => {
      const digits = [...raised].map((d) =>
        d === "⁻" ? "-" : d === "⁺" ? "" : SUPERSCRIPTS.indexOf(d)
      );
      return `^{${digits.join("")}}`;
    })
    .replace(/[₀-₉]/g, (digit) => `_${SUBSCRIPTS.indexOf(digit)}`)
    .replace(FRACTION_SIGN, (sign) => ` ${sign.normalize("NFKC")}`)
    .normalize("NFKC")
    .replace(/[\u2044\u2215]/g, "/").replace(/\u066b/g, ".").replace(/\u066c/g, ",")
    .replace(/[\u2212\u2013\ufe63\u2010\u2011](?=\s?[\d.$€£¥₹\\])/g, "-")
    .replace(STYLED, " $1 ").replace(/\\(?:left|right|displaystyle)(?![a-z])/g, "")
    .replace(/\{,\}/g, ",").replace(/(?<=\d)(?:\\[,;:! ]|\{\\,\}|~)(?=\d{3})/g, "\u202f")
    .replace(/\\[,;:! ]|\\q?quad|~/g, " ").replace(/\\([$%])/g, "$1")
    .replace(/\\approx(?![a-z])|≃|≅|≒/g, "≈")
    .replace(/\\times(?![a-z])/g, "×").replace(/\\cdot(?![a-z])/g, "·").replace(
      /\\pi(?![a-z])/g,
      "π",
    )
    .replace(
      /(\d*\.\d*)\\(?:overline|bar|dot)\s*\{(\d+)\}/g,
      (_, digits, again) => digits + again.repeat(20),
    )
    .replace(/(?<![\p{L}\p{N})}√])π(?!\p{L})/gu, " 1π")
    .replace(ROOT, (_, inBraces, digit) => `√${inBraces ?? digit}`)
    .replace(FRACTION, (_, a, b, c, d) => ` ${(a ?? b).replace(/^π/, "1π")}/${c ?? d}`)
    .replace(SYMBOLIC, " § ").replace(/-\s+(?=\d+\/\d)/g, "-")
    .replace(/\*\*|__|`/g, "");
}

const LETTER = "\\p{Script=Latin}\\p{Script=Cyrillic}\\p{Script=Greek}";
const GROUP_SPACE = "[ \\u00a0\\u2009\\u202f'’_]";
const PLAIN = "\\d+(?:\\.\\d+)?|\\.\\d+";
/** Digits with separators, longer forms first. */
const DIGITS = [
  "\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?(?![\\d])(?!,\\d)", // 1,234.5
  "\\d{1,2}(?:,\\d{2})+,\\d{3}(?:\\.\\d+)?(?!\\d)", // 12,34,567
  "\\d{1,3}(?:\\.\\d{3})+,\\d+(?!\\d)", // 1.234,5
  "\\d{1,3}(?:\\.\\d{3}){2,}(?![\\d.])", // 1.234.567
  `[1-9]\\d{0,2}(?:${GROUP_SPACE}\\d{3})+(?:[.,]\\d+)?(?!\\d)`, // 1 234 and 1'234
  "0,\\d+(?![\\d,])", // 0,125
  "(?<!,\\s?)\\d+,(?:\\d{1,2}|\\d{4,})(?![\\d,]|\\s*,)", // 3,14
  PLAIN,
].join("|");
const CURRENCY =
  "(?:(?:(?<!\\p{L})(?:US|A|C|HK|NZ|S|R))?[$€£¥₹₽₩₪₺₫₱฿]|(?<!\\p{L})(?:USD|EUR|GBP|CHF|JPY|CNY|INR|Rs\\.?) ?)";
const MINUS_WORD = "minus|negative|moins|menos|meno|mínus|минус|マイナス|负|負|마이너스";
const power = (name: string) => `\\^ ?(?:\\{ ?(?<${name}_in>[+-]?\\d+) ?\\}|(?<${name}>[+-]?\\d+))`;
/** Words after a number that multiply it. */
const SCALES: [number, string][] = [
  [1e2, "hundred"],
  [1e3, "thousand|tausend|mille|mil|mila|тысяч[аи]?|тыс\\.?|천|千"],
  [1e4, "万|萬|만"],
  [
    1e6,
    "millions?|millionen|mio\\.?|millón|millones|milione|milioni|milhão|milhões|миллион(?:а|ов)?|млн\\.?|miljoen",
  ],
  [1e5, "lakhs?"],
  [1e7, "crores?"],
  [1e8, "亿|億|억"],
  [
    1e9,
    "billions?|milliarden?|mrd\\.?|milliards?|miliardi|miliardo|миллиард(?:а|ов)?|млрд\\.?|miljard",
  ],
  [1e12, "trillions?|billionen|兆|조"],
];
const PERCENT =
  "%|٪|(?:percent|per cent|prozent|pour ?cent|por ciento|per cento|por cento|процент(?:а|ов)?|procent)(?![\\p{L}])|パーセント|퍼센트|百分之";

const NUMBER = new RegExp(
  `(?<sign>(?<![\\p{L}])(?:${MINUS_WORD})\\s?|[-+](?:(?<=[=:({\\[≈][ ]?[-+])\\s)?)?(?<currency>${CURRENCY}\\s?)?(?<sign2>[-+])?` +
    `(?<root>√\\(?)?(?<digits>${DIGITS})\\)?` +
    `(?:[eE](?<e>[+-]?\\d+)(?![\\d${LETTER}]))?` +
    `(?:\\s?√\\(?(?<factor>${PLAIN})\\)?)?` +
    `(?:\\s?${power("own")})?` +
    `(?:\\s?(?:×|x|\\*|·|⋅|∙)\\s?10\\s?${power("ten")})?` +
    `(?<pi>\\s?π)?` +
    `(?:\\s?\\/\\s?(?<divisor>\\d+(?:\\.\\d+)?)(?![\\d.]\\d|\\d|\\s?\\/\\s?\\d))?` +
    `(?:\\s?(?<scale>${SCALES.map(([, words]) => words).join("|")})(?![${LETTER}]))?` +
    `(?:(?<letter>[kKMB])(?![\\p{L}\\d]))?` +
    `(?<percent>\\s?(?:${PERCENT}))?`,
  "giu",
);

/** Money in a form that is not English, so that its point is a thousands separator: 1.500 Euro. */
const NOT_ENGLISH =
  /^ ?(?:€|(?:euros?|eur|reais|pesos|đồng|kr|zł|kč|tl|lira|рубл\p{L}*)(?!\p{L}))/iu;

const SCALE_WORDS: [number, RegExp][] = SCALES.map((
  [size, words],
) => [size, new RegExp(`^(?:${words})$`, "iu")]);
const LETTER_SCALES: Record<string, number> = { K: 1e3, M: 1e6, B: 1e9 };

/**
 * The numbers in a text, in order: `1,234.5`, `1.234,5`, `1 234`, `1'234`, `3,14`, `½`, `2 1/2`,
 * `\frac{1}{2}`, `10³`, `1.5 \times 10^3`, `1e-3`, `-$5`, `5 million`, `√2`, `2π`, and a minus sign of
 * any form. Digits after a letter (`v2`, `GPT-4`) are part of a word, and exponents (`m^2`) part of a
 * unit; a dash after a digit (`3-5`) is a range; a full stop that ends a sentence is not a decimal point.
 */
export function numbersOf(text: string): NumberFound[] {
  const plain = plainNumbers(withoutLabels(text));
  const found: NumberFound[] = [];
  for (const match of plain.matchAll(NUMBER)) {
    const before = plain.slice(Math.max(0, match.index - 8), match.index);
    if (new RegExp(`[${LETTER}_^]$|\\^\\{?\\s?-?$`, "u").test(before)) continue;
    const isThousands = /^[1-9]\d{0,2}\.\d{3}$/.test(match.groups!.digits) &&
      (NOT_ENGLISH.test(plain.slice(match.index + match[0].length)) || /^R\$/.test(match[0]));
    const read = (isThousands ? 1000 : 1) *
      valueOf(match, /[\d)%]\s?$/.test(before), /\d\/$/.test(before));
    if (!Number.isFinite(read)) continue;
    const start = match.index, end = start + match[0].length;
    const last = found.at(-1);
    // 1万5000 is one number
    const isGoingOn = last !== undefined && /^ ?$/.test(plain.slice(last.end, start)) &&
      /[千천万萬만億亿억兆조]$/.test(plain.slice(last.start, last.end)) && read > 0 &&
      read < last.value / parseFloat(plain.slice(last.start));
    if (isGoingOn) {
      const percent = match.groups!.percent !== undefined;
      found[found.length - 1] = { value: last.value + read, percent, start: last.start, end };
      continue;
    }
    // a whole number and a proper fraction: 2 1/2
    const isMixed = last && match.groups!.divisor && read > 0 && read < 1 &&
      Number.isInteger(last.value) && /^ {0,2}$/.test(plain.slice(last.end, start)) &&
      !last.percent;
    if (isMixed) {
      found[found.length - 1] = {
        ...last,
        value: last.value < 0 ? last.value - read : last.value + read,
        percent: match.groups!.percent !== undefined,
        end,
      };
    } else found.push({ value: read, percent: match.groups!.percent !== undefined, start, end });
  }
  const stated = found.filter(({ start }, i) =>
    i === 0 || !PLUS_MINUS.test(plain.slice(found[i - 1].end, start))
  );
  relate(stated, plain);
  return stated;
}

const OPERATOR =
  /^[ \t)]*(?:[×*·⋅∙÷+]|\\div)[ \t(]*$|^\)? [-/x] \(?$|^ ?[a-z](?:\^\d+)? ?[-+*/] ?$/;
/** "x > 5" and "x = ±4" do not state a single number. */
const BOUND = /(?:(?<!<[a-z/][^<>]*|[=-])[<>≤≥]|±|\\pm)\s*$/i;
const COMMA = /^\s*[,;]\s*(?:(?:and|or|und|et|y) )?$/i, LAST = /^,? (?:and|or|und|et|y) $/i;
const OR =
  /^[^\n.;:\d]{0,24}(?<!\p{L})(?:or|oder|ou|или)(?: (?:about|even|perhaps|maybe|(?:it|that)(?: is|['’]s| (?:might|could|may|would)(?: also)? be))| \p{L} ?=)? ?$|^(?:,| —)?(?: (?:but|although|though|or))? (?:(?:it|that) (?:could|might|may)(?: also| well| just as well)* be|perhaps|maybe|possibly) ?$/iu;
/** Pairs such as "3 to 4", "3:4", "3 out of 4", "3 and at most 4", "x = 3, y = 4" */
const PAIR = /^(?: to |:| : | out of |,? and at most |[,;] (?:and )?\p{L} ?= ?)$/iu;
const PLUS_MINUS = /^\s*(?:±|\\pm|\+\/-)\s*$/;
const LARGER =
  /^ ?(?:years?|months?|weeks?|days?|hours?|hrs?|h|minutes?|mins?|feet|foot|ft|['′]|pounds?|lbs?|dollars?|euros?|km|kg|m)(?:,? and|,)? ?$/i;
const SMALLER =
  /^ ?(?:months?|weeks?|days?|hours?|minutes?|mins?|m|seconds?|secs?|s|inch(?:es)?|in|["″]|ounces?|oz|cents?|g|cm)(?!\p{L})/iu;

/** Marks each number that is one of several, part of a calculation, or approximately equal to the next. */
function relate(found: NumberFound[], plain: string): void {
  const share = ({ value, percent }: NumberFound) => percent ? value / 100 : value;
  for (let i = 1; i < found.length; i++) {
    const one = found[i - 1], two = found[i];
    const between = plain.slice(one.end, two.start);
    if (/^\s*≈\s*$/.test(between)) {
      one.about = two.value;
      two.about = one.value;
      continue;
    }
    const isBetween = /^ and $/i.test(between) &&
      /(?<!\p{L})(?:between|zwischen|entre) $/iu.test(plain.slice(0, one.start));
    const isCompound = LARGER.test(between) && SMALLER.test(plain.slice(two.end, two.end + 12));
    const isEither = OR.test(between) && share(one) !== share(two);
    const isRange = between === "" && plain[two.start] === "-" ||
      PAIR.test(between) && !/(?<!\p{L})from $/iu.test(plain.slice(0, one.start));
    if (isRange || OPERATOR.test(between) || isBetween || isCompound || isEither) {
      one.partial = two.partial = true;
    }
  }
  listed(found, plain);
}

/** How many characters next to a number are examined. */
const NEAR = 40;

/** In "2, 4, 6 and 8" and "(3, 4)" no number counts by itself. */
function listed(found: NumberFound[], plain: string): void {
  for (let from = 0; from < found.length; from++) {
    const before = plain.slice(Math.max(0, found[from].start - NEAR), found[from].start);
    if (BOUND.test(before)) found[from].partial = true;
    let to = from;
    const between = () => plain.slice(found[to].end, found[to + 1].start);
    while (to + 1 < found.length && COMMA.test(between())) to++;
    if (to > from && to + 1 < found.length && LAST.test(between())) to++;
    const rest = plain.slice(found[to].end - 1, found[to].end + NEAR);
    const isWhole = /[([{]\s*$|^[\s=]*$/.test(before) && /^.?\s*[)\]}]|^.\s*$/.test(rest);
    if (to - from > 1 || (to > from && isWhole)) {
      for (let i = from; i <= to; i++) found[i].partial = true;
    }
    from = to;
  }
}

/** Only the values of {@linkcode numbersOf}. */
export function numbersIn(text: string): number[] {
  return numbersOf(text).map(({ value }) => value);
}

function valueOf(match: RegExpExecArray, afterDigit: boolean, inDate: boolean): number {
  const { sign, sign2, currency, root, digits, e, factor, divisor, pi, scale, letter } = match
    .groups!;
  let value = digitsOf(digits);
  if (root !== undefined) value = Math.sqrt(value);
  if (e !== undefined) value = Number(`${value}e${e}`);
  if (factor !== undefined) value *= Math.sqrt(Number(factor));
  const own = match.groups!.own ?? match.groups!.own_in;
  const ten = match.groups!.ten ?? match.groups!.ten_in;
  if (own !== undefined) value = digits === "10" ? Number(`1e${own}`) : value ** Number(own);
  if (ten !== undefined) value = Number(`${value}e${ten}`);
  if (divisor !== undefined && !inDate) value = Number(divisor) ? value / Number(divisor) : NaN;
  if (pi !== undefined) value *= Math.PI;
  if (scale !== undefined) value *= SCALE_WORDS.find(([, words]) => words.test(scale))![0];
  if (letter === "k" || (letter !== undefined && currency)) {
    value *= LETTER_SCALES[letter.toUpperCase()];
  }
  const isNegative = sign2 === "-" ||
    (sign !== undefined && !sign.startsWith("+") && !(sign.startsWith("-") && afterDigit));
  return isNegative ? -value : value;
}

/**
 * In `1.234,5` the decimal separator is the last one; a comma before each group of three digits separates
 * thousands.
 */
function digitsOf(digits: string): number {
  const bare = digits.replace(new RegExp(GROUP_SPACE, "g"), "");
  const comma = bare.lastIndexOf(","), point = bare.lastIndexOf(".");
  if (comma === -1) return Number(/\..*\./.test(bare) ? bare.replaceAll(".", "") : bare);
  if (comma < point) return Number(bare.replaceAll(",", ""));
  const isThousands = point === -1 && /^[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}$/.test(bare);
  return Number(
    isThousands ? bare.replaceAll(",", "") : bare.replaceAll(".", "").replace(",", "."),
  );
}
