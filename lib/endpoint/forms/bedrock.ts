/** Bedrock's Converse and ConverseStream: reads a stream's events and whole answers. */
import { parsed, textIn } from "../json.ts";
import { asObject, objectsIn } from "../../json_fields.ts";
import { Said } from "../said.ts";
import { usageIn } from "../usage.ts";
import { converseBody } from "./bedrock_request.ts";
import type { ApiForm, SaidParts } from "./form.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { TokenUsage } from "../usage.ts";

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
