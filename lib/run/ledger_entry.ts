/** One request in a run's ledger: who asked, the tokens it took, and what they cost. */
import { classOfStatus, isSuccess } from "../endpoint/errors.ts";
import { exactUsd } from "../text/dollars.ts";
import { fields, isNumber, isText, orMissing, orNull } from "./forms.ts";
import type { UsageDetails } from "../endpoint/usage.ts";
import type { Price } from "./prices.ts";

/**
 * Who asked: a test or a planned request of a load, a test once more after a failure, the reviewer of
 * a coding run, a model that judges an answer, a load's warm-up, a probe beside a load, or a first
 * question that looks for a server's quirks.
 */
export type Asker = "test" | "retry" | "reviewer" | "judge" | "warmup" | "probe" | "preflight";

/** Every {@linkcode Asker}. */
export const ASKERS: readonly Asker[] = [
  "test",
  "retry",
  "reviewer",
  "judge",
  "warmup",
  "probe",
  "preflight",
];

/** Tokens of a request as the server told them; null where it did not. */
export interface TokenCounts {
  /** Of the prompt, those of a cache included. */
  prompt_tokens: number | null;
  /** Of the prompt: read from the server's cache. */
  cached_prompt_tokens: number | null;
  /** Of the prompt: written to the server's cache. */
  cache_write_tokens: number | null;
  /** Of the answer, reasoning included. */
  completion_tokens: number | null;
  /** Of the answer: reasoning. */
  reasoning_tokens: number | null;
}

/** What tokens cost at a request's time: the row of the price table, USD per million tokens. */
export type PriceRow = Pick<
  Price,
  "model" | "input" | "output" | "cache_read" | "cache_write" | "date"
>;

/** One request in the ledger. */
export interface LedgerEntry extends TokenCounts {
  /** Why it was made. */
  asked_by: Asker;
  /** The item of the run that it was asked for; null for none, and for a load's requests. */
  item_id: string | null;
  /** The model that was asked. An earlier dyno did not say. */
  model?: string | undefined;
  /** Null: the table has no price for the model. */
  price: PriceRow | null;
  /** US dollars for the prompt; null where a count or the price is unknown. */
  input_cost_usd: number | null;
  /** As `input_cost_usd`, for the answer. */
  output_cost_usd: number | null;
  /** Both together; null where either is unknown. */
  cost_usd: number | null;
}

/** The counts of a usage. */
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
 * The counts that a server told with its answer.
 *
 * @param embeds it answered with embeddings, which have no answer's tokens.
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

/** Nobody told what was taken. */
export const UNKNOWN_TOKENS: TokenCounts = countsOfUsage(
  { prompt_tokens: null, completion_tokens: null },
  null,
);
/** The model never began. */
const NO_TOKENS = countsOfUsage({ prompt_tokens: 0, completion_tokens: 0 }, null);

/**
 * The classes of refusals, for journals that tell no status: nobody charges for them. What becomes of a
 * request whose connection was lost, or that a stream's error ended, nobody knows.
 */
const REFUSED: ReadonlySet<string> = new Set(["auth", "http_4xx", "http_429", "http_5xx"]);

/** How a request came to nothing. */
export interface Failed {
  /** Its class; "unfinished": cut off by the end of the run. */
  failure: string;
  /** HTTP status; 0 or null for none. */
  status: number | null;
}

/** What a request took: what the server told, nothing where it refused the request, and unknown else. */
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

/**
 * What tokens cost, USD. Of the prompt, those read from a cache and written to one have their
 * own prices; a price row without them prices them as the rest of the prompt.
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
  const input_cost_usd = exactUsd(
    tokensCost(prompt_tokens - cached - written, price.input) +
      tokensCost(cached, price.cache_read ?? price.input) +
      tokensCost(written, price.cache_write ?? price.input),
  );
  const output_cost_usd = exactUsd(tokensCost(completion_tokens, price.output));
  return { input_cost_usd, output_cost_usd, cost_usd: exactUsd(input_cost_usd + output_cost_usd) };
}

/** A request as an entry. */
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

/** What JSON must be like to be a {@linkcode PriceRow}. */
export const priceRowForm = fields<PriceRow>({
  model: isText,
  input: isNumber,
  output: isNumber,
  cache_read: orMissing(orNull(isNumber)),
  cache_write: orMissing(orNull(isNumber)),
  date: isText,
});

/** What JSON must be like to be a {@linkcode LedgerEntry}. */
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

/** What tokens cost at a price, USD. */
export function tokensCost(tokens: number, usd_per_million: number): number {
  return tokens * usd_per_million / 1e6;
}
