/** Works out what a load asks from its settings: which prompts, how long, in which sessions. */
import { InputError } from "../errors.ts";
import { MADE_UP } from "../settings/load.ts";
import { Carried } from "./carried.ts";
import { counted } from "../text/grouped.ts";
import { readDataset } from "./datasets/read_dataset.ts";
import { type DatasetRow, isMadeUp, requestsOf, type RowRequest } from "./datasets/row.ts";
import { COMMON_WORDS } from "./prompts/common_words.ts";
import { parseMedia, withMadeUpMedia } from "./prompts/made_up_media.ts";
import { isSingle, sessionsOf } from "./prompts/made_up_sessions.ts";
import { datasetPrompts, fixedPrompt, madeUpPrompts } from "./prompts/prompts.ts";
import { isBranching } from "./prompts/session.ts";
import { corpusStock } from "./prompts/stock.ts";
import { NUMBER_WORDS } from "./prompts/synthetic.ts";
import { drawLengths, parseTokenLengths } from "./prompts/token_lengths.ts";
import { loadTokenizer } from "./prompts/tokenizer.ts";
import { wordsOfOneToken } from "./prompts/common_words.ts";
import type { ChosenForm } from "../endpoint/chosen_form.ts";
import type { SettledLoad } from "../settings/load.ts";
import type { LoadShare } from "./share.ts";
import type { PromptSource } from "./prompts/prompts.ts";
import type { TokenCounter } from "./prompts/tokenizer.ts";
import type { TokenLengths } from "./prompts/token_lengths.ts";

/** How a plan's tokens are counted. */
export interface Counting {
  /**
   * The model's own tokenizer; null: o200k_base, whose common words are one token in most other
   * tokenizers too.
   */
  tokenizer: TokenCounter | null;
  /** Measures how many tokens the server adds to prompts made up of such words; null: unknown. */
  templateTokens(words: readonly string[]): Promise<{ tokens: number | null; note: string | null }>;
}

/** A wait within a session longer than this is noted, seconds. */
const LONG_WAIT_S = 60;

/** The questions of a load. */
export interface Questions {
  prompts: PromptSource;
  times_s: number[] | null;
  /** Models that rows name. */
  named: string[];
  /** Whether every row names one. */
  all_named: boolean;
  /** Whether any question is made up of words drawn by a seed. */
  made_up: boolean;
  /** Tokens that the server adds to each prompt; null: unknown. */
  template_tokens: number | null;
}

type SeededLoad = SettledLoad & { prompt_seed: number };

/**
 * Returns the questions of a load: made up, from a file, or one question repeated.
 *
 * @param form the endpoint's request form; null: not known yet.
 * @param share the part that this process asks; default: all of it.
 * @param notes the list to which notes for the reader of the results are added.
 * @throws {InputError} settings that contradict one another; a file that cannot be read.
 */
export async function questions(
  settings: SeededLoad,
  counting: Counting,
  form: ChosenForm | null,
  notes: string[],
  share?: LoadShare,
): Promise<Questions> {
  const { prompt, prompts, trace, turns, images, audio } = settings;
  const given = [prompt, prompts, trace].filter((source) => source !== undefined).length;
  if (given > 1) throw new InputError("--prompt, --prompts, --trace: give one of them");
  const path = trace ?? prompts;
  if ((images !== undefined || audio !== undefined) && path !== undefined) {
    throw new InputError("--images, --audio: a file's rows have their own images and sound");
  }
  if (turns !== 1 && given > 0) {
    throw new InputError("--turns: for made-up prompts; a file of prompts has its own {turns}");
  }
  if (path !== undefined) return await ofFile(path, settings, counting, form, notes, share);
  if (form) notes.push(...new Carried(form, settings, { path: "", rows: null }).notes());
  if (prompt === undefined) return await madeUp(settings, counting, notes, share);
  const source = withMedia(fixedPrompt(prompt, limitOf(settings)), settings, share);
  const made_up = images !== undefined || audio !== undefined;
  return { ...NONE_NAMED, prompts: source, made_up, template_tokens: null };
}

/** What questions have that are not from a file: no times and no models. */
const NONE_NAMED = { times_s: null, named: [], all_named: false };

/** The longest answer, where a single number sets it; null where none does. */
function limitOf({ output_tokens }: SettledLoad): number | null {
  return typeof output_tokens === "number" ? output_tokens : null;
}

/** The rows of a file, with their times if it is a trace. */
async function ofFile(
  path: string,
  settings: SeededLoad,
  counting: Counting,
  form: ChosenForm | null,
  notes: string[],
  share?: LoadShare,
): Promise<Questions> {
  const { trace, trace_speed, recycle, prompt_seed, request_template } = settings;
  const whole = request_template !== undefined;
  const { rows, timed, notes: told } = await readDataset(path, columnsOf(settings.columns), whole);
  notes.push(...told);
  const carried = form && new Carried(form, settings, { path, rows });
  const why = settings.model === undefined
    ? carried?.oneModel ?? null
    : `--model says ${[settings.model].flat().join(", ")}`;
  const own = why === null
    ? 0
    : rows.filter((row) =>
      requestsOf([row]).some(({ body }) =>
        body.model !== undefined && body.model !== form?.url_model
      )
    ).length;
  if (own > 0) notes.push(`${path}: "model" of ${counted(own, "row")} is not sent: ${why}`);
  if (carried) notes.push(...carried.notes());
  const sent = why === null
    ? rows
    : rows.map((row) => ({ ...withoutModel(row), later: row.later.map(withoutModel) }));
  const names = requestsOf(sent)
    .map(({ body, payload }) => body.model ?? (whole ? payload?.model : null));
  const named = [...new Set(names)].filter((name) => typeof name === "string");
  const all_named = names.every((name) => typeof name === "string");
  const made_up = requestsOf(rows).some(isMadeUp) ||
    (trace !== undefined && settings.warmup > 0);
  const { vocabulary, template_tokens } = made_up
    ? await wordsFor(counting, notes)
    : { vocabulary: undefined, template_tokens: null };
  const use = {
    words: prompt_seed,
    output_tokens: limitOf(settings),
    share,
    vocabulary,
    template_tokens: template_tokens ?? 0,
    think_s: sessionsOf(settings).think_s,
    speed: trace_speed,
  };
  checkSessions(rows, path, settings, notes);
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
      all_named,
      made_up,
      template_tokens,
    };
  }
  if (timed) notes.push(`${path}: its times are not used; --trace replays them`);
  const name = `${rows.length} prompts of ${path}${recycle ? ", repeated" : ""}`;
  const source = datasetPrompts(sent, { ...use, name, recycle, warmup: 0 });
  return { prompts: source, times_s: null, named, all_named, made_up, template_tokens };
}

/** Questions made up of words, audio or images that the seed draws. */
async function madeUp(
  settings: SeededLoad,
  counting: Counting,
  notes: string[],
  share?: LoadShare,
): Promise<Questions> {
  const { seed, prompt_seed, text } = settings;
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
    isSingle(settings) ? undefined : sessionsOf(settings),
    text,
    share,
  );
  const prompts = withMedia(made, settings, share);
  return { ...NONE_NAMED, prompts, made_up: true, template_tokens };
}

/** The same prompts with the images and audio of the settings. */
function withMedia(
  source: PromptSource,
  { images, audio, prompt_seed }: SeededLoad,
  share?: LoadShare,
): PromptSource {
  if (images === undefined && audio === undefined) return source;
  const seen = (prompt_seed + (share?.index ?? 0)) >>> 0; // each shard has its own images
  return withMadeUpMedia(source, parseMedia(images, audio), seen);
}

function withoutModel<Row extends RowRequest>(row: Row): Row {
  const { model: _, ...body } = row.body;
  return { ...row, body };
}

/** @throws {InputError} a setting that the sessions of a file do not support. */
function checkSessions(
  rows: readonly DatasetRow[],
  path: string,
  { trace, trace_speed, connections, think_time_s }: SettledLoad,
  notes: string[],
): void {
  const after = rows.flatMap((row) => row.later.flatMap((step) => step.after));
  const waits = after.flatMap(({ wait_s }) => wait_s ?? []);
  if (trace === undefined && trace_speed !== 1 && waits.length === 0) {
    throw new InputError(`--trace-speed: ${path}: its rows have no times; leave it out`);
  }
  const branches = rows.some((row) => isBranching(row.later));
  if (branches) {
    notes.push(`${path}: sub-agents send requests at the same time: concurrency counts sessions`);
  }
  if (branches && connections === "sticky") {
    throw new InputError(
      `--connections sticky: ${path}: sub-agents ask at the same time as others of their session; use pooled`,
    );
  }
  if (think_time_s !== 0 && waits.length === after.length) {
    notes.push(`${path}: --think-time is not used: the file gives every wait`);
  }
  const longest = Math.max(0, ...waits) / trace_speed;
  if (longest > LONG_WAIT_S) {
    notes.push(
      `${path}: sessions wait up to ${
        longest.toFixed(0)
      } s between requests; --trace-speed shortens that`,
    );
  }
}

/** The words that prompts are made up of, and how many tokens the server adds to them. */
async function wordsFor(
  { tokenizer, templateTokens }: Counting,
  notes: string[],
): Promise<{ vocabulary: readonly string[]; template_tokens: number | null }> {
  const vocabulary = tokenizer === null ? COMMON_WORDS : wordsOfOneToken(tokenizer);
  const { tokens, note } = await templateTokens(vocabulary);
  if (note !== null) notes.push(note);
  return { vocabulary, template_tokens: tokens };
}

/** @throws {InputError} a text without "=", or a field that is given twice. */
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
  const least = flag === "--input-tokens" ? NUMBER_WORDS : 1;
  const found = typeof given === "string" ? parseTokenLengths(given, flag) : given ?? otherwise;
  drawLengths(found, flag, least, () => 0.5); // reports an error now, under the flag's name
  return found;
}
