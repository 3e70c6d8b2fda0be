/** Finds the form of API for a path. */
import { FORMS } from "../endpoint/forms/forms.ts";
import { isJsonObject } from "../json_fields.ts";
import type { ApiType, NumbersApi } from "../endpoint/forms/forms.ts";
import type { ParsedRequest } from "./http_request.ts";

/** The path of Gemini's API: the model, and the method. */
export const GEMINI_PATH =
  /^\/v1(?:beta)?\/models\/([^/]+):(generateContent|streamGenerateContent)$/;

/** The path of Bedrock's API: the model, and the method. */
export const CONVERSE_PATH = /^\/model\/([^/]+)\/(converse|converse-stream)$/;

/** The path of an Azure deployment: the model, and the endpoint. */
const AZURE_PATH = /^\/openai\/deployments\/([^/]+)\/(chat\/completions|completions|embeddings)$/;

/**
 * A request as OpenAI's API takes it. For an Azure deployment, the path names the model, whatever
 * the body says. Other requests are not changed.
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
    return body_text; // its reader reports what is wrong
  }
}

/** A name in a path with its percent escapes decoded; unchanged if they are not valid text. */
export function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The path of KServe's API: the model, and the method. */
export const KSERVE_PATH =
  /^\/v2\/models\/([^/]+)(?:\/versions\/[^/]+)?\/(generate|generate_stream|infer)$/;

/** Forms whose answers are text. */
export type TextApi = Exclude<ApiType, NumbersApi | "speech" | "images" | "template">;

const TEXT_APIS = (Object.keys(FORMS) as ApiType[])
  .filter((name): name is TextApi => FORMS[name].says === "text" && name !== "template");

/** The form of answers at a path; TGI answers at / as at its /generate. */
export function formOf(path: string): TextApi {
  if (path === "/") return "tgi";
  return TEXT_APIS.find((name) => FORMS[name].path.test(path)) ?? "completions";
}
