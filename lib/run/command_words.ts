/** Splits a command given as one text into words. */
import { InputError } from "../errors.ts";

/**
 * Splits a text as a shell does: at blanks, except in quotes or after a backslash. Nothing is
 * expanded.
 *
 * @param name the flag that the text is from, for errors.
 * @throws {InputError} there is no word, or a quote is not closed.
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
