/** Every form of API that dyno speaks. */
import { CONVERSE } from "./bedrock.ts";
import { CHAT, COMPLETIONS } from "./choices.ts";
import { GEMINI } from "./gemini.ts";
import { MESSAGES } from "./messages.ts";
import { EMBEDDINGS, RERANK, SCORE } from "./numbers.ts";
import { RESPONSES } from "./responses.ts";
import type { Question } from "../question.ts";
import type { ApiForm, RequestTarget } from "./form.ts";

/**
 * The forms that dyno speaks: OpenAI's four, Anthropic's Messages API, Gemini's generateContent, Bedrock's Converse, and
 * reranking and scoring as vLLM, Jina and Cohere have them.
 */
export type ApiType =
  | "chat"
  | "completions"
  | "responses"
  | "embeddings"
  | "messages"
  | "gemini"
  | "converse"
  | "rerank"
  | "score";

/** By its name; the first whose path fits a URL is its form. */
export const FORMS: Readonly<Record<ApiType, ApiForm>> = {
  chat: CHAT, // before completions, whose path its own ends with
  completions: COMPLETIONS,
  responses: RESPONSES,
  embeddings: EMBEDDINGS,
  messages: MESSAGES,
  gemini: GEMINI,
  converse: CONVERSE,
  rerank: RERANK,
  score: SCORE,
};

/** Forms whose answers are numbers: their prompts have tokens, and their answers none. */
export type NumbersApi = "embeddings" | "rerank" | "score";

/** Whether a form's answers are numbers. */
export function answersNumbers(api_type: ApiType | undefined): api_type is NumbersApi {
  return api_type !== undefined && FORMS[api_type].says === "numbers";
}

/**
 * The fields of the body to post, in the form that an endpoint takes. A chat endpoint takes a bare prompt
 * as one user message; a completions endpoint cannot take messages, since only the server knows the
 * model's chat template.
 *
 * @throws {InputError} messages for an endpoint that takes texts; a parameter that the form has no field for.
 */
export function requestBody(
  question: Question,
  asked: RequestTarget & { api_type: ApiType },
): Record<string, unknown> {
  return FORMS[asked.api_type].request(question, asked);
}
