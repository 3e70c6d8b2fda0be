/** An answer before it is put into an API's form. */
import { type JsonObject, parsedObject } from "../json_fields.ts";
import { tokensOf } from "./tokens.ts";
import type { Asked } from "./asked.ts";

/** A piece of an answer: the content of one event of a stream. */
export type Delta =
  | { reasoning: string }
  | { content: string }
  /** The start of a call, with the function's name. */
  | { call: string }
  | { arguments: string };

/** One of the answers to a prompt. */
export interface Choice {
  index: number;
  /** In order: reasoning, then content or a call. Each delta is one token. */
  deltas: Delta[];
  finish_reason: "stop" | "length" | "tool_calls";
}

/** All answers to a request. */
export interface MockAnswer {
  id: string;
  /** Seconds since 1970. */
  created: number;
  /** The answers to the first prompt, then those to the second. */
  choices: Choice[];
  prompt_tokens: number;
  /** Prompt tokens found in the prefix cache; null if there is no cache. */
  cached_tokens: number | null;
}

/** The deltas of a choice, up to the request's token limit. */
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

/**
 * Turns a response into JSON that fits a schema. A script's response that is already JSON is not
 * changed.
 */
function asJson(response: string, schema: Record<string, unknown>): string {
  try {
    const value = JSON.parse(response);
    if (typeof value === "object" && value !== null) return response;
  } catch { /* it is made to fit below */ }
  const free = Object.keys(schema).length === 0;
  return JSON.stringify(free ? { response } : jsonExample(schema, response), null, 1);
}

/** JSON has few spaces, so each four characters of arguments are a token. */
function pieces(text: string): string[] {
  return text.match(/.{1,4}/gsu) ?? [];
}

/** The text of one kind (reasoning or content) in a choice. */
export function textOf(
  choice: Choice,
  kind: "reasoning" | "content" | "call" | "arguments",
): string {
  return choice.deltas.map((delta) => (delta as Partial<Record<typeof kind, string>>)[kind] ?? "")
    .join("");
}

/** The arguments of a choice's call; empty if the token limit cut them. */
export function argumentsIn(choice: Choice): JsonObject {
  return parsedObject(textOf(choice, "arguments")) ?? {};
}

/** The same answer without content. */
export function withoutWords(answer: MockAnswer): MockAnswer {
  return { ...answer, choices: answer.choices.map((choice) => ({ ...choice, deltas: [] })) };
}

/** Whether a choice calls a function. */
export function isCall(choice: Choice): boolean {
  return choice.deltas.some((delta) => "call" in delta);
}

/** Tokens of all choices, including reasoning. */
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

/** Tokens of an answer, as reported in `usage`. */
export interface AnswerTokens {
  /** Tokens of the prompt. */
  prompt: number;
  /** Those of the prompt found in the prefix cache. */
  cached: number;
  /** Tokens of the answer, including reasoning. */
  completion: number;
  /** Those of the answer that are reasoning. */
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

type Schema = Record<string, unknown>;

/** Deeper schemas, such as recursive ones, end in null. */
const MAX_DEPTH = 16;

/**
 * A value that fits the schema: its const, default or first enum value, else the smallest of its
 * type, with every property of an object.
 *
 * @param text the content of strings.
 * @param root the schema that `$ref` refers to; default the schema itself.
 */
function jsonExample(schema: unknown, text: string, root = schema, depth = 0): unknown {
  if (typeof schema !== "object" || schema === null || depth > MAX_DEPTH) return null;
  const known = schema as Schema;
  const again = (other: unknown) => jsonExample(other, text, root, depth + 1);
  for (const name of ["const", "default"]) if (name in known) return known[name];
  if (Array.isArray(known.enum)) return known.enum[0] ?? null;
  if (typeof known.$ref === "string") return again(referred(known.$ref, root));
  const either = known.anyOf ?? known.oneOf ?? known.allOf;
  if (Array.isArray(either)) return again(either[0]);
  const [type] = [known.type ?? (known.properties ? "object" : "string")].flat();
  switch (type) {
    case "object": {
      const properties = Object.entries((known.properties ?? {}) as Schema);
      return Object.fromEntries(properties.map(([name, value]) => [name, again(value)]));
    }
    case "array": {
      const least = Math.min(Number(known.minItems ?? 1) || 0, 100);
      return Array.from({ length: least }, () => again(known.items ?? {}));
    }
    case "integer":
    case "number":
      return Number(known.minimum ?? known.exclusiveMaximum ?? 1) || 0;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return text;
  }
}

function referred(reference: string, root: unknown): unknown {
  let place: unknown = root;
  for (const name of reference.replace(/^#\/?/, "").split("/").filter(Boolean)) {
    place = (place as Schema | null | undefined)?.[name];
  }
  return place;
}
