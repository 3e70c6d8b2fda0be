/** Sums over the requests of a run: their tokens and their cost. */
import { exactUsd } from "../text/dollars.ts";
import type { Asker, LedgerEntry } from "./ledger_entry.ts";
import type { Spending } from "./summary.ts";

/**
 * Sums over requests, of known values only, with the number of requests whose values are unknown.
 * Null: known for none.
 */
export interface LedgerTotals {
  /** Requests that were sent and have ended. */
  requests: number;
  /**
   * Additional requests that may have been in flight when dyno was killed, at most; their outcome
   * is unknown. They also count as requests of unknown tokens and cost. Missing in results of an
   * earlier dyno.
   */
  requests_cut_off: number;
  /** Tokens of prompts, including those from a cache. */
  prompt_tokens: number | null;
  /** Of these, tokens read from the server's cache. */
  cached_prompt_tokens: number | null;
  /** Of these, tokens written to the server's cache. */
  cache_write_tokens: number | null;
  /** Tokens of answers, including reasoning. */
  completion_tokens: number | null;
  /** Of these, reasoning tokens. */
  reasoning_tokens: number | null;
  /** Requests whose tokens are unknown, and not in the sums. */
  requests_of_unknown_tokens: number;
  /** US dollars for prompts. */
  input_cost_usd: number | null;
  /** US dollars for answers. */
  output_cost_usd: number | null;
  /** US dollars for both. */
  total_cost_usd: number | null;
  /** Requests whose cost is unknown, as their tokens or price are; not in the sums of dollars. */
  requests_of_unknown_cost: number;
}

/** The sums of a run's ledger, as in results.json. */
export interface Books {
  /** The whole run. */
  total: LedgerTotals;
  /** Sums by the purpose of the requests. */
  by_asker: Partial<Record<Asker, LedgerTotals>>;
  /** Sums by the model that was asked; "" is the run's own. Missing in results of an earlier dyno. */
  by_model?: Record<string, LedgerTotals>;
  /**
   * How many requests may have been in flight each time dyno was killed, at most. Their purpose is
   * unknown: they count in `total`, and towards the run's own model. Left out where dyno was not
   * killed.
   */
  cut_off?: number[];
}

/** Returns the sums over no requests. */
export function emptyTotals(): LedgerTotals {
  return {
    requests: 0,
    requests_cut_off: 0,
    prompt_tokens: null,
    cached_prompt_tokens: null,
    cache_write_tokens: null,
    completion_tokens: null,
    reasoning_tokens: null,
    requests_of_unknown_tokens: 0,
    input_cost_usd: null,
    output_cost_usd: null,
    total_cost_usd: null,
    requests_of_unknown_cost: 0,
  };
}

type Summed = Omit<LedgerEntry, "asked_by" | "item_id" | "price" | "model">;

/** Adds an entry to sums. */
export function addEntry(totals: LedgerTotals, entry: Summed): void {
  totals.requests++;
  const unknown = entry.prompt_tokens === null || entry.completion_tokens === null;
  if (unknown) totals.requests_of_unknown_tokens++;
  if (entry.cost_usd === null) totals.requests_of_unknown_cost++;
  for (const name of TOKENS) totals[name] = sum(totals[name], entry[name]);
  totals.input_cost_usd = usdSum(totals.input_cost_usd, entry.input_cost_usd);
  totals.output_cost_usd = usdSum(totals.output_cost_usd, entry.output_cost_usd);
  totals.total_cost_usd = usdSum(totals.total_cost_usd, entry.cost_usd);
}

/** Returns the sums of entries. */
export function totalOfEntries(entries: readonly LedgerEntry[]): LedgerTotals {
  const totals = emptyTotals();
  for (const entry of entries) addEntry(totals, entry);
  return totals;
}

/** Adds up several sums. */
export function totalOf(parts: Iterable<LedgerTotals>): LedgerTotals {
  const all = emptyTotals();
  for (const part of parts) {
    for (const name of COUNTS) all[name] += part[name];
    for (const name of TOKENS) all[name] = sum(all[name], part[name]);
    for (const name of DOLLARS) all[name] = usdSum(all[name], part[name]);
  }
  return all;
}

const COUNTS = [
  "requests",
  "requests_cut_off",
  "requests_of_unknown_tokens",
  "requests_of_unknown_cost",
] as const;
const TOKENS = [
  "prompt_tokens",
  "cached_prompt_tokens",
  "cache_write_tokens",
  "completion_tokens",
  "reasoning_tokens",
] as const;
const DOLLARS = ["input_cost_usd", "output_cost_usd", "total_cost_usd"] as const;

/** The sum of the known values; null where neither is known. */
function sum(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : a + b;
}

function usdSum(a: number | null, b: number | null): number | null {
  const total = sum(a, b);
  return total === null ? null : exactUsd(total);
}

/**
 * Returns the sums of a ledger's total, in the form of a run's summary.
 *
 * @param of returns a field of the total; null where unknown.
 */
export function spentBy(of: (name: string) => number | null): Omit<Spending, "by_model"> {
  return {
    requests: of("requests"),
    requests_cut_off: of("requests_cut_off") ?? 0,
    prompt_tokens: of("prompt_tokens"),
    cached_prompt_tokens: of("cached_prompt_tokens"),
    cache_write_tokens: of("cache_write_tokens"),
    completion_tokens: of("completion_tokens"),
    reasoning_tokens: of("reasoning_tokens"),
    requests_of_unknown_tokens: of("requests_of_unknown_tokens"),
    cost_usd: of("total_cost_usd"),
    input_cost_usd: of("input_cost_usd"),
    output_cost_usd: of("output_cost_usd"),
    requests_of_unknown_cost: of("requests_of_unknown_cost"),
  };
}

/** Sums for requests that may have been sent, of which nothing else is known. */
export function cutTotals(requests: number): LedgerTotals {
  return {
    ...emptyTotals(),
    requests_cut_off: requests,
    requests_of_unknown_tokens: requests,
    requests_of_unknown_cost: requests,
  };
}
