/** Describes errors in YAML in the words of its author, not of the grammar. */
import type { YAMLParseError } from "yaml";

/**
 * Says what is wrong and what to do; errors not known here keep the library's message.
 *
 * @param text the text that the error's positions refer to.
 */
export function yamlFault(
  { code, message, pos: [from, to] }: YAMLParseError,
  text: string,
): string {
  const at = text.slice(from, to).trim();
  switch (code) {
    case "TAB_AS_INDENT":
      return "a tab in the indentation; use spaces";
    case "MISSING_CHAR":
      return message.startsWith("Missing closing")
        ? "a quote that is not closed"
        : "the indentation does not fit the item above; begin the line below its first key, or with -";
    case "BLOCK_AS_IMPLICIT_KEY":
      return 'a second ": " in one line, or a line indented further than its key; quote the text, or ' +
        "begin the line below the key";
    case "MULTILINE_IMPLICIT_KEY":
      return 'a line that is no "key: value"; a space follows the colon';
    case "BAD_INDENT":
      return "a [ or { that is not closed, or whose lines are not indented";
    case "BAD_SCALAR_START":
      return `a text that begins with ${at[0] ?? text[from]}; quote it`;
    case "BAD_DQ_ESCAPE":
      return `${
        message.slice(message.indexOf("\\"))
      } is not an escape in double quotes; write \\\\, or use single quotes`;
    case "UNEXPECTED_TOKEN":
      if (message.includes("block-seq-ind")) {
        return "a - on the line of its key; begin the list on the next line";
      }
      return /flow-(seq|map)-end/.test(message)
        ? `a ${at[0]} without its beginning`
        : "text after a value, or a line that is not indented as those above";
    default:
      return message;
  }
}
