/**
 * Numbers in JSON that JavaScript's numbers do not keep: above 2^53 some whole numbers are rounded, and beyond
 * 1.8e308 there is only Infinity, which would be sent as null.
 */
import { visit } from "jsonc-parser";

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
  if (!LONG.test(text)) return JSON.parse(text);
  // ECMAScript's source text access, which the types do not have yet
  const keep = (key: string, value: unknown, { source = "" }: { source?: string } = {}) =>
    typeof value === "number" && losesDigits(source, value) && !isLimit(key) ? source : value;
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

/** A number in JSON that would lose digits or be too large. */
interface LostNumber {
  /** Where it stands. */
  path: (string | number)[];
  /** As it is written. */
  written: string;
}

/** The numbers in a text of JSON that would lose digits or be too large. */
export function lostNumbers(text: string): LostNumber[] {
  const lost: LostNumber[] = [];
  if (!LONG.test(text)) return lost;
  try {
    visit(text, {
      onLiteralValue: (value, offset, length, _line, _column, path) => {
        const written = text.slice(offset, offset + length);
        if (typeof value === "number" && losesDigits(written, value)) {
          lost.push({ path: path(), written });
        }
      },
    });
  } catch { /* nested too deeply for it */ }
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
