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
