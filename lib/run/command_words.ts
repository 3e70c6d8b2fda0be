/** A command given as one text, split into its words. */
import { InputError } from "../errors.ts";

/**
 * Splits as a shell does: blanks separate, quotes and backslashes keep together. Nothing is expanded.
 *
 * @param name the flag that the text came from, for complaints.
 * @throws {InputError} there is no word, or a quote stays open.
 *
 * @example
 * ```ts
 * commandWords(`node 'my server.js' --db=/tmp/m.db`, "--memory"); // ["node", "my server.js", "--db=/tmp/m.db"]
 * ```
 */
export function commandWords(text: string, name: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === "\\" && quote !== "'" && i + 1 < text.length) {
      const next = text[++i];
      word = (word ?? "") + (quote && !'"\\$`'.includes(next) ? letter + next : next);
    } else if (quote) {
      if (letter === quote) quote = "";
      else word += letter;
    } else if (letter === "'" || letter === '"') {
      quote = letter;
      word ??= "";
    } else if (/\s/.test(letter)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + letter;
  }
  if (quote) throw new InputError(`${name}: a ${quote} is not closed in: ${text}`);
  if (word !== null) words.push(word);
  if (!words[0]) throw new InputError(`${name}: expected a command, such as "node server.js"`);
  return words;
}
