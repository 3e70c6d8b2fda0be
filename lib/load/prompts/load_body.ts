/** Builds the body of a load's request. */
import { FORMS, requestBody } from "../../endpoint/forms/forms.ts";
import { InputError } from "../../errors.ts";
import type { RequestTarget } from "../../endpoint/forms/form.ts";
import type { FormChoice } from "../../endpoint/forms/forms.ts";
import type { LoadQuestion } from "./session.ts";

/** Settings that all requests of a load share. */
export interface BodySettings {
  api: RequestTarget & FormChoice;
  /** Additional fields of every request's body. */
  body: Record<string, unknown>;
  /** Whether to request exactly the wanted number of output tokens. */
  ignore_eos: boolean;
}

/** Returns the model that a request is for: the one that it names, or that all name, or the endpoint's. */
export function modelAsked(
  { parameters, payload }: LoadQuestion,
  { api, body }: Pick<BodySettings, "api" | "body">,
): string {
  const whole = api.template === undefined ? undefined : payload; // a template's payload is sent as is
  const named = body.model ?? parameters?.model ?? whole?.model;
  return typeof named === "string" ? named : api.model;
}

/** Returns the body of the request for `prompt`. */
export function loadBody(prompt: LoadQuestion, settings: BodySettings): Record<string, unknown> {
  const { api, body, ignore_eos } = settings;
  const { output_tokens: max_tokens } = prompt;
  const tokens = FORMS[api.api_type].says !== "text" ? {} : {
    ...(max_tokens === null ? {} : { max_tokens }),
    ...(ignore_eos ? { ignore_eos: true } : {}),
    ...(ignore_eos && max_tokens !== null ? { min_tokens: max_tokens } : {}),
  };
  const given: Record<string, unknown> = { ...prompt.parameters, ...tokens, ...body };
  const { model: named, ...others } = given;
  const model = modelAsked(prompt, settings);
  const parameters = named === undefined || typeof named === "string"
    ? others
    : { ...others, model: named }; // without a name, the server reports the error
  if ("input" in parameters && (api.api_type === "chat" || api.api_type === "completions")) {
    throw new InputError(
      `${api.endpoint}: a row has "input", which is for /responses and /embeddings; use one of those, or ` +
        '"messages"',
    );
  }
  if (prompt.prompt === undefined && prompt.messages === undefined && api.template === undefined) {
    throw new InputError(
      `${api.endpoint}: a row's "payload" has no "prompt", "messages" or "input"; describe ` +
        "such an endpoint with --request-template",
    );
  }
  if (model === api.model) return requestBody({ ...prompt, parameters }, api);
  return requestBody({ ...prompt, parameters, model }, { ...api, model });
}
