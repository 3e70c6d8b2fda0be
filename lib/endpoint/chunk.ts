/** What one event of a stream says, in each form of API. */
import { count, objectsIn, parse, textIn } from "./reply.ts";
import type { ApiType } from "./api.ts";
import type { Json } from "./reply.ts";

export interface Chunk {
  /** Content, without reasoning. */
  text: string;
  /** Whether it carries content, reasoning or tool-call text. */
  has_token: boolean;
  /** Whether it carries any choice: what some tools take for the first token. */
  has_choice: boolean;
  /** The answer is complete. */
  finished: boolean;
  /** The server's counts; null where it says none. */
  prompt_tokens: number | null;
  completion_tokens: number | null;
}

const NOTHING: Chunk = {
  text: "",
  has_token: false,
  has_choice: false,
  finished: false,
  prompt_tokens: null,
  completion_tokens: null,
};

/**
 * Reads an event's data.
 *
 * @throws {EndpointError} class malformed for bad JSON; the server's own class for an error event.
 */
export function readChunk(data: string, api_type: ApiType): Chunk {
  if (data === "[DONE]") return { ...NOTHING, finished: true };
  const json = parse(data, "an event");
  return api_type === "responses" ? responsesChunk(json) : choicesChunk(json);
}

/** Reads a whole answer that was not streamed. @throws {EndpointError} as {@linkcode readChunk}. */
export function readWhole(body: string, api_type: ApiType): Chunk {
  const json = parse(body, "the answer");
  const usage = usageOf(json.usage);
  if (api_type === "embeddings") {
    const vectors = objectsIn(json.data).length > 0;
    return { ...NOTHING, ...usage, has_token: vectors, has_choice: vectors, finished: vectors };
  }
  if (api_type === "responses") {
    const parts = objectsIn(json.output).flatMap((item) => objectsIn((item as Json).content));
    const text = parts.map((part) => textIn((part as Json).text)).join("");
    return { ...NOTHING, ...usage, text, has_token: text !== "", has_choice: true, finished: true };
  }
  return { ...choicesChunk(json), finished: true };
}

function choicesChunk(json: Json): Chunk {
  const chunk = { ...NOTHING, ...usageOf(json.usage) };
  for (const choice of objectsIn(json.choices) as Json[]) {
    const message = (choice.delta ?? choice.message ?? { content: choice.text }) as Json;
    const content = textIn(message.content);
    chunk.text += content;
    chunk.has_choice = true;
    chunk.has_token ||= content !== "" || textIn(message.reasoning_content) !== "" ||
      textIn(message.reasoning) !== "" || objectsIn(message.tool_calls).some(hasCallText);
    chunk.finished ||= textIn(choice.finish_reason) !== "";
  }
  return chunk;
}

function hasCallText(call: object): boolean {
  const { name, arguments: text } = ((call as Json).function ?? {}) as Json;
  return textIn(name) !== "" || textIn(text) !== "";
}

/** The Responses API: typed events, of which those with a delta carry text. */
function responsesChunk(json: Json): Chunk {
  const type = textIn(json.type);
  if (type.endsWith(".delta")) {
    const delta = textIn(json.delta);
    const text = type === "response.output_text.delta" ? delta : "";
    return { ...NOTHING, text, has_token: delta !== "", has_choice: true };
  }
  const finished = type === "response.completed" || type === "response.incomplete";
  return finished
    ? { ...NOTHING, ...usageOf((json.response as Json | undefined)?.usage), finished }
    : NOTHING;
}

function usageOf(usage: unknown): Pick<Chunk, "prompt_tokens" | "completion_tokens"> {
  const counts = (typeof usage === "object" && usage !== null ? usage : {}) as Json;
  return {
    prompt_tokens: count(counts.prompt_tokens) ?? count(counts.input_tokens),
    completion_tokens: count(counts.completion_tokens) ?? count(counts.output_tokens),
  };
}
