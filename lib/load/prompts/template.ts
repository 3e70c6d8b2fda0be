/**
 * Measures how many tokens a server adds to each prompt: its chat template and the
 * beginning-of-text token.
 */
import { counted } from "../../text/grouped.ts";
import { EndpointClient, type RequestOver } from "../../endpoint/client.ts";
import { tokenizedLength } from "./server_tokenizer.ts";
import type { APIConfiguration } from "../../endpoint/api.ts";
import type { Transport } from "../../endpoint/transport.ts";

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
