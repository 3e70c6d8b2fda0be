/** Anthropic's Messages API: reads a stream's typed events and whole messages. */
import { parsed, textIn } from "../json.ts";
import { asObject, type JsonObject, objectsIn } from "../../json_fields.ts";
import { Said } from "../said.ts";
import { usageIn } from "../usage.ts";
import { messagesBody } from "./messages_request.ts";
import type { ApiForm, SaidParts } from "./form.ts";

/** Reads an event of a stream. (Every form treats an event of type "error" as an error.) */
function saidInMessageEvent(json: JsonObject): Said {
  const said = new Said();
  const index = typeof json.index === "number" ? json.index : null;
  switch (json.type) {
    case "message_start": {
      const begun = saidInMessage(asObject(json.message) ?? {});
      if (begun.usage !== null) begun.usage.completion_tokens = null; // of the first tokens only
      return begun;
    }
    case "content_block_start":
      said.has_choice = true;
      addBlock(said, asObject(json.content_block) ?? {}, index, true);
      break;
    case "content_block_delta": {
      said.has_choice = true;
      const { type, text, thinking, partial_json } = asObject(json.delta) ?? {};
      said.add("reasoning", textIn(thinking));
      said.add("text", textIn(text));
      if (type === "input_json_delta") {
        const words = textIn(partial_json);
        said.addCall({ place: index, id: "", name: "", arguments: words, kind: "function" });
      }
      break;
    }
    case "message_delta":
      said.addUsage(usageIn(json.usage));
      finish(said, asObject(json.delta)?.stop_reason);
      break;
    case "message_stop":
      said.finish(null);
  }
  return said;
}

/** Reads a whole message. */
function saidInMessage(message: JsonObject): Said {
  const said = new Said();
  said.addUsage(usageIn(message.usage));
  said.has_choice = Array.isArray(message.content);
  objectsIn(message.content).forEach((block, i) => addBlock(said, block, i, false));
  finish(said, message.stop_reason);
  return said;
}

function finish(said: Said, stop_reason: unknown): void {
  const reason = textIn(stop_reason);
  if (reason !== "") said.finish(reason);
}

/** @param begins whether the block opens in a stream, where its input follows in pieces. */
function addBlock(said: Said, block: JsonObject, place: number | null, begins: boolean): void {
  const { type, text, thinking, id, name, input } = block;
  if (type === "thinking") said.add("reasoning", textIn(thinking));
  else if (type === "text") said.add("text", textIn(text));
  else if (type === "tool_use") {
    const words = begins ? "" : JSON.stringify(input ?? {});
    said.addCall({ place, id: textIn(id), name: textIn(name), arguments: words, kind: "function" });
  } else if (!begins || type === "redacted_thinking") {
    said.has_token ||= textIn(type) !== ""; // hidden thoughts, or a tool of the server
  }
}

/** A message as the API returns it without streaming. */
function wholeMessage(raw: JsonObject, said: SaidParts): JsonObject {
  const { text, reasoning, calls, finish_reason } = said;
  return {
    ...raw,
    content: [
      ...(reasoning === "" ? [] : [{ type: "thinking", thinking: reasoning }]),
      ...(text === "" ? [] : [{ type: "text", text }]),
      ...calls.map(({ id, name, arguments: words }) => ({
        type: "tool_use",
        id,
        name,
        input: parsed(words),
      })),
    ],
    stop_reason: finish_reason,
  };
}

/** The Messages API. */
export const MESSAGES: ApiForm = {
  path: /\/messages$/,
  says: "text",
  converses: true,
  request: ({ prompt, messages, parameters = {} }, { model, stream }) => ({
    ...messagesBody(model, messages ?? [{ role: "user", content: prompt }], parameters),
    stream,
  }),
  event: saidInMessageEvent,
  body: saidInMessage,
  list: "content",
  kept: (raw, json) => {
    const message = asObject(json.message) ?? raw;
    return { ...message, usage: { ...asObject(message.usage), ...asObject(json.usage) } };
  },
  whole: wholeMessage,
};
