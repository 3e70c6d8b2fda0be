/** The settings of a load: an endpoint, the shape of the load and its prompts. */
import { z } from "zod";
import { endpointsSettings } from "./endpoint.ts";
import { requestTemplate } from "./request_template.ts";
import {
  about,
  asGiven,
  checkSettings,
  count,
  nonEmpty,
  positive,
  sampleRate,
  seconds,
} from "./setting.ts";
import type { InputOf, OutputOf } from "./setting.ts";

/**
 * The schema of one stage of a load.
 *
 * @internal
 */
export const loadStageSchema = z.strictObject({
  /** Requests per second, or a range from one rate to another. */
  rate: z.union([positive, z.tuple([z.number().min(0), z.number().min(0)])]).optional(),
  /** The most requests in flight; without a rate, this many are kept in flight. */
  concurrency: count.optional(),
  /** How long it lasts: seconds, or a text such as "10m"; either this or `requests`. */
  duration_s: seconds({ above: true, named: true }).optional(),
  /** The number of requests that it sends; either this or `duration_s`. */
  requests: count.optional(),
}).refine(
  ({ rate, concurrency }) => rate !== undefined || concurrency !== undefined,
  "expected a rate, a concurrency, or both",
).refine(
  ({ duration_s, requests }) => duration_s !== undefined || requests !== undefined,
  "expected duration_s or requests",
).refine(
  ({ rate, duration_s }) => !Array.isArray(rate) || duration_s !== undefined,
  "expected duration_s with a rate that goes from one value to another",
).refine(
  ({ rate }) => !Array.isArray(rate) || Math.max(...rate) > 0,
  "expected a rate above 0",
);

/** The default number of tokens of made-up prompts, and of their answers. */
export const MADE_UP = { input_tokens: 256, output_tokens: 128 };

/** The tokenizer that comes with dyno, named after its encoding: OpenAI's of 2024. */
export const OWN_TOKENIZER = "o200k_base";

/** A whole number, or a distribution of whole numbers as text. */
const tokens = z.union([count, nonEmpty]);
/** Seconds, or a distribution of times as text. */
const waits = z.union([z.number().min(0), nonEmpty]);

/**
 * The schema of a load's settings.
 *
 * @internal
 */
export const loadSettingsSchema = z.strictObject({
  ...endpointsSettings.shape,
  /** A file that says how to ask an endpoint of another form, and how to read its answers. */
  request_template: requestTemplate,
  /** The model; with several, each as "NAME=WEIGHT", the weights divide the requests. */
  model: z.union([nonEmpty, z.array(nonEmpty).min(1)]).optional().register(about, {
    help:
      "the model; may be left out where the server has one; repeated as NAME=WEIGHT: several models " +
      "or adapters share the requests",
    placeholder: "NAME",
    short: "m",
  }),
  /** The native transport or the runtime's sockets; default the native one where it works. */
  transport: z.enum(["wire", "portable"]).optional().register(about, {
    help: "wire: a native thread; portable: the runtime's sockets",
    otherwise: "wire where it works",
  }),
  /** The most requests in flight; without a rate, this many are kept in flight. */
  concurrency: count.optional().register(about, {
    help:
      "closed loop: N requests in flight; with --rate the most in flight; 1,2,4 or 1..16*2: a load each",
    placeholder: "N",
    short: "c",
  }),
  /** The most requests in flight that are still waiting for their first token. */
  prefill_concurrency: count.optional().register(about, {
    help: "the most requests in flight before their first token; the others wait for one of them",
    placeholder: "N",
  }),
  /** Requests per second: an open loop. */
  rate: positive.optional().register(about, {
    help: "open loop: R requests a second, whatever the server does; 2,4 or 10..50+10: a load each",
    placeholder: "R",
    short: "r",
  }),
  /** How requests are distributed over time. */
  arrival: z.enum(["poisson", "constant", "gamma"]).default("poisson").register(about, {
    help: "gaps between arrivals",
  }),
  /** With gamma: a value below 1 is burstier than poisson, one above 1 more regular. */
  burstiness: positive.optional().register(about, {
    help: "with gamma: below 1 burstier than poisson, above more regular",
    placeholder: "B",
  }),
  /** Several stages, one after another; as text in the form of `--stages`. */
  stages: z.union([nonEmpty, z.array(loadStageSchema).min(1)]).optional().register(about, {
    help: "e.g. 'rate=2:30s rate=2..8:1m concurrency=16:30s', one after the other",
    placeholder: "LIST",
  }),
  /** How long each load lasts: seconds, or a text such as "10m". */
  duration_s: seconds({ above: true, named: true }).optional().register(about, {
    help: "of each load",
    short: "d",
  }),
  /** Requests of each load (with turns: conversations). */
  requests: count.optional().register(about, {
    help: "requests of each load (with turns: conversations), or --duration, if that ends first",
    placeholder: "N",
  }),
  /** Warm-up requests, excluded from results. */
  warmup: z.int().min(0).default(0).register(about, {
    help: "warm-up requests, excluded from results",
    placeholder: "N",
  }),
  /** Waits until the endpoint answers, at most this long: seconds, or a text such as "10m". */
  wait_ready_s: seconds({ above: true, named: true }).optional().register(about, {
    help: "wait until the endpoint answers, at most this long",
  }),
  /** How long requests in flight may take after the end: seconds, or a text such as "2m". */
  grace_s: seconds({ named: true }).default(30).register(about, {
    help: "time that requests in flight may still take at the end",
  }),
  /** The seed of arrivals and of the lengths of made-up prompts. */
  seed: z.int().min(0).max(2 ** 32 - 1).default(1).register(about, {
    help: "seed of arrivals and of the lengths of made-up prompts",
    placeholder: "N",
  }),
  /** The seed of the words of made-up prompts; the same seed repeats an earlier run's words. */
  prompt_seed: z.int().min(0).max(2 ** 32 - 1).optional().register(about, {
    help:
      "seed of the words of made-up prompts: a run with the same seed sends the same prompts, " +
      "which a prefix cache may still hold",
    placeholder: "N",
    otherwise: "a different one for each run",
  }),
  /** Prometheus pages to record during the load: of the server, DCGM, AMD's or node exporters. */
  server_metrics: z.array(nonEmpty).optional().register(about, {
    help:
      "a Prometheus page to record during the load, such as a DCGM or node exporter's; the flag may be " +
      "repeated",
    placeholder: "URL",
  }),
  /** The metrics of those pages to keep; `*` stands for any text. */
  server_metrics_names: z.array(nonEmpty).optional().register(about, {
    help: "of those pages, keep only these metrics; * stands for any text",
    placeholder: "NAMES",
    otherwise: "all",
  }),
  /** Empties the server's prefix cache before the load (vLLM, SGLang). */
  reset_cache: z.boolean().default(false).register(about, {
    help: "empty the server's prefix cache before each load (vLLM, SGLang)",
  }),
  /** What made-up prompts consist of; it affects how well a model predicts the next tokens. */
  text: z.enum(["words", "prose", "code"]).default("words").register(about, {
    help:
      "made-up prompts of common words, prose or code: speculative decoding and experts depend on it",
    placeholder: "words|prose|code",
  }),
  /** Made-up images in each prompt that is not from a file: `640x480`, or `2@640x480`. */
  images: nonEmpty.optional().register(about, {
    help: "made-up images in each prompt, such as 512x512 or 2@512x512",
    placeholder: "N@WxH",
  }),
  /** Made-up sound in each prompt that is not from a file: seconds, or a text such as "5s". */
  audio: nonEmpty.optional().register(about, {
    help: "made-up sound in each prompt, such as 5s",
    placeholder: "TIME",
  }),
  /** Length of made-up prompts in tokens: 512, "512:128" (mean:deviation) or "100-200". */
  input_tokens: tokens.optional().register(about, {
    help: "made-up prompts: 512, 512:128 (mean:deviation) or 100-200",
    placeholder: "N",
    otherwise: String(MADE_UP.input_tokens),
  }),
  /** Requested length of answers, in the same forms. */
  output_tokens: tokens.optional().register(about, {
    help: "tokens of each answer, in the same forms",
    placeholder: "N",
    otherwise: `${MADE_UP.output_tokens} for made-up prompts`,
  }),
  /** The share of each prompt, 0 to 1, that it has in common with others. */
  prefix_share: z.number().min(0).max(1).default(0).register(about, {
    help: "share of each prompt, 0 to 1, that it has in common with others",
    placeholder: "SHARE",
  }),
  /** The number of different shared beginnings. */
  prefixes: count.default(1).register(about, {
    help: "different shared beginnings",
    placeholder: "N",
  }),
  /** Turns of each conversation: 4, "4:2" (mean:deviation) or "2-6". */
  turns: tokens.default(1).register(about, {
    help: "turns of each conversation: 4, 4:2 (mean:deviation) or 2-6",
    placeholder: "N",
  }),
  /** The wait before each turn after the first: seconds, "2s", "2s:500ms" (mean:deviation) or "1s-5s". */
  think_time_s: waits.default(0).register(about, {
    help: "before each later turn of a conversation: 2s, 2s:500ms (mean:deviation) or 1s-5s",
    placeholder: "TIME",
  }),
  /** Tool calls in each turn, in the forms of `turns`; each adds a request. */
  tool_calls: z.union([z.int().min(0), nonEmpty]).default(0).register(about, {
    help: "tools called in each turn, one after the other; each adds a request",
    placeholder: "N",
  }),
  /** How long each tool call takes, in the forms of `think_time_s`. */
  tool_time_s: waits.default(0).register(about, {
    help: "how long each of these takes, in the same forms",
    placeholder: "TIME",
  }),
  /** The header that marks requests of one session for the server. */
  session_header: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "expected a header's name")
    .default("x-session-id").register(about, {
      help: "the header that names a request's session",
      placeholder: "NAME",
    }),
  /** Which connection a request uses: any free one, a new one, or its session's own. */
  connections: z.enum(["pooled", "new", "sticky"]).default("pooled").register(about, {
    help:
      "pooled: kept alive, for any request; new: one for each request; sticky: one for each session",
  }),
  /** One prompt for all requests: also measures the prefix cache. */
  prompt: nonEmpty.optional().register(about, {
    help: "one prompt, again and again: measures the prefix cache too",
  }),
  /** A file of prompts. */
  prompts: nonEmpty.optional().register(about, {
    help:
      "requests or sessions from a file, as fast as the load asks for them: JSON lines, ShareGPT, an OpenAI " +
      "batch, traces of agents, CSV, Parquet, a suite",
    placeholder: "FILE",
  }),
  /** Which column of `prompts` or `trace` is used as which field, as "prompt=question". */
  columns: z.array(nonEmpty).optional().register(about, {
    help: "which column is which field, as prompt=question,output_length=tokens",
    placeholder: "FIELD=COLUMN",
  }),
  /** Starts again at the beginning of `prompts` when all are used. */
  recycle: z.boolean().default(false).register(about, {
    help: "go through --prompts again when they are used up",
  }),
  /** A file of requests to replay at their recorded times. */
  trace: nonEmpty.optional().register(about, {
    help:
      "requests from a file at their recorded times: Mooncake, Bailian, BurstGPT, Azure, or own JSON lines",
    placeholder: "FILE",
  }),
  /** How many times as fast as recorded; also shortens the waits within sessions. */
  trace_speed: positive.default(1).register(about, {
    help: "replay the trace, and the waits within sessions, X times as fast",
    placeholder: "X",
  }),
  /** Requests exactly the wanted number of output tokens (vLLM, SGLang). */
  ignore_eos: z.boolean().default(false).register(about, {
    help: "ask for exactly the wanted tokens (vLLM, SGLang)",
  }),
  /** Additional fields of every request's body. */
  body: z.record(z.string(), z.unknown()).optional().register(about, {
    help: "further fields of every request's body",
    placeholder: "JSON",
  }),
  /**
   * A tokenizer.json, a folder that has one, or "o200k_base": counts tokens when the server does not
   * report them.
   */
  tokenizer: nonEmpty.optional().register(about, {
    help:
      "the model's tokenizer.json, or a folder with it: lengths of made-up prompts, and counts of tokens " +
      "where the server reports none",
    placeholder: "PATH",
    bare: OWN_TOKENIZER,
  }),
  /** Objectives for each request such as "ttft:500", or for the run such as "p99(ttft)<500ms". */
  slo: z.array(nonEmpty).optional().register(about, {
    help: "of each request, as ttft:500, tpot:50, gap_p99:100; of the run, as p99(ttft)<500ms",
    placeholder: "METRIC:MS",
    whole: true,
  }),
  /** Requests to cut off on purpose: "10%@20tokens" or "5%@500ms". */
  cancel: z.array(nonEmpty).optional().register(about, {
    help: "requests that this client cuts off, as 10%@20tokens or 5%@500ms; counted separately",
    placeholder: "SHARE%@WHEN",
    whole: true,
  }),
  /** Short probe requests per second during the load; their ttft is reported separately. */
  probe_rate: positive.optional().register(about, {
    help: "short probe requests a second during the load; their ttft is reported separately",
    placeholder: "R",
  }),
  /** Stops when more than this share of the last 100 requests failed. */
  stop_error_rate: z.number().min(0).max(1).optional().register(about, {
    help: "stop once more of the last 100 requests failed",
    placeholder: "SHARE",
  }),
  /** Stops when the server falls behind an open loop. */
  stop_on_saturation: z.boolean().default(false).register(about, {
    help: "stop once the server falls behind an open loop",
  }),
  /** Hardware samples per second; 0 for none. */
  sample_rate_hz: sampleRate.optional().register(about, {
    help: "hardware samples per second; 0: none",
    placeholder: "HZ",
    otherwise: "100, or 10 without libdyno",
  }),
});

/** One stage of a load. */
export interface LoadStageSettings extends InputOf<typeof loadStageSchema> {}

/** The settings of one load; missing ones have the defaults that `dyno load --help` lists. */
export interface LoadSettings extends InputOf<typeof loadSettingsSchema> {}

/** The settings of one load after the check, with times in seconds and all defaults. */
export interface SettledLoad extends OutputOf<typeof loadSettingsSchema> {}

/**
 * Checks settings, and fills in the defaults.
 *
 * @throws {InputError} an unknown setting (the message names the nearest one), or a malformed value.
 */
export function settleLoad(settings: LoadSettings): SettledLoad {
  return checkSettings(loadSettingsSchema, settings, "settings");
}

/** The settings without defaults, as files, flags and tasks give them. */
export const givenLoadSchema = asGiven(loadSettingsSchema);
