/** Runs a user's regular expressions on a model's answers, in bounded time. */
import { z } from "zod";
import { withinTime } from "./bounded_time.ts";
import { expects, plainForm, someText } from "./text.ts";

/** A pattern that needs more time backtracks exponentially: common patterns need a thousandth of it. */
const SEARCH_LIMIT_MS = 500;

/** A pattern and its flags, known to compile. */
export interface Pattern {
  pattern: string;
  /** JavaScript's flags i, m, s, u and v. */
  flags: string;
}

/** The option that holds a pattern. */
export const patternText = someText;

/** The option that holds a pattern's flags. */
export const patternFlags = z.string(expects("a text of flags"))
  .regex(/^(?!.*(.).*\1)(?!.*u.*v)(?!.*v.*u)[imsuv]*$/, {
    message: "expected flags out of i, m, s and one of u, v, each at most once",
  });

/** Messages of engines about a pattern (V8's wording), and their meaning in plain words. */
const REASONS: [RegExp, string][] = [
  [/unterminated group/i, "a ( is not closed; write \\( for the letter"],
  [/unmatched '\)'/i, "a ) closes nothing; write \\) for the letter"],
  [/(?:unterminated|missing).*class/i, "a [ is not closed; write \\[ for the letter"],
  [/nothing to repeat/i, "there is nothing before a *, + or ? that it could repeat"],
  [
    /invalid group/i,
    '(? is followed by what JavaScript does not know; (?i) is given as "flags": "i"',
  ],
  [/numbers out of order/i, "in {m,n} the first number is larger than the second"],
  [/range out of order/i, "a range in [ ] goes backwards, as [z-a]"],
  [/at end of pattern/i, "a single \\ is its last letter"],
  [/property name/i, "\\p{ } names a property that Unicode does not have"],
  [/lone quantifier/i, "a {, } or ] stands alone; write \\{ for the letter"],
  [/duplicate capture/i, "two groups have the same name"],
  [/invalid named|named reference/i, "\\k names a group that is not there"],
  [/capture group name/i, "the name of a group is not a name, or is not closed"],
  [/escape/i, "a \\ stands before a letter that has no meaning after it"],
];

/** An engine's message about a pattern, in plain words. */
export function patternReason(said: string): string {
  const reason = said.slice(said.lastIndexOf(": ") + 2);
  const plain = REASONS.find(([words]) => words.test(reason))?.[1] ?? reason.toLowerCase();
  return `expected a regular expression of JavaScript: ${plain}`;
}

/** Why a pattern does not compile; null when it does. */
export function patternFault({ pattern, flags }: Pattern): string | null {
  try {
    new RegExp(pattern, flags);
    return null;
  } catch (error) {
    return patternReason((error as Error).message);
  }
}

/**
 * The pattern as it is searched: NFC-composed, and with Unicode's case rules where the pattern allows
 * them.
 */
function sought({ pattern, flags }: Pattern): Pattern {
  const composed = { pattern: pattern.normalize("NFC"), flags };
  const byUnicode = { ...composed, flags: `${flags}u` };
  const isOpen = flags.includes("i") && !/[uv]/.test(flags) && patternFault(byUnicode) === null;
  return isOpen ? byUnicode : composed;
}

/**
 * What a pattern finds in a text; null for nothing. The text is searched in Unicode's compatibility form
 * (NFKC), unless the pattern names letters of other forms; "i" follows Unicode's case rules. The search
 * is interrupted after a limit, because a nested quantifier such as `(a+)+$` can take years on a short
 * answer. The search blocks the process, so the limit is short.
 *
 * @throws {Error} the search took longer than {@linkcode SEARCH_LIMIT_MS}.
 */
export function boundedSearch(given: Pattern, text: string): string | null {
  const { pattern, flags } = given;
  const namesForms = plainForm(pattern) !== pattern.normalize("NFC"); // such as [Ａ-Ｚ]
  const form = namesForms ? text.normalize("NFC") : plainForm(text);
  const search = sought(given);
  return withinTime(
    () => new RegExp(search.pattern, search.flags).exec(form)?.[0] ?? null,
    SEARCH_LIMIT_MS,
    () =>
      `/${pattern}/${flags} did not end within ${SEARCH_LIMIT_MS} ms on an answer of ` +
      `${text.length} characters; write it without nested repetition such as (a+)+`,
  );
}
