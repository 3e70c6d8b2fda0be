/** JSON as a whole reply, and what the mock refuses, in OpenAI's words. */
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

/** A model that is not served. */
export function unknownModel(model: string): ReplyPart {
  const message = `The model \`${model}\` does not exist`;
  return jsonReply(404, errorBody(message, "invalid_request_error", "model_not_found"));
}

/** No such path, or not that method on it. @param methods those that the path has; none: no such path. */
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
