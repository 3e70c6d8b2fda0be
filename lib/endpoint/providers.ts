/** Presets of well-known providers: base URL, key variable, quirks. */
import presets from "../../experiments/providers.json" with { type: "json" };
import { InputError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";

export interface Provider {
  base_url: string;
  /** The environment variable that holds the API key; null when none is needed. */
  api_key_env: string | null;
  /** The endpoint's name for the limit on output tokens. */
  max_tokens_field?: "max_tokens" | "max_completion_tokens";
  /** false: the endpoint refuses `stream_options`. */
  stream_options?: boolean;
}

const providers = presets as Record<string, Provider>;

/** Names that `--provider` accepts. */
export const providerNames: string[] = Object.keys(providers);

/** The preset of a provider. @throws {InputError} an unknown name; the message lists the nearest ones. */
export function provider(name: string): Provider {
  if (Object.hasOwn(providers, name)) return providers[name];
  throw new InputError(
    `--provider: "${name}" is not known${didYouMean(name, providerNames) || ";"} known: ` +
      `${providerNames.join(", ")}. For any other give --endpoint URL`,
  );
}
