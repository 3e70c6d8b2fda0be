/** Gemini's generateContent: a whole answer, and its parts as the events of a stream. */
import { argumentsIn, completionTokens, isCall, reasoningTokens, textOf } from "./answer.ts";
import type { Choice, MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { SentEvent } from "./sent_event.ts";

type Json = Record<string, unknown>;

const FINISH_REASONS = { stop: "STOP", length: "MAX_TOKENS", tool_calls: "STOP" };

/** The whole answer as one body. */
export function geminiAnswer(asked: Asked, answer: MockAnswer): Json {
  const candidates = answer.choices.map((choice) => ({
    content: { role: "model", parts: partsOf(choice) },
    finishReason: FINISH_REASONS[choice.finish_reason],
    index: choice.index,
  }));
  return { candidates, usageMetadata: usageOf(answer), ...headOf(asked, answer) };
}

/** Every event of a stream; the last event of a candidate has its finish reason and the usage. */
export function geminiEvents(asked: Asked, answer: MockAnswer): SentEvent[] {
  return answer.choices.flatMap((choice): SentEvent[] => {
    const { index, finish_reason, deltas } = choice;
    const event = (parts: Json[], more: Json = {}, usage: Json = {}) =>
      JSON.stringify({
        candidates: [{ content: { role: "model", parts }, ...more, index }],
        ...usage,
        ...headOf(asked, answer),
      });
    const told = deltas.flatMap((delta, step): SentEvent[] => {
      if ("content" in delta) {
        const content = { index, text: delta.content };
        return [{ kind: "token", event: event([{ text: delta.content }]), step, content }];
      }
      if (!("reasoning" in delta)) return [];
      return [{ kind: "token", event: event([{ text: delta.reasoning, thought: true }]), step }];
    });
    const last = Math.max(0, deltas.length - 1);
    // a call is sent in one event
    const call: SentEvent[] = isCall(choice)
      ? [{ kind: "token", event: event(partsOf(choice).slice(-1)), step: last }]
      : [];
    const finish = event([], { finishReason: FINISH_REASONS[finish_reason] }, {
      usageMetadata: usageOf(answer),
    });
    return [...told, ...call, { kind: "finish", event: finish, step: last }];
  });
}

/** An event with text, for faults that insert one. */
export function geminiText(asked: Asked, answer: MockAnswer, text: string, index: number): Json {
  return {
    candidates: [{ content: { role: "model", parts: [{ text }] }, index }],
    ...headOf(asked, answer),
  };
}

/** An error in this API's form. */
export function geminiError(code: number, message: string): Json {
  return { error: { code, message, status: code === 404 ? "NOT_FOUND" : "INVALID_ARGUMENT" } };
}

const headOf = ({ model }: Asked, { id }: MockAnswer) => ({ modelVersion: model, responseId: id });

function partsOf(choice: Choice): Json[] {
  const thought = textOf(choice, "reasoning"), text = textOf(choice, "content");
  const call = { name: textOf(choice, "call"), args: argumentsIn(choice) };
  return [
    ...(thought === "" ? [] : [{ text: thought, thought: true }]),
    ...(text === "" ? [] : [{ text }]),
    ...(isCall(choice) ? [{ functionCall: call }] : []),
  ];
}

function usageOf(answer: MockAnswer): Json {
  const tokens = completionTokens(answer), thoughts = reasoningTokens(answer);
  return {
    promptTokenCount: answer.prompt_tokens,
    candidatesTokenCount: tokens - thoughts,
    ...(thoughts === 0 ? {} : { thoughtsTokenCount: thoughts }),
    ...(answer.cached_tokens === null ? {} : { cachedContentTokenCount: answer.cached_tokens }),
    totalTokenCount: answer.prompt_tokens + tokens,
  };
}
