/**
 * Agents' sessions as spans in OpenTelemetry's GenAI conventions (`gen_ai.input.messages` and
 * others), in the form that inference-perf's otel_trace_replay reads: one session a file or a line,
 * with `spans`. A call waits for the calls whose answers are in its messages, and for the last one
 * that ended before it started.
 */
import { isJsonObject, type JsonObject } from "../../json_fields.ts";
import {
  type DatasetForm,
  type DatasetRow,
  type RowRequest,
  type RowStep,
  UNKNOWN_REQUEST,
  UNKNOWN_ROW,
} from "./row.ts";
import type { RowFields } from "./row_fields.ts";

/** Attributes that go into a request's body. */
const SENT = ["temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty"];
/** Other attributes that are read, or that repeat what is known. */
const READ = new Set([
  "gen_ai.operation.name",
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.output.text",
  "gen_ai.completion",
  "gen_ai.output",
  "gen_ai.tool.definitions",
  "gen_ai.request.model",
  "gen_ai.request.max_tokens", // a limit; what is requested is the length of the recorded answer
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.prompt_tokens",
  "gen_ai.usage.output_tokens",
  "gen_ai.usage.completion_tokens",
  ...SENT.map((name) => `gen_ai.request.${name}`),
]);

/** A span that called a model. */
interface Call {
  request: RowRequest & { messages: readonly JsonObject[] };
  start_ms: number;
  end_ms: number;
  /** The recorded answer; null where there is none. */
  answer: { text: string; tool_calls: readonly string[] } | null;
}

/** The form of OpenTelemetry spans. */
export const otelForm: DatasetForm = {
  name: "otel",
  has: (names) => names.has("spans"),
  begin: (note) => (fields) => {
    for (const name of ["span_count", "collected_at", "source_id", "harness", "benchmark"]) {
      fields.value(name); // describes the capture, not the requests
    }
    const seen = new Set<string>();
    const calls: Call[] = [];
    const spans = fields.objects("spans")
      .map((span) => ({ span, id: span.name("span_id") ?? "" }))
      .toSorted((a, b) => a.id < b.id ? -1 : Number(a.id > b.id));
    let others = 0;
    for (const { span } of spans) {
      const attributes = span.object("attributes") ?? {};
      const same = JSON.stringify([span.value("start_time"), span.value("end_time"), attributes]);
      if (!asksModel(span, attributes)) others++;
      else if (seen.has(same)) note("a span that appears twice is sent once");
      else calls.push(callOf(span, attributes, note));
      seen.add(same);
    }
    if (others > 0) note("spans that call no model are not sent");
    if (calls.length === 0) throw fields.complaint("spans: none calls a model with messages");
    const session = fields.name("session_id") ?? fields.name("trace_id");
    return sessionOf(session, calls.sort((a, b) => a.start_ms - b.start_ms));
  },
};

function asksModel(span: RowFields, attributes: JsonObject): boolean {
  const { "gen_ai.operation.name": operation, "gen_ai.input.messages": messages } = attributes;
  const chats = operation === "chat" || String(span.value("name") ?? "").startsWith("chat ");
  return chats && messages !== undefined && messages !== null && messages !== "" &&
    messages !== "[]";
}

function callOf(span: RowFields, attributes: JsonObject, note: (text: string) => void): Call {
  const listOf = (name: string): JsonObject[] => {
    const value = attributes[name];
    const list = typeof value === "string" ? parsed(span, name, value) : value;
    if (Array.isArray(list) && list.every(isJsonObject)) return list;
    throw span.complaint(`${name}: expected a list of objects`);
  };
  for (const name of Object.keys(attributes)) {
    if (!READ.has(name)) note(`attribute "${name}" is not used`);
  }
  const tools = attributes["gen_ai.tool.definitions"] === undefined
    ? {}
    : { tools: listOf("gen_ai.tool.definitions") };
  const model = attributes["gen_ai.request.model"];
  const settings = SENT.flatMap((name) => {
    const value = attributes[`gen_ai.request.${name}`];
    return value === undefined || value === null ? [] : [[name, value]];
  });
  const output = attributes["gen_ai.usage.completion_tokens"] ??
    attributes["gen_ai.usage.output_tokens"];
  const start_ms = momentOf(span, "start_time");
  return {
    request: {
      ...UNKNOWN_REQUEST,
      messages: listOf("gen_ai.input.messages").flatMap((each) =>
        wireMessages(each, (what) => span.complaint(`gen_ai.input.messages: ${what}`))
      ),
      output_tokens: Number(output) >= 1 ? Math.round(Number(output)) : null,
      body: {
        ...(typeof model === "string" && model !== "" ? { model } : {}),
        ...Object.fromEntries(settings),
        ...tools,
      },
    },
    start_ms,
    end_ms: span.value("end_time") === undefined ? start_ms : momentOf(span, "end_time"),
    answer: answerOf(attributes, listOf, note),
  };
}

function answerOf(
  attributes: JsonObject,
  listOf: (name: string) => JsonObject[],
  note: (text: string) => void,
): Call["answer"] {
  for (const name of ["gen_ai.output.text", "gen_ai.completion", "gen_ai.output"]) {
    const text = attributes[name];
    if (typeof text === "string") return { text, tool_calls: [] };
  }
  if (attributes["gen_ai.output.messages"] === undefined) return null;
  const [message, ...others] = listOf("gen_ai.output.messages");
  if (others.length > 0) note("answers of a span after its first are not used");
  return message === undefined ? null : {
    text: messageText(message),
    tool_calls: toolCallsOf(message).flatMap(({ id }) => id ?? []),
  };
}

function parsed(span: RowFields, name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw span.complaint(`${name}: malformed JSON`);
  }
}

function momentOf(span: RowFields, name: string): number {
  const text = span.text(name) ?? "";
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`;
  const ms = Date.parse(zoned.replace(" ", "T"));
  if (Number.isFinite(ms)) return ms;
  throw span.complaint(`${name}: "${text}"; expected a date such as "2026-05-01T10:00:00.250Z"`);
}

/** What a call's messages contain of earlier answers. */
interface Said {
  /** The texts of all answers, joined. */
  texts: string;
  /** The places of answers that called no tool, by text. */
  places: ReadonlyMap<string, number[]>;
  /** The ids of the tool calls. */
  tools: ReadonlySet<string>;
}

function saidIn(messages: readonly JsonObject[]): Said {
  const answers = messages.flatMap((message, at) =>
    message.role === "assistant" ? [{ message, at, text: messageText(message) }] : []
  );
  const plain = answers.filter(({ message }) => message.tool_calls === undefined);
  const places = new Map<string, number[]>();
  for (const { text, at } of plain) places.set(text, [...places.get(text) ?? [], at]);
  return {
    texts: answers.map(({ text }) => text).join("\0"),
    places,
    tools: new Set(
      answers.flatMap(({ message }) => toolCallsOf(message).flatMap(({ id }) => id ?? [])),
    ),
  };
}

/** Whether a call with these messages waits for an answer, and which messages the answer replaces. */
function foundIn(
  { text, tool_calls }: NonNullable<Call["answer"]>,
  { texts, places, tools }: Said,
): { waits: boolean; exact: number[] } {
  const called = tool_calls.length > 0 && tool_calls.every((id) => tools.has(id));
  if (text === "") return { waits: called, exact: [] };
  const exact = places.get(text) ?? [];
  return { waits: called || exact.length > 0 || texts.includes(text), exact };
}

/** Links calls in the order of their starts. */
function sessionOf(session: string | null, calls: readonly Call[]): DatasetRow {
  const causes: Set<number>[] = [];
  const links = calls.map((call, i) => {
    const found = new Set<number>(), known = new Set<number>();
    const answers: { message: number; step: number }[] = [];
    const said = saidIn(call.request.messages);
    for (let j = i - 1; j >= 0; j--) {
      const { answer } = calls[j];
      if (answer === null) continue;
      const { waits, exact } = foundIn(answer, said);
      answers.push(...exact.map((message) => ({ message, step: j })));
      if (!waits || known.has(j)) continue;
      found.add(j);
      for (const each of causes[j]) known.add(each); // it has already waited for these
      known.add(j);
    }
    causes.push(known);
    const ended = calls.findLastIndex(({ end_ms }, j) => j < i && end_ms <= call.start_ms);
    const after = [...found, ...(ended < 0 ? [] : [ended])];
    return { after: [...new Set(after)].sort((a, b) => a - b), answers };
  });
  const later = calls.slice(1).map(({ request, start_ms }, i): RowStep => {
    const { after, answers } = links[i + 1];
    const end_ms = Math.max(...after.map((each) => calls[each].end_ms));
    const wait_s = Math.max(0, start_ms - end_ms) / 1000;
    return {
      ...request,
      after: after.map((step) => ({ step, wait_s })),
      history: null,
      ...(answers.length === 0 ? {} : { answers }),
    };
  });
  return { ...UNKNOWN_ROW, ...calls[0].request, later, session };
}

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
function messageText(message: JsonObject): string {
  return partsOf(message)
    .filter(({ type }) => type === "text" || type === undefined)
    .map(({ content, text }) => inText(content ?? text)).join("");
}

/** Returns a message's tool calls, from parts or in the chat API's form. */
function toolCallsOf(message: JsonObject): ToolCall[] {
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
function wireMessages(
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
