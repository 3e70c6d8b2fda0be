/** Texts in CSV files that a spreadsheet would run as formulas. */

const FORMULA = /^'*\s*[=+\-@\t\r|%]/;

/** The text, with an apostrophe in front where a spreadsheet would take it for a formula. */
export function guarded(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** The text that {@linkcode guarded} was given. */
export function unguarded(text: string): string {
  return text.startsWith("'") && FORMULA.test(text) ? text.slice(1) : text;
}
