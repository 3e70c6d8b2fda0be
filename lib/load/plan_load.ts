/** Plans a load from its settings: its stages, prompts and objectives. */
import { chosenForm } from "../endpoint/chosen_form.ts";
import { InputError } from "../errors.ts";
import { endpointsOf } from "../settings/endpoint.ts";
import { questions } from "./questions.ts";
import { parseCancellations } from "./cancel.ts";
import { weightedModels, withModels } from "./models.ts";
import { objectivesIn } from "./statement.ts";
import { isOpen, parseStages, stageShare } from "./stages.ts";
import { settleLoad } from "../settings/load.ts";
import type { LoadSettings, SettledLoad } from "../settings/load.ts";
import { arrivalTimes } from "./arrival.ts";
import type { Counting } from "./questions.ts";
import type { LoadShare } from "./share.ts";
import type { Cancellation } from "./cancel.ts";
import type { ArrivalPattern } from "./arrival.ts";
import type { PromptSource } from "./prompts/prompts.ts";
import type { Slo } from "./slo.ts";
import type { Objectives, Statement } from "./statement.ts";
import type { LoadStage } from "./stages.ts";

const UNCOUNTED: Counting = {
  tokenizer: null,
  templateTokens: () => Promise.resolve({ tokens: null, note: null }),
};

/** A load that is ready to run, made by {@linkcode planLoad}. */
export interface LoadPlan {
  /** In the order in which they run, warm-up first. */
  stages: LoadStage[];
  /** How requests are spread over time, where the load has a rate. */
  pattern: ArrivalPattern;
  /** The source of each request's prompt. */
  prompts: PromptSource;
  /** The models that requests name, in addition to the configured one. */
  models: string[];
  /** Whether every request of a file names its model, so that the configured one is never asked. */
  all_named: boolean;
  /** Which requests are cancelled, and when; empty for none. */
  cancellations: Cancellation[];
  /** The seed of the words in made-up prompts, with which they can be sent again. Null: none is made up. */
  prompt_seed: number | null;
  /** Objectives of each request; empty for none. */
  slos: Slo[];
  /** Objectives of the run as a whole; empty for none. */
  statements: Statement[];
  /** Tokens that the server adds to each prompt; made-up prompts are shorter by as many. Null: unknown. */
  template_tokens: number | null;
  /** What a reader of the results must know, one line each. */
  notes: string[];
}

const NOTHING: LoadStage = {
  warmup: false,
  concurrency: null,
  rate: null,
  times_s: null,
  duration_s: null,
  requests: null,
};

/**
 * Plans a load.
 *
 * @param counting how the endpoint counts tokens; left out for a plan that is only shown.
 * @param share the part that this process sends; default: all of it.
 * @throws {InputError} settings that contradict one another, or are incomplete; a file that cannot
 * be read.
 */
export async function planLoad(
  settings: LoadSettings,
  counting: Counting = UNCOUNTED,
  share?: LoadShare,
): Promise<LoadPlan> {
  const settled = settleLoad(settings);
  const { arrival, burstiness, seed, warmup, provider, request_template } = settled;
  checkIdle(settings, settled);
  const [endpoint] = endpointsOf(settled);
  const [model] = weightedModels(settled.model).map(({ name }) => name);
  const form = endpoint === undefined && provider === undefined
    ? null
    : chosenForm({ endpoint, provider, model, request_template, stream: settled.stream });
  const streamed = form?.stream ?? settled.stream;
  if (settled.probe_rate !== undefined && !streamed) {
    throw new InputError("--probe-rate: answers that are not streamed have no ttft");
  }
  if (share !== undefined && (settled.prefill_concurrency ?? Infinity) < share.count) {
    throw new InputError(
      `--shards ${share.count}: more than --prefill-concurrency ${settled.prefill_concurrency}; each ` +
        "shard needs at least one",
    );
  }
  const notes: string[] = [];
  const prompt_seed = settled.prompt_seed ?? freshSeed();
  const models = weightedModels(settled.model);
  const { prompts: asked, times_s, named, all_named, made_up, template_tokens } = await questions(
    { ...settled, prompt_seed },
    counting,
    form,
    notes,
    share,
  );
  const draws = made_up || settled.probe_rate !== undefined; // probes are made up too
  if (settled.prompt_seed !== undefined && !draws) {
    notes.push("--prompt-seed: nothing is made up: the file gives the text of every request");
  }
  const prompts = withModels(asked, models);
  const whole = stagesOf(settled, times_s);
  notes.push(...idleNotes(settings, settled, whole));
  if (warmup > 0) whole.unshift(warmupOf(whole[0], warmup));
  const stages = share ? whole.map((stage) => stageShare(stage, share)) : whole;
  const pattern = {
    arrival,
    seed,
    ...(burstiness === undefined ? {} : { burstiness }),
    ...(share ? { share } : {}),
  };
  arrivalTimes({ ...pattern, rate_per_s: 1 }); // reports an error now rather than during the run
  return {
    stages,
    pattern,
    prompts,
    models: [...new Set([...models.slice(1).map(({ name }) => name), ...named])],
    all_named,
    cancellations: cancellationsOf(settled.cancel, streamed),
    prompt_seed: draws ? prompt_seed : null,
    ...objectivesOf(settled.slo, streamed),
    template_tokens,
    notes,
  };
}

/**
 * Returns the model to ask first: that of the settings, or of their file if each row names one;
 * undefined for neither.
 *
 * @param plan of these settings, where it is made already.
 */
export async function firstModel(
  settings: LoadSettings,
  plan?: Pick<LoadPlan, "models" | "all_named">,
): Promise<string | undefined> {
  const { model, prompts, trace } = settings;
  const [first] = weightedModels(model).map(({ name }) => name);
  if (first !== undefined || (prompts ?? trace) === undefined) return first;
  const { models, all_named } = plan ?? await planLoad(settings);
  return all_named ? models[0] : undefined;
}

/** @throws {InputError} a cancellation after some tokens, where answers are not streamed. */
function cancellationsOf(cancel: string[] = [], stream: boolean): Cancellation[] {
  const all = parseCancellations(cancel);
  const unseen = all.find(({ tokens }) => tokens !== null);
  if (stream || unseen === undefined) return all;
  throw new InputError(
    `--cancel: "${unseen.text}": answers that are not streamed come all at once`,
  );
}

/** A new seed for each load, so that no cache has seen its prompts. */
function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

/** The part of a plan that is recorded in a run's metadata. */
export function recordedPlan({ stages, prompts }: LoadPlan) {
  return {
    stages: stages.map(({ times_s, ...stage }) => ({
      ...stage,
      replayed_requests: times_s?.length ?? null,
    })),
    prompts: prompts.name,
  };
}

/** Notes that the seed of the prompts was given. */
export function seedNotice(prompt_seed: number): string {
  return `prompts of seed ${prompt_seed}: a cache that has seen them before may still hold them`;
}

/** @throws {InputError} a setting that would have no effect. */
function checkIdle(settings: LoadSettings, settled: SettledLoad): void {
  const { prompt, prompts, trace, prefix_share, images, audio } = settings;
  const given = prompt !== undefined || prompts !== undefined || trace !== undefined;
  const lengths = typeof settings.output_tokens === "string";
  const idle: [name: keyof LoadSettings, isIdle: boolean, why: string][] = [
    ["trace_speed", trace === undefined && prompts === undefined, "only with --trace"],
    ["recycle", prompts === undefined, "only with --prompts"],
    ["columns", prompts === undefined && trace === undefined, "only with --prompts or --trace"],
    ["prefix_share", given, "for made-up prompts only"],
    ["prefixes", prefix_share === undefined, "only with --prefix-share"],
    ["prompt_seed", prompt !== undefined && !images && !audio, "for made-up prompts only"],
    ["input_tokens", given, "for made-up prompts only"],
    ["output_tokens", trace !== undefined, "a trace gives the length of each answer"],
    ["output_tokens", given && lengths, "expected one number with prompts that are given"],
    ["tool_calls", given, "for made-up prompts only"],
    ["tool_time_s", settled.tool_calls === 0, "only with --tool-calls"],
    [
      "think_time_s",
      settled.turns === 1 && prompts === undefined && trace === undefined,
      "only with conversations (--turns)",
    ],
  ];
  for (const [name, isIdle, why] of idle) {
    const flag = name.replace(/_s$/, "").replaceAll("_", "-");
    if (isIdle && settings[name] !== undefined) throw new InputError(`--${flag}: ${why}`);
  }
}

/**
 * Notes settings that this load does not use. They are allowed, as a file may set them for several
 * loads.
 */
function idleNotes(
  settings: LoadSettings,
  settled: SettledLoad,
  stages: readonly LoadStage[],
): string[] {
  const plain = [...endpointsOf(settled), ...settled.server_metrics ?? []]
    .every((url) => url.startsWith("http:")) && settled.provider === undefined;
  const no_rate = stages.every(({ rate }) => rate === null) && "not used: no stage has a rate";
  const no_tls = plain && "not used: nothing is https";
  const idle: [name: keyof LoadSettings, why: string | false][] = [
    ["arrival", no_rate],
    ["burstiness", no_rate],
    ["stop_on_saturation", !stages.some(isOpen) && "not used: no stage is an open loop"],
    ["server_metrics_names", !settled.server_metrics && "not used: only with --server-metrics"],
    ["ca", no_tls],
    ["cert", no_tls],
    ["key", no_tls],
    ["insecure", no_tls],
  ];
  const few = stages.some(({ concurrency, requests, rate }) =>
    rate === null && requests !== null && requests < (concurrency ?? 0)
  );
  return [
    ...idle.flatMap(([name, why]) =>
      why && settings[name] ? [`--${name.replaceAll("_", "-")}: ${why}`] : []
    ),
    ...(few ? ["fewer requests than places in flight: the places were never all taken"] : []),
  ];
}

function objectivesOf(slo: string[] = [], stream: boolean): Objectives {
  const found = objectivesIn(slo);
  const wrong = stream ? undefined : slo.find((text) => text.includes("ttft"));
  if (wrong !== undefined) {
    throw new InputError(`--slo: "${wrong}": answers that are not streamed have no ttft`);
  }
  return found;
}

function stagesOf(settings: SettledLoad, times_s: number[] | null): LoadStage[] {
  const { stages, rate, concurrency, duration_s, requests } = settings;
  if (stages !== undefined) {
    for (const name of ["rate", "concurrency", "duration_s", "requests", "trace"] as const) {
      if (settings[name] !== undefined) {
        throw new InputError(`--${name.replace("_s", "")}: the stages say that; leave one out`);
      }
    }
    return typeof stages === "string" ? parseStages(stages) : stages.map((stage) => ({
      ...NOTHING,
      concurrency: stage.concurrency ?? null,
      rate: stage.rate === undefined ? null : rateOf(stage.rate),
      duration_s: stage.duration_s ?? null,
      requests: stage.requests ?? null,
    }));
  }
  const bounds = { duration_s: duration_s ?? null, requests: requests ?? null };
  const limit = { concurrency: concurrency ?? null };
  if (times_s !== null) {
    if (rate !== undefined) throw new InputError("--rate: a trace has its own times");
    return [{ ...NOTHING, ...limit, ...bounds, times_s }];
  }
  const missing: string[] = [];
  if (rate === undefined && concurrency === undefined) {
    missing.push(
      "how much load? give --concurrency N (closed loop), --rate R (open loop), --stages, " +
        "--trace FILE or --find-capacity",
    );
  }
  if (duration_s === undefined && requests === undefined) {
    missing.push("how long? give --duration TIME or --requests N");
  }
  if (missing.length > 0) throw new InputError(missing.join("; "));
  return [{ ...NOTHING, ...limit, ...bounds, rate: rate === undefined ? null : rateOf(rate) }];
}

function rateOf(rate: number | [number, number]): LoadStage["rate"] {
  const [from_per_s, to_per_s] = typeof rate === "number" ? [rate, rate] : rate;
  return { from_per_s, to_per_s };
}

/** A warm-up of this many requests, like the first stage. */
function warmupOf(first: LoadStage, requests: number): LoadStage {
  const { rate, concurrency } = first;
  const steady = rate && { from_per_s: Math.max(rate.from_per_s, rate.to_per_s), to_per_s: 0 };
  return {
    ...NOTHING,
    warmup: true,
    concurrency: concurrency ?? (rate === null ? 1 : null),
    rate: steady && { ...steady, to_per_s: steady.from_per_s },
    requests,
  };
}
