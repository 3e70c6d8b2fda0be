/** Whole replies with JSON, and refusals in OpenAI's words. */
import { errorBody } from "./replies.ts";
import type { ParsedRequest } from "./http_request.ts";
import type { ReplyPart } from "./parts.ts";

/** A whole reply with this body. */
export function jsonReply(
  status: number,
  body: unknown,
  headers?: Record<string, string>,
): ReplyPart {
  return { kind: "whole", at_s: 0, status, body: JSON.stringify(body), headers };
}

/** The reply for a model that is not served. */
export function unknownModel(model: string): ReplyPart {
  const message = `The model \`${model}\` does not exist`;
  return jsonReply(404, errorBody(message, "invalid_request_error", "model_not_found"));
}

/**
 * The reply for an unknown path or method.
 *
 * @param methods those that the path has; empty if the path is unknown.
 */
export function refusedRoute(
  { method, path }: ParsedRequest,
  methods: readonly string[],
): ReplyPart {
  const refusal = (status: number, what: string, headers?: Record<string, string>) =>
    jsonReply(status, errorBody(`${path}: ${what}`, "invalid_request_error", status), headers);
  if (methods.length === 0) return refusal(404, "no such route");
  const allowed = methods.flatMap((name) => name === "GET" ? ["GET", "HEAD"] : [name]);
  return refusal(405, `${method} is not served`, { allow: allowed.join(", ") });
}
