/**
 * The Responses API: one object, and the events that build it. tests/mock/responses_test.ts checks
 * the order and fields of events that OpenAI's two clients require.
 */
import { completionTokens, isCall, reasoningTokens, textOf } from "./answer.ts";
import type { Choice, MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { TypedEvent } from "./sent_event.ts";

type Json = Record<string, unknown>;

/** The whole answer as one body. */
export function responsesBody(asked: Asked, answer: MockAnswer): unknown {
  return responseObject(asked, answer, true);
}

/** Every event of a stream, in order; one token event per delta. */
export function responsesEvents(asked: Asked, answer: MockAnswer): TypedEvent[] {
  const [choice] = answer.choices;
  const begun = responseObject(asked, answer, false);
  const response = responseObject(asked, answer, true);
  const items = itemsOf(answer, choice);
  const events: TypedEvent[] = [
    { kind: "role", json: { type: "response.created", response: begun } },
    { kind: "role", json: { type: "response.in_progress", response: begun } },
    ...items.flatMap((item, output_index) => itemEvents(item, output_index, choice)),
    { kind: "finish", json: { type: `response.${response.status}`, response } },
  ];
  return events.map(({ kind, json }, sequence_number) => ({
    kind,
    json: { ...json, sequence_number },
  }));
}

/** A text delta like the first one of a stream, for faults that insert one. */
export function responsesDelta(answer: MockAnswer, content: string): Json {
  const item_id = `msg_${answer.id}`;
  return {
    type: "response.output_text.delta",
    item_id,
    output_index: 0,
    content_index: 0,
    delta: content,
    logprobs: [],
    sequence_number: 0,
  };
}

/** An output item: its final form, and its form when it starts. */
interface Item {
  kind: "reasoning" | "content" | "call";
  id: string;
  whole: Json;
  begun: Json;
}

function itemsOf({ id }: MockAnswer, choice: Choice): Item[] {
  const reasoning = textOf(choice, "reasoning");
  const item = (kind: Item["kind"], fixed: Json, filled: Json, empty: Json): Item => ({
    kind,
    id: String(fixed.id),
    whole: {
      ...fixed,
      ...filled,
      status: choice.finish_reason === "length" ? "incomplete" : "completed",
    },
    begun: { ...fixed, ...empty, status: "in_progress" },
  });
  const thought = { id: `rs_${id}`, type: "reasoning", summary: [] };
  const call = {
    id: `fc_${id}`,
    type: "function_call",
    call_id: `call_${id}`,
    name: textOf(choice, "call"),
  };
  const message = { id: `msg_${id}`, type: "message", role: "assistant" };
  return [
    ...(reasoning === ""
      ? []
      : [item("reasoning", thought, { content: [partOf(choice, "reasoning")] }, { content: [] })]),
    isCall(choice)
      ? item("call", call, { arguments: textOf(choice, "arguments") }, { arguments: "" })
      : item("content", message, { content: [partOf(choice, "content")] }, { content: [] }),
  ];
}

/** The only part of an item's content. */
function partOf(choice: Choice, kind: "reasoning" | "content", text = textOf(choice, kind)): Json {
  return kind === "reasoning"
    ? { type: "reasoning_text", text }
    : { type: "output_text", text, annotations: [], logprobs: [] };
}

function itemEvents(item: Item, output_index: number, choice: Choice): TypedEvent[] {
  const { kind, id: item_id } = item;
  const at = { item_id, output_index };
  const event = (type: string, json: Json, role: TypedEvent["kind"] = "role") => ({
    kind: role,
    json: { type: `response.${type}`, ...json },
  });
  const added = event("output_item.added", { output_index, item: item.begun });
  const done = event("output_item.done", { output_index, item: item.whole });
  if (kind === "call") {
    const words = textOf(choice, "arguments");
    const name = textOf(choice, "call");
    const deltas = choice.deltas.flatMap((delta) => "arguments" in delta ? [delta.arguments] : []);
    return [
      { ...added, kind: "token" }, // it contains the name, which is a token
      ...deltas.map((delta) => event("function_call_arguments.delta", { ...at, delta }, "token")),
      event("function_call_arguments.done", { ...at, name, arguments: words }),
      done,
    ];
  }
  const name = kind === "reasoning" ? "reasoning_text" : "output_text";
  const logprobs = kind === "reasoning" ? {} : { logprobs: [] };
  const place = { ...at, content_index: 0 };
  return [
    added,
    event("content_part.added", { ...place, part: partOf(choice, kind, "") }),
    ...choice.deltas.flatMap((delta) => {
      const text = (delta as Partial<Record<typeof kind, string>>)[kind];
      if (text === undefined) return [];
      return [event(`${name}.delta`, { ...place, delta: text, ...logprobs }, "token")];
    }),
    event(`${name}.done`, { ...place, text: textOf(choice, kind), ...logprobs }),
    event("content_part.done", { ...place, part: partOf(choice, kind) }),
    done,
  ];
}

function responseObject(asked: Asked, answer: MockAnswer, whole: boolean): Json {
  const [choice] = answer.choices;
  const cut = choice.finish_reason === "length";
  return {
    id: answer.id,
    object: "response",
    created_at: answer.created,
    model: asked.model,
    status: !whole ? "in_progress" : cut ? "incomplete" : "completed",
    error: null,
    incomplete_details: whole && cut ? { reason: "max_output_tokens" } : null,
    instructions: null,
    max_output_tokens: asked.max_tokens,
    metadata: {},
    output: whole ? itemsOf(answer, choice).map((item) => item.whole) : [],
    parallel_tool_calls: true,
    previous_response_id: null,
    temperature: null,
    text: { format: { type: "text" } },
    tool_choice: asked.call === null ? "auto" : { type: "function", name: asked.call.name },
    tools: asked.preamble === "" ? [] : JSON.parse(asked.preamble),
    top_p: null,
    truncation: "disabled",
    usage: whole ? usageOf(answer) : null,
  };
}

function usageOf(answer: MockAnswer): Json {
  const output_tokens = completionTokens(answer);
  return {
    input_tokens: answer.prompt_tokens,
    input_tokens_details: { cached_tokens: answer.cached_tokens ?? 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens(answer) },
    total_tokens: answer.prompt_tokens + output_tokens,
  };
}
