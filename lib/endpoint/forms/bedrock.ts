/** Bedrock's Converse and ConverseStream: reads a stream's events and whole answers. */
import { parsed, textIn } from "../json.ts";
import { asObject, type JsonObject, objectOr, objectsIn } from "../../json_fields.ts";
import { Said } from "../said.ts";
import { type TokenUsage, usageIn } from "../usage.ts";
import { InputError } from "../../errors.ts";
import { dataUrl, isInstruction, partText } from "./messages_request.ts";
import type { ApiForm, SaidParts } from "./form.ts";

/** Reads an event of a stream; its fields show which event it is. */
function saidInEvent(json: JsonObject): Said {
  const said = new Said();
  const place = typeof json.contentBlockIndex === "number" ? json.contentBlockIndex : null;
  const delta = asObject(json.delta);
  if (delta !== null) {
    said.has_choice = true;
    said.add("text", textIn(delta.text));
    said.add("reasoning", textIn(asObject(delta.reasoningContent)?.text));
    const call = asObject(delta.toolUse);
    if (call !== null) {
      said.addCall({ place, id: "", name: "", arguments: textIn(call.input), kind: "function" });
    }
  }
  const begun = asObject(asObject(json.start)?.toolUse);
  if (begun !== null) {
    const { toolUseId, name } = begun;
    said.has_choice = true;
    said.addCall({
      place,
      id: textIn(toolUseId),
      name: textIn(name),
      arguments: "",
      kind: "function",
    });
  }
  said.addUsage(converseUsage(json.usage));
  const reason = textIn(json.stopReason);
  if (reason !== "") said.finish(reason);
  return said;
}

/** Reads a whole answer. */
function saidInAnswer(json: JsonObject): Said {
  const said = new Said();
  const content = asObject(asObject(json.output)?.message)?.content;
  said.has_choice = Array.isArray(content);
  objectsIn(content).forEach((block, place) => {
    said.add("text", textIn(block.text));
    said.add("reasoning", textIn(asObject(asObject(block.reasoningContent)?.reasoningText)?.text));
    const call = asObject(block.toolUse);
    if (call === null) return;
    const { toolUseId, name, input } = call;
    const words = JSON.stringify(input ?? {});
    said.addCall({
      place,
      id: textIn(toolUseId),
      name: textIn(name),
      arguments: words,
      kind: "function",
    });
  });
  said.addUsage(converseUsage(json.usage));
  const reason = textIn(json.stopReason);
  if (reason !== "") said.finish(reason);
  return said;
}

/** Reads the API's usage, which counts like Anthropic's: the input excludes cached tokens. */
function converseUsage(value: unknown): TokenUsage | null {
  const usage = asObject(value);
  if (usage === null) return null;
  const { inputTokens, outputTokens, cacheReadInputTokens, cacheWriteInputTokens } = usage;
  return usageIn({
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cache_read_input_tokens: cacheReadInputTokens,
    cache_creation_input_tokens: cacheWriteInputTokens,
  });
}

/** An answer as the API returns it without streaming. */
function wholeAnswer(raw: JsonObject, said: SaidParts): JsonObject {
  const { text, reasoning, calls, finish_reason } = said;
  const content = [
    ...(reasoning === "" ? [] : [{ reasoningContent: { reasoningText: { text: reasoning } } }]),
    ...(text === "" ? [] : [{ text }]),
    ...calls.map(({ id, name, arguments: words }) => ({
      toolUse: { toolUseId: id, name, input: parsed(words) },
    })),
  ];
  return { ...raw, output: { message: { role: "assistant", content } }, stopReason: finish_reason };
}

const PATH = /\/model\/(?<model>[^/]+)\/converse(?:-stream)?$/;

/** The URL has the model and says whether to stream. */
function setUrl(url: URL, model: string, stream: boolean): void {
  const base = url.pathname.replace(/\/+$/, "").replace(PATH, "");
  const method = stream ? "converse-stream" : "converse";
  url.pathname = `${base}/model/${encodeURIComponent(model)}/${method}`;
}

/** Converse, and ConverseStream, whose events are binary frames. */
export const CONVERSE: ApiForm = {
  path: PATH,
  says: "text",
  converses: true,
  request: ({ prompt, messages, parameters = {} }) =>
    converseBody(messages ?? [{ role: "user", content: prompt }], parameters),
  setUrl,
  event: saidInEvent,
  body: saidInAnswer,
  list: "output",
  kept: (raw, { usage, metrics }) => ({
    ...raw,
    ...(usage === undefined ? {} : { usage }),
    ...(metrics === undefined ? {} : { metrics }),
  }),
  whole: wholeAnswer,
};

/** The names of parameters in inferenceConfig. */
const CONFIG: Record<string, string> = {
  temperature: "temperature",
  top_p: "topP",
  max_tokens: "maxTokens",
  max_completion_tokens: "maxTokens",
};

/** Parameters that the API has no field for, and that no model accepts as its own. */
const UNKNOWN = ["response_format", "n", "logprobs", "top_logprobs", "logit_bias", "seed"];

/**
 * The body to post; the URL has the model and says whether to stream. Parameters that only some models
 * know (`top_k`, `thinking`) go to the model as additionalModelRequestFields.
 *
 * @throws {InputError} a parameter or a part of a message that the API has no field for.
 */
function converseBody(messages: readonly unknown[], parameters: JsonObject): JsonObject {
  const config: JsonObject = {}, body: JsonObject = {}, further: JsonObject = {};
  const { tools, tool_choice, stop, ...others } = parameters;
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined) continue;
    if (UNKNOWN.includes(name)) {
      throw new InputError(`parameters: Bedrock's Converse has no "${name}"; leave it out`);
    }
    if (name in CONFIG) config[CONFIG[name]] = value;
    else if (/^[a-z]+[A-Z]/.test(name)) body[name] = value; // guardrailConfig and the like
    else further[name] = value;
  }
  if (stop !== undefined) config.stopSequences = [stop].flat();
  const system = messages.filter(isInstruction).map(({ content }) => ({ text: partText(content) }));
  return {
    messages: turns(messages.filter((message) => !isInstruction(message))),
    ...(system.length > 0 ? { system } : {}),
    ...(Object.keys(config).length > 0 ? { inferenceConfig: config } : {}),
    ...(Array.isArray(tools) ? { toolConfig: toolsOf(tools, tool_choice) } : {}),
    ...(Object.keys(further).length > 0 ? { additionalModelRequestFields: further } : {}),
    ...body,
  };
}

/** Roles must alternate, so successive messages of one role become one. */
function turns(messages: readonly unknown[]): JsonObject[] {
  const found: { role: string; content: JsonObject[] }[] = [];
  for (const message of messages.map(objectOr)) {
    const role = message.role === "assistant" ? "assistant" : "user";
    const last = found.at(-1);
    if (last?.role === role) last.content.push(...blocksOf(message));
    else found.push({ role, content: blocksOf(message) });
  }
  return found;
}

function blocksOf({ role, content, tool_calls, tool_call_id }: JsonObject): JsonObject[] {
  if (role === "tool") {
    return [{ toolResult: { toolUseId: tool_call_id, content: [{ text: partText(content) }] } }];
  }
  const parts = typeof content === "string"
    ? content === "" ? [] : [{ text: content }]
    : objectsIn(content).map(blockOf);
  const calls = objectsIn(tool_calls).map(({ id, function: called }) => {
    const { name, arguments: words } = objectOr(called);
    return { toolUse: { toolUseId: id, name, input: parsed(String(words ?? "")) } };
  });
  return [...parts, ...calls];
}

function blockOf(part: JsonObject): JsonObject {
  const { type, text } = part;
  if (type === "text") return { text };
  const url = asObject(part.image_url)?.url ?? asObject(part.file)?.file_data;
  const held = typeof url === "string" ? dataUrl(url) : null;
  const [, format] = /^(?:image|application)\/(\w+)$/.exec(held?.media_type ?? "") ?? [];
  if (held !== null && format !== undefined) {
    const source = { bytes: held.data };
    return type === "image_url"
      ? { image: { format, source } }
      : { document: { format, name: "document", source } };
  }
  if (type === undefined) return part; // already in the API's own form
  throw new InputError(
    `a message has a part of type "${type}" that Bedrock's Converse does not take; images and PDF ` +
      "files are given by their bytes",
  );
}

function toolsOf(tools: unknown[], choice: unknown): JsonObject {
  const specs = objectsIn(tools).map((tool) => {
    const { name, description, parameters } = asObject(tool.function) ?? {};
    if (name === undefined) return tool;
    const inputSchema = { json: parameters ?? { type: "object" } };
    return {
      toolSpec: { name, ...(description === undefined ? {} : { description }), inputSchema },
    };
  });
  const { name } = asObject(objectOr(choice).function) ?? {};
  const toolChoice = choice === "required"
    ? { any: {} }
    : choice === "auto"
    ? { auto: {} }
    : name === undefined
    ? undefined
    : { tool: { name } };
  if (choice === "none") {
    throw new InputError(
      `parameters: Bedrock's Converse has no tool_choice "none"; leave tools out`,
    );
  }
  return { tools: specs, ...(toolChoice === undefined ? {} : { toolChoice }) };
}
