/**
 * Derives where an endpoint's requests go and in which form from the settings alone, without a request.
 */
import { InputError } from "../errors.ts";
import { readRequestTemplate } from "../settings/request_template.ts";
import { basePath, detectApiType, modelInUrl, otherForm } from "./api_type.ts";
import { apiForm } from "./forms/forms.ts";
import { provider } from "./providers.ts";
import { isSecretParameter } from "./secret_names.ts";
import type { RequestTarget } from "./forms/form.ts";
import type { FormChoice } from "./forms/forms.ts";
import type { Provider } from "./providers.ts";

/** What a caller passes for one endpoint. */
export interface FormGiven {
  endpoint?: string | undefined;
  provider?: string | undefined;
  model?: string | undefined;
  request_template?: string | undefined;
  /** Whether answers are streamed. */
  stream: boolean;
}

/** An endpoint's form, and the settings that its requests depend on. */
export interface ChosenForm extends RequestTarget, FormChoice {
  /** Where requests are posted to. */
  url: URL;
  /** The model that the URL names; undefined when each request names its own, or no model is named. */
  url_model: string | undefined;
  preset: Provider | null;
  /** What looks wrong but may work, one line each. */
  warnings: string[];
}

/**
 * The form that the settings select. Without `model`, the model that the URL names; empty for none.
 *
 * @throws {InputError} a malformed URL, an unknown provider, a form that dyno does not support, or a
 * template that cannot be read.
 */
export function chosenForm(given: FormGiven): ChosenForm {
  const preset = given.provider === undefined ? null : provider(given.provider);
  const url = endpointUrl(given.endpoint, preset);
  const template = given.request_template === undefined
    ? undefined
    : readRequestTemplate(given.request_template);
  const detected = template === undefined ? detectApiType(url.href) : "template";
  const other = detected === "unknown" ? otherForm(url) : null;
  if (other !== null) {
    throw new InputError(
      `--endpoint: "${url.href}" is ${other}, which dyno does not speak; it speaks /chat/completions, ` +
        "/completions, /responses, /embeddings, /rerank, /score, Anthropic's /messages, Gemini's " +
        ":generateContent, Bedrock's /model/NAME/converse, KServe's /v2/models/NAME/generate and /infer, " +
        "TGI's /generate, llama.cpp's /completion, /audio/transcriptions, /audio/speech and " +
        "/images/generations; dyno load asks other JSON endpoints by --request-template",
    );
  }
  const warnings: string[] = [];
  if (detected === "unknown") {
    warnings.push(
      `${url.href}: the path names no API such as /chat/completions; taken as a chat endpoint`,
    );
  }
  if (detected === "base") url.pathname = `${basePath(url)}/chat/completions`;
  const api_type = detected === "base" || detected === "unknown" ? "chat" : detected;
  const choice: FormChoice = { api_type, template };
  const { path, setUrl, whole_only } = apiForm(choice);
  const named = modelInUrl(url);
  const model = given.model ?? named ?? "";
  const holdsModel = path.source.includes("<model>");
  if (holdsModel && model === "") {
    throw new InputError(`no model: the URL of ${api_type} has it: give --model NAME`);
  }
  if (named !== undefined && named !== model) {
    warnings.push(
      holdsModel
        ? `--model ${model} is used, not ${named}, which the URL names`
        : `--model ${model} only names the run: the URL asks ${named}`, // Azure's deployment, or a template's path
    );
  }
  setUrl?.(url, model, given.stream);
  return {
    url,
    url_model: modelInUrl(url),
    endpoint: url.href,
    ...choice,
    model,
    stream: given.stream && whole_only !== true,
    max_tokens_field: preset?.max_tokens_field ?? "max_tokens",
    stream_options: preset?.stream_options ?? true,
    preset,
    warnings,
  };
}

function endpointUrl(endpoint: string | undefined, preset: Provider | null): URL {
  const text = endpoint ?? preset?.base_url;
  if (text === undefined) {
    throw new InputError("no endpoint: give --endpoint URL or --provider NAME");
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (text.includes(",")) {
    throw new InputError(
      `--endpoint: "${text}" holds a comma; of several endpoints repeat --endpoint for each ` +
        "(in a file: a list of them); a comma that belongs to a URL is written %2C",
    );
  }
  if (url !== null && /^wss?:$/.test(url.protocol)) {
    throw new InputError(
      `--endpoint: "${text}" is a WebSocket, as the Realtime API has it, which dyno does not speak; ` +
        "expected e.g. http://127.0.0.1:8000/v1",
    );
  }
  if (url === null || !/^(https?|http\+unix):$/.test(url.protocol)) {
    throw new InputError(
      `--endpoint: "${text}" is not an http or https URL; expected e.g. http://127.0.0.1:8000/v1`,
    );
  }
  // the URL is written to every file and report of a run
  const secret = url.username || url.password
    ? "a user's name or password"
    : [...url.searchParams.keys()].find(isSecretParameter);
  if (secret !== undefined) {
    throw new InputError(
      `--endpoint: the URL has a secret (${secret}), which would be stored with the run; give it with ` +
        "--api-key-env NAME or --header 'NAME: VALUE'",
    );
  }
  try {
    decodeURIComponent(url.hostname);
    modelInUrl(url);
  } catch {
    throw new InputError(
      `--endpoint: "${text}": a malformed % in the host, or in the model's name`,
    );
  }
  return url;
}
