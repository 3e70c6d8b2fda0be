/** Reading fields of JSON that may be damaged, older or of another program: what does not fit is null. */

/** A JSON object. */
export type JsonObject = Record<string, unknown>;

/** Whether a parsed value is a JSON object: no array, no null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value if it is an object and no array. */
export function asObject(value: unknown): JsonObject | null {
  return isJsonObject(value) ? value : null;
}

/** The object that a text of JSON holds; null for anything else. */
export function parsedObject(text: string): JsonObject | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The value if it is an object, else one without fields. */
export function objectOr(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** The objects of a list; anything else in it is left out. */
export function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(asObject).filter((entry) => entry !== null) : [];
}

/** A finite number. */
export function numberAt(object: JsonObject | null, key: string): number | null {
  const value = object?.[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A text that is not empty. */
export function textAt(object: JsonObject | null, key: string): string | null {
  const value = object?.[key];
  return typeof value === "string" && value !== "" ? value : null;
}

export function booleanAt(object: JsonObject | null, key: string): boolean | null {
  const value = object?.[key];
  return typeof value === "boolean" ? value : null;
}

/** The object at a path of keys. */
export function objectAt(object: JsonObject | null, ...keys: string[]): JsonObject | null {
  let found = object;
  for (const key of keys) found = asObject(found?.[key]);
  return found;
}

/**
 * The place after a JSON string that begins at `at`; the text's end where it does not end. A regular expression
 * for strings needs stack for each letter of one, and fails at some millions.
 */
export function jsonStringEnd(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = end;
    while (text[escapes - 1] === "\\") escapes--;
    if ((end - escapes) % 2 === 0) return end + 1;
  }
  return text.length;
}

/** Whether objects and lists in JSON are nested in more levels than `most`. */
export function isDeeper(text: string, most: number): boolean {
  let level = 0;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === '"') i = jsonStringEnd(text, i) - 1;
    else if (letter === "{" || letter === "[") level++;
    else if (letter === "}" || letter === "]") level--;
    if (level > most) return true;
  }
  return false;
}

/** The deepest nesting of a server's JSON: a runtime may read more, and not write it again. */
const DEEPEST_SAID = 500;

/** A value that a server says. @throws {SyntaxError} not JSON. @throws {RangeError} it nests too deeply. */
export function parseSaid(text: string): unknown {
  // a short text cannot be deep
  if (text.length > DEEPEST_SAID && isDeeper(text, DEEPEST_SAID)) {
    throw new RangeError(`nests deeper than ${DEEPEST_SAID} levels`);
  }
  return JSON.parse(text);
}

/** JSON text with null for the NaN, Infinity and -Infinity that Python writes. */
export function withoutNonFinite(text: string): string {
  let changed = "", from = 0;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === '"') i = jsonStringEnd(text, i) - 1;
    else if (letter === "N" || letter === "I") {
      const word = letter === "N" ? "NaN" : "Infinity";
      if (!text.startsWith(word, i)) continue;
      changed += `${text.slice(from, text[i - 1] === "-" ? i - 1 : i)}null`;
      from = i + word.length;
      i = from - 1;
    }
  }
  return changed + text.slice(from);
}
