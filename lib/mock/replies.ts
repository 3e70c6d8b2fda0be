/** Bodies and events in the OpenAI forms. */
import type { ParsedRequest } from "./http_request.ts";

/** A request for an answer, read from its body. */
export interface Asked {
  api_type: "chat" | "completions" | "responses";
  model: string;
  /** The last user message, or the prompt. */
  prompt: string;
  prompt_tokens: number;
  max_tokens: number | null;
  stream: boolean;
  include_usage: boolean;
}

/** An answer that is about to be sent. */
export interface Answer {
  id: string;
  reasoning: string[];
  tokens: string[];
  finish_reason: "stop" | "length";
}

export interface TokenEvent {
  reasoning?: string;
  content?: string;
}

/** What a mock takes for a token: a word with the space before it. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}

/** Reads a request's body; a string says what is wrong with it. */
export function readAsked({ path, body_text }: ParsedRequest): Asked | string {
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(body_text);
  } catch {
    return "the body is not JSON";
  }
  if (typeof body !== "object" || body === null) return "the body is not a JSON object";
  const api_type = path.endsWith("/chat/completions")
    ? "chat"
    : path.endsWith("/responses")
    ? "responses"
    : "completions";
  const given = { chat: body.messages, responses: body.input, completions: body.prompt }[api_type];
  const texts = typeof given === "string" ? promptTexts(given) : messageTexts(given);
  if (
    texts === null || (api_type === "chat") !== Array.isArray(given) && api_type !== "responses"
  ) {
    return api_type === "chat" ? "messages: expected a list" : "prompt: expected text";
  }
  if (body.n !== undefined && body.n !== 1) return "n: only 1 is served";
  const limit = body.max_completion_tokens ?? body.max_tokens ?? body.max_output_tokens;
  return {
    api_type,
    model: String(body.model ?? "mock"),
    prompt: texts.last,
    prompt_tokens: tokensOf(texts.all.join(" ")).length,
    max_tokens: typeof limit === "number" ? limit : null,
    stream: body.stream === true,
    include_usage:
      (body.stream_options as { include_usage?: unknown } | undefined)?.include_usage === true,
  };
}

function messageTexts(messages: unknown): { all: string[]; last: string } | null {
  if (!Array.isArray(messages) || messages.length === 0) return null;
  const all = messages.map(({ content }) =>
    typeof content === "string" ? content : JSON.stringify(content ?? "")
  );
  const users = messages.flatMap(({ role }, i) => role === "user" ? [all[i]] : []);
  return { all, last: users.at(-1) ?? all.at(-1)! };
}

function promptTexts(prompt: string): { all: string[]; last: string } {
  return { all: [prompt], last: prompt };
}

/** Cuts an answer at the token limit. */
export function answerOf(
  id: string,
  response: string,
  reasoning: string,
  limit: number | null,
): Answer {
  const thought = tokensOf(reasoning);
  const tokens = tokensOf(response);
  const room = limit ?? Infinity;
  const cut = thought.length + tokens.length > room;
  return {
    id,
    reasoning: thought.slice(0, room),
    tokens: tokens.slice(0, Math.max(0, room - thought.length)),
    finish_reason: cut ? "length" : "stop",
  };
}

const created = () => Math.floor(Date.now() / 1000);

/** The whole answer as one body. */
export function wholeBody(asked: Asked, answer: Answer, usage: boolean): unknown {
  const content = answer.tokens.join("");
  const reasoning = answer.reasoning.join("");
  if (asked.api_type === "responses") return responseObject(asked, answer, "completed", usage);
  const choice = asked.api_type === "completions" ? { text: content } : {
    message: {
      role: "assistant",
      content,
      ...(reasoning ? { reasoning_content: reasoning } : {}),
    },
  };
  return {
    id: answer.id,
    object: asked.api_type === "chat" ? "chat.completion" : "text_completion",
    created: created(),
    model: asked.model,
    choices: [{ index: 0, ...choice, finish_reason: answer.finish_reason }],
    ...(usage ? { usage: usageOf(asked, answer) } : {}),
  };
}

/** One event of a stream. `delta` null: the last one, with the finish reason. */
export function chunk(asked: Asked, answer: Answer, delta: TokenEvent | "role" | null): unknown {
  if (asked.api_type === "responses") return responseEvent(asked, answer, delta);
  const finish_reason = delta === null ? answer.finish_reason : null;
  const text = delta === null || delta === "role" ? "" : delta.content ?? "";
  const choice = asked.api_type === "completions" ? { text } : { delta: deltaOf(delta) };
  return chunkWith(asked, answer, { choices: [{ index: 0, ...choice, finish_reason }] });
}

/** A typed event of the Responses API. */
function responseEvent(asked: Asked, answer: Answer, delta: TokenEvent | "role" | null): unknown {
  if (delta === "role") {
    const response = responseObject(asked, answer, "in_progress", false);
    return { type: "response.created", response };
  }
  if (delta === null) {
    const response = responseObject(asked, answer, "completed", true);
    return { type: "response.completed", response };
  }
  return delta.reasoning
    ? { type: "response.reasoning_text.delta", item_id: answer.id, delta: delta.reasoning }
    : { type: "response.output_text.delta", item_id: answer.id, delta: delta.content };
}

function responseObject(asked: Asked, answer: Answer, status: string, whole: boolean): unknown {
  const content = [{ type: "output_text", text: answer.tokens.join(""), annotations: [] }];
  const { prompt_tokens, completion_tokens, total_tokens } = usageOf(asked, answer);
  return {
    id: answer.id,
    object: "response",
    created_at: created(),
    model: asked.model,
    status,
    output: status === "completed" ? [{ type: "message", role: "assistant", content }] : [],
    ...(whole
      ? { usage: { input_tokens: prompt_tokens, output_tokens: completion_tokens, total_tokens } }
      : {}),
  };
}

/** Vectors for texts: what an embeddings endpoint answers. */
export function embeddingsBody(model: string, inputs: readonly string[]): unknown {
  const tokens = inputs.reduce((sum, text) => sum + tokensOf(text).length, 0);
  return {
    object: "list",
    model,
    data: inputs.map((text, index) => ({
      object: "embedding",
      index,
      embedding: Array.from({ length: 8 }, (_, i) => (text.charCodeAt(i) || 0) / 256),
    })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/** The event that carries usage, without choices. */
export function usageChunk(asked: Asked, answer: Answer): unknown {
  return chunkWith(asked, answer, { choices: [], usage: usageOf(asked, answer) });
}

function chunkWith(asked: Asked, answer: Answer, fields: object): unknown {
  const object = asked.api_type === "chat" ? "chat.completion.chunk" : "text_completion";
  return { id: answer.id, object, created: created(), model: asked.model, ...fields };
}

function deltaOf(delta: TokenEvent | "role" | null): object {
  if (delta === null) return {};
  if (delta === "role") return { role: "assistant", content: "" };
  return delta.reasoning ? { reasoning_content: delta.reasoning } : { content: delta.content };
}

function usageOf(asked: Asked, answer: Answer) {
  const completion_tokens = answer.reasoning.length + answer.tokens.length;
  return {
    prompt_tokens: asked.prompt_tokens,
    completion_tokens,
    total_tokens: asked.prompt_tokens + completion_tokens,
  };
}

/** An error in the OpenAI form. */
export function errorBody(message: string, type: string, code: string | number | null): unknown {
  return { error: { message, type, param: null, code } };
}
