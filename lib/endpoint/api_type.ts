/** Which form of API an endpoint speaks, by its URL. */
import { FORMS } from "./forms/forms.ts";
import { bedrockRegion } from "./aws_signer.ts";
import type { ApiType } from "./forms/forms.ts";

/** Paths of API forms that dyno does not support. */
const OTHER_FORMS: readonly [RegExp, string][] = [
  [/\/messages\/(count_tokens|batches)\/*$/, "no inference"],
  [/\/rank\/*$/, "reranking in another form than /rerank"],
  [/\/scores\/*$/, "scoring in another form than /score"],
  [/\/(pooling|classify|moderations)\/*$/, "pooling or classifying"],
  [/\/audio\/voices\/*$/, "the list of voices"],
  [/\/images\/(edits|variations)\/*$/, "editing images"],
  [/\/videos(\/generations)?\/*$/, "making videos"],
  [/\/(de)?tokenize\/*$/, "a tokenizer"],
  [/\/realtime(\/\w+)?\/*$/, "the Realtime API, over WebSocket"],
  [/\/(batches|files|assistants|threads|vector_stores|fine_tuning\/jobs)\/*$/, "no inference"],
  [/\/models(\/[^:]+)?$/, "the list of models"],
  [/:(embed|batchEmbed)Contents?$/, "Gemini's own API for embeddings"],
  [/\/api\/(chat|generate|embed)\/*$/, "Ollama's own API"],
  [/\/infill\/*$/, "filling in"],
  [
    /\/model\/.+\/(invoke|invoke-with-response-stream)\/*$/,
    "Bedrock's InvokeModel, whose form is that of each model (give /model/NAME/converse)",
  ],
];

/** Gemini's own host. Its base URLs have another form unless they end in `/openai`. */
const GEMINI_HOST = "generativelanguage.googleapis.com";

/**
 * The form of API that the end of the URL's path names, by the paths in {@linkcode FORMS}. A bare host
 * or a path that ends in a version is a base URL; anything else is unknown.
 */
export function detectApiType(endpoint: string): ApiType | "base" | "unknown" {
  const { pathname, hostname } = new URL(endpoint);
  const path = pathname.replace(/\/+$/, "");
  const form = formAt(path);
  if (form !== null) return form;
  if (path === "" && bedrockRegion(hostname) !== null) return "converse";
  if (path !== "" && !/\/(v\d+\w*|openai)$/.test(path)) return "unknown";
  return hostname === GEMINI_HOST && !path.endsWith("/openai") ? "gemini" : "base";
}

/** The name of a form that dyno does not support, by its URL; null for any other URL. */
export function otherForm({ pathname }: URL): string | null {
  return OTHER_FORMS.find(([path]) => path.test(pathname))?.[1] ?? null;
}

function formAt(path: string): ApiType | null {
  const names = Object.keys(FORMS) as ApiType[];
  return names.find((name) => FORMS[name].path.test(path)) ?? null;
}

/** The model that a URL names (as Gemini's URLs do, and Azure's deployments); undefined for none. */
export function modelInUrl({ pathname }: URL): string | undefined {
  const form = formAt(pathname);
  const name = (form && FORMS[form].path.exec(pathname)?.groups?.model) ??
    /\/deployments\/([^/]+)\//.exec(pathname)?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}

/** The path up to and including the version: "/v1" for a bare host. */
export function basePath(url: URL): string {
  const path = url.pathname.replace(/\/+$/, "");
  const form = formAt(path);
  return (form === null ? path : path.replace(FORMS[form].path, "")) || "/v1";
}

/** The version of Anthropic's API that its documentation and clients name. */
const ANTHROPIC_VERSION = "2023-06-01";
const AZURE_HOST = /\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)$/;
const AZURE_PATH = /\/openai\/deployments\/[^/]+\//;

/** The headers in which a form of API, or its host, expects the key. */
export function keyHeaders(api_type: ApiType, endpoint: string, key: string | null) {
  const { hostname, pathname } = new URL(endpoint);
  const version = api_type === "messages" ? { "anthropic-version": ANTHROPIC_VERSION } : {};
  if (key === null) return version;
  const bearer = { authorization: `Bearer ${key}` };
  if (api_type === "messages") {
    // Anthropic accepts a bearer token of another kind; servers that copy its API know one header or
    // the other
    const isOwn = /(^|\.)anthropic\.com$/.test(hostname);
    return { ...version, "x-api-key": key, ...(isOwn ? {} : bearer) };
  }
  if (hostname === GEMINI_HOST && api_type === "gemini") return { "x-goog-api-key": key };
  if (AZURE_HOST.test(hostname)) return { "api-key": key };
  // a gateway in front of Azure accepts Azure's header, or the bearer token of other servers with
  // this path
  return AZURE_PATH.test(pathname) ? { "api-key": key, ...bearer } : bearer;
}
