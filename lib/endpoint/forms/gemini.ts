/** Gemini's generateContent: its stream's events and whole answers have the same form. */
import { parsed, textIn } from "../json.ts";
import { asObject, type JsonObject, objectOr, objectsIn } from "../../json_fields.ts";
import { Said } from "../said.ts";
import { geminiUsage } from "../usage.ts";
import { InputError } from "../../errors.ts";
import { dataUrl, isInstruction, partText } from "./messages_request.ts";
import type { ApiForm, SaidParts } from "./form.ts";

/** Reads an event or a whole answer. */
function saidInCandidates(json: JsonObject): Said {
  const said = new Said();
  said.addUsage(geminiUsage(json.usageMetadata));
  const candidates = objectsIn(json.candidates);
  candidates.forEach((candidate, i) => {
    said.has_choice = true;
    const first = typeof candidate.index === "number" ? candidate.index === 0 : i === 0;
    for (const part of objectsIn(asObject(candidate.content)?.parts)) addPart(said, part, first);
    const reason = textIn(candidate.finishReason);
    if (reason !== "" && reason !== "FINISH_REASON_UNSPECIFIED") said.finish(reason);
  });
  // a refused prompt has no candidate
  const blocked = textIn(asObject(json.promptFeedback)?.blockReason);
  if (candidates.length === 0 && blocked !== "") said.finish(blocked);
  return said;
}

function addPart(said: Said, part: JsonObject, first: boolean): void {
  const { text, thought, functionCall, inlineData } = part;
  said.add(first ? thought === true ? "reasoning" : "text" : "others", textIn(text));
  const call = asObject(functionCall);
  if (call !== null) {
    const { id, name, args } = call;
    said.addCall({
      place: null,
      // each call arrives whole; its id tells two calls apart
      id: textIn(id) || `call_${crypto.randomUUID()}`,
      name: textIn(name),
      arguments: JSON.stringify(args ?? {}),
      kind: "function",
    });
  }
  said.has_token ||= asObject(inlineData) !== null;
}

/** An answer as the API returns it without streaming. */
function candidatesOf(raw: JsonObject, said: SaidParts): JsonObject {
  const { text, reasoning, calls, finish_reason } = said;
  const parts = [
    ...(reasoning === "" ? [] : [{ text: reasoning, thought: true }]),
    ...(text === "" ? [] : [{ text }]),
    ...calls.map(({ name, arguments: words }) => ({ functionCall: { name, args: parsed(words) } })),
  ];
  const candidate = { content: { role: "model", parts }, finishReason: finish_reason, index: 0 };
  return { ...raw, candidates: [candidate] };
}

const PATH = /\/models\/(?<model>[^/:]+):(?:streamGenerateContent|generateContent)$/;

/** The URL has the model and says whether to stream. */
function setUrl(url: URL, model: string, stream: boolean): void {
  const base = url.pathname.replace(/\/+$/, "").replace(PATH, "") || "/v1beta";
  const method = stream ? "streamGenerateContent" : "generateContent";
  url.pathname = `${base}/models/${encodeURIComponent(model.replace(/^models\//, ""))}:${method}`;
  if (stream) url.searchParams.set("alt", "sse");
  else url.searchParams.delete("alt");
}

/** generateContent, where every event is a complete body. */
export const GEMINI: ApiForm = {
  path: PATH,
  says: "text",
  converses: true,
  request: ({ prompt, messages, parameters = {} }) =>
    geminiBody(messages ?? [{ role: "user", content: prompt }], parameters),
  setUrl,
  event: saidInCandidates,
  body: saidInCandidates,
  list: "candidates",
  kept: (raw, { candidates: _, ...rest }) => ({ ...raw, ...rest }),
  whole: candidatesOf,
};

/** The names of parameters in generationConfig. */
const CONFIG: Record<string, string> = {
  temperature: "temperature",
  top_p: "topP",
  top_k: "topK",
  max_tokens: "maxOutputTokens",
  max_completion_tokens: "maxOutputTokens",
  seed: "seed",
  n: "candidateCount",
  presence_penalty: "presencePenalty",
  frequency_penalty: "frequencyPenalty",
};

/**
 * The body to post; the URL has the model and says whether to stream.
 *
 * @throws {InputError} a parameter that the API has no field for.
 */
function geminiBody(messages: readonly unknown[], parameters: JsonObject): JsonObject {
  const config: JsonObject = {};
  const body: JsonObject = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    if (name in CONFIG) config[CONFIG[name]] = value;
    else if (name === "stop") config.stopSequences = [value].flat();
    else if (name === "response_format") Object.assign(config, formatOf(value));
    else if (name === "tools") {
      const functionDeclarations = objectsIn(value).map((tool) => tool.function ?? tool);
      body.tools = [{ functionDeclarations }];
    } else if (name === "tool_choice") {
      body.toolConfig = { functionCallingConfig: choiceOf(value) };
    } else if (/[a-z]_[a-z]/.test(name)) {
      throw new InputError(
        `parameters: Gemini's API has no "${name}"; leave it out, or use its own name for it`,
      );
    } else body[name] = value; // safetySettings and the like, in the API's own form
  }
  const system = messages.filter(isInstruction).map(({ content }) => ({ text: partText(content) }));
  const names = callNames(messages);
  return {
    ...(system.length > 0 ? { systemInstruction: { parts: system } } : {}),
    contents: messages.filter((message) => !isInstruction(message))
      .map((message) => contentOf(objectOr(message), names)),
    ...body,
    ...(Object.keys(config).length > 0
      ? { generationConfig: { ...config, ...asObject(body.generationConfig) } }
      : {}),
  };
}

/** A tool's result names the function here, but the call in OpenAI's form. */
function callNames(messages: readonly unknown[]): Map<unknown, unknown> {
  const calls = messages.flatMap((message) => objectsIn(objectOr(message).tool_calls));
  return new Map(calls.map(({ id, function: called }) => [id, objectOr(called).name]));
}

function contentOf(message: JsonObject, names: Map<unknown, unknown>): JsonObject {
  const { role, content, tool_calls, tool_call_id } = message;
  if (role === "tool") {
    const response = parsed(partText(content));
    const name = names.get(tool_call_id) ?? tool_call_id;
    const answer = { name, response: asObject(response) ?? { result: response } };
    return { role: "user", parts: [{ functionResponse: answer }] };
  }
  const parts = typeof content === "string"
    ? content === "" ? [] : [{ text: content }]
    : objectsIn(content).map(partOf);
  const calls = objectsIn(tool_calls).map(({ function: called }) => {
    const { name, arguments: words } = objectOr(called);
    return { functionCall: { name, args: parsed(String(words ?? "")) } };
  });
  return { role: role === "assistant" ? "model" : "user", parts: [...parts, ...calls] };
}

function partOf(part: JsonObject): JsonObject {
  const { type, text } = part;
  const url = asObject(part.image_url)?.url ?? asObject(part.file)?.file_data;
  if (typeof url === "string") {
    const held = dataUrl(url);
    return held === null
      ? { fileData: { fileUri: url } }
      : { inlineData: { mimeType: held.media_type, data: held.data } };
  }
  const audio = asObject(part.input_audio);
  if (audio !== null) {
    return { inlineData: { mimeType: `audio/${audio.format ?? "wav"}`, data: audio.data } };
  }
  return type === "text" ? { text } : part;
}

function formatOf(format: unknown): JsonObject {
  const { type, json_schema } = objectOr(format);
  if (type === "text") return {};
  const schema = objectOr(json_schema).schema;
  return {
    responseMimeType: "application/json",
    ...(schema === undefined ? {} : { responseJsonSchema: schema }),
  };
}

function choiceOf(choice: unknown): JsonObject {
  if (choice === "required") return { mode: "ANY" };
  if (typeof choice === "string") return { mode: choice.toUpperCase() };
  const { name } = asObject(objectOr(choice).function) ?? {};
  return { mode: "ANY", allowedFunctionNames: [name] };
}
