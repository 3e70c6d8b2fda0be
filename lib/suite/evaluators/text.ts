/** Texts that a suite expects, and how they are compared with an answer. */
import { z } from "zod";

/**
 * The message of an option that does not fit: what it should be, and whether it is there at all.
 *
 * @example
 * ```ts
 * z.number(expects("a number")); // "missing; expected a number"
 * ```
 */
export function expects(what: string): { error: (issue: { input?: unknown }) => string } {
  return {
    error: ({ input }) => `${input === undefined ? "missing; " : ""}expected ${what}`,
  };
}

/** A text with something in it: a blank one would be found in every answer. */
export const someText = z.string(expects("a text"))
  .refine((text) => text.trim() !== "", "expected a text that is not blank");

/** One expected text or several. */
export const someTexts = z.union(
  [someText, z.array(someText).min(1, "expected at least one text")],
  expects("a text or a list of texts"),
);

/**
 * A text without what hardly anyone means when they compare texts: the form of its accents (NFC),
 * of its quotation marks and apostrophes, of its space, and its case unless that counts.
 */
export function folded(text: string, case_sensitive: boolean): string {
  const plain = text.normalize("NFC")
    .replace(/[\u2018\u2019\u201b\u02bc]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/\s+/g, " ");
  return case_sensitive ? plain : plain.toLowerCase();
}
