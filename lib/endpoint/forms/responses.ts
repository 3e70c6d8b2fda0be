/** The Responses API: reads a stream's typed events and whole responses. */
import { type EndpointError, saidError } from "../errors.ts";
import { textIn } from "../json.ts";
import { asObject, type JsonObject, objectOr, objectsIn } from "../../json_fields.ts";
import { Said } from "../said.ts";
import { usageIn } from "../usage.ts";
import type { ApiForm } from "./form.ts";

/**
 * Reads an event of a stream. (Every form treats an event of type "error" as an error, so this reader
 * does not handle it.)
 *
 * @param sofar whether the answer has had any token yet: if not, the final event's text counts.
 * @throws {EndpointError} a response that failed: the class that the server's reason stands for.
 */
function saidInEvent(json: JsonObject, sofar: boolean): Said {
  const type = textIn(json.type);
  const response = asObject(json.response);
  if (type === "response.failed") throw failed(response ?? {});
  if (/^response\.(completed|incomplete|cancelled|done)$/.test(type)) {
    const said = response === null ? new Said() : saidInResponse(response);
    if (sofar) {
      const end = new Said();
      end.addUsage(said.usage);
      end.finish(said.finish_reason);
      return end;
    }
    if (!said.finished) said.finish(null);
    return said;
  }
  const said = new Said();
  const place = typeof json.output_index === "number" ? json.output_index : textIn(json.item_id);
  if (type === "response.output_item.added") {
    const { type: kind, name, call_id } = asObject(json.item) ?? {};
    if (kind === "function_call" || kind === "custom_tool_call") {
      said.has_choice = true;
      said.addCall({
        place,
        id: textIn(call_id),
        name: textIn(name),
        arguments: "",
        kind: kind === "function_call" ? "function" : "custom",
      });
    }
    return said;
  }
  const delta = textIn(json.delta);
  if (!type.endsWith(".delta") || delta === "") return said;
  said.has_choice = true;
  if (/[._](text|refusal|transcript)\./.test(type) && !/reasoning/.test(type)) {
    said.add("text", delta);
    if (/refusal/.test(type)) said.refusal += delta;
  } else if (/reasoning/.test(type)) {
    said.add("reasoning", delta);
  } else if (/function_call_arguments|custom_tool_call_input/.test(type)) {
    const kind = /custom/.test(type) ? "custom" : "function";
    said.addCall({ place, id: "", name: "", arguments: delta, kind });
  } else {
    said.has_token = true; // sound, code for an interpreter, arguments of a server's own tool
  }
  return said;
}

/**
 * Reads a whole response.
 *
 * @throws {EndpointError} a response that failed or was cancelled: the class that the server's reason
 * stands for.
 */
function saidInResponse(response: JsonObject): Said {
  const said = new Said();
  said.addUsage(usageIn(response.usage));
  const items = objectsIn(response.output);
  said.has_choice = items.length > 0;
  items.forEach((item, i) => addItem(said, item, i));
  const status = textIn(response.status);
  if (status === "failed") throw failed(response);
  const reason = textIn(asObject(response.incomplete_details)?.reason);
  if (status === "incomplete") said.finish(reason || status);
  else if (status === "completed" || status === "cancelled") said.finish(status);
  else if (items.length > 0) said.finish(null);
  return said;
}

function failed({ error }: JsonObject): EndpointError {
  const why = asObject(error) ?? "its response failed, and it does not say why";
  return saidError(why, "the server broke off with an error");
}

function addItem(said: Said, item: JsonObject, place: number): void {
  const type = textIn(item.type);
  if (type === "reasoning") {
    const parts = objectsIn(item.content);
    for (const { text } of parts.length > 0 ? parts : objectsIn(item.summary)) {
      said.add("reasoning", textIn(text));
    }
  } else if (type === "function_call" || type === "custom_tool_call") {
    said.addCall({
      place,
      id: textIn(item.call_id),
      name: textIn(item.name),
      arguments: textIn(item.arguments) || textIn(item.input),
      kind: type === "function_call" ? "function" : "custom",
    });
  } else {
    for (const { text, refusal } of objectsIn(item.content)) {
      said.add("text", textIn(text) || textIn(refusal));
      if (textIn(text) === "") said.refusal += textIn(refusal);
    }
  }
}

/** Translates a chat's message to an item of the Responses API, whose parts have other names. */
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
      return part; // already in the API's own form, and sound
  }
}

/** The Responses API. */
export const RESPONSES: ApiForm = {
  path: /\/responses$/,
  says: "text",
  converses: false,
  request: ({ prompt, messages, parameters: { max_tokens, ...parameters } = {} }, asked) => ({
    model: asked.model,
    input: messages?.map(inputItem) ?? prompt,
    ...parameters,
    ...(max_tokens === undefined ? {} : { max_output_tokens: max_tokens }),
    stream: asked.stream,
  }),
  event: saidInEvent,
  body: saidInResponse,
  list: "output",
  kept: (raw, json) => asObject(json.response) ?? raw,
  whole: (raw, { text }) => {
    if (objectsIn(raw.output).length > 0) return raw;
    const content = [{ type: "output_text", text }];
    return { ...raw, output: [{ type: "message", role: "assistant", content }] };
  },
};
