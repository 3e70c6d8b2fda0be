/** Request bodies in the form that an endpoint takes. */
import { InputError } from "../errors.ts";
import { objectOr } from "../json_fields.ts";
import { answersNumbers } from "./api_type.ts";
import { geminiBody } from "./gemini_request.ts";
import { messagesBody } from "./messages_request.ts";
import type { JsonObject } from "../json_fields.ts";
import type { APIConfiguration } from "./api.ts";

/** What is asked: a prompt or messages, with sampling parameters passed on as they are. */
export interface Question {
  /** The text; either this or `messages`. */
  prompt?: string;
  /** A conversation in the form of the chat API. */
  messages?: readonly unknown[];
  /** Texts that an embeddings endpoint embeds, instead of one prompt. */
  inputs?: readonly string[];
  /** Sampling parameters, sent as they are. */
  parameters?: Record<string, unknown>;
}

/**
 * The body to post. A chat endpoint takes a bare prompt as one user message; a completions endpoint
 * cannot take messages, since only the server knows the model's chat template.
 *
 * @throws {InputError} messages for an endpoint that takes texts; a parameter that the API of
 * Anthropic or Gemini has no field for.
 */
export function requestBody(question: Question, api: APIConfiguration): Record<string, unknown> {
  if (api.api_type === "messages" || api.api_type === "gemini") {
    const messages = question.messages ?? [{ role: "user", content: question.prompt }];
    const given = question.parameters ?? {};
    return api.api_type === "gemini"
      ? geminiBody(messages, given)
      : { ...messagesBody(api.model, messages, given), stream: api.stream };
  }
  const { max_tokens, ...parameters } = question.parameters ?? {};
  const body = { model: api.model, ...content(question, api), ...parameters };
  if (answersNumbers(api.api_type)) return body;
  const limit = api.api_type === "responses" ? "max_output_tokens" : api.max_tokens_field;
  const withUsage = api.stream && api.stream_options && api.api_type !== "responses";
  return {
    ...body,
    ...(max_tokens === undefined ? {} : { [limit]: max_tokens }),
    stream: api.stream,
    ...(withUsage ? { stream_options: { include_usage: true } } : {}),
  };
}

function content(
  { prompt, messages, inputs, parameters = {} }: Question,
  api: APIConfiguration,
): Record<string, unknown> {
  if (api.api_type === "embeddings" && inputs !== undefined) return { input: inputs };
  if (api.api_type === "chat") {
    return { messages: messages ?? [{ role: "user", content: prompt }] };
  }
  if (api.api_type === "responses") return { input: messages?.map(inputItem) ?? prompt };
  if (prompt === undefined) {
    throw new InputError(
      `${api.endpoint}: this endpoint takes prompts, and this question has messages; ` +
        "use the server's /v1/chat/completions",
    );
  }
  if (api.api_type === "rerank") return rankedBody(prompt, parameters);
  if (api.api_type === "score") return scoredBody(prompt, parameters);
  return api.api_type === "embeddings" ? { input: prompt } : { prompt };
}

/** A chat's message as an item of the Responses API, whose parts have their own names. */
function inputItem(message: unknown): unknown {
  const { content } = objectOr(message);
  if (!Array.isArray(content)) return message;
  return { ...objectOr(message), content: content.map((part) => inputPart(objectOr(part))) };
}

function inputPart(part: JsonObject): JsonObject {
  switch (part.type) {
    case "text":
      return { type: "input_text", text: part.text };
    case "image_url": {
      const { url, detail } = objectOr(part.image_url);
      return { type: "input_image", image_url: url, ...(detail === undefined ? {} : { detail }) };
    }
    case "file":
      return { type: "input_file", ...objectOr(part.file) };
    default:
      return part; // in the API's own form, and sound
  }
}

/** Documents of a ranking that is made of one text, each as long as its query. */
const DOCUMENTS = 3;

/** A query and documents: the text is the query of those that are given, or is cut into all of them. */
function rankedBody(prompt: string, { documents }: Record<string, unknown>) {
  if (documents !== undefined) return { query: prompt };
  const [query, ...rest] = pieces(prompt, DOCUMENTS + 1);
  return { query, documents: rest.length > 0 ? rest : [query] };
}

/** A pair: the text is the first of the second that is given, or is cut into both. */
function scoredBody(prompt: string, { text_2 }: Record<string, unknown>) {
  if (text_2 !== undefined) return { text_1: prompt };
  const [first, second = first] = pieces(prompt, 2);
  return { text_1: first, text_2: second };
}

/** A text in at most this many parts with as many words each, except the last. */
function pieces(text: string, most: number): string[] {
  const words = text.split(/\s+/).filter(Boolean);
  const each = Math.max(1, Math.ceil(words.length / most));
  const parts = Array.from(
    { length: Math.ceil(words.length / each) },
    (_, i) => words.slice(i * each, (i + 1) * each).join(" "),
  );
  return parts.length > 0 ? parts : [text];
}

/** The question as text, for people and evaluators: messages as `role: content` lines. */
export function promptText({ prompt, messages }: Question): string {
  if (prompt !== undefined) return prompt;
  return (messages as { role: string; content: unknown }[]).map(({ role, content }) =>
    `${role}: ${typeof content === "string" ? content : JSON.stringify(content)}`
  ).join("\n");
}
