/** Values of JSON from an endpoint, each checked. */
import { asObject, type JsonObject, parseSaid } from "../json_fields.ts";
import { EndpointError, errorIn, excerpt, saidError } from "./errors.ts";

/** A text; anything else counts as empty. */
export function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A whole number, at least 0; anything else is unknown. */
export function countIn(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? value as number : null;
}

/**
 * A JSON object from the server.
 *
 * @param what is named when it is none.
 * @param how how an error in it came.
 * @throws {EndpointError} class malformed; the server's own class for an error in it.
 */
export function parseObject(text: string, what: string, how: string): JsonObject {
  let value: unknown;
  try {
    value = parseSaid(text);
  } catch {
    throw malformed(`${what} is not JSON`, text);
  }
  const error = errorIn(value);
  if (error !== null) throw saidError(error, how);
  const object = asObject(value);
  if (object === null) throw malformed(`${what} is not a JSON object`, text);
  return object;
}

/** The error for an answer in another form. */
export function malformed(what: string, text: string): EndpointError {
  return new EndpointError("malformed", `${what}: ${JSON.stringify(excerpt(text))}`);
}

/** Arguments as a value; a text that is not JSON stays one. */
export function parsed(words: string): unknown {
  try {
    return words === "" ? {} : parseSaid(words);
  } catch {
    return words;
  }
}
