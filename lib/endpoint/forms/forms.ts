/** Every form of API that dyno supports. */
import { CONVERSE } from "./bedrock.ts";
import { CHAT, COMPLETIONS } from "./choices.ts";
import { GEMINI } from "./gemini.ts";
import { MESSAGES } from "./messages.ts";
import { IMAGES } from "./images.ts";
import { KSERVE_GENERATE, KSERVE_INFER } from "./kserve.ts";
import { LLAMACPP } from "./llamacpp.ts";
import { EMBEDDINGS, RERANK, SCORE } from "./numbers.ts";
import { RESPONSES } from "./responses.ts";
import { SPEECH, TRANSCRIPTION } from "./sound.ts";
import { templateForm } from "./template.ts";
import { TGI } from "./tgi.ts";
import type { RequestTemplate } from "../../settings/request_template.ts";
import type { Question } from "../question.ts";
import type { ApiForm, RequestTarget } from "./form.ts";

/**
 * The forms that dyno supports: OpenAI's four, Anthropic's Messages API, Gemini's generateContent,
 * Bedrock's Converse, reranking and scoring as in vLLM, Jina and Cohere, KServe's v2 API for texts, TGI's
 * and llama.cpp's own, OpenAI's for sound and images, and request templates.
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
  | "score"
  | "kserve"
  | "kserve_infer"
  | "tgi"
  | "llamacpp"
  | "transcription"
  | "speech"
  | "images"
  | "template";

/** The forms by name. A URL has the first form whose path fits. */
export const FORMS: Readonly<Record<ApiType, ApiForm>> = {
  chat: CHAT, // before completions, because its path ends with theirs
  completions: COMPLETIONS,
  responses: RESPONSES,
  embeddings: EMBEDDINGS,
  messages: MESSAGES,
  gemini: GEMINI,
  converse: CONVERSE,
  rerank: RERANK,
  score: SCORE,
  kserve: KSERVE_GENERATE, // before TGI, because its path ends with TGI's
  kserve_infer: KSERVE_INFER,
  tgi: TGI,
  llamacpp: LLAMACPP,
  transcription: TRANSCRIPTION,
  speech: SPEECH,
  images: IMAGES,
  template: templateForm({ answer: {} }),
};

/** Forms whose answers are numbers: only their prompts have tokens. */
export type NumbersApi = "embeddings" | "rerank" | "score";

/** Whether a form's answers are numbers. */
export function answersNumbers(api_type: ApiType | undefined): api_type is NumbersApi {
  return api_type !== undefined && FORMS[api_type].says === "numbers";
}

/** The settings that determine an endpoint's form: its name, or the template that defines it. */
export interface FormChoice {
  api_type: ApiType;
  template?: RequestTemplate | undefined;
}

/** The form of an endpoint. */
export function apiForm({ api_type, template }: FormChoice): ApiForm {
  return template === undefined ? FORMS[api_type] : templateForm(template);
}

/**
 * The fields of the body to post, in the endpoint's form. For a chat endpoint a bare prompt becomes one
 * user message. A completions endpoint cannot take messages, because only the server knows the model's
 * chat template.
 *
 * @throws {InputError} messages for an endpoint that accepts only texts; a parameter that the form has no
 * field for.
 */
export function requestBody(
  question: Question,
  target: RequestTarget & FormChoice,
): Record<string, unknown> {
  return apiForm(target).request(question, target);
}

/** The same body, encoded as it is sent. */
export function encodedBody(fields: Record<string, unknown>, form: ApiForm): string | Uint8Array {
  return form.encoding?.encode(fields) ?? JSON.stringify(fields);
}
