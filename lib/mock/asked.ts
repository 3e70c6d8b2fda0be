/** A request for an answer, parsed from its body according to OpenAI's documentation. */
import { tokensOf } from "./tokens.ts";
import { wavSeconds } from "../endpoint/forms/wav.ts";
import { formOf } from "./form.ts";
import { IN_OPENAI } from "./foreign_request.ts";
import { multipartFields } from "./multipart.ts";
import { asObject, isJsonObject, objectOr } from "../json_fields.ts";
import type { TextApi } from "./form.ts";
import type { SentFile } from "./multipart.ts";
import type { ParsedRequest } from "./http_request.ts";

type Json = Record<string, unknown>;

/** One text to answer. */
export interface Prompt {
  /** The text that a script matches: the last user message, or the prompt. */
  text: string;
  /**
   * All of the prompt: one token per word, the first word of a message with its role; or the given
   * token ids.
   */
  tokens: string[];
}

/** A function that the answer must call. */
export interface AskedCall {
  name: string;
  /** The JSON Schema of its arguments. */
  parameters: unknown;
}

/** A request for an answer. */
export interface Asked {
  api_type: TextApi;
  model: string;
  /** One, or several for /v1/completions. */
  prompts: Prompt[];
  /** Answers to each prompt. */
  n: number;
  max_tokens: number | null;
  stream: boolean;
  /** Whether a last event reports the usage (stream_options.include_usage). */
  include_usage: boolean;
  /**
   * Whether every event reports the usage so far (vLLM's stream_options.continuous_usage_stats).
   */
  usage_so_far: boolean;
  /** The number of alternatives per token; null: no log probabilities. */
  logprobs: number | null;
  /** The call that tool_choice requests. */
  call: AskedCall | null;
  /** The schema that the answer's text must fit; `{}` for any object, null for free text. */
  json_schema: Json | null;
  /** Text before the prompt: the tools. */
  preamble: string;
  /** TGI's token counts, if the request asks for them. */
  details: boolean;
  /** For a transcription: the duration of its sound, seconds; null if the file does not say. */
  sound_s: number | null;
  /** For a transcription: the answer is plain text. */
  plain: boolean;
}

/** An invalid request; the message names the field. */
export class AskedWrongly extends Error {}

/** The most answers per prompt, and prompts per list, as in OpenAI's API. */
const MAX_N = 128;
const MAX_PROMPTS = 2048;

/**
 * Parses a request's body.
 *
 * @param model used if the request names none.
 * @throws {AskedWrongly} the body is not a request.
 */
export function readAsked(request: ParsedRequest, model: string): Asked {
  const { path, body_text } = request;
  const api_type = formOf(path);
  const own = multipartFields(request) ?? readBody(body_text);
  if (api_type === "messages" && wholeNumber(own, "max_tokens", 1) === null) {
    throw new AskedWrongly("max_tokens: Field required");
  }
  const body = IN_OPENAI[api_type]?.(own, path) ?? own;
  const file = api_type === "transcription" ? sentFile(own) : null;
  const options = streamOptions(body);
  const tools = body.tools ?? null;
  return {
    api_type,
    model: readModel(body, model),
    prompts: readPrompts(api_type, body),
    n: wholeNumber(body, "n", 1, MAX_N) ?? 1,
    max_tokens: wholeNumber(body, "max_completion_tokens", 0) ??
      wholeNumber(body, "max_tokens", 0) ?? wholeNumber(body, "max_output_tokens", 0),
    stream: body.stream === true,
    include_usage: options.include_usage === true,
    usage_so_far: options.continuous_usage_stats === true,
    logprobs: api_type === "chat"
      ? body.logprobs === true ? wholeNumber(body, "top_logprobs", 0, 20) ?? 0 : null
      : api_type === "completions"
      ? wholeNumber(body, "logprobs", 0, 20)
      : null,
    call: readCall(body, tools),
    json_schema: api_type === "transcription" ? null : readFormat(
      api_type === "responses" ? objectOr(body.text).format : body.response_format,
    ),
    preamble: tools === null ? "" : JSON.stringify(tools),
    details: body.details === true,
    sound_s: file === null ? null : wavSeconds(file.bytes),
    plain: file !== null && body.response_format === "text",
  };
}

/** Whether a form's prompts are messages with roles. */
export function hasMessages(api_type: TextApi): boolean {
  return ["chat", "messages", "gemini", "converse", "responses"].includes(api_type);
}

/** The prompts of a body. @throws {AskedWrongly} there are none. */
export function readPrompts(api_type: TextApi, body: Json): Prompt[] {
  if (api_type === "responses") return [responsesPrompt(body)];
  if (hasMessages(api_type)) return [messagesPrompt(body.messages, "messages")];
  if (api_type === "transcription") return [{ text: String(body.prompt ?? ""), tokens: [] }];
  return promptsIn(body.prompt, "prompt");
}

function sentFile({ file }: Json): SentFile {
  const { bytes } = objectOr(file);
  if (bytes === undefined) throw new AskedWrongly("file: expected a file of sound");
  return file as SentFile;
}

/** The JSON object of a body. @throws {AskedWrongly} it is not an object. */
export function readBody(body_text: string): Json {
  let body: unknown;
  try {
    body = JSON.parse(body_text);
  } catch {
    throw new AskedWrongly("the body is not JSON");
  }
  if (!isJsonObject(body)) throw new AskedWrongly("the body is not a JSON object");
  return body;
}

/** The model's name, or the default. @throws {AskedWrongly} it is not a text. */
export function readModel({ model }: Json, otherwise: string): string {
  if (model !== undefined && typeof model !== "string") {
    throw new AskedWrongly("model: expected text");
  }
  return model ?? otherwise;
}

/**
 * Prompts in any of four forms: a text, texts, token ids, lists of token ids.
 *
 * @throws {AskedWrongly} they are of another form, or empty.
 */
export function promptsIn(given: unknown, name: string): Prompt[] {
  const isIds = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length > 0 && value.every(Number.isSafeInteger);
  const list = Array.isArray(given) && !isIds(given) ? given : [given];
  if (list.length === 0 || list.length > MAX_PROMPTS) {
    throw new AskedWrongly(`${name}: expected 1 to ${MAX_PROMPTS} of them`);
  }
  return list.map((prompt) => {
    if (typeof prompt === "string") return { text: prompt, tokens: tokensOf(prompt) };
    if (isIds(prompt)) return { text: prompt.join(" "), tokens: prompt.map(String) };
    throw new AskedWrongly(`${name}: expected text, texts or token ids`);
  });
}

function messagesPrompt(messages: unknown, name: string): Prompt {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new AskedWrongly(`${name}: expected a list of messages`);
  }
  const texts = messages.map((message, i) => {
    if (!isJsonObject(message)) throw new AskedWrongly(`${name}[${i}]: expected a message`);
    return contentText(message.content ?? message.output);
  });
  const users = texts.filter((_, i) => messages[i].role === "user");
  return {
    text: users.at(-1) ?? texts.at(-1)!,
    tokens: texts.flatMap((text, i) => messageTokens(String(messages[i].role ?? "tool"), text)),
  };
}

/** The tokens of a message: its role is part of the first. */
export function messageTokens(role: string, text: string): string[] {
  const [first, ...rest] = tokensOf(text);
  return first === undefined ? [] : [`<|${role}|>${first}`, ...rest];
}

/** A message's text; other content parts as their JSON. */
function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return isJsonObject(content) ? JSON.stringify(content) : "";
  return content.map((part) =>
    isJsonObject(part) && typeof part.text === "string" ? part.text : JSON.stringify(part)
  ).join(" ");
}

function responsesPrompt(body: Json): Prompt {
  if (body.previous_response_id !== undefined && body.previous_response_id !== null) {
    throw new AskedWrongly("previous_response_id: responses are not kept; send the whole input");
  }
  const { input, instructions } = body;
  if (typeof input !== "string" && !Array.isArray(input)) {
    throw new AskedWrongly("input: expected text or a list of items");
  }
  const items = typeof input === "string" ? [{ role: "user", content: input }] : input;
  const prompt = messagesPrompt(items, "input");
  const before = typeof instructions === "string" ? messageTokens("system", instructions) : [];
  return { ...prompt, tokens: [...before, ...prompt.tokens] };
}

function streamOptions(body: Json): Json {
  const options = body.stream_options ?? null;
  if (options === null) return {};
  if (!isJsonObject(options)) throw new AskedWrongly("stream_options: expected an object");
  if (body.stream !== true) {
    throw new AskedWrongly("stream_options: only allowed when stream is true");
  }
  return options;
}

/** The function that tool_choice names, or the first one if it is "required". */
function readCall(body: Json, tools: unknown): AskedCall | null {
  const choice = body.tool_choice ?? "auto";
  if (choice === "auto" || choice === "none") return null;
  const functions = (Array.isArray(tools) ? tools : []).flatMap((tool) => {
    const declared = asObject(objectOr(tool).function) ?? objectOr(tool);
    return typeof declared.name === "string" ? [declared] : [];
  });
  const name = choice === "required"
    ? functions[0]?.name
    : objectOr(objectOr(choice).function).name ?? objectOr(choice).name;
  const found = functions.find((declared) => declared.name === name);
  if (found === undefined) {
    throw new AskedWrongly(`tool_choice: ${JSON.stringify(choice)} is none of the tools`);
  }
  return { name: String(found.name), parameters: found.parameters ?? {} };
}

function readFormat(format: unknown): Json | null {
  const { type = "text", json_schema, schema } = objectOr(format);
  if (type === "text") return null;
  if (type === "json_object") return {};
  if (type !== "json_schema") {
    throw new AskedWrongly("response_format: expected text, json_object or json_schema");
  }
  return objectOr(schema ?? objectOr(json_schema).schema);
}

function wholeNumber(body: Json, name: string, min: number, max = Infinity): number | null {
  const value = body[name] ?? null;
  if (value === null) return null;
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    const range = max === Infinity ? `, at least ${min}` : ` from ${min} to ${max}`;
    throw new AskedWrongly(`${name}: expected a whole number${range}`);
  }
  return value as number;
}
