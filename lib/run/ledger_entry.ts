/** Entries of a run's ledger: one request with its purpose, tokens and cost. */
import { classOfStatus, isSuccess } from "../endpoint/errors.ts";
import { exactUsd } from "../text/dollars.ts";
import { areAll, fields, isNumber, isText, orMissing, orNull } from "./forms.ts";
import type { UsageDetails } from "../endpoint/usage.ts";
import type { Price } from "./prices.ts";

/**
 * The purpose of a request: a test or a planned request of a load, a test repeated after a failure,
 * the review in a coding run, the judging of an answer, a load's warm-up, a probe of a load, or a
 * first question to learn the server's quirks.
 */
export type Asker = "test" | "retry" | "reviewer" | "judge" | "warmup" | "probe" | "preflight";

/** All values of {@linkcode Asker}. */
export const ASKERS: readonly Asker[] = [
  "test",
  "retry",
  "reviewer",
  "judge",
  "warmup",
  "probe",
  "preflight",
];

/** Tokens of a request as reported by the server; null where it did not. */
export interface TokenCounts {
  /** Tokens of the prompt, including those from a cache. */
  prompt_tokens: number | null;
  /** Of these, tokens read from the server's cache. */
  cached_prompt_tokens: number | null;
  /** Of these, tokens written to the server's cache. */
  cache_write_tokens: number | null;
  /** Tokens of the answer, including reasoning. */
  completion_tokens: number | null;
  /** Of these, reasoning tokens. */
  reasoning_tokens: number | null;
}

/** The price of tokens when the request was made: a row of the price table, USD per million tokens. */
export type PriceRow = Pick<
  Price,
  "model" | "input" | "output" | "cache_read" | "cache_write" | "tiers" | "date"
>;

/** The prices of a request's tokens, USD per million tokens. */
type Rates = Pick<Price, "input" | "output" | "cache_read" | "cache_write">;

/** An entry of the ledger: one request. */
export interface LedgerEntry extends TokenCounts {
  /** The purpose of the request. */
  asked_by: Asker;
  /** The item of the run that it was made for; null for none, and for a load's requests. */
  item_id: string | null;
  /** The model that was asked. Missing in entries of an earlier dyno. */
  model?: string | undefined;
  /** Null: the table has no price for the model. */
  price: PriceRow | null;
  /** US dollars for the prompt; null where a count or the price is unknown. */
  input_cost_usd: number | null;
  /** US dollars for the answer; null where a count or the price is unknown. */
  output_cost_usd: number | null;
  /** Both together; null where either is unknown. */
  cost_usd: number | null;
}

/** Returns the token counts of a usage. */
export function countsOfUsage(
  { prompt_tokens, completion_tokens }: Pick<TokenCounts, "prompt_tokens" | "completion_tokens">,
  details: UsageDetails | null,
): TokenCounts {
  return {
    prompt_tokens,
    cached_prompt_tokens: details?.cached_tokens ?? null,
    cache_write_tokens: details?.cache_written_tokens ?? null,
    completion_tokens,
    reasoning_tokens: details?.reasoning_tokens ?? null,
  };
}

/**
 * Returns the token counts that a server reported with its answer.
 *
 * @param embeds whether the answer is embeddings, which have no output tokens.
 */
export function countsOfReply(
  { prompt_tokens, completion_tokens, usage_details }: {
    prompt_tokens: number | null;
    completion_tokens: number | null;
    usage_details: UsageDetails | null;
  },
  embeds = false,
): TokenCounts {
  const answer = embeds ? completion_tokens ?? 0 : completion_tokens;
  return countsOfUsage({ prompt_tokens, completion_tokens: answer }, usage_details);
}

/** The counts where nothing was reported. */
export const UNKNOWN_TOKENS: TokenCounts = countsOfUsage(
  { prompt_tokens: null, completion_tokens: null },
  null,
);
/** The counts where the model did not start. */
const NO_TOKENS = countsOfUsage({ prompt_tokens: 0, completion_tokens: 0 }, null);

/**
 * Failures that are refusals by the server, which are not charged for; used for journals that
 * record no status. After a lost connection or an error in a stream, the cost is unknown.
 */
const REFUSED: ReadonlySet<string> = new Set(["auth", "http_4xx", "http_429", "http_5xx"]);

/** How a request failed. */
export interface Failed {
  /** The class of the failure; "unfinished": cut off by the end of the run. */
  failure: string;
  /** HTTP status; 0 or null for none. */
  status: number | null;
}

/**
 * Returns the tokens that a request used: those that the server reported, 0 if it refused the
 * request, and otherwise unknown.
 */
export function tokensTaken(told: TokenCounts, failed: Failed | null): TokenCounts {
  const known = told.prompt_tokens !== null && told.completion_tokens !== null;
  if (known || failed === null) return told;
  const { failure, status } = failed;
  const refused = status === null
    ? REFUSED.has(failure)
    : failure !== "timeout" && status > 0 && !isSuccess(status) &&
      classOfStatus(status) !== "timeout";
  return refused ? NO_TOKENS : UNKNOWN_TOKENS;
}

/** Returns the prices for a request whose prompt has this many tokens. */
export function ratesFor(price: PriceRow, prompt_tokens: number): Rates {
  let found: { above_prompt_tokens: number } & Rates = { ...price, above_prompt_tokens: 0 };
  for (const tier of price.tiers ?? []) {
    const { above_prompt_tokens: above } = tier;
    if (prompt_tokens > above && above >= found.above_prompt_tokens) found = tier;
  }
  return found;
}

/** Whether prompts of this many tokens in total may include one that a tier of the price is for. */
export function mayBeTiered({ tiers = [] }: PriceRow, prompt_tokens: number): boolean {
  return tiers.some(({ above_prompt_tokens }) => prompt_tokens > above_prompt_tokens);
}

/**
 * Returns the cost of a request's tokens, USD. Prompt tokens read from a cache or written to one may
 * have separate prices; without these they cost the same as other prompt tokens.
 */
export function costOfTokens(
  { prompt_tokens, cached_prompt_tokens, cache_write_tokens, completion_tokens }: TokenCounts,
  price: PriceRow | null,
): Pick<LedgerEntry, "input_cost_usd" | "output_cost_usd" | "cost_usd"> {
  if (price === null || prompt_tokens === null || completion_tokens === null) {
    return { input_cost_usd: null, output_cost_usd: null, cost_usd: null };
  }
  const cached = Math.min(cached_prompt_tokens ?? 0, prompt_tokens);
  const written = Math.min(cache_write_tokens ?? 0, prompt_tokens - cached);
  const { input, output, cache_read, cache_write } = ratesFor(price, prompt_tokens);
  const input_cost_usd = exactUsd(
    tokensCost(prompt_tokens - cached - written, input) +
      tokensCost(cached, cache_read ?? input) +
      tokensCost(written, cache_write ?? input),
  );
  const output_cost_usd = exactUsd(tokensCost(completion_tokens, output));
  return { input_cost_usd, output_cost_usd, cost_usd: exactUsd(input_cost_usd + output_cost_usd) };
}

/** Makes the entry of a request. */
export function entryOf(
  asked_by: Asker,
  item_id: string | null,
  taken: TokenCounts,
  price: PriceRow | null,
  model?: string,
): LedgerEntry {
  const named = model === undefined ? {} : { model };
  return { asked_by, item_id, ...named, ...taken, price, ...costOfTokens(taken, price) };
}

const ratesForms = {
  input: isNumber,
  output: isNumber,
  cache_read: orMissing(orNull(isNumber)),
  cache_write: orMissing(orNull(isNumber)),
};

/** The form of a {@linkcode PriceRow} in JSON. */
export const priceRowForm = fields<PriceRow>({
  model: isText,
  ...ratesForms,
  tiers: orMissing(
    areAll(fields<NonNullable<PriceRow["tiers"]>[number]>({
      above_prompt_tokens: isNumber,
      ...ratesForms,
    })),
  ),
  date: isText,
});

/** The form of a {@linkcode LedgerEntry} in JSON. */
export const ledgerEntryForm = fields<LedgerEntry>({
  asked_by: isText<Asker>,
  item_id: orNull(isText),
  model: orMissing(isText),
  price: orNull(priceRowForm),
  prompt_tokens: orNull(isNumber),
  cached_prompt_tokens: orNull(isNumber),
  cache_write_tokens: orNull(isNumber),
  completion_tokens: orNull(isNumber),
  reasoning_tokens: orNull(isNumber),
  input_cost_usd: orNull(isNumber),
  output_cost_usd: orNull(isNumber),
  cost_usd: orNull(isNumber),
});

/** Returns the cost of tokens at a price, USD. */
export function tokensCost(tokens: number, usd_per_million: number): number {
  return tokens * usd_per_million / 1e6;
}
