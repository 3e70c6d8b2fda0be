/** An answer that is about to be sent, before it has a form. */
import { type JsonObject, parsedObject } from "../json_fields.ts";
import { jsonExample } from "./json_example.ts";
import { tokensOf } from "./tokens.ts";
import type { Asked } from "./asked.ts";

/** A piece of an answer: what one event of a stream carries. */
export type Delta =
  | { reasoning: string }
  | { content: string }
  /** The beginning of a call, with the function's name. */
  | { call: string }
  | { arguments: string };

/** One of the answers to a prompt. */
export interface Choice {
  index: number;
  /** In order: reasoning, then content or a call. A token each. */
  deltas: Delta[];
  finish_reason: "stop" | "length" | "tool_calls";
}

/** All answers to a request. */
export interface MockAnswer {
  id: string;
  /** Seconds since 1970. */
  created: number;
  /** Those to the first prompt, then those to the second. */
  choices: Choice[];
  prompt_tokens: number;
  /** Prompt tokens that the prefix cache had; null without one. */
  cached_tokens: number | null;
}

/** The deltas of a choice, cut at the request's token limit. */
export function choiceOf(asked: Asked, index: number, response: string, reasoning: string): Choice {
  const all: Delta[] = [
    ...tokensOf(reasoning).map((token) => ({ reasoning: token })),
    ...spoken(asked, response),
  ];
  const deltas = asked.max_tokens === null ? all : all.slice(0, asked.max_tokens);
  const whole = asked.call === null ? "stop" : "tool_calls";
  return { index, deltas, finish_reason: deltas.length < all.length ? "length" : whole };
}

function spoken(asked: Asked, response: string): Delta[] {
  if (asked.call !== null) {
    const { name, parameters } = asked.call;
    const words = JSON.stringify(
      jsonExample({ type: "object", ...parameters as object }, response),
    );
    return [{ call: name }, ...pieces(words).map((piece) => ({ arguments: piece }))];
  }
  const text = asked.json_schema === null ? response : asJson(response, asked.json_schema);
  return tokensOf(text).map((token) => ({ content: token }));
}

/** A response that is JSON already is a script's and stays as it is. */
function asJson(response: string, schema: Record<string, unknown>): string {
  try {
    const value = JSON.parse(response);
    if (typeof value === "object" && value !== null) return response;
  } catch { /* it is made to fit below */ }
  const free = Object.keys(schema).length === 0;
  return JSON.stringify(free ? { response } : jsonExample(schema, response), null, 1);
}

/** JSON has few spaces: four characters are a token of arguments. */
function pieces(text: string): string[] {
  return text.match(/.{1,4}/gsu) ?? [];
}

/** The text of one kind in a choice. */
export function textOf(
  choice: Choice,
  kind: "reasoning" | "content" | "call" | "arguments",
): string {
  return choice.deltas.map((delta) => (delta as Partial<Record<typeof kind, string>>)[kind] ?? "")
    .join("");
}

/** The arguments of a choice's call; none where a token limit cut them. */
export function argumentsIn(choice: Choice): JsonObject {
  return parsedObject(textOf(choice, "arguments")) ?? {};
}

/** The same answer with nothing said in it. */
export function withoutWords(answer: MockAnswer): MockAnswer {
  return { ...answer, choices: answer.choices.map((choice) => ({ ...choice, deltas: [] })) };
}

/** Whether a choice calls a function. */
export function isCall(choice: Choice): boolean {
  return choice.deltas.some((delta) => "call" in delta);
}

/** Tokens of all choices, reasoning included. */
export function completionTokens({ choices }: MockAnswer): number {
  return choices.reduce((sum, { deltas }) => sum + deltas.length, 0);
}

/** Tokens of reasoning in all choices. */
export function reasoningTokens({ choices }: MockAnswer): number {
  return choices.reduce(
    (sum, { deltas }) => sum + deltas.filter((delta) => "reasoning" in delta).length,
    0,
  );
}

/** Tokens of an answer, as `usage` tells them. */
export interface AnswerTokens {
  /** Of the prompt. */
  prompt: number;
  /** Of the prompt, those in the prefix cache. */
  cached: number;
  /** Of the answer, reasoning included. */
  completion: number;
  /** Of the answer, reasoning. */
  reasoning: number;
}

/** The tokens of an answer. */
export function answerTokens(answer: MockAnswer): AnswerTokens {
  return {
    prompt: answer.prompt_tokens,
    cached: answer.cached_tokens ?? 0,
    completion: completionTokens(answer),
    reasoning: reasoningTokens(answer),
  };
}
