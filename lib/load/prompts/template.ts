/**
 * Measures how many tokens a server adds to each prompt: its chat template and the
 * beginning-of-text token.
 */
import { counted } from "../../text/grouped.ts";
import { EndpointClient, type RequestOver } from "../../endpoint/client.ts";
import { type APIConfiguration, requestHeaders } from "../../endpoint/api.ts";
import { exchange, type Transport } from "../../endpoint/transport.ts";
import { basePath } from "../../endpoint/api_type.ts";
import { EndpointError } from "../../endpoint/errors.ts";
import { type JsonObject, parsedObject } from "../../json_fields.ts";

/** The numbers of words in the two questions. */
const SHORT = 8, LONG = 40;

/** The result of the two questions. */
export interface TemplateReading {
  /** Tokens added; null: the server does not count prompts, or does not count one token per word. */
  tokens: number | null;
  /** A note for the reader of the results; null for none. */
  note: string | null;
  /** The requests that were made. */
  requests: RequestOver[];
}

/**
 * Asks two short questions, of 8 and of 40 words of one token each. The tokens that the server
 * counts beyond the words, if the same for both, are its template's. If the server reports no
 * usage, its tokenizer is asked instead, if it has one.
 *
 * @param words words that are one token each for the model's tokenizer.
 */
export async function readTemplate(
  api: APIConfiguration,
  transport: Transport,
  words: readonly string[],
  signal: AbortSignal,
): Promise<TemplateReading> {
  const requests: RequestOver[] = [];
  if (api.api_type !== "chat" && api.api_type !== "completions") {
    return { tokens: null, note: null, requests };
  }
  const { several, ...one } = api;
  const endpoint = several?.endpoints[0] ?? api.endpoint;
  const client = new EndpointClient({ ...one, endpoint }, transport);
  const told: number[] = [];
  for (const length of [SHORT, LONG]) {
    const prompt = Array.from({ length }, () => words[Math.floor(Math.random() * words.length)]);
    const question = { prompt: prompt.join(" "), parameters: { max_tokens: 1 } };
    const { reply } = await client.ask(question, signal, undefined, (over) => requests.push(over));
    const length_told = reply.prompt_tokens ??
      await tokenizedLength(question.prompt, client.api, transport, signal);
    if (length_told === null) return { tokens: null, note: null, requests };
    told.push(length_told);
  }
  const [short, long] = told;
  if (long - short === LONG - SHORT && short >= SHORT) {
    return { tokens: short - SHORT, note: null, requests };
  }
  const note = long === short
    ? `the server reports ${
      counted(short, "prompt token")
    } for any prompt: the length of made-up ` +
      "prompts by its own count is unknown"
    : `the server counts ${counted(long - short, "token")} for ${
      LONG - SHORT
    } words of one token each: ` +
      "made-up prompts do not have the lengths asked for; --tokenizer with the model's own tokenizer.json " +
      "may correct that";
  return { tokens: null, note, requests };
}

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
