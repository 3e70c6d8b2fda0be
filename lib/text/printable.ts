/** Text of models, endpoints and files, made harmless for terminals. */

/** Colours of ours; control characters of both sets; what turns the direction of letters. */
const OBEYED =
  // deno-lint-ignore no-control-regex
  /(\x1b\[(?:[0-2]|22|3[1-69])m)|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text with what a terminal would obey (cleared screens, links, the clipboard, hidden or turned letters)
 * written out as JSON writes it, so that JSON stays the same JSON. Tabs and line ends stay.
 *
 * @param coloured whether our own colours stay, too.
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

/** Text on one line, so that it cannot pass for a line of another meaning. */
export function onOneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ");
}

/** JSON of ASCII letters only (below a space JSON has none). */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
