/** Chat and text completions: whole bodies, and the events of streams. */
import { Buffer } from "node:buffer";
import { completionTokens, isCall, reasoningTokens, textOf } from "./answer.ts";
import { textHash } from "./tokens.ts";
import type { Choice, Delta, MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";

/** The whole answer as one body. */
export function choicesBody(asked: Asked, answer: MockAnswer): unknown {
  const object = asked.api_type === "chat" ? "chat.completion" : "text_completion";
  const choices = answer.choices.map((choice) => {
    const { index, finish_reason } = choice;
    const logprobs = logprobsOf(asked, choice.deltas);
    const said = asked.api_type === "chat"
      ? { message: messageOf(answer, choice) }
      : { text: textOf(choice, "content") };
    return { index, ...said, ...logprobs, finish_reason };
  });
  return { ...headOf(asked, answer, object), choices, usage: usageOf(answer) };
}

/** The first event of a chat's choice, which contains the role. */
export function roleEvent(asked: Asked, answer: MockAnswer, index: number): unknown {
  return event(asked, answer, index, { delta: { role: "assistant", content: "" } }, null);
}

/**
 * The event for one piece of an answer.
 *
 * @param sent tokens of all choices sent so far, including this one; null if the request did not
 * ask for counts.
 */
export function deltaEvent(
  asked: Asked,
  answer: MockAnswer,
  index: number,
  delta: Delta,
  sent: number | null,
): unknown {
  const logprobs = logprobsOf(asked, [delta]);
  const said = asked.api_type === "chat"
    ? { delta: chatDelta(answer, index, delta) }
    : { text: "content" in delta ? delta.content : "" };
  return event(asked, answer, index, { ...said, ...logprobs }, null, sent);
}

/** The last event of a choice, with its finish reason. */
export function finishEvent(asked: Asked, answer: MockAnswer, choice: Choice): unknown {
  const said = asked.api_type === "chat" ? { delta: {} } : { text: "" };
  return event(asked, answer, choice.index, said, choice.finish_reason);
}

/** The event that reports usage, without choices. */
export function usageEvent(asked: Asked, answer: MockAnswer): unknown {
  return { ...headOf(asked, answer, chunkObject(asked)), choices: [], usage: usageOf(answer) };
}

/** OpenAI's usage; details are included only if they are not empty. */
function usageOf(answer: MockAnswer, completion_tokens = completionTokens(answer)) {
  const { prompt_tokens, cached_tokens } = answer;
  const reasoning_tokens = reasoningTokens(answer);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    ...(cached_tokens === null ? {} : { prompt_tokens_details: { cached_tokens } }),
    ...(reasoning_tokens === 0 ? {} : { completion_tokens_details: { reasoning_tokens } }),
  };
}

function event(
  asked: Asked,
  answer: MockAnswer,
  index: number,
  said: object,
  finish_reason: string | null,
  sent: number | null = null,
): unknown {
  return {
    ...headOf(asked, answer, chunkObject(asked)),
    choices: [{ index, ...said, finish_reason }],
    ...(sent === null ? {} : { usage: usageOf(answer, sent) }),
  };
}

const chunkObject = ({ api_type }: Asked) =>
  api_type === "chat" ? "chat.completion.chunk" : "text_completion";

function headOf({ model }: Asked, { id, created }: MockAnswer, object: string) {
  return { id, object, created, model };
}

function messageOf({ id }: MockAnswer, choice: Choice): object {
  const reasoning = textOf(choice, "reasoning");
  const content = textOf(choice, "content");
  return {
    role: "assistant",
    content: isCall(choice) ? null : content,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(isCall(choice) ? { tool_calls: [callOf(id, choice)] } : {}),
  };
}

function callOf(id: string, choice: Choice): object {
  const said = { name: textOf(choice, "call"), arguments: textOf(choice, "arguments") };
  return { id: callId(id, choice.index), type: "function", function: said };
}

const callId = (id: string, index: number) => `call_${id}_${index}`;

function chatDelta({ id }: MockAnswer, index: number, delta: Delta): object {
  if ("reasoning" in delta) return { reasoning_content: delta.reasoning };
  if ("content" in delta) return { content: delta.content };
  const call = "call" in delta
    ? { id: callId(id, index), type: "function", function: { name: delta.call, arguments: "" } }
    : { function: { arguments: delta.arguments } };
  return { tool_calls: [{ index: 0, ...call }] };
}

/**
 * A log probability derived from the token's text: the mock has no model, but repeats itself
 * exactly.
 */
function logprob(token: string, place = 0): number {
  return -(textHash(token) % 1000) / 1000 - place;
}

/** A token and its alternatives, most likely first. */
function ranked(token: string, count: number): [string, number][] {
  return Array.from(
    { length: count },
    (_, place) => [place === 0 ? token : `${token}~${place}`, logprob(token, place)],
  );
}

function logprobsOf({ api_type, logprobs }: Asked, deltas: readonly Delta[]): object {
  if (logprobs === null) return {};
  const tokens = deltas.flatMap((delta) => "content" in delta ? [delta.content] : []);
  if (api_type === "completions") {
    const lengths = tokens.map((token) => token.length);
    return {
      logprobs: {
        tokens,
        token_logprobs: tokens.map((token) => logprob(token)),
        top_logprobs: tokens.map((token) => Object.fromEntries(ranked(token, logprobs))),
        text_offset: lengths.map((_, i) => lengths.slice(0, i).reduce((sum, n) => sum + n, 0)),
      },
    };
  }
  const told = ([token, value]: [string, number]) => ({
    token,
    logprob: value,
    bytes: [...Buffer.from(token)],
  });
  const content = tokens.map((token) => ({
    ...told([token, logprob(token)]),
    top_logprobs: ranked(token, logprobs).map(told),
  }));
  return { logprobs: { content, refusal: null } };
}
