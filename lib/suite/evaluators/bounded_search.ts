/** Regular expressions of the user's on answers of a model's, in bounded time. */
import { createContext, runInContext } from "node:vm";
import { z } from "zod";
import { expects, someText } from "./text.ts";

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

let context: ReturnType<typeof createContext> | null = null;

/**
 * What a pattern finds in a text, null if nothing. The search runs in a context of its own, which
 * can be interrupted: a nested quantifier such as `(a+)+$` can take years on a short answer, and
 * would stop the whole run with it. Nothing else goes on during a search, so the limit is short.
 *
 * @throws {Error} the search took longer than {@linkcode SEARCH_LIMIT_MS}.
 */
export function boundedSearch({ pattern, flags }: Pattern, text: string): string | null {
  context ??= createContext({});
  Object.assign(context, { pattern, flags, text });
  try {
    const code = "new RegExp(pattern, flags).exec(text)?.[0] ?? null";
    return runInContext(code, context, { timeout: SEARCH_LIMIT_MS }) as string | null;
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    throw new Error(
      `/${pattern}/${flags} did not end within ${SEARCH_LIMIT_MS} ms on an answer of ` +
        `${text.length} characters; write it without nested repetition such as (a+)+`,
    );
  }
}
