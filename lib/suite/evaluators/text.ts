/** Texts that a suite expects, and how to compare them with an answer. */
import { z } from "zod";

/**
 * The message for an invalid option: what was expected, and whether the option is missing.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 *
 * z.number(expects("a number")).safeParse(undefined).error?.issues[0].message; // "missing; expected a number"
 * ```
 */
export function expects(what: string): { error: (issue: { input?: unknown }) => string } {
  return {
    error: ({ input }) => `${input === undefined ? "missing; " : ""}expected ${what}`,
  };
}

/** A text that is not blank, because a blank one would be found in every answer. */
export const someText = z.string(expects("a text"))
  .refine((text) => text.trim() !== "", "expected a text that is not blank");

/** One expected text or several. */
export const someTexts = z.union(
  [someText, z.array(someText).min(1, "expected at least one text")],
  expects("a text or a list of texts"),
);

/** Characters whose compatibility form would be a different value: 10² is not 102, and 1½ is not 11/2. */
const OWN_VALUE = /[\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u208e\u2150-\u215f\u2189]/;
const WITHOUT_OWN_VALUE = new RegExp(`(?:(?!${OWN_VALUE.source})[^])+`, "gu");
/** Invisible characters: soft hyphens, zero-width spaces, direction marks and variation selectors. */
const UNSEEN = /[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufe00-\ufe0f\ufeff]/g;

/**
 * A text in Unicode's compatibility form (NFKC: full-width letters, ligatures), without invisible
 * characters.
 */
export function plainForm(text: string): string {
  return text.replace(UNSEEN, "").replace(WITHOUT_OWN_VALUE, (part) => part.normalize("NFKC"));
}

/** A case-folded text: ß becomes ss, and both forms of small sigma become one. */
export function withoutCase(text: string): string {
  return text.toUpperCase().toLowerCase().replaceAll("ς", "σ").normalize("NFC");
}

/**
 * A text without differences that hardly ever matter: {@linkcode plainForm}, one form of quotation marks,
 * apostrophes, hyphens and white space, and case-folded unless case counts.
 */
export function folded(text: string, case_sensitive: boolean): string {
  const plain = plainForm(text)
    .replace(/[\u2018\u2019\u201b\u02bc\u2032`\u00b4]/g, "'")
    .replace(/[\u201c-\u201f\u2033]/g, '"')
    .replace(/[\u2010-\u2013\u2212]/g, "-")
    .replace(/\s+/g, " ");
  return case_sensitive ? plain : withoutCase(plain);
}
