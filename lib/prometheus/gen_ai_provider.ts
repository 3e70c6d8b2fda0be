/** Who provides a model, by the names of OpenTelemetry's conventions for generative AI. */
import { provider, providerNames } from "../endpoint/providers.ts";
import type { ApiType } from "../endpoint/forms/forms.ts";

/** Presets whose names in the conventions (`gen_ai.provider.name`) are others. */
const PRESETS: Record<string, string> = {
  gemini: "gcp.gemini",
  mistral: "mistral_ai",
  xai: "x_ai",
};

/** Hosts of providers that have no preset, or several forms. */
const HOSTS: readonly [host: RegExp, name: string][] = [
  [/\.openai\.azure\.com$/, "azure.ai.openai"],
  [/\.(services|inference)\.ai\.azure\.com$/, "azure.ai.inference"],
  [/^bedrock(-runtime)?\..*\.amazonaws\.com$/, "aws.bedrock"],
  [/(^|[.-])aiplatform\.googleapis\.com$/, "gcp.vertex_ai"],
  [/(^|\.)cohere\.(com|ai)$/, "cohere"],
  [/(^|\.)perplexity\.ai$/, "perplexity"],
];

/** Forms of API that are one provider's, or one server's; the others are OpenAI's. */
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
 * The provider's name: by its host, else by the preset that was asked for, else by the form of API. As the
 * conventions have it, who speaks OpenAI's form on a host that nobody knows counts as `openai`;
 * `server.address` tells which host it is.
 *
 * @param endpoint the URL that requests are posted to; null is unknown.
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
    return api_key_env !== null && hostOf(base_url) === host; // not a server on this machine
  }) ?? preset;
  if (named !== null) return PRESETS[named] ?? named;
  return FORMS[api_type ?? ""] ?? "openai";
}

function hostOf(url: string | null): string | null {
  return url !== null && URL.canParse(url) ? new URL(url).hostname : null;
}
