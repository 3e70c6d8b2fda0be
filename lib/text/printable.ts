/** Makes text from models, endpoints and files harmless for terminals. */

/** Our own colours; control characters of both sets; characters that change the text direction. */
const OBEYED =
  // deno-lint-ignore no-control-regex
  /(\x1b\[(?:[0-2]|22|3[1-69])m)|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text in which everything that a terminal would interpret (clearing the screen, links, the
 * clipboard, hidden or reversed letters) is escaped as in JSON, so that JSON keeps its meaning.
 * Tabs and line ends are not changed.
 *
 * @param coloured whether our own colours are kept too.
 *
 * @example
 * ```ts
 * printable("\x1b[2Jhi", false); // "\\u001b[2Jhi"
 * ```
 */
export function printable(text: string, coloured: boolean): string {
  return text.replace(OBEYED, (found, colour) => {
    if (colour && coloured) return found;
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}${found.slice(1)}`;
  });
}

/** Text on one line, so that it cannot look like a line with another meaning. */
export function onOneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ");
}

/** JSON with only ASCII characters (characters below the space are already escaped in JSON). */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
