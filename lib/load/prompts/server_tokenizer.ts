/** Lengths of questions by the server's own tokenizer, for servers that report no usage. */
import { basePath } from "../../endpoint/api_type.ts";
import { requestHeaders } from "../../endpoint/api.ts";
import { EndpointError } from "../../endpoint/errors.ts";
import { exchange, type Transport } from "../../endpoint/transport.ts";
import { type JsonObject, parsedObject } from "../../json_fields.ts";
import type { APIConfiguration } from "../../endpoint/api.ts";

const TIMEOUT_S = 10;

/**
 * Returns the tokens of a question including its chat template: from POST /tokenize, as in vLLM and
 * SGLang, or from llama.cpp's /apply-template and /tokenize. Null where the server has neither.
 */
export async function tokenizedLength(
  prompt: string,
  api: APIConfiguration,
  transport: Transport,
  signal: AbortSignal,
): Promise<number | null> {
  const isChat = api.api_type === "chat";
  const asked = isChat ? { messages: [{ role: "user", content: prompt }] } : { prompt };
  const post = (path: string, body: JsonObject) => answerTo(path, body, api, transport, signal);
  const told = await post("/tokenize", { model: api.model, ...asked });
  if (typeof told?.count === "number") return told.count;
  if (!Array.isArray(told?.tokens)) return null;
  // llama.cpp's /tokenize knows neither field and takes a plain text
  const text = isChat ? (await post("/apply-template", asked))?.prompt : prompt;
  if (typeof text !== "string") return null;
  const own = await post("/tokenize", { content: text, add_special: true });
  return Array.isArray(own?.tokens) ? own.tokens.length : null;
}

/**
 * POSTs to a path next to the server's versioned API, and returns the JSON of the answer; null for
 * none.
 */
async function answerTo(
  path: string,
  body: JsonObject,
  api: APIConfiguration,
  transport: Transport,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  const url = new URL(api.endpoint);
  url.pathname = basePath(url).replace(/\/v\d+\w*$/, "") + path;
  url.search = "";
  const request = {
    method: "POST" as const,
    url,
    headers: requestHeaders({ ...api, stream: false }),
    body: JSON.stringify(body),
    timeout_s: Math.min(TIMEOUT_S, api.timeout),
    tls: api.tls,
  };
  try {
    const { status, body } = await exchange(transport, request, null, signal);
    return status === 200 ? parsedObject(body) : null;
  } catch (error) {
    if (error instanceof EndpointError) return null;
    throw error;
  }
}
