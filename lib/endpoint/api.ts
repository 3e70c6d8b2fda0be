/** How to reach an endpoint: its URL, form of API, key and time limits. */
import process from "node:process";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { endpointsOf, endpointsSettings, retrySettings } from "../settings/endpoint.ts";
import { headerFault, valueFault } from "../settings/headers.ts";
import { requestTemplate } from "../settings/request_template.ts";
import { checkSettings } from "../settings/setting.ts";
import { didYouMean } from "../text/nearest.ts";
import { basePath, keyHeaders } from "./api_type.ts";
import { signerOf } from "./aws_signer.ts";
import { chosenForm } from "./chosen_form.ts";
import { EndpointError } from "./errors.ts";
import { proxyOf } from "./proxy.ts";
import { exchange } from "./transport.ts";
import { certificateFault, settleTls, trustedCertificates, UNCHECKED } from "./tls.ts";
import type { RequestTemplate } from "../settings/request_template.ts";
import type { Balance } from "../settings/endpoint.ts";
import { apiForm } from "./forms/forms.ts";
import type { ApiType } from "./forms/forms.ts";
import type { InputOf, OutputOf } from "../settings/setting.ts";
import type { TlsSettings } from "./tls.ts";
import type { Transport } from "./transport.ts";

/** Connection settings, under the names that users know. */
export interface APIConfiguration {
  /** Full URL that requests are posted to; the first one when there are several. */
  endpoint: string;
  /**
   * All URLs when several endpoints serve the same model, and how one is chosen for each request; left
   * out for a single endpoint.
   */
  several?: { endpoints: string[]; balance: Balance };
  /** The preset that was chosen; left out when none was. */
  provider?: string;
  /** The model's name, as requests carry it. */
  model: string;
  /** Additional HTTP headers, without the API key. */
  headers: Record<string, string>;
  /** Seconds for one attempt, connecting included. */
  timeout: number;
  /** Attempts after the first. */
  retry_attempts: number;
  /** Base of the exponential backoff, seconds. */
  retry_delay: number;
  /** The most requests in any minute; null for no limit but the server's. */
  requests_per_minute: number | null;
  /** The most tokens in any minute; null for no limit but the server's. */
  tokens_per_minute: number | null;
  /** The form of requests and answers. */
  api_type: ApiType;
  /** The environment variable that holds the API key; null for none. */
  api_key_env: string | null;
  /** The definition of the form when a request template sets it; left out otherwise. */
  template?: RequestTemplate;
  /** Whether answers are streamed; without streaming ttft is unknown. */
  stream: boolean;
  /** The server's name for the limit on output tokens. */
  max_tokens_field: "max_tokens" | "max_completion_tokens";
  /** Whether to ask for usage with `stream_options`. */
  stream_options: boolean;
  /** TLS settings; unused with an http endpoint. */
  tls: TlsSettings;
}

/**
 * The schema of what a caller passes.
 *
 * @internal
 */
export const apiOptionsSchema = z.object({
  ...endpointsSettings.shape,
  ...retrySettings.shape,
  /** A file that says how to ask an endpoint of another form and how to read its answers. */
  request_template: requestTemplate,
});

/** What a caller passes; everything else follows from the URL, the provider and the server. */
export interface ApiOptions extends InputOf<typeof apiOptionsSchema> {}

const PROBE_TIMEOUT_S = 10;

const INSECURE =
  `INSECURE: ${UNCHECKED}: anyone in between can read and answer what is sent, the API key included`;

/** The transport's name in the settings. */
const HTTP_2 = "speaks HTTP/2";
const NO_PROTOCOL = /no.?application.?protocol/i;
const HTTP_2_ADVICE = "put a proxy that speaks HTTP/1.1 in front of it";

/**
 * Decides how to talk to an endpoint. Lists the server's models, to find an unreachable server or a
 * misspelt model name before any work starts.
 *
 * @param warn called with each thing that looks wrong but may work, as one line.
 * @throws {InputError} a malformed URL, an unreachable server, a missing key, no model.
 */
export async function configureApi(
  options: ApiOptions,
  transport: Transport,
  warn: (line: string) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<APIConfiguration> {
  const api = settleApi(options, warn);
  const endpoints = endpointsAsked(api);
  const served = await Promise.all(
    endpoints.map((endpoint) => servedModels({ ...api, endpoint }, transport, warn, signal)),
  );
  const chosen = served.map((models, i) => {
    const place = endpoints.length > 1 ? ` of ${endpoints[i]}` : "";
    return chooseModel(api.model || undefined, models, place, warn);
  });
  if (new Set(chosen).size > 1) {
    const each = chosen.map((model, i) => `${model} at ${endpoints[i]}`).join(", ");
    throw new InputError(`the endpoints serve different models: ${each}; give --model NAME`);
  }
  api.model = chosen[0];
  return api;
}

/** All URLs that requests are posted to. */
export function endpointsAsked(
  { endpoint, several }: {
    endpoint: string;
    several?: { endpoints: readonly string[] } | undefined;
  },
): readonly string[] {
  return several?.endpoints ?? [endpoint];
}

/**
 * The part of {@linkcode configureApi} that needs no server: for work that starts later, when the
 * server may be down now.
 *
 * @throws {InputError} a malformed URL, an unknown provider, a missing key.
 */
export function settleApi(given: ApiOptions, warn: (line: string) => void): APIConfiguration {
  const { balance, ...settled } = checkSettings(apiOptionsSchema, given, "endpoint");
  const urls = endpointsOf(settled);
  const all = (urls.length > 0 ? urls : [undefined]).map((url) =>
    settleOne({ ...settled, endpoint: url }, warn)
  );
  const [api] = all;
  if (all.length === 1) {
    if (balance === undefined) return api;
    throw new InputError(`--balance ${balance}: chooses between several endpoints; this is one`);
  }
  const other = all.find(({ api_type }) => api_type !== api.api_type);
  if (other) {
    throw new InputError(
      `--endpoint: ${api.endpoint} is ${api.api_type}, ${other.endpoint} ${other.api_type}: several ` +
        "endpoints must have the same API",
    );
  }
  const endpoints = all.map(({ endpoint }) => endpoint);
  const twice = endpoints.find((endpoint, i) => endpoints.indexOf(endpoint) < i);
  if (twice !== undefined) throw new InputError(`--endpoint: ${twice} is given twice`);
  return { ...api, several: { endpoints, balance: balance ?? "round-robin" } };
}

type Settled = Omit<OutputOf<typeof apiOptionsSchema>, "endpoint" | "balance"> & {
  endpoint: string | undefined;
};

function settleOne(settled: Settled, warn: (line: string) => void): APIConfiguration {
  const form = chosenForm(settled);
  const { url, preset, template, model, api_type, stream } = form;
  const proxy = proxyOf(url);
  if (proxy) warn(`${url.host} is reached through the proxy ${proxy.host}`);
  form.warnings.forEach(warn);
  const api: APIConfiguration = {
    endpoint: form.endpoint,
    ...(settled.provider === undefined ? {} : { provider: settled.provider }),
    model,
    headers: settled.headers ?? {},
    timeout: settled.timeout,
    retry_attempts: settled.retry_attempts,
    retry_delay: settled.retry_delay,
    requests_per_minute: settled.requests_per_minute ?? null,
    tokens_per_minute: settled.tokens_per_minute ?? null,
    api_type,
    ...(template === undefined ? {} : { template }),
    api_key_env: settled.api_key_env ?? preset?.api_key_env ?? null,
    stream,
    max_tokens_field: form.max_tokens_field,
    stream_options: form.stream_options,
    tls: settleTls(settled),
  };
  requestHeaders(api); // these fail now, not with the first request
  signerOf(api);
  if (url.protocol === "https:") trustedCertificates();
  if (url.protocol === "https:" && api.tls.insecure) warn(INSECURE);
  return api;
}

/**
 * The key from the environment, without a trailing line break (a mounted secret has one); null when no
 * variable is configured.
 *
 * @throws {InputError} the variable is named but not set, or its value is not valid in a header.
 */
export function apiKey(api: APIConfiguration): string | null {
  if (api.api_key_env === null) return null;
  const key = process.env[api.api_key_env]?.trimEnd();
  if (!key) {
    throw new InputError(
      `the API key is expected in ${api.api_key_env}, which is not set; export it`,
    );
  }
  const fault = valueFault(key);
  if (fault !== null) throw new InputError(`the API key in ${api.api_key_env} ${fault}`);
  return key;
}

/**
 * The headers of a request, with the key.
 *
 * @throws {InputError} a header that cannot be sent, or that dyno sets itself; its value is not
 * repeated.
 */
export function requestHeaders(api: APIConfiguration): Record<string, string> {
  const key = apiKey(api);
  const fault = headerFault(api.headers);
  if (fault) throw new InputError(`headers: "${fault.name}" ${fault.message}`);
  const { encoding, accept } = apiForm(api);
  const given = Object.entries(api.headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    "content-type": encoding?.content_type ?? "application/json",
    "accept": accept ?? (api.stream ? "text/event-stream, application/json" : "application/json"),
    "accept-encoding": "identity",
    "user-agent": "dyno",
    ...keyHeaders(api.api_type, api.endpoint, key),
    ...Object.fromEntries(given),
  };
}

/** The URL at which an endpoint's server lists its models. */
export function modelsUrl(endpoint: URL): URL {
  const url = new URL(endpoint);
  url.pathname = `${basePath(url)}/models`;
  url.search = "";
  return url;
}

/** The model ids that `…/models` lists; null when the server does not list any. */
async function servedModels(
  api: APIConfiguration,
  transport: Transport,
  warn: (line: string) => void,
  signal: AbortSignal,
): Promise<string[] | null> {
  const url = modelsUrl(new URL(api.endpoint));
  const timeout_s = Math.min(PROBE_TIMEOUT_S, api.timeout);
  const request = {
    method: "GET",
    url,
    headers: requestHeaders(api),
    body: "",
    timeout_s,
    tls: api.tls,
  } as const;
  try {
    const { status, body } = await exchange(transport, request, null, signal);
    if (api.tls.http2) warn(`${url.host} speaks HTTP/2 only: using the runtime's own sockets`);
    if (status !== 200) return null;
    const listed = JSON.parse(body) as { data?: { id?: unknown }[]; models?: { name?: unknown }[] };
    const named = listed.models?.map(({ name }) => String(name).replace(/^models\//, ""));
    return listed.data?.map((model) => String(model.id)) ?? named ?? null;
  } catch (error) {
    if (error instanceof EndpointError && isHttp2(url, error) && !api.several && !api.tls.http2) {
      api.tls.http2 = true;
      return await servedModels(api, transport, warn, signal).catch((failed) => {
        if (!(failed instanceof InputError)) throw failed;
        throw new InputError(`${url.origin} ${HTTP_2} only; ${HTTP_2_ADVICE}`);
      });
    }
    if (error instanceof EndpointError && error.failure === "connect") {
      throw new InputError(`${error.message}; ${await connectAdvice(url, error.message)}`);
    }
    if (error instanceof EndpointError && error.message.includes(HTTP_2)) {
      throw new InputError(`${url.origin} ${HTTP_2} only; ${HTTP_2_ADVICE}`);
    }
    if (error instanceof EndpointError && error.failure === "timeout") {
      warn(`${url.href}: no answer within ${timeout_s} s; is the URL right?`);
    }
    if (error instanceof EndpointError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Whether an https server refuses HTTP/1.1. */
function isHttp2({ protocol }: URL, { message }: EndpointError): boolean {
  return protocol === "https:" && (NO_PROTOCOL.test(message) || message.includes(HTTP_2));
}

/** What to try when no connection was made. */
async function connectAdvice(url: URL, message: string): Promise<string> {
  if (NO_PROTOCOL.test(message)) return `it speaks HTTP/2 only; ${HTTP_2_ADVICE}`;
  if (/client certificate|alert.*certificate|certificate.?required/i.test(message)) {
    return "give the client's certificate and its key with --cert and --key";
  }
  if (!/certificate|altname/i.test(message)) return "is the server running, and is the URL right?";
  return await certificateFault(url) ??
    "to trust its certificate, name a file with it or its issuer with --ca, or in NODE_EXTRA_CA_CERTS";
}

function chooseModel(
  wanted: string | undefined,
  served: string[] | null,
  place: string,
  warn: (line: string) => void,
): string {
  if (wanted === undefined) {
    if (served?.length === 1) return served[0];
    const choice = served?.length
      ? `; the server${place && ` ${place.slice(4)}`} has: ${served.slice(0, 20).join(", ")}`
      : "; the server does not list its models: is the URL right?";
    throw new InputError(`no model: give --model NAME${choice}`);
  }
  if (served?.length && !served.includes(wanted)) {
    const hint = didYouMean(wanted, served) || `; it has: ${served.slice(0, 5).join(", ")}`;
    warn(`model "${wanted}" is not among the server's models${place}${hint}`);
  }
  return wanted;
}
