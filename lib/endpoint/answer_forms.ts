/** Every form of API whose answers are read. */
import { CHAT, COMPLETIONS } from "./choices.ts";
import { GEMINI } from "./gemini.ts";
import { MESSAGES } from "./messages.ts";
import { RESPONSES } from "./responses.ts";
import type { AnswerForm } from "./answer_form.ts";
import type { ApiType } from "./api_type.ts";

/** By its name; vectors, ranks and scores have no words to read. */
export const ANSWER_FORMS: Record<ApiType, AnswerForm> = {
  chat: CHAT,
  completions: COMPLETIONS,
  embeddings: COMPLETIONS,
  rerank: COMPLETIONS,
  score: COMPLETIONS,
  responses: RESPONSES,
  messages: MESSAGES,
  gemini: GEMINI,
};
