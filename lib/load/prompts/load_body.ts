/** The body of a load's request. */
import { FORMS, requestBody } from "../../endpoint/forms/forms.ts";
import { InputError } from "../../errors.ts";
import type { APIConfiguration } from "../../endpoint/api.ts";
import type { LoadQuestion } from "./session.ts";

/** What all requests of a load have in common. */
export interface BodySettings {
  api: APIConfiguration;
  /** Further fields of every request's body. */
  body: Record<string, unknown>;
  /** Ask for exactly the wanted number of output tokens. */
  ignore_eos: boolean;
}

/** The body that asks for an answer to `prompt`. */
export function loadBody(prompt: LoadQuestion, settings: BodySettings): Record<string, unknown> {
  const { api, body, ignore_eos } = settings;
  const { output_tokens: max_tokens } = prompt;
  const exact = ignore_eos && max_tokens !== null
    ? { ignore_eos: true, min_tokens: max_tokens }
    : ignore_eos
    ? { ignore_eos: true }
    : {};
  const parameters = {
    ...prompt.parameters,
    ...(max_tokens === null || FORMS[api.api_type].says !== "text" ? {} : { max_tokens }),
    ...exact,
    ...body,
  };
  if ("input" in parameters && (api.api_type === "chat" || api.api_type === "completions")) {
    throw new InputError(
      `${api.endpoint}: a row has "input", which is for /responses and /embeddings; use one of those, or ` +
        '"messages"',
    );
  }
  if (prompt.prompt === undefined && prompt.messages === undefined && api.template === undefined) {
    throw new InputError(
      `${api.endpoint}: a row's "payload" has no "prompt", "messages" or "input"; --request-template says how ` +
        "such an endpoint is asked and read",
    );
  }
  return requestBody({ ...prompt, parameters }, api);
}
