/** Converts messages of OpenTelemetry's GenAI conventions to those of the chat API. */
import { isJsonObject } from "../../json_fields.ts";
import type { JsonObject } from "../../json_fields.ts";

/** A tool call of a message. */
interface ToolCall {
  id?: string;
  name: string;
  /** As JSON. */
  arguments: string;
}

/** Returns the parts of a message in either form; a plain text is one part. */
function partsOf({ content, parts }: JsonObject): JsonObject[] {
  const list = parts ?? content;
  if (typeof list === "string") return [{ type: "text", content: list }];
  return Array.isArray(list)
    ? list.map((part) => isJsonObject(part) ? part : { type: "text", content: String(part) })
    : [];
}

const inText = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);

/** Returns the text of a message, without its tool calls. */
export function messageText(message: JsonObject): string {
  return partsOf(message)
    .filter(({ type }) => type === "text" || type === undefined)
    .map(({ content, text }) => inText(content ?? text)).join("");
}

/** Returns a message's tool calls, from parts or in the chat API's form. */
export function toolCallsOf(message: JsonObject): ToolCall[] {
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isJsonObject) : [];
  const own = partsOf(message).filter(({ type }) => type === "tool_call" || type === "tool_use");
  return [
    ...calls.map((call) => isJsonObject(call.function) ? { ...call, ...call.function } : call),
  ]
    .concat(own).map((call: JsonObject) => ({
      ...(typeof call.id === "string" ? { id: call.id } : {}),
      name: String(call.name),
      arguments: inText(call.arguments ?? call.input ?? "{}"),
    }));
}

/** Results of tools, in either form. */
function toolResultsOf(message: JsonObject): JsonObject[] {
  return partsOf(message).filter(({ type }) =>
    type === "tool_call_response" || type === "tool_result"
  );
}

/**
 * Returns the messages to send for a message; each tool result becomes a message.
 *
 * @param complaint makes the error from a text.
 * @throws the complaint: the message has no role.
 */
export function wireMessages(
  message: JsonObject,
  complaint: (what: string) => Error,
): JsonObject[] {
  const { role } = message;
  if (typeof role !== "string") throw complaint("a message without a role");
  const results = toolResultsOf(message).map((result) => {
    const id = result.id ?? result.tool_use_id ?? message.tool_call_id;
    const content = inText(result.content ?? result.result ?? result.response);
    return { role: "tool", ...(id === undefined ? {} : { tool_call_id: id }), content };
  });
  const calls = toolCallsOf(message);
  const text = messageText(message);
  if (results.length > 0) return [...results, ...(text === "" ? [] : [{ role, content: text }])];
  const others = partsOf(message).some(({ type }) =>
    type !== "text" && type !== undefined && type !== "tool_use" && type !== "tool_call"
  );
  const content = others
    ? { content: message.content ?? message.parts }
    : text !== "" || calls.length === 0
    ? { content: text }
    : {};
  return [{
    role: role === "developer" ? "system" : role,
    ...content,
    ...(calls.length === 0 ? {} : {
      tool_calls: calls.map(({ id, ...named }) => ({
        ...(id === undefined ? {} : { id }),
        type: "function",
        function: named,
      })),
    }),
    ...(role === "tool" && message.tool_call_id !== undefined
      ? { tool_call_id: message.tool_call_id }
      : {}),
  }];
}
