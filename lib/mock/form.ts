/** Which form of API a path is of. */
import type { ApiType, NumbersApi } from "../endpoint/api_type.ts";

/** The path of Gemini's API: the model, and the way of answering. */
export const GEMINI_PATH =
  /^\/v1(?:beta)?\/models\/([^/]+):(generateContent|streamGenerateContent)$/;

/** The form of answers at a path. */
export function formOf(path: string): Exclude<ApiType, NumbersApi> {
  if (path.endsWith("/chat/completions")) return "chat";
  if (path.endsWith("/responses")) return "responses";
  if (path.endsWith("/messages")) return "messages";
  return GEMINI_PATH.test(path) ? "gemini" : "completions";
}
