/**
 * Numbers in JSON that JavaScript's numbers do not keep: above 2^53 some whole numbers are rounded, and beyond
 * 1.8e308 there is only Infinity, which would be sent as null.
 */
/** Only a whole number this long can lose digits, and only one with such an exponent can be too large. */
const LONG = /\d{16}|[eE]\+?\d{3}/;
/** Limits in a JSON Schema: of an int64 they are usual, and judge nothing when they are a little off. */
const LIMITS: ReadonlySet<string> = new Set(
  ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
);

/** Whether a number is not what is written: a whole number such as 2^53 + 1, or one such as 1e400. */
function losesDigits(written: string, value: number): boolean {
  const digits = (text: string) => text.replace(/e.*$|[-.]/g, "").replace(/0+$/, "");
  if (/^-?\d{16,}$/.test(written)) return digits(written) !== digits(String(value));
  return !Number.isFinite(value);
}

/** Whether a key is that of a limit in a JSON Schema. */
export function isLimit(key: string | number | undefined): boolean {
  return LIMITS.has(String(key));
}

/**
 * The value of JSON. A number that would lose digits or be too large is its text, except for a limit of a JSON
 * Schema.
 *
 * @throws {SyntaxError} no JSON.
 */
export function parseDigits(text: string): unknown {
  return replacingLost(text, (key, written, value) => isLimit(key) ? value : written);
}

/** The value of JSON, with another value in place of each number that would lose digits or be too large. */
export function replacingLost(
  text: string,
  replaced: (key: string, written: string, value: number) => unknown,
): unknown {
  if (!LONG.test(text)) return JSON.parse(text);
  // ECMAScript's source text access, which the types do not have yet
  const keep = (key: string, value: unknown, { source = "" }: { source?: string } = {}) =>
    typeof value === "number" && losesDigits(source, value) ? replaced(key, source, value) : value;
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

/** A number in JSON that would lose digits or be too large. */
interface LostNumber {
  /** Where it stands. */
  path: (string | number)[];
  /** As it is written. */
  written: string;
}

/** Stands for such a number while its place is looked for. */
class Mark {
  constructor(readonly written: string) {}
}

/** The numbers in a text of JSON that would lose digits or be too large; none in a text of another form. */
export function lostNumbers(text: string): LostNumber[] {
  if (!LONG.test(text)) return [];
  const lost: LostNumber[] = [];
  const find = (value: unknown, path: (string | number)[]): void => {
    if (value instanceof Mark) lost.push({ path, written: value.written });
    else if (Array.isArray(value)) value.forEach((each, i) => find(each, [...path, i]));
    else if (typeof value === "object" && value !== null) {
      for (const [key, each] of Object.entries(value)) find(each, [...path, key]);
    }
  };
  try {
    find(replacingLost(text, (_, written) => new Mark(written)), []);
  } catch { /* no JSON, or nested too deeply */ }
  return lost;
}

/** What is said of a number that loses digits or is too large. */
export function lostText({ written }: LostNumber): string {
  if (!/^-?\d+$/.test(written)) {
    return `${written} is too large for a number; expected at most 1.8e308, or a text in quotes`;
  }
  return `${written} has more digits than a number keeps, and would be ${Number(written)}; ` +
    "expected at most 15 digits, or a text in quotes";
}
