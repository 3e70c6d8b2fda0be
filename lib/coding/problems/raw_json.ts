/** The values of a JSON object as the text in which they are written. */
import { jsonStringEnd } from "../../json_fields.ts";

/** A token that matters: the start of a string, a bracket, a colon or a comma. */
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
  for (const { key, text } of valuesIn(object)) if (names.includes(key)) found.set(key, text);
  return found;
}

/** The texts of a JSON list's own elements. The text must be well-formed. */
export function rawElements(list: string): string[] {
  return Array.from(valuesIn(list), ({ text }) => text);
}

/** The direct members of an object or a list, in order; a list's keys have no meaning. */
function* valuesIn(json: string): Generator<{ key: string; text: string }> {
  let depth = 0;
  let key = "";
  let lastString = "";
  let from = 0;
  const tokens = new RegExp(TOKEN);
  for (let match = tokens.exec(json); match !== null; match = tokens.exec(json)) {
    const { 0: token, index } = match;
    if (token === '"') {
      tokens.lastIndex = jsonStringEnd(json, index);
      lastString = json.slice(index, tokens.lastIndex);
      continue;
    }
    const opens = token === "{" || token === "[";
    if (opens) depth++;
    if (depth === 1 && token === ":") key = JSON.parse(lastString);
    else if (depth === 1 && !opens) {
      const text = json.slice(from, index).trim();
      if (text !== "") yield { key, text };
    }
    if (depth === 1) from = index + 1;
    if (token === "}" || token === "]") depth--;
  }
}
