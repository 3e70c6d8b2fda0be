/** Which form of API a path is of. */
import { FORMS } from "../endpoint/forms/forms.ts";
import { isJsonObject } from "../json_fields.ts";
import type { ApiType, NumbersApi } from "../endpoint/forms/forms.ts";
import type { ParsedRequest } from "./http_request.ts";

/** The path of Gemini's API: the model, and the way of answering. */
export const GEMINI_PATH =
  /^\/v1(?:beta)?\/models\/([^/]+):(generateContent|streamGenerateContent)$/;

/** The path of Bedrock's API: the model, and the way of answering. */
export const CONVERSE_PATH = /^\/model\/([^/]+)\/(converse|converse-stream)$/;

/** The path of a deployment on Azure: the model, and what is asked of it. */
const AZURE_PATH = /^\/openai\/deployments\/([^/]+)\/(chat\/completions|completions|embeddings)$/;

/**
 * A request as OpenAI takes it: one to a deployment on Azure is for the model that its path names,
 * whichever its body does. Any other is what it was.
 */
export function asOpenAI(request: ParsedRequest): ParsedRequest {
  const [, deployment, asked] = AZURE_PATH.exec(request.path) ?? [];
  if (asked === undefined) return request;
  return { ...request, path: `/v1/${asked}`, body_text: withModel(request.body_text, deployment) };
}

function withModel(body_text: string, deployment: string): string {
  try {
    const body: unknown = JSON.parse(body_text);
    return isJsonObject(body) ? JSON.stringify({ ...body, model: decoded(deployment) }) : body_text;
  } catch {
    return body_text; // what reads it says what is wrong
  }
}

/** A name in a path, its percent signs read; as it is where they are of no text. */
export function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The path of KServe's API: the model, and what is asked of it. */
export const KSERVE_PATH =
  /^\/v2\/models\/([^/]+)(?:\/versions\/[^/]+)?\/(generate|generate_stream|infer)$/;

/** Forms whose answers are texts. */
export type TextApi = Exclude<ApiType, NumbersApi | "speech" | "images" | "template">;

const TEXT_APIS = (Object.keys(FORMS) as ApiType[])
  .filter((name): name is TextApi => FORMS[name].says === "text" && name !== "template");

/** The form of answers at a path; TGI's root answers as its /generate does. */
export function formOf(path: string): TextApi {
  if (path === "/") return "tgi";
  return TEXT_APIS.find((name) => FORMS[name].path.test(path)) ?? "completions";
}
