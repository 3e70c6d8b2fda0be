/** From settings to a load: its stages, its prompts, its objectives. */
import { InputError } from "../errors.ts";
import { COMMON_WORDS } from "./prompts/common_words.ts";
import { corpusStock } from "./prompts/stock.ts";
import { loadTokenizer } from "./prompts/tokenizer.ts";
import { wordsOfOneToken } from "./prompts/vocabulary.ts";
import { parseMedia, withMadeUpMedia } from "./prompts/made_up_media.ts";
import { datasetPrompts, fixedPrompt, madeUpPrompts } from "./prompts/prompts.ts";
import { parseCancellations } from "./cancel.ts";
import { weightedModels, withModels } from "./models.ts";
import { parseSlo } from "./slo.ts";
import { parseStatement } from "./statement.ts";
import { parseStages } from "./stages.ts";
import { parseTokenLengths } from "./prompts/token_lengths.ts";
import { readDataset } from "./datasets/read_dataset.ts";
import { MADE_UP, settleLoad } from "../settings/load.ts";
import type { LoadSettings, SettledLoad } from "../settings/load.ts";
import { arrivalTimes } from "./arrival.ts";
import type { Cancellation } from "./cancel.ts";
import type { ArrivalPattern } from "./arrival.ts";
import type { PromptSource } from "./prompts/prompts.ts";
import type { Slo } from "./slo.ts";
import type { Statement } from "./statement.ts";
import type { LoadStage } from "./stages.ts";
import type { TokenCounter } from "./prompts/tokenizer.ts";
import type { TokenLengths } from "./prompts/token_lengths.ts";

/** How a plan's tokens are counted. */
export interface Counting {
  /** The model's own; null: o200k_base, whose common words are one token in most others too. */
  tokenizer: TokenCounter | null;
  /** Measures what the server adds to prompts of such words, where any are made up; null: unknown. */
  templateTokens(words: readonly string[]): Promise<{ tokens: number | null; note: string | null }>;
}

const UNCOUNTED: Counting = {
  tokenizer: null,
  templateTokens: () => Promise.resolve({ tokens: null, note: null }),
};

/** A load that is ready to be run, made of its settings by {@linkcode planLoad}. */
export interface LoadPlan {
  /** In the order in which they run, warm-up first. */
  stages: LoadStage[];
  /** How requests are spread over time, where a rate is asked for. */
  pattern: ArrivalPattern;
  /** Gives each request its prompt. */
  prompts: PromptSource;
  /** The models that requests name beside the one that is configured. */
  models: string[];
  /** Which requests are cut off, and where; empty for none. */
  cancellations: Cancellation[];
  /** What the words of made-up prompts are drawn from: with it they are sent again. Null: none is made up. */
  prompt_seed: number | null;
  /** What a good request keeps to; empty for none. */
  slos: Slo[];
  /** What is to hold for the run as a whole; empty for nothing. */
  statements: Statement[];
  /** Tokens that the server adds to each prompt, which made-up ones leave room for; null: unknown. */
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
 * @param counting how tokens are counted at the endpoint; unknown for a plan that is only looked at.
 * @throws {InputError} settings that contradict one another, or that are not enough; a file that
 * cannot be read.
 */
export async function planLoad(
  settings: LoadSettings,
  counting: Counting = UNCOUNTED,
): Promise<LoadPlan> {
  const settled = settleLoad(settings);
  const { arrival, burstiness, seed, warmup } = settled;
  checkIdle(settings, settled);
  if (settled.probe_rate !== undefined && !settled.stream) {
    throw new InputError("--probe-rate: answers that are not streamed have no ttft");
  }
  const notes: string[] = [];
  const prompt_seed = settled.prompt_seed ?? freshSeed();
  const models = weightedModels(settled.model);
  const { prompts: asked, times_s, named, made_up, template_tokens } = await questions(
    { ...settled, prompt_seed },
    counting,
    notes,
  );
  const draws = made_up || settled.probe_rate !== undefined; // probes are made up
  if (settled.prompt_seed !== undefined && !draws) {
    notes.push("--prompt-seed: nothing is made up: the file tells the words of every request");
  }
  const prompts = withModels(asked, models);
  const stages = stagesOf(settled, times_s);
  if (warmup > 0) stages.unshift(warmupOf(stages[0], warmup));
  const pattern = { arrival, seed, ...(burstiness === undefined ? {} : { burstiness }) };
  arrivalTimes({ ...pattern, rate_per_s: 1 }); // complains now rather than in the run
  return {
    stages,
    pattern,
    prompts,
    models: [...new Set([...models.slice(1).map(({ name }) => name), ...named])],
    cancellations: cancellationsOf(settled),
    prompt_seed: draws ? prompt_seed : null,
    ...objectivesOf(settled),
    template_tokens,
    notes,
  };
}

/** @throws {InputError} tokens are to be waited for that nobody sees. */
function cancellationsOf({ cancel = [], stream }: SettledLoad): Cancellation[] {
  const all = parseCancellations(cancel);
  const unseen = all.find(({ tokens }) => tokens !== null);
  if (stream || unseen === undefined) return all;
  throw new InputError(
    `--cancel: "${unseen.text}": answers that are not streamed come all at once`,
  );
}

/** Every load has its own words, so that no cache knows its prompts. */
function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

/** Refuses what would do nothing: whoever gives it believes that it does something. */
function checkIdle(settings: LoadSettings, { turns }: SettledLoad): void {
  const { prompt, prompts, trace, prefix_share } = settings;
  const given = prompt !== undefined || prompts !== undefined || trace !== undefined;
  const lengths = typeof settings.output_tokens === "string";
  const idle: [name: keyof LoadSettings, isIdle: boolean, why: string][] = [
    ["trace_speed", trace === undefined, "only with --trace"],
    ["recycle", prompts === undefined, "only with --prompts"],
    ["columns", prompts === undefined && trace === undefined, "only with --prompts or --trace"],
    ["prefix_share", given, "for made-up prompts only"],
    ["prefixes", prefix_share === undefined, "only with --prefix-share"],
    ["prompt_seed", prompt !== undefined, "for made-up prompts only"],
    ["input_tokens", given, "for made-up prompts only"],
    ["output_tokens", trace !== undefined, "a trace tells the length of each answer"],
    ["output_tokens", given && lengths, "expected one number with prompts that are given"],
    ["think_time_s", turns === 1 && prompts === undefined, "only with conversations (--turns)"],
  ];
  for (const [name, isIdle, why] of idle) {
    const flag = name.replace(/_s$/, "").replaceAll("_", "-");
    if (isIdle && settings[name] !== undefined) throw new InputError(`--${flag}: ${why}`);
  }
}

/** Objectives of each request, and of the run as a whole. */
function objectivesOf({ stream, slo = [] }: SettledLoad): Pick<LoadPlan, "slos" | "statements"> {
  const slos: Slo[] = [], statements: Statement[] = [];
  for (const text of slo) {
    const statement = parseStatement(text);
    const each = statement === null ? parseSlo(text) : null;
    const name = statement?.measure ?? `${each!.metric}_ms`;
    if (!stream && (name === "ttft_ms" || name === "ttft_intended_ms")) {
      throw new InputError(`--slo: "${text}": answers that are not streamed have no ttft`);
    }
    if (statement !== null) statements.push(statement);
    else slos.push(each!);
  }
  return { slos, statements };
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

/** The load of the first stage, for this many requests. */
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

/** What a load asks. */
interface Questions {
  prompts: PromptSource;
  times_s: number[] | null;
  /** Models that rows name. */
  named: string[];
  /** Whether any of it is made up of words that a seed draws. */
  made_up: boolean;
  /** What the server adds to each; null: unknown. */
  template_tokens: number | null;
}

async function questions(
  settings: SettledLoad & { prompt_seed: number },
  counting: Counting,
  notes: string[],
): Promise<Questions> {
  const { prompt, prompts, trace, trace_speed, recycle, turns, seed, prompt_seed, text } = settings;
  const given = [prompt, prompts, trace].filter((source) => source !== undefined).length;
  if (given > 1) throw new InputError("--prompt, --prompts, --trace: give one of them");
  const { images, audio } = settings;
  const given_media = images !== undefined || audio !== undefined;
  if (given_media && given > 0) {
    throw new InputError(
      "--images, --audio: for made-up prompts; a file's rows have their own images and sound",
    );
  }
  if (turns > 1 && given > 0) {
    throw new InputError("--turns: for made-up prompts; a file of prompts has its own {turns}");
  }
  const limit = typeof settings.output_tokens === "number" ? settings.output_tokens : null;
  const path = trace ?? prompts;
  if (path !== undefined) {
    const { rows, timed, notes: told } = await readDataset(path, columnsOf(settings.columns));
    notes.push(...told);
    const own = rows.filter(({ body }) => body.model !== undefined).length;
    if (settings.model !== undefined && own > 0) {
      notes.push(
        `${path}: "model" of ${own === 1 ? "1 row" : `${own} rows`} is not sent: --model says ${
          [settings.model].flat().join(", ")
        }`,
      );
    }
    const sent = settings.model === undefined || own === 0
      ? rows
      : rows.map(({ body: { model: _, ...body }, ...row }) => ({ ...row, body }));
    const named = [...new Set(sent.map(({ body }) => body.model))]
      .filter((name) => typeof name === "string");
    const made_up = rows.some(({ prompt, messages }) => prompt === null && messages === null) ||
      (trace !== undefined && settings.warmup > 0);
    const { vocabulary, template_tokens } = made_up
      ? await wordsFor(counting, notes)
      : { vocabulary: undefined, template_tokens: null };
    const use = {
      words: prompt_seed,
      output_tokens: limit,
      vocabulary,
      template_tokens: template_tokens ?? 0,
    };
    if (trace !== undefined) {
      if (!timed) throw new InputError(`--trace: ${path}: its rows have no times; use --prompts`);
      const name = `${rows.length} requests of a trace`;
      const source = datasetPrompts(sent, {
        ...use,
        name,
        recycle: false,
        warmup: settings.warmup,
      });
      return {
        prompts: source,
        times_s: rows.map(({ t_s }) => t_s! / trace_speed),
        named,
        made_up,
        template_tokens,
      };
    }
    if (timed) notes.push(`${path}: its times are not used; --trace replays them`);
    const name = `${rows.length} prompts of ${path}${recycle ? ", repeated" : ""}`;
    const source = datasetPrompts(sent, { ...use, name, recycle, warmup: 0 });
    return { prompts: source, times_s: null, named, made_up, template_tokens };
  }
  const none = { times_s: null, named: [], template_tokens: null };
  if (prompt !== undefined) return { ...none, prompts: fixedPrompt(prompt, limit), made_up: false };
  const { vocabulary, template_tokens } = await wordsFor(counting, notes);
  const stock = text === "words"
    ? {}
    : { stock: corpusStock(text, counting.tokenizer ?? await loadTokenizer()) };
  const made = madeUpPrompts(
    {
      input: lengths(settings.input_tokens, MADE_UP.input_tokens, "--input-tokens"),
      output: lengths(settings.output_tokens, MADE_UP.output_tokens, "--output-tokens"),
      prefix_share: settings.prefix_share,
      prefixes: settings.prefixes,
      seed,
      words: prompt_seed,
      vocabulary,
      template_tokens: template_tokens ?? 0,
      ...stock,
    },
    turns,
    text,
  );
  const media = parseMedia(images, audio);
  const whole = given_media ? withMadeUpMedia(made, media, prompt_seed) : made;
  return { ...none, prompts: whole, made_up: true, template_tokens };
}

/** The words that prompts are made up of, and what the server adds to them. */
async function wordsFor(
  { tokenizer, templateTokens }: Counting,
  notes: string[],
): Promise<{ vocabulary: readonly string[]; template_tokens: number | null }> {
  const vocabulary = tokenizer === null ? COMMON_WORDS : wordsOfOneToken(tokenizer);
  const { tokens, note } = await templateTokens(vocabulary);
  if (note !== null) notes.push(note);
  return { vocabulary, template_tokens: tokens };
}

/** @throws {InputError} a text without "=", or a field twice. */
function columnsOf(given: readonly string[] = []): Record<string, string> {
  const columns: Record<string, string> = {};
  for (const text of given) {
    const [, field, column] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (field === undefined || Object.hasOwn(columns, field)) {
      throw new InputError(
        `--columns: "${text}"; expected FIELD=COLUMN with each field once, as prompt=question`,
      );
    }
    columns[field] = column;
  }
  return columns;
}

function lengths(
  given: number | string | undefined,
  otherwise: number,
  flag: string,
): TokenLengths {
  return typeof given === "string" ? parseTokenLengths(given, flag) : given ?? otherwise;
}
