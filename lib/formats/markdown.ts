/** Makes Markdown (CommonMark, with GitHub's tables) from untrusted text. */
import { printable } from "../text/printable.ts";

/**
 * Text on one line without any Markdown meaning, also in a table's cell. Characters that cannot act
 * as markup here are not escaped: an underscore between letters or digits, brackets that cannot be
 * part of a link.
 */
export function markdownText(text: string): string {
  return printable(text.replace(/\s+/g, " "), false)
    .replace(/[\\|`*<>]|\](?=[([:])|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\$&");
}

/** Text as code on one line. */
export function markdownCode(text: string): string {
  return `\`${printable(text.replace(/[\r\n`]+/g, "'"), false)}\``;
}

/**
 * A table; its cells are text.
 *
 * @param words the number of columns with words; the others are numbers, aligned right.
 */
export function markdownTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  words: (column: number) => boolean,
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const rule = heads.map((_, column) => words(column) ? "---" : "---:");
  const shown = (cells: readonly string[]) => line(cells.map(markdownText));
  return shown(heads) + line(rule) + rows.map(shown).join("");
}
