/** Load experiments: an endpoint, the shape of a load and its prompts under one name. */
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { endpointsSettings } from "./endpoint.ts";
import { checkJson, readJsonFile } from "./json_file.ts";
import { expandMatrix } from "./matrix.ts";
import {
  about,
  asGiven,
  checkSettings,
  count,
  fileForms,
  nonEmpty,
  positive,
  sampleRate,
  schemaField,
  seconds,
} from "./setting.ts";
import type { InputOf, OutputOf } from "./setting.ts";

/**
 * The form of one of several loads.
 *
 * @internal
 */
export const loadStageSchema = z.strictObject({
  /** Requests a second, or from and to. */
  rate: z.union([positive, z.tuple([z.number().min(0), z.number().min(0)])]).optional(),
  /** The most requests in flight; without a rate as many as that are kept in flight. */
  concurrency: count.optional(),
  /** How long it lasts: seconds, or a text such as "10m"; this or `requests`. */
  duration_s: seconds({ above: true, named: true }).optional(),
  /** Requests that it sends; this or `duration_s`. */
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

/** Tokens of prompts that are made up, and of their answers, where nothing is said. */
export const MADE_UP = { input_tokens: 256, output_tokens: 128 };

/** The tokenizer that comes with dyno, by the name of its encoding: OpenAI's of 2024. */
export const OWN_TOKENIZER = "o200k_base";

const tokens = z.union([count, nonEmpty]);

/**
 * The form of a load's settings.
 *
 * @internal
 */
export const loadSettingsSchema = z.strictObject({
  ...endpointsSettings.shape,
  /** The model; several, each as "NAME=WEIGHT", share the requests by weight. */
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
  /** The most requests in flight; without a rate as many as that are kept in flight. */
  concurrency: count.optional().register(about, {
    help:
      "closed loop: N requests in flight; with --rate the most in flight; 1,2,4 or 1..16*2: a load each",
    placeholder: "N",
    short: "c",
  }),
  /** Requests a second: an open loop. */
  rate: positive.optional().register(about, {
    help: "open loop: R requests a second, whatever the server does; 2,4 or 10..50+10: a load each",
    placeholder: "R",
    short: "r",
  }),
  /** How requests are spread over time. */
  arrival: z.enum(["poisson", "constant", "gamma"]).default("poisson").register(about, {
    help: "gaps between arrivals",
  }),
  /** With gamma: below 1 burstier than poisson, above more regular. */
  burstiness: positive.optional().register(about, {
    help: "with gamma: below 1 burstier than poisson, above more regular",
    placeholder: "B",
  }),
  /** Several loads after one another; as text in the form of `--stages`. */
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
  /** Waits until the endpoint answers, at most so long: seconds, or a text such as "10m". */
  wait_ready_s: seconds({ above: true, named: true }).optional().register(about, {
    help: "wait until the endpoint answers, at most so long",
  }),
  /** How long requests in flight may still take at the end: seconds, or a text such as "2m". */
  grace_s: seconds({ named: true }).default(30).register(about, {
    help: "that requests in flight may still take at the end",
  }),
  /** Of arrivals and of the lengths of made-up prompts. */
  seed: z.int().min(0).max(2 ** 32 - 1).default(1).register(about, {
    help: "of arrivals and of the lengths of made-up prompts",
    placeholder: "N",
  }),
  /** Of the words of made-up prompts: repeats those of the run that had it. */
  prompt_seed: z.int().min(0).max(2 ** 32 - 1).optional().register(about, {
    help: "of the words of made-up prompts: sends again what a run with it sent, which a prefix " +
      "cache may know",
    placeholder: "N",
    otherwise: "another one for each run",
  }),
  /** Prometheus pages that are recorded beside the load: of the server, DCGM, AMD's or node exporters. */
  server_metrics: z.array(nonEmpty).optional().register(about, {
    help:
      "a Prometheus page to record beside the load, such as a DCGM or node exporter's; the flag may be " +
      "repeated",
    placeholder: "URL",
  }),
  /** Metrics of those pages that are kept, `*` for any text. */
  server_metrics_names: z.array(nonEmpty).optional().register(about, {
    help: "of those pages, keep only these metrics; * stands for any text",
    placeholder: "NAMES",
    otherwise: "all",
  }),
  /** Empties the server's prefix cache before the load (vLLM, SGLang). */
  reset_cache: z.boolean().default(false).register(about, {
    help: "empty the server's prefix cache before each load (vLLM, SGLang)",
  }),
  /** What made-up prompts are made of: what a model guesses well depends on it. */
  text: z.enum(["words", "prose", "code"]).default("words").register(about, {
    help:
      "made-up prompts of common words, prose or code: speculative decoding and experts depend on it",
    placeholder: "words|prose|code",
  }),
  /** Images of each made-up prompt: `640x480`, or `2@640x480`. */
  images: nonEmpty.optional().register(about, {
    help: "made-up images in each made-up prompt, such as 512x512 or 2@512x512",
    placeholder: "N@WxH",
  }),
  /** Sound of each made-up prompt: seconds, or a text such as "5s". */
  audio: nonEmpty.optional().register(about, {
    help: "made-up sound in each made-up prompt, such as 5s",
    placeholder: "TIME",
  }),
  /** Length of made-up prompts: 512, "512:128" (mean:deviation) or "100-200". */
  input_tokens: tokens.optional().register(about, {
    help: "made-up prompts: 512, 512:128 (mean:deviation) or 100-200",
    placeholder: "N",
    otherwise: String(MADE_UP.input_tokens),
  }),
  /** Length of answers that is asked for, in the same forms. */
  output_tokens: tokens.optional().register(about, {
    help: "tokens of each answer, in the same forms",
    placeholder: "N",
    otherwise: `${MADE_UP.output_tokens} for made-up prompts`,
  }),
  /** Of each prompt, 0 to 1, that is shared with others. */
  prefix_share: z.number().min(0).max(1).default(0).register(about, {
    help: "of each prompt, 0 to 1, that is shared with others",
    placeholder: "SHARE",
  }),
  /** How many different shared beginnings there are. */
  prefixes: count.default(1).register(about, {
    help: "different shared beginnings",
    placeholder: "N",
  }),
  /** Turns of each conversation. */
  turns: count.default(1).register(about, {
    help: "turns of each conversation",
    placeholder: "N",
  }),
  /** Between the turns of a conversation: seconds, or a text such as "500ms". */
  think_time_s: seconds({ named: true }).default(0).register(about, {
    help: "between the turns of a conversation",
  }),
  /** The header that tells the server which requests are of one session. */
  session_header: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "expected a header's name")
    .default("x-session-id").register(about, {
      help: "the header that tells which requests are of one session",
      placeholder: "NAME",
    }),
  /** Which connection a request goes on: any that is free, a new one, or its session's own. */
  connections: z.enum(["pooled", "new", "sticky"]).default("pooled").register(about, {
    help:
      "pooled: kept alive, for any request; new: one for each request; sticky: one for each session",
  }),
  /** One prompt, again and again: measures the prefix cache too. */
  prompt: nonEmpty.optional().register(about, {
    help: "one prompt, again and again: measures the prefix cache too",
  }),
  /** A file of prompts. */
  prompts: nonEmpty.optional().register(about, {
    help:
      "requests of a file, as fast as the load wants them: JSON lines, ShareGPT, an OpenAI batch, " +
      "CSV, Parquet, a suite",
    placeholder: "FILE",
  }),
  /** Which column of `prompts` or `trace` is which field, as "prompt=question". */
  columns: z.array(nonEmpty).optional().register(about, {
    help: "which column is which field, as prompt=question,output_length=tokens",
    placeholder: "FIELD=COLUMN",
  }),
  /** Goes through `prompts` again when they are used up. */
  recycle: z.boolean().default(false).register(about, {
    help: "go through --prompts again when they are used up",
  }),
  /** A file of requests to replay, at their times. */
  trace: nonEmpty.optional().register(about, {
    help:
      "requests of a file at their times: Mooncake, Bailian, BurstGPT, Azure, or own JSON lines",
    placeholder: "FILE",
  }),
  /** Times as fast as the trace. */
  trace_speed: positive.default(1).register(about, {
    help: "times as fast as the trace",
    placeholder: "X",
  }),
  /** Asks for exactly the wanted tokens (vLLM, SGLang). */
  ignore_eos: z.boolean().default(false).register(about, {
    help: "ask for exactly the wanted tokens (vLLM, SGLang)",
  }),
  /** Further fields of every request's body. */
  body: z.record(z.string(), z.unknown()).optional().register(about, {
    help: "further fields of every request's body",
    placeholder: "JSON",
  }),
  /** A tokenizer.json, or a folder that has one, or "o200k_base": counts where the server does not. */
  tokenizer: nonEmpty.optional().register(about, {
    help:
      "the model's tokenizer.json, or a folder with it: lengths of made-up prompts, and counts of tokens " +
      "where the server tells none",
    placeholder: "PATH",
    bare: OWN_TOKENIZER,
  }),
  /** Objectives of each request such as "ttft:500", or of the run such as "p99(ttft)<500ms". */
  slo: z.array(nonEmpty).optional().register(about, {
    help: "of each request, as ttft:500, tpot:50, gap_p99:100; of the run, as p99(ttft)<500ms",
    placeholder: "METRIC:MS",
    whole: true,
  }),
  /** Requests that are cut off on purpose: "10%@20tokens" or "5%@500ms". */
  cancel: z.array(nonEmpty).optional().register(about, {
    help: "requests that this client cuts off, as 10%@20tokens or 5%@500ms; counted by themselves",
    placeholder: "SHARE%@WHEN",
    whole: true,
  }),
  /** Short probe requests a second beside the load, whose ttft is reported separately. */
  probe_rate: positive.optional().register(about, {
    help: "short probe requests a second beside the load, with a ttft apart from it",
    placeholder: "R",
  }),
  /** Stops once more than this share of the last 100 requests failed. */
  stop_error_rate: z.number().min(0).max(1).optional().register(about, {
    help: "stop once more of the last 100 requests failed",
    placeholder: "SHARE",
  }),
  /** Stops once the server falls behind an open loop. */
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

/** One of several loads after one another. */
export interface LoadStageSettings extends InputOf<typeof loadStageSchema> {}

/** The settings of one load; what is left out has the default that `dyno load --help` tells. */
export interface LoadSettings extends InputOf<typeof loadSettingsSchema> {}

/** The settings of one load, checked, with times in seconds and all defaults. */
export interface SettledLoad extends OutputOf<typeof loadSettingsSchema> {}

/**
 * Checks settings, and fills in what holds where nothing is said.
 *
 * @throws {InputError} an unknown setting with the nearest one, a value of the wrong form.
 */
export function settleLoad(settings: LoadSettings): SettledLoad {
  return checkSettings(loadSettingsSchema, settings, "settings");
}

/** The same without defaults, as files, flags and tasks give them. */
export const givenLoadSchema = asGiven(loadSettingsSchema);

/** A load experiment's file. */
export const loadExperimentSchema = z.strictObject({
  $schema: schemaField,
  kind: z.literal("load").describe("what tells this file from others"),
  /** What the load is called, in lists and reports. */
  name: z.string().min(1),
  ...givenLoadSchema.shape,
  /** Lists of settings: every combination is its own run. */
  matrix: z.record(z.string(), z.array(z.unknown()).min(1)).optional(),
  /** Runs of each load. */
  repeat: z.int({
    error: ({ input }) =>
      typeof input === "boolean"
        ? 'is the number of runs of each load; what goes through prompts again is "recycle"'
        : undefined,
  }).min(1).optional(),
  /** Runs of each load go on until this figure is so exact, as "ttft_p99:5%". */
  until: nonEmpty.optional(),
}).register(fileForms, { name: "load", title: "an experiment of dyno load" });

/** A named experiment: the settings of each of its runs. */
export interface LoadExperiment {
  /** What people call it. */
  name: string;
  /** The settings of each load, and what of them the matrix varies. */
  runs: { settings: LoadSettings; varied: Record<string, unknown> }[];
  /** Runs of each load; 1 by default. */
  repeat?: number | undefined;
  /** Until which they go on, as "ttft_p99:5%". */
  until?: string | undefined;
}

/**
 * Reads a load experiment. `override` is what flags said: it takes precedence over the file, but a setting of
 * the matrix cannot be overridden.
 *
 * @throws {InputError} an unknown setting, a value of the wrong form, a flag that the matrix varies.
 */
export async function readLoadExperiment(
  path: string,
  override: LoadSettings,
): Promise<LoadExperiment> {
  const file = await readJsonFile(path);
  if (Array.isArray((file.value as { tests?: unknown } | null)?.tests)) {
    throw new InputError(
      `${path}: is a suite of tests; run it with dyno run, or take its prompts with ` +
        `--prompts ${path}`,
    );
  }
  const { $schema: _schema, kind: _kind, name, matrix = {}, repeat, until, ...fixed } = checkJson(
    file,
    loadExperimentSchema,
  );
  const clash = Object.keys(override).find((key) => Object.hasOwn(matrix, key));
  if (clash !== undefined) {
    throw new InputError(`--${clash}: ${path} varies it in its matrix; leave one of them out`);
  }
  const runs = expandMatrix(matrix).map((varied, i) => {
    const settings = checkSettings(givenLoadSchema, varied, `${path}: matrix`);
    const place = override.provider === undefined ? {} : { endpoint: undefined };
    const own = besideFile({ ...fixed, ...settings }, dirname(path));
    return { settings: nthLoad({ ...own, ...place, ...override }, i), varied };
  });
  return { name, runs, repeat, until };
}

/** Settings that name files. */
const FILES = ["prompts", "trace", "tokenizer", "ca", "cert", "key"] as const;

/** A load's settings with the files that they name seen from the folder of the file that names them. */
export function besideFile<Given extends Partial<Record<typeof FILES[number], unknown>>>(
  settings: Given,
  folder: string,
): Given {
  const found = { ...settings };
  for (const name of FILES) {
    const path = found[name];
    if (typeof path !== "string" || isAbsolute(path) || path === OWN_TOKENIZER) continue;
    found[name] = join(folder, path);
  }
  return found;
}

/** The settings of the n-th of several loads, from 0: none sends the prompts of another. */
export function nthLoad(settings: LoadSettings, n: number): LoadSettings {
  const { prompt_seed } = settings;
  if (prompt_seed === undefined || n === 0) return settings;
  return { ...settings, prompt_seed: (prompt_seed + n) % 2 ** 32 };
}
