/** Anthropic's Messages API: one message, and the events that build it. */
import {
  argumentsIn,
  type Choice,
  completionTokens,
  isCall,
  type MockAnswer,
  textOf,
} from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { TypedEvent } from "./sent_event.ts";

type Json = Record<string, unknown>;

const STOP_REASONS = { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use" };

/** The whole answer as one body. */
export function wholeMessage({ model }: Asked, answer: MockAnswer): Json {
  const [choice] = answer.choices;
  return {
    ...beginning(model, answer),
    content: blocksOf(answer, choice).map(({ whole }) => whole),
    stop_reason: STOP_REASONS[choice.finish_reason],
    usage: { ...inputUsage(answer), output_tokens: completionTokens(answer) },
  };
}

/** Every event of a stream, in order; one token event per delta. */
export function messagesEvents({ model }: Asked, answer: MockAnswer): TypedEvent[] {
  const [choice] = answer.choices;
  const message = {
    ...beginning(model, answer),
    usage: { ...inputUsage(answer), output_tokens: 1 },
  };
  const stop = { stop_reason: STOP_REASONS[choice.finish_reason], stop_sequence: null };
  const usage = { output_tokens: completionTokens(answer) };
  return [
    { kind: "role", json: { type: "message_start", message } },
    ...blocksOf(answer, choice).flatMap(({ kind, begun }, index): TypedEvent[] => [
      {
        kind: kind === "call" ? "token" : "role", // the start of a call contains its name
        json: { type: "content_block_start", index, content_block: begun },
      },
      ...choice.deltas.flatMap((delta): TypedEvent[] => {
        const words = (delta as Partial<Record<string, string>>)[DELTA_OF[kind]];
        if (words === undefined) return [];
        return [{
          kind: "token",
          json: { type: "content_block_delta", index, delta: deltaJson(kind, words) },
        }];
      }),
      { kind: "role", json: { type: "content_block_stop", index } },
    ]),
    { kind: "finish", json: { type: "message_delta", delta: stop, usage } },
    { kind: "finish", json: { type: "message_stop" } },
  ];
}

/** A text delta like the first one of a stream, for faults that insert one. */
export function messagesDelta(text: string): Json {
  return { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } };
}

/** An error in this API's form. */
export function messagesError(message: string, type: string): Json {
  return { type: "error", error: { type, message } };
}

type BlockKind = "reasoning" | "content" | "call";
const DELTA_OF = { reasoning: "reasoning", content: "content", call: "arguments" };

function deltaJson(kind: BlockKind, words: string): Json {
  if (kind === "reasoning") return { type: "thinking_delta", thinking: words };
  if (kind === "content") return { type: "text_delta", text: words };
  return { type: "input_json_delta", partial_json: words };
}

function blocksOf(
  answer: MockAnswer,
  choice: Choice,
): { kind: BlockKind; whole: Json; begun: Json }[] {
  const thinking = textOf(choice, "reasoning"), text = textOf(choice, "content");
  const call = { type: "tool_use", id: `toolu_${answer.id}`, name: textOf(choice, "call") };
  return [
    ...(thinking === "" ? [] : [{
      kind: "reasoning" as const,
      whole: { type: "thinking", thinking, signature: "" },
      begun: { type: "thinking", thinking: "", signature: "" },
    }]),
    isCall(choice)
      ? {
        kind: "call" as const,
        whole: { ...call, input: argumentsIn(choice) },
        begun: { ...call, input: {} },
      }
      : {
        kind: "content" as const,
        whole: { type: "text", text },
        begun: { type: "text", text: "" },
      },
  ];
}

function beginning(model: string, { id }: MockAnswer): Json {
  return {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

/** Tokens read from the cache are not included in the input's tokens here. */
function inputUsage({ prompt_tokens, cached_tokens }: MockAnswer): Json {
  return {
    input_tokens: prompt_tokens - (cached_tokens ?? 0),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached_tokens ?? 0,
  };
}
