/** Values of JSON from an endpoint, of which none is sure to be what it should. */
import { EndpointError, errorIn, excerpt, saidError } from "./errors.ts";

/** A JSON object. */
export type Json = Record<string, unknown>;

/** The object; null for anything else. */
export function objectIn(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Json
    : null;
}

/** The objects of a list; anything else counts as none. */
export function objectsIn(value: unknown): Json[] {
  return (Array.isArray(value) ? value : []).filter((item) => objectIn(item) !== null);
}

/** A text; anything else counts as empty. */
export function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A whole number from 0; anything else is unknown. */
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
export function parseObject(text: string, what: string, how: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(`${what} is not JSON`, text);
  }
  const error = errorIn(value);
  if (error !== null) throw saidError(error, how);
  const object = objectIn(value);
  if (object === null) throw malformed(`${what} is not a JSON object`, text);
  return object;
}

/** What the server said is not what was asked for. */
export function malformed(what: string, text: string): EndpointError {
  return new EndpointError("malformed", `${what}: ${JSON.stringify(excerpt(text))}`);
}
