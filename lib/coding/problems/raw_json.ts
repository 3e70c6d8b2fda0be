/** Values of a JSON object as the text they are written in. */
import { jsonStringEnd } from "../../json_fields.ts";

/** A token that matters: a string's beginning, a bracket, a colon or a comma. */
const TOKEN = /["{}[\]:,]/g;

/**
 * The texts of a JSON object's own fields. The text must be well-formed.
 *
 * @example
 * ```ts
 * rawFields('{"a": [1.0, 12345678901234567890], "b": {"a": 2}}', ["a"]);
 * // Map { "a" => "[1.0, 12345678901234567890]" }
 * ```
 */
export function rawFields(object: string, names: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  let depth = 0;
  let key = "";
  let lastString = "";
  let from = -1;
  const finish = (to: number) => {
    if (from >= 0 && names.includes(key)) found.set(key, object.slice(from, to).trim());
    from = -1;
  };
  const tokens = new RegExp(TOKEN);
  for (let match = tokens.exec(object); match !== null; match = tokens.exec(object)) {
    const { 0: token, index } = match;
    if (token === '"') {
      tokens.lastIndex = jsonStringEnd(object, index);
      lastString = object.slice(index, tokens.lastIndex);
    } else if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") {
      if (--depth === 0) finish(index);
    } else if (depth === 1 && token === ":") {
      key = JSON.parse(lastString);
      from = index + 1;
    } else if (depth === 1 && token === ",") finish(index);
  }
  return found;
}
