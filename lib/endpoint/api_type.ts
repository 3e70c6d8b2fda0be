/** Which form of API an endpoint speaks, by its URL. */

/**
 * The forms that dyno speaks: OpenAI's four, Anthropic's Messages API, Gemini's generateContent, and
 * reranking and scoring as vLLM, Jina and Cohere have them.
 */
export type ApiType =
  | "completions"
  | "chat"
  | "responses"
  | "embeddings"
  | "messages"
  | "gemini"
  | "rerank"
  | "score";

/** Forms whose answers are numbers: their prompts have tokens, and their answers none. */
export type NumbersApi = "embeddings" | "rerank" | "score";

/** Whether a form's answers are numbers. */
export function answersNumbers(api_type: string | undefined): api_type is NumbersApi {
  return api_type === "embeddings" || api_type === "rerank" || api_type === "score";
}

/** Forms that are known by their paths, and not spoken. */
const OTHER_FORMS: readonly [RegExp, string][] = [
  [/\/messages\/(count_tokens|batches)\/*$/, "no inference"],
  [
    /\/v2\/models\/[^/]+(\/versions\/[^/]+)?\/(infer|generate|generate_stream)\/*$/,
    "KServe's v2 API",
  ],
  [/\/rank\/*$/, "reranking in another form than /rerank"],
  [/\/scores\/*$/, "scoring in another form than /score"],
  [/\/(pooling|classify|moderations)\/*$/, "pooling or classifying"],
  [/\/audio\/(transcriptions|translations|speech|voices)\/*$/, "audio"],
  [/\/images\/(generations|edits|variations)\/*$/, "making images"],
  [/\/videos(\/generations)?\/*$/, "making videos"],
  [/\/(de)?tokenize\/*$/, "a tokenizer"],
  [/\/realtime(\/\w+)?\/*$/, "the Realtime API"],
  [/\/(batches|files|assistants|threads|vector_stores|fine_tuning\/jobs)\/*$/, "no inference"],
  [/\/models(\/[^:]+)?$/, "the list of models"],
  [/:(embed|batchEmbed)Contents?$/, "Gemini's own API for embeddings"],
  [/\/api\/(chat|generate|embed)\/*$/, "Ollama's own API"],
  [/\/generate(_stream)?\/*$/, "the own API of TGI or SGLang"],
  [/\/infill\/*$/, "filling in"],
  [
    /\/model\/.+\/(converse|converse-stream|invoke|invoke-with-response-stream)\/*$/,
    "Bedrock's own API",
  ],
];

/** Gemini's own host, whose base URLs have another form unless they end in `/openai`. */
const GEMINI_HOST = "generativelanguage.googleapis.com";
const GEMINI_PATH = /\/models\/([^/:]+):(?:streamGenerateContent|generateContent)$/;

/**
 * The form of API by the URL's path: `…/chat/completions` is chat, `…/completions` completions,
 * `…/responses`, `…/embeddings`, `…/messages`, `…/rerank` and `…/score` what they say, `…/models/NAME:generateContent` Gemini;
 * a bare host or a path that ends in a version is a base URL, anything else unknown.
 */
export function detectApiType(endpoint: string): ApiType | "base" | "unknown" {
  const { pathname, hostname } = new URL(endpoint);
  const path = pathname.replace(/\/+$/, "");
  if (path.endsWith("/chat/completions")) return "chat";
  const named = /\/(completions|responses|embeddings|messages|rerank|score)$/.exec(path);
  if (named) return named[1] as ApiType;
  if (GEMINI_PATH.test(path)) return "gemini";
  if (path !== "" && !/\/(v\d+\w*|openai)$/.test(path)) return "unknown";
  return hostname === GEMINI_HOST && !path.endsWith("/openai") ? "gemini" : "base";
}

/** What a URL is that dyno does not speak to; null for any other. */
export function otherForm({ pathname }: URL): string | null {
  return OTHER_FORMS.find(([path]) => path.test(pathname))?.[1] ?? null;
}

/** The model that a URL names (Gemini's, and Azure's deployment); undefined for none. */
export function modelInUrl({ pathname }: URL): string | undefined {
  const [, name] = GEMINI_PATH.exec(pathname) ?? /\/deployments\/([^/]+)\//.exec(pathname) ?? [];
  return name === undefined ? undefined : decodeURIComponent(name);
}

/** Puts the model and the way of answering into a URL of Gemini's. */
export function setGeminiUrl(url: URL, model: string, stream: boolean): void {
  const base = url.pathname.replace(/\/+$/, "").replace(GEMINI_PATH, "") || "/v1beta";
  const method = stream ? "streamGenerateContent" : "generateContent";
  url.pathname = `${base}/models/${encodeURIComponent(model.replace(/^models\//, ""))}:${method}`;
  if (stream) url.searchParams.set("alt", "sse");
  else url.searchParams.delete("alt");
}

/** The path up to and with the version: "/v1" for a bare host. */
export function basePath(url: URL): string {
  return url.pathname.replace(/\/+$/, "").replace(GEMINI_PATH, "").replace(
    /\/(chat\/completions|completions|responses|embeddings|messages|rerank|score)$/,
    "",
  ) || "/v1";
}

/** Of Anthropic's API: the one that its documentation and its clients name. */
const ANTHROPIC_VERSION = "2023-06-01";
const AZURE_HOST = /\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)$/;
const AZURE_PATH = /\/openai\/deployments\/[^/]+\//;

/** The headers by which a form of API, or the host of one, takes its key. */
export function keyHeaders(api_type: ApiType, endpoint: string, key: string | null) {
  const { hostname, pathname } = new URL(endpoint);
  const version = api_type === "messages" ? { "anthropic-version": ANTHROPIC_VERSION } : {};
  if (key === null) return version;
  const bearer = { authorization: `Bearer ${key}` };
  if (api_type === "messages") {
    // Anthropic takes a bearer for a token of another kind; servers with its form know the one or the other
    const isOwn = /(^|\.)anthropic\.com$/.test(hostname);
    return { ...version, "x-api-key": key, ...(isOwn ? {} : bearer) };
  }
  if (hostname === GEMINI_HOST && api_type === "gemini") return { "x-goog-api-key": key };
  if (AZURE_HOST.test(hostname)) return { "api-key": key };
  // a gateway before Azure takes its header, or the bearer that other servers of this path know
  return AZURE_PATH.test(pathname) ? { "api-key": key, ...bearer } : bearer;
}
