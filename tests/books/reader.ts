/**
 * The books' second reader: what a run comes to by the mock's log of requests and by the journal's
 * lines. It shares no code with lib, and adds up dollars as whole numbers.
 */
import { readFileSync } from "node:fs";

/** Anything that JSON holds. */
// deno-lint-ignore no-explicit-any
export type Json = any;

/** A request as the mock kept it. */
export interface Logged {
  method: string;
  path: string;
  body: Json;
  fault: string | null;
  tokens: { prompt: number; cached: number; completion: number; reasoning: number } | null;
}

/** USD per million tokens, with at most six decimals. */
export interface Prices {
  input: number;
  output: number;
  cache_read?: number;
}

/** What a run's requests come to. */
export interface Truth {
  requests: number;
  prompt: number;
  cached: number;
  completion: number;
  reasoning: number;
  untold: number;
  /** Null: no price, so that nothing is known. */
  usd: number | null;
  unpriced: number;
  /** Of the untold and the unpriced: what a kill cut off, at most. */
  cut_off: number;
}

/** Faults that are a refusal, by the mock's own list of them. */
const REFUSALS = ["server_error", "unavailable", "rate_limit", "unauthorized"];
/** Faults that are an answer all the same, and tell its usage. */
const ANSWERS = [null, "multi_token_event"];

/** Whether the mock gave a whole answer with its usage. */
export function isAnswer({ fault, tokens }: Logged): boolean {
  return tokens !== null && ANSWERS.includes(fault);
}

/** Whether the mock refused it, so that nothing was taken. */
export function isRefusal({ fault }: Logged): boolean {
  return fault !== null && REFUSALS.includes(fault);
}

/** Whether it is a request to the model. */
export function isAsked({ method, path }: Logged): boolean {
  return method === "POST" && path.startsWith("/v1/");
}

/** The requests to the model. */
export function asked(log: readonly Logged[]): Logged[] {
  return log.filter(isAsked);
}

/** Dollars times 10¹² of a request, exactly. */
function picodollars({ prompt, cached, completion }: NonNullable<Logged["tokens"]>, price: Prices) {
  const each = (usd: number) => BigInt(Math.round(usd * 1e6));
  return BigInt(prompt - cached) * each(price.input) +
    BigInt(cached) * each(price.cache_read ?? price.input) +
    BigInt(completion) * each(price.output);
}

/**
 * What the log says that a run took.
 *
 * @param prices of each model; null: none.
 * @param cut_off requests that a kill cut off, at most.
 */
export function truthOf(
  log: readonly Logged[],
  prices: Record<string, Prices | null>,
  cut_off: number,
): Truth {
  const truth = { requests: 0, prompt: 0, cached: 0, completion: 0, reasoning: 0, untold: 0 };
  let pico = 0n, priced = 0, unpriced = 0;
  for (const request of asked(log)) {
    truth.requests++;
    const price = prices[request.body.model];
    const refused = isRefusal(request);
    const told = isAnswer(request);
    const tokens = request.tokens!;
    if (told) {
      truth.prompt += tokens.prompt;
      truth.cached += tokens.cached;
      truth.completion += tokens.completion;
      truth.reasoning += tokens.reasoning;
    } else if (!refused) truth.untold++;
    if (price === null || (!told && !refused)) unpriced++;
    else {
      priced++;
      if (told) pico += picodollars(tokens, price);
    }
  }
  truth.untold += cut_off;
  unpriced += cut_off;
  return { ...truth, usd: priced ? Number(pico) / 1e12 : null, unpriced, cut_off };
}

/**
 * What each kill cut off, at most, by the lines of a journal: of tests the ids of those under way, of a load
 * as many as it said it would begin and that have no record.
 */
export function cutOffIn(journal: readonly Json[]): { items: string[]; requests: number } {
  const items: string[] = [];
  let open: string[] = [];
  for (const { event, item_id } of journal) {
    if (event === "package_started") open.push(item_id);
    if (event === "package_finished") open = open.filter((id) => id !== item_id);
    if (event === "run_resumed") items.push(...open);
    if (["run_resumed", "run_interrupted", "run_finished"].includes(event)) open = [];
  }
  const is = (name: string) => journal.filter(({ event }) => event === name);
  const most = is("requests_begun").filter(({ probes }) => !probes).at(-1)?.most ?? 0;
  const ended = is("load_measured").length > 0 ? most : is("request_finished").length;
  items.push(...open);
  return { items, requests: items.length + Math.max(0, most - ended) };
}

/** The lines of a journal. */
export function journalOf(folder: string): Json[] {
  return readFileSync(`${folder}/events.jsonl`, "utf8").split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** What was asked for something. Null: nothing of it is known. */
export interface Asked {
  prompt: number | null;
  completion: number | null;
  usd: number | null;
  /** Requests that are in no sum of dollars. */
  unpriced: number;
  /** Requests that are in no sum of tokens. */
  unknown: number;
}

/** What entries of a journal's ledger come to, by the price of the model that each asked. */
export function sumOfEntries(
  entries: readonly Json[],
  prices: Record<string, Prices | null>,
): Asked {
  const priceOf = ({ asked_by }: Json) => {
    const second = asked_by === "judge" || asked_by === "reviewer";
    return Object.entries(prices).find(([model]) =>
      model.startsWith(second ? "sage" : "model")
    )![1];
  };
  let pico = 0n, priced = 0, unknown = 0;
  let [prompt, completion]: [number | null, number | null] = [null, null];
  for (const entry of entries) {
    const { prompt_tokens, cached_prompt_tokens: cached, completion_tokens } = entry;
    if (prompt_tokens === null || completion_tokens === null) {
      unknown++;
      continue;
    }
    prompt = (prompt ?? 0) + prompt_tokens;
    completion = (completion ?? 0) + completion_tokens;
    const price = priceOf(entry);
    if (price === null) continue;
    priced++;
    const tokens = { prompt: prompt_tokens, cached: cached ?? 0, completion: completion_tokens };
    pico += picodollars({ ...tokens, reasoning: 0 }, price);
  }
  const usd = priced ? Number(pico) / 1e12 : null;
  return { prompt, completion, usd, unpriced: entries.length - priced, unknown };
}

/** Seconds from a run's start to its journal's newest line. */
export function secondsOf(folder: string, journal: readonly Json[]): number {
  const { started_at_unix_seconds } = JSON.parse(
    readFileSync(`${folder}/run_metadata.json`, "utf8"),
  );
  return journal.at(-1).t - started_at_unix_seconds;
}

/** A quantile by nearest rank, as the documentation defines it. */
export function nearest(values: readonly number[], q: number): number | null {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)] ?? null;
}

/** The median by nearest rank: of two middle values the lower. */
export function median(values: readonly number[]): number | null {
  return nearest(values, 0.5);
}

/** Dollars as a person may round them: whether `text` shows this value in its digits. */
export function shows(text: string, value: number): boolean {
  return isRounded(/\$(\d+(?:\.\d+)?)/.exec(text)?.[1], value);
}

/** Whether digits that are printed are this value's. */
export function isRounded(text: string | undefined, value: number): boolean {
  if (text === undefined) return false;
  const digits = text.replaceAll(",", "");
  const decimals = digits.split(".")[1]?.length ?? 0;
  return Math.abs(Number(digits) - value) <= 0.5001 * 10 ** -decimals;
}
