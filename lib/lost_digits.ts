/** Whole numbers in JSON with more digits than JavaScript's numbers keep: above 2^53 some are rounded. */
import { visit } from "jsonc-parser";

/** Only of a whole number this long can digits be lost. */
const LONG = /\d{16}/;
/** Limits in a JSON Schema: of an int64 they are usual, and judge nothing when they are a little off. */
const LIMITS: ReadonlySet<string> = new Set(
  ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
);

/** Whether a number does not keep the digits of a whole number as it is written, such as 2^53 + 1. */
function losesDigits(written: string, value: number): boolean {
  const digits = (text: string) => text.replace(/e.*$|[-.]/g, "").replace(/0+$/, "");
  return /^-?\d{16,}$/.test(written) && digits(written) !== digits(String(value));
}

/** Whether a key is that of a limit in a JSON Schema. */
export function isLimit(key: string | number | undefined): boolean {
  return LIMITS.has(String(key));
}

/**
 * The value of JSON. A whole number with more digits than a number keeps is its text, except for a limit of
 * a JSON Schema.
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

/** A whole number in JSON with more digits than a number keeps. */
interface LostNumber {
  /** Where it stands. */
  path: (string | number)[];
  /** As it is written. */
  written: string;
}

/** The whole numbers in a text of JSON with more digits than a number keeps. */
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

/** What is said of a number that loses digits. */
export function lostText({ written }: LostNumber): string {
  return `${written} has more digits than a number keeps, and would be ${Number(written)}; ` +
    "expected at most 15 digits, or a text in quotes";
}
