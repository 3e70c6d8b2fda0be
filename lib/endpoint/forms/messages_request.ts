/** Translates a question from OpenAI's form to that of Anthropic's Messages API. */
import { InputError } from "../../errors.ts";
import { asObject, type JsonObject, objectOr, objectsIn } from "../../json_fields.ts";
import { parsed } from "../json.ts";

/** The limit for questions without one, because the API requires a limit. */
const MAX_TOKENS = 4096;

/** Parameters that the API has no field for, and that dyno does not translate. */
const UNKNOWN = ["response_format", "n", "logprobs", "top_logprobs", "logit_bias", "seed"];

/**
 * The body to post, except `stream`.
 *
 * @throws {InputError} a parameter or a part of a message that the API has no field for.
 */
export function messagesBody(
  model: string,
  messages: readonly unknown[],
  parameters: JsonObject,
): JsonObject {
  const { stop, tools, tool_choice, max_tokens, max_completion_tokens, ...others } = parameters;
  const unknown = UNKNOWN.find((name) => others[name] !== undefined);
  if (unknown !== undefined) {
    throw new InputError(
      `parameters: Anthropic's Messages API has no "${unknown}"; leave it out, or use an endpoint of ` +
        "chat completions",
    );
  }
  const system = messages.filter(isInstruction).map((message) => partText(message.content));
  return {
    model,
    max_tokens: max_tokens ?? max_completion_tokens ?? MAX_TOKENS,
    ...(system.length > 0 ? { system: system.join("\n\n") } : {}),
    messages: messages.filter((message) => !isInstruction(message)).map(turnOf),
    ...(stop === undefined ? {} : { stop_sequences: [stop].flat() }),
    ...(Array.isArray(tools) ? { tools: tools.map(toolOf) } : {}),
    ...(tool_choice === undefined ? {} : { tool_choice: choiceOf(tool_choice) }),
    ...others,
  };
}

/** Whether a message has instructions for the model; other APIs do not count these as a turn. */
export function isInstruction(message: unknown): message is JsonObject {
  const role = asObject(message)?.role;
  return role === "system" || role === "developer";
}

/** The text of a message's content. */
export function partText(content: unknown): string {
  if (typeof content === "string") return content;
  return objectsIn(content).map(({ text }) => typeof text === "string" ? text : "").join("\n");
}

function turnOf(message: unknown): JsonObject {
  const { role, content, tool_calls, tool_call_id } = objectOr(message);
  if (role === "tool") {
    const result = { type: "tool_result", tool_use_id: tool_call_id, content: partText(content) };
    return { role: "user", content: [result] };
  }
  const calls = objectsIn(tool_calls).map(({ id, function: called }) => {
    const { name, arguments: words } = objectOr(called);
    return { type: "tool_use", id, name, input: parsed(String(words ?? "")) };
  });
  if (calls.length === 0 && typeof content === "string") return { role, content };
  const parts = typeof content === "string"
    ? content === "" ? [] : [{ type: "text", text: content }]
    : objectsIn(content).map(blockOf);
  return { role, content: [...parts, ...calls] };
}

function blockOf(part: JsonObject): JsonObject {
  const url = asObject(part.image_url)?.url;
  if (part.type === "image_url" && typeof url === "string") {
    const { media_type, data } = dataUrl(url) ?? {};
    const source = data === undefined ? { type: "url", url } : { type: "base64", media_type, data };
    return { type: "image", source };
  }
  const file = asObject(part.file)?.file_data;
  const held = typeof file === "string" ? dataUrl(file) : null;
  if (part.type === "file" && held !== null) {
    return { type: "document", source: { type: "base64", ...held } };
  }
  if (part.type === "input_audio" || part.type === "file") {
    throw new InputError(
      `a message has a part of type "${part.type}", which Anthropic's Messages API does not take`,
    );
  }
  return part; // text, and parts already in the API's own form
}

/** The media type and the base64 of a data URL; null for another URL. */
export function dataUrl(url: string): { media_type: string; data: string } | null {
  const [, media_type, data] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? [];
  return data === undefined ? null : { media_type, data };
}

function toolOf(tool: unknown): unknown {
  const { name, description, parameters } = asObject(objectOr(tool).function) ?? {};
  if (name === undefined) return tool;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    input_schema: parameters ?? { type: "object" },
  };
}

function choiceOf(choice: unknown): unknown {
  if (choice === "required") return { type: "any" };
  if (typeof choice === "string") return { type: choice };
  const { name } = asObject(objectOr(choice).function) ?? {};
  return name === undefined ? choice : { type: "tool", name };
}
