/** Signs requests to Bedrock with the AWS key in the environment. */
import { awsKey, awsRegion, variable } from "../aws/key.ts";
import { signedHeaders } from "../aws/sigv4.ts";
import { InputError } from "../errors.ts";
import { inheritedGuard } from "./ssrf_guard.ts";
import type { ApiType } from "./forms/forms.ts";
import type { HttpRequest } from "./transport.ts";

/** Bedrock's own hosts, with their region. */
const BEDROCK_HOST =
  /^bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/;

/** The region of Bedrock's own hosts; null for another host. */
export function bedrockRegion(hostname: string): string | null {
  return BEDROCK_HOST.exec(hostname)?.[1] ?? null;
}

/**
 * The region to sign for, at Bedrock's own hosts and at the one that the environment names; null for
 * other hosts.
 */
function regionAt({ hostname, origin }: URL): string | null {
  const named = variable("AWS_ENDPOINT_URL_BEDROCK_RUNTIME") ?? variable("AWS_ENDPOINT_URL");
  const isNamed = named !== null && URL.canParse(named) && new URL(named).origin === origin;
  return bedrockRegion(hostname) ?? (isNamed ? awsRegion() : null);
}

/**
 * Signs requests to Bedrock, or to the address in AWS_ENDPOINT_URL_BEDROCK_RUNTIME or AWS_ENDPOINT_URL;
 * undefined for other endpoints, and when an API key is sent instead.
 *
 * @throws {InputError} the signing key is missing, or the work belongs to someone who may not use it.
 */
export function signerOf({ api_type, endpoint, several, api_key_env }: {
  api_type: ApiType;
  endpoint: string;
  several?: { endpoints: readonly string[] } | undefined;
  api_key_env: string | null;
}): HttpRequest["sign"] {
  if (api_type !== "converse" || api_key_env !== null) return undefined;
  const signed = (several?.endpoints ?? [endpoint]).find((each) =>
    regionAt(new URL(each)) !== null
  );
  if (signed === undefined) return undefined;
  if (inheritedGuard() !== null) {
    throw new InputError(`${signed}: a task's requests are not signed with this host's key to AWS`);
  }
  const key = awsKey();
  if ("missing" in key) {
    throw new InputError(
      `${key.missing} is not set: requests to Bedrock are signed with the key to AWS in the environment; ` +
        "or send a Bedrock API key: --api-key-env AWS_BEARER_TOKEN_BEDROCK",
    );
  }
  return ({ method, url, headers, body }) => {
    const region = regionAt(url);
    if (region === null) return headers;
    return signedHeaders({ method, url, headers, body }, key, { region, service: "bedrock" });
  };
}

/** The parts of the key that must stay secret: the secret itself and a temporary key's token. */
export function signingSecrets(): string[] {
  const key = awsKey();
  return "missing" in key
    ? []
    : [key.secret_access_key, key.session_token].filter((secret) => secret !== null);
}
