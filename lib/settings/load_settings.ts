/** The settings of a load, as a program gives them; load.ts has their schema. */

/** One of several loads after one another. */
export interface LoadStageSettings {
  /** Requests a second, or from and to. */
  rate?: number | [number, number] | undefined;
  /** The most requests in flight; without a rate as many as that are kept in flight. */
  concurrency?: number | undefined;
  /** Seconds that it lasts; this or `requests`. */
  duration_s?: number | undefined;
  /** Requests that it sends; this or `duration_s`. */
  requests?: number | undefined;
}

/** The settings of one load; what is left out has the default that `dyno load --help` tells. */
export interface LoadSettings {
  /** Endpoint or base URL. */
  endpoint?: string | undefined;
  /** A preset that gives the URL and the key's variable. */
  provider?: string | undefined;
  /** May be left out when the server serves exactly one model. */
  model?: string | undefined;
  /** Further HTTP headers of every request. */
  headers?: Record<string, string> | undefined;
  /** The environment variable with the API key. */
  api_key_env?: string | undefined;
  /** Seconds for one request, connecting included. */
  timeout?: number | undefined;
  /** Whether answers are streamed; without it there is no ttft. */
  stream?: boolean | undefined;
  /** The native transport or the runtime's; default the native one where it works. */
  transport?: "wire" | "portable" | undefined;
  /** The most requests in flight; without a rate as many as that are kept in flight. */
  concurrency?: number | undefined;
  /** Requests a second. */
  rate?: number | undefined;
  /** How requests are spread over time. */
  arrival?: "constant" | "poisson" | "gamma" | undefined;
  /** With gamma: below 1 burstier than poisson, above more regular. */
  burstiness?: number | undefined;
  /** Of arrivals and prompts. */
  seed?: number | undefined;
  /** Several loads after one another; as text in the form of `--stages`. */
  stages?: string | LoadStageSettings[] | undefined;
  /** Requests of each load (with turns: conversations). */
  requests?: number | undefined;
  /** Seconds of each load. */
  duration_s?: number | undefined;
  /** Requests before it, in no figure. */
  warmup?: number | undefined;
  /** Seconds that requests in flight may still take at the end. */
  grace_s?: number | undefined;
  /** A file of requests to replay, at their times. */
  trace?: string | undefined;
  /** Times as fast as the trace. */
  trace_speed?: number | undefined;
  /** One prompt, again and again: measures the prefix cache too. */
  prompt?: string | undefined;
  /** A file of prompts. */
  prompts?: string | undefined;
  /** Goes through `prompts` again when they are used up. */
  repeat?: boolean | undefined;
  /** Length of made-up prompts: 512, "512:128" (mean:deviation) or "100-200". */
  input_tokens?: number | string | undefined;
  /** Length of answers that is asked for, in the same forms. */
  output_tokens?: number | string | undefined;
  /** Of each prompt, 0 to 1, that is shared with others. */
  prefix_share?: number | undefined;
  /** How many different shared beginnings there are. */
  prefixes?: number | undefined;
  /** Turns of each conversation. */
  turns?: number | undefined;
  /** Seconds between the turns of a conversation. */
  think_time_s?: number | undefined;
  /** Asks for exactly the wanted tokens (vLLM, SGLang). */
  ignore_eos?: boolean | undefined;
  /** Further fields of every request's body. */
  body?: Record<string, unknown> | undefined;
  /** Counts tokens with o200k_base where the server does not. */
  tokenizer?: boolean | undefined;
  /** Objectives such as "ttft:500". */
  slo?: string[] | undefined;
  /** Stops once more than this share of the last 100 requests failed. */
  stop_error_rate?: number | undefined;
  /** Stops once the server falls behind an open loop. */
  stop_on_saturation?: boolean | undefined;
  /** Hardware samples per second; 0 for none. */
  sample_rate_hz?: number | undefined;
}
