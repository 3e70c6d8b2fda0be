/** The settings of an endpoint: its URL, how to ask it, and for how long. */
import { z } from "zod";
import presets from "../../experiments/providers.json" with { type: "json" };
import { headerRecord } from "./headers.ts";
import { about, count, nonEmpty, seconds } from "./setting.ts";

/** Settings that every request needs, whatever sends it. */
export const endpointSettings = z.object({
  /** Endpoint or base URL; may be left out when `provider` is given. */
  endpoint: nonEmpty.optional().register(about, {
    help: "an endpoint's URL, or its base URL such as http://127.0.0.1:8000/v1",
    placeholder: "URL",
  }),
  /** A preset for the URL and the key's variable, such as "openai". */
  provider: nonEmpty.optional().register(about, {
    help: `a preset: ${Object.keys(presets).join(", ")}`,
    placeholder: "NAME",
  }),
  /** May be left out when the server serves exactly one model. */
  model: nonEmpty.optional().register(about, {
    help: "the model; may be left out where the server has one",
    placeholder: "NAME",
    short: "m",
  }),
  /** Additional HTTP headers of every request. */
  headers: headerRecord.optional().register(about, {
    help: "further HTTP headers; the flag may be repeated",
    placeholder: "'NAME: VALUE'",
    flag: "header",
  }),
  /** The environment variable that holds the API key; default the provider's, or none. */
  api_key_env: nonEmpty.optional().register(about, {
    help: "the environment variable that holds the API key",
    placeholder: "NAME",
  }),
  /** A file of certificates (PEM) to trust in addition to the host's own. */
  ca: nonEmpty.optional().register(about, {
    help: "a file of certificates (PEM) to trust in addition to the host's own",
    placeholder: "FILE",
  }),
  /** The file of the client's certificate (PEM), for a server that requires one. */
  cert: nonEmpty.optional().register(about, {
    help: "the client's certificate (PEM), where the server demands one",
    placeholder: "FILE",
  }),
  /** The file of its key; default the file of the certificate. */
  key: nonEmpty.optional().register(about, {
    help: "the key of --cert (PEM)",
    placeholder: "FILE",
    otherwise: "in the file of --cert",
  }),
  /** Accepts any certificate from the server: anyone on the network path can read the data and answer. */
  insecure: z.boolean().optional().register(about, {
    help: "accept any server certificate: anyone in between can read and answer requests",
  }),
  /** Time limit of one attempt, connecting included: seconds, or a text such as "90s" or "10m". */
  timeout: seconds({ above: true }).default(600).register(about, { help: "for one request" }),
  /** Whether answers are streamed; without streaming ttft is unknown. */
  stream: z.boolean().default(true).register(about, {
    help: "whether answers are streamed; whole ones have no ttft",
    off: "do not stream answers; ttft is then unknown",
  }),
});

/** Ways to choose which of several endpoints gets a request. */
const BALANCES = ["round-robin", "least-in-flight", "sticky"] as const satisfies Balance[];
/** A way to choose which of several endpoints gets a request. */
export type Balance = "round-robin" | "least-in-flight" | "sticky";

/** The wire connects to at most this many places. */
const MOST_ENDPOINTS = 64;

/** Settings for loads and suites, which may ask several endpoints that serve the same model. */
export const endpointsSettings = z.object({
  ...endpointSettings.shape,
  /**
   * Endpoint or base URL, or a list of those that serve the same model; may be left out with `provider`.
   */
  endpoint: z.union([nonEmpty, z.array(nonEmpty).min(1).max(MOST_ENDPOINTS)]).optional()
    .register(about, {
      help:
        "an endpoint's URL, or its base URL such as http://127.0.0.1:8000/v1; repeated: several " +
        "that serve the same",
      placeholder: "URL",
      whole: true,
    }),
  /** Which of several endpoints gets a request: in turn, the least busy one, or the session's own. */
  balance: z.enum(BALANCES).optional().register(about, {
    help:
      "which of several endpoints gets a request: each in turn, the one with the fewest in flight, " +
      "or the same one for a whole session (in a suite: a test)",
    otherwise: "round-robin",
  }),
});

/** The endpoints that the settings name; empty when a provider is named instead. */
export function endpointsOf(
  { endpoint }: { endpoint?: string | readonly string[] | undefined },
): readonly string[] {
  return endpoint === undefined ? [] : typeof endpoint === "string" ? [endpoint] : endpoint;
}

/** Settings for runs that retry after a failure; a load does not. */
export const retrySettings = z.object({
  /** Attempts after the first. */
  retry_attempts: z.int().min(0).default(3).register(about, {
    help: "retries after the first attempt",
    placeholder: "N",
  }),
  /** Base of the exponential backoff: seconds, or a text such as "500ms". */
  retry_delay: seconds().default(1).register(about, {
    help: "base of the exponential backoff with full jitter",
  }),
  /** Requests sent in any minute, retries included; limits in a server's headers apply in any case. */
  requests_per_minute: count.optional().register(about, {
    help: "send no more requests than this in any minute",
    placeholder: "N",
    otherwise: "as the server's rate-limit headers say",
  }),
  /** Tokens of prompts and answers in any minute; estimated until a request has ended. */
  tokens_per_minute: count.optional().register(about, {
    help: "use no more tokens than this in any minute, prompts and answers together",
    placeholder: "N",
    otherwise: "as the server's rate-limit headers say",
  }),
});
