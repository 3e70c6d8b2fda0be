/** Bedrock's Converse: a whole answer, the events of ConverseStream, and their frames. */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { argumentsIn, completionTokens, isCall, textOf } from "./answer.ts";
import type { Choice, MockAnswer } from "./answer.ts";
import type { SentEvent } from "./sent_event.ts";

type Json = Record<string, unknown>;

const STOP_REASONS = { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use" };

/** The whole answer as one body. */
export function converseAnswer(answer: MockAnswer): Json {
  const [choice] = answer.choices;
  const thought = textOf(choice, "reasoning"), text = textOf(choice, "content");
  const content = [
    ...(thought === "" ? [] : [{ reasoningContent: { reasoningText: { text: thought } } }]),
    isCall(choice)
      ? { toolUse: { ...callOf(answer, choice), input: argumentsIn(choice) } }
      : { text },
  ];
  return {
    output: { message: { role: "assistant", content } },
    stopReason: STOP_REASONS[choice.finish_reason],
    usage: usageOf(answer),
    metrics: { latencyMs: 1 },
  };
}

/** Every event of a stream, in order; one token event per delta. */
export function converseEvents(answer: MockAnswer): SentEvent[] {
  const [choice] = answer.choices;
  const { deltas } = choice;
  const last = Math.max(0, deltas.length - 1);
  const block = (kind: "reasoning" | "content" | "call") =>
    kind !== "reasoning" && textOf(choice, "reasoning") !== "" ? 1 : 0;
  const event = (kind: SentEvent["kind"], name: string, json: Json, step: number): SentEvent => ({
    kind,
    name,
    event: JSON.stringify(json),
    step,
  });
  const told = deltas.map((delta, step): SentEvent => {
    if ("call" in delta) {
      const start = { toolUse: callOf(answer, choice) };
      return event("token", "contentBlockStart", { start, contentBlockIndex: block("call") }, step);
    }
    const [said, contentBlockIndex] = "reasoning" in delta
      ? [{ reasoningContent: { text: delta.reasoning } }, 0]
      : "arguments" in delta
      ? [{ toolUse: { input: delta.arguments } }, block("call")]
      : [{ text: delta.content }, block("content")];
    const sent = event("token", "contentBlockDelta", { delta: said, contentBlockIndex }, step);
    return "content" in delta ? { ...sent, content: { index: 0, text: delta.content } } : sent;
  });
  const stopReason = STOP_REASONS[choice.finish_reason];
  return [
    event("role", "messageStart", { role: "assistant" }, 0),
    ...told,
    event("role", "contentBlockStop", { contentBlockIndex: block("content") }, last),
    event("finish", "messageStop", { stopReason }, last),
    event("usage", "metadata", { usage: usageOf(answer), metrics: { latencyMs: 1 } }, last),
  ];
}

/** An event with text, for faults that insert one. */
export function converseText(text: string): Json {
  return { delta: { text }, contentBlockIndex: 0 };
}

/**
 * An event as a frame of application/vnd.amazon.eventstream; an error becomes an exception frame.
 */
export function frameOf({ event, name }: Pick<SentEvent, "event" | "name">): Buffer {
  const error = /^\{"error":(\{.*\})\}$/.exec(event)?.[1];
  const headers = Buffer.concat([
    ...(error === undefined
      ? [header(":event-type", name ?? "contentBlockDelta")]
      : [header(":exception-type", "internalServerException")]),
    header(":content-type", "application/json"),
    header(":message-type", error === undefined ? "event" : "exception"),
  ]);
  const payload = Buffer.from(error ?? event);
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(16 + headers.length + payload.length);
  prelude.writeUInt32BE(headers.length, 4);
  const checked = Buffer.concat([prelude, sumOf(prelude), headers, payload]);
  return Buffer.concat([checked, sumOf(checked)]);
}

function header(name: string, value: string): Buffer {
  const sizes = Buffer.alloc(3);
  sizes[0] = 7; // the type of text
  sizes.writeUInt16BE(value.length, 1);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), sizes, Buffer.from(value)]);
}

function sumOf(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}

const callOf = ({ id }: MockAnswer, choice: Choice) => ({
  toolUseId: `tooluse_${id}`,
  name: textOf(choice, "call"),
});

/** Tokens read from the cache are not included in the input's tokens. */
function usageOf(answer: MockAnswer): Json {
  const cached = answer.cached_tokens ?? 0, outputTokens = completionTokens(answer);
  return {
    inputTokens: answer.prompt_tokens - cached,
    outputTokens,
    totalTokens: answer.prompt_tokens + outputTokens,
    ...(answer.cached_tokens === null ? {} : { cacheReadInputTokens: cached }),
  };
}
