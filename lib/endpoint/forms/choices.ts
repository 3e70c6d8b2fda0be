/** Chat and completions: reads chunks and whole answers as the various servers write them. */
import { saidError } from "../errors.ts";
import { textIn } from "../json.ts";
import { asObject, type JsonObject, objectsIn } from "../../json_fields.ts";
import { type CallPart, Said } from "../said.ts";
import { usageIn } from "../usage.ts";
import { type ApiForm, promptOf, type RequestTarget } from "./form.ts";
import type { Question } from "../question.ts";

/** Names of the field for reasoning; when several are present, they have the same text. */
const REASONING = ["reasoning_content", "reasoning", "thinking", "reasoning_text"];

/**
 * Reads a chunk or a whole answer.
 *
 * @throws {EndpointError} a choice that failed: the class that the server's reason stands for.
 */
function saidInChoices(json: JsonObject): Said {
  const said = new Said();
  said.addUsage(usageIn(json.usage) ?? usageIn(asObject(json.x_groq)?.usage));
  const choices = objectsIn(json.choices);
  for (let i = 0; i < choices.length; i++) {
    const choice = choices[i];
    const first = typeof choice.index === "number" ? choice.index === 0 : i === 0;
    said.has_choice = true;
    said.addUsage(usageIn(choice.usage)); // Moonshot
    const message = asObject(choice.delta) ?? asObject(choice.message) ?? choice;
    addMessage(said, message, first);
    said.has_blank ||= first && message.content === "" && !("role" in message);
    const reason = textIn(choice.finish_reason);
    const error = asObject(choice.error); // OpenRouter
    if (error !== null) throw saidError(error, "the server broke off with an error");
    if (reason !== "") said.finish(reason, textIn(choice.message) || null);
  }
  return said;
}

/** Adds the content of a delta, a message, or a choice of completions. */
function addMessage(said: Said, message: JsonObject, first: boolean): void {
  const reasoning = reasoningIn(message);
  said.add(first ? "reasoning" : "others", reasoning);
  addContent(said, message.content ?? message.text, first);
  const refusal = textIn(message.refusal);
  if (refusal !== "") {
    said.add(first ? "text" : "others", refusal);
    if (first) said.refusal += refusal;
  }
  const audio = asObject(message.audio);
  if (audio !== null) {
    said.add(first ? "text" : "others", textIn(audio.transcript));
    said.has_token ||= textIn(audio.data) !== "";
  }
  for (const call of objectsIn(message.tool_calls)) addCall(said, call);
  const legacy = asObject(message.function_call);
  if (legacy !== null) addCall(said, { index: "function_call", function: legacy });
}

/** Adds content, which is a text or a list of parts (Mistral, vLLM's omni models). */
function addContent(said: Said, content: unknown, first: boolean): void {
  if (!Array.isArray(content)) return said.add(first ? "text" : "others", textIn(content));
  for (const part of content) {
    if (typeof part === "string") said.add(first ? "text" : "others", part);
    const { type, text, refusal } = asObject(part) ?? {};
    const thought = type === "thinking" || type === "reasoning";
    if (thought) said.add(first ? "reasoning" : "others", thoughtIn(part as JsonObject));
    else said.add(first ? "text" : "others", textIn(text) || textIn(refusal));
    if (!thought && first && textIn(text) === "") said.refusal += textIn(refusal);
  }
}

function reasoningIn(message: JsonObject): string {
  for (const name of REASONING) {
    const text = textIn(message[name]);
    if (text !== "") return text;
  }
  // OpenRouter, when the plain field is left out
  return objectsIn(message.reasoning_details)
    .map(({ text, summary }) => textIn(text) || textIn(summary)).join("");
}

/** The text of a part with thinking: a text, or again a list of parts. */
function thoughtIn({ thinking, reasoning, text }: JsonObject): string {
  const thought = thinking ?? reasoning ?? text;
  if (!Array.isArray(thought)) return textIn(thought);
  return thought.map((part) => textIn(part) || textIn(asObject(part)?.text)).join("");
}

function addCall(said: Said, call: JsonObject): void {
  const custom = asObject(call.custom);
  const { name, arguments: given, input } = asObject(call.function) ?? custom ?? {};
  const words = given ?? input;
  said.addCall({
    place: typeof call.index === "number" || typeof call.index === "string" ? call.index : null,
    id: textIn(call.id),
    name: textIn(name),
    // Ollama used to send an object
    arguments: asObject(words) === null ? textIn(words) : JSON.stringify(words),
    kind: custom === null ? "function" : "custom",
  });
}

/** The fields of a stream's chunks besides the answer, with the usage, which a later chunk may lack. */
function kept(raw: JsonObject, json: JsonObject): JsonObject {
  const { choices: _, usage, ...rest } = json;
  return { ...raw, ...rest, ...(asObject(usage) === null ? {} : { usage }) };
}

/** The fields of a request's body besides the question. */
function bodyOf(
  content: JsonObject,
  { parameters = {} }: Question,
  { model, stream, stream_options, max_tokens_field }: RequestTarget,
): JsonObject {
  const { max_tokens, ...others } = parameters;
  return {
    model,
    ...content,
    ...others,
    ...(max_tokens === undefined ? {} : { [max_tokens_field]: max_tokens }),
    stream,
    ...(stream && stream_options ? { stream_options: { include_usage: true } } : {}),
  };
}

const common = {
  says: "text",
  event: saidInChoices,
  body: saidInChoices,
  list: "choices",
  kept,
} as const;

/** Chat completions. */
export const CHAT: ApiForm = {
  ...common,
  path: /\/chat\/completions$/,
  converses: true,
  request: (question, asked) => {
    const messages = question.messages ?? [{ role: "user", content: question.prompt }];
    return bodyOf({ messages }, question, asked);
  },
  whole: (raw, { text, reasoning, refusal, calls, finish_reason }) => {
    const message = {
      role: "assistant",
      content: refusal === "" ? text : text.replace(refusal, "") || null,
      ...(refusal ? { refusal } : {}),
      ...(reasoning ? { reasoning_content: reasoning } : {}),
      ...(calls.length ? { tool_calls: calls.map(callJson) } : {}),
    };
    return { ...raw, choices: [{ index: 0, message, finish_reason }] };
  },
};

/** Completions of a text. */
export const COMPLETIONS: ApiForm = {
  ...common,
  path: /\/completions$/,
  converses: false,
  request: (question, asked) => bodyOf({ prompt: promptOf(question, asked) }, question, asked),
  whole: (raw, { text, finish_reason }) => ({
    ...raw,
    choices: [{ index: 0, text, finish_reason }],
  }),
};

function callJson({ place, id, name, arguments: words, kind }: CallPart, i: number): JsonObject {
  const index = typeof place === "number" ? place : i;
  const called = kind === "custom" ? { custom: { name, input: words } } : {
    function: { name, arguments: words },
  };
  return { index, ...(id ? { id } : {}), type: kind, ...called };
}
