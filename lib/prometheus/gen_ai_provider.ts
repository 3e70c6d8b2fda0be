/** Names the provider of a model by OpenTelemetry's conventions for generative AI. */
import { provider, providerNames } from "../endpoint/providers.ts";
import type { ApiType } from "../endpoint/forms/forms.ts";

/** Presets with other names in the conventions (`gen_ai.provider.name`). */
const PRESETS: Record<string, string> = {
  gemini: "gcp.gemini",
  mistral: "mistral_ai",
  xai: "x_ai",
};

/** Hosts of providers that have no preset, or that have several APIs. */
const HOSTS: readonly [host: RegExp, name: string][] = [
  [/\.openai\.azure\.com$/, "azure.ai.openai"],
  [/\.(services|inference)\.ai\.azure\.com$/, "azure.ai.inference"],
  [/^bedrock(-runtime)?\..*\.amazonaws\.com$/, "aws.bedrock"],
  [/(^|[.-])aiplatform\.googleapis\.com$/, "gcp.vertex_ai"],
  [/(^|\.)cohere\.(com|ai)$/, "cohere"],
  [/(^|\.)perplexity\.ai$/, "perplexity"],
];

/** APIs of a single provider or server; all others are OpenAI's. */
const FORMS: Record<string, string> = {
  messages: "anthropic",
  gemini: "gcp.gemini",
  converse: "aws.bedrock",
  tgi: "tgi",
  llamacpp: "llamacpp",
  kserve: "kserve",
  kserve_infer: "kserve",
  rerank: "unknown",
  score: "unknown",
  template: "unknown",
} satisfies Partial<Record<ApiType, string>>;

/**
 * Returns the provider's name, from the endpoint's host, or else the preset, or else the API. By
 * the conventions, an unknown host with OpenAI's API counts as `openai`; `server.address` has the
 * actual host.
 *
 * @param endpoint the URL that requests are posted to; null where unknown.
 */
export function genAiProvider(
  endpoint: string | null,
  preset: string | null,
  api_type: string | null,
): string {
  const host = hostOf(endpoint);
  const known = HOSTS.find(([pattern]) => host !== null && pattern.test(host))?.[1];
  if (known !== undefined) return known;
  const named = providerNames.find((name) => {
    const { base_url, api_key_env } = provider(name);
    return api_key_env !== null && hostOf(base_url) === host; // not a local server
  }) ?? preset;
  if (named !== null) return PRESETS[named] ?? named;
  return FORMS[api_type ?? ""] ?? "openai";
}

function hostOf(url: string | null): string | null {
  return url !== null && URL.canParse(url) ? new URL(url).hostname : null;
}
