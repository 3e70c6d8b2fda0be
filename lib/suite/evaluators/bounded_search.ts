/** Regular expressions of the user's on answers of a model's, in bounded time. */
import { z } from "zod";
import { withinTime } from "./bounded_time.ts";
import { expects, plainForm, someText } from "./text.ts";

/** A pattern that needs longer backtracks without end: a thousand times what common ones need. */
const SEARCH_LIMIT_MS = 500;

/** A pattern and its flags, known to compile. */
export interface Pattern {
  pattern: string;
  /** Of JavaScript: i, m, s, u, v. */
  flags: string;
}

/** The option of a pattern. */
export const patternText = someText;

/** The option of a pattern's flags. */
export const patternFlags = z.string(expects("a text of flags"))
  .regex(/^(?!.*(.).*\1)(?!.*u.*v)(?!.*v.*u)[imsuv]*$/, {
    message: "expected flags out of i, m, s and one of u, v, each at most once",
  });

/** Why a pattern does not compile; null if it does. */
export function patternFault({ pattern, flags }: Pattern): string | null {
  try {
    new RegExp(pattern, flags);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The pattern as it is sought: composed, and by Unicode's rules of case where it lets us. */
function sought({ pattern, flags }: Pattern): Pattern {
  const composed = { pattern: pattern.normalize("NFC"), flags };
  const byUnicode = { ...composed, flags: `${flags}u` };
  const isOpen = flags.includes("i") && !/[uv]/.test(flags) && patternFault(byUnicode) === null;
  return isOpen ? byUnicode : composed;
}

/**
 * What a pattern finds in a text, null if nothing. The text is in Unicode's compatibility form
 * (NFKC), unless the pattern names letters of other forms; "i" follows Unicode's rules of case. The
 * search is interrupted: a nested quantifier such as `(a+)+$` can take years on a short answer. Nothing else
 * goes on during a search, so the limit is short.
 *
 * @throws {Error} the search took longer than {@linkcode SEARCH_LIMIT_MS}.
 */
export function boundedSearch(given: Pattern, text: string): string | null {
  const { pattern, flags } = given;
  const namesForms = plainForm(pattern) !== pattern.normalize("NFC"); // as [Ａ-Ｚ] does
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
