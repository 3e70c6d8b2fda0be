/** Checked readers of JSON values that come from an endpoint. */
import { asObject, type JsonObject, parseSaid } from "../json_fields.ts";
import { EndpointError, errorIn, excerpt, saidError } from "./errors.ts";

/** The value if it is a text, else an empty text. */
export function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The value if it is a whole number of at least 0, else null. */
export function countIn(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? value as number : null;
}

/**
 * Parses a JSON object from the server.
 *
 * @param what the name of the text in the error, when it is not an object.
 * @param how how an error inside it arrived.
 * @throws {EndpointError} class malformed; the server's own class for an error inside it.
 */
export function parseObject(text: string, what: string, how: string): JsonObject {
  let value: unknown;
  try {
    value = parseSaid(text);
  } catch (error) {
    const why = error instanceof RangeError ? error.message : "is not JSON";
    throw malformed(`${what} ${why}`, text);
  }
  const error = errorIn(value);
  if (error !== null) throw saidError(error, how);
  const object = asObject(value);
  if (object === null) throw malformed(`${what} is not a JSON object`, text);
  return object;
}

/** The error for an answer in an unexpected format. */
export function malformed(what: string, text: string): EndpointError {
  return new EndpointError("malformed", `${what}: ${JSON.stringify(excerpt(text))}`);
}

/** Parses arguments; a text that is not JSON stays a text. */
export function parsed(words: string): unknown {
  try {
    return words === "" ? {} : parseSaid(words);
  } catch {
    return words;
  }
}
