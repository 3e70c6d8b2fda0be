/** The cost of one model's requests, and the highest possible cost of the next one. */
import { entryOf, ratesFor, tokensCost, tokensTaken } from "./ledger_entry.ts";
import type { Spent } from "./budget.ts";
import type { Asker, Failed, LedgerEntry, PriceRow, TokenCounts } from "./ledger_entry.ts";
import type { PriceTable } from "./prices.ts";

/** Tokens per byte of a request's body, before the server has reported any; most texts have fewer. */
const TOKENS_PER_BYTE = 0.5;

/** Computes the costs of one model's requests. */
export class RequestCost {
  readonly #model: string;
  readonly #prices: PriceTable;
  readonly #price: PriceRow | null;
  readonly #warn: (line: string) => void;
  #warned = false;
  #tokensPerByte: number | null = null;
  /** The longest answer so far, in tokens. */
  #longest: number | null = null;

  /** @param warn called once, at the first request whose price is unknown. */
  constructor(model: string, prices: PriceTable, warn: (line: string) => void) {
    this.#model = model;
    this.#prices = prices;
    this.#price = rowOf(prices, model);
    this.#warn = warn;
  }

  /** The price of the model's tokens; null where the table has none. */
  get price(): PriceRow | null {
    return this.#price;
  }

  /**
   * Returns the ledger entry of a request that has ended.
   *
   * @param told the tokens that the server reported.
   * @param failed null if the request was answered.
   */
  entry(
    asked_by: Asker,
    item_id: string | null,
    told: TokenCounts,
    failed: Failed | null,
  ): LedgerEntry {
    this.#warnOfUnknown();
    return entryOf(asked_by, item_id, tokensTaken(told, failed), this.#price, this.#model);
  }

  /**
   * Returns the most that a request may cost. Its prompt is taken to be as dense in tokens as the
   * densest so far; its answer, to be of its token limit, or without one of the longest so far.
   * Null while no length is known.
   *
   * @param body the complete body.
   */
  most(body: Record<string, unknown>): Spent | null {
    const answers = typeof body.n === "number" ? body.n : 1;
    const limit = body.max_completion_tokens ?? body.max_tokens ?? body.max_output_tokens;
    const numbers = "input" in body || "query" in body || "text_1" in body;
    const answer = numbers && !("stream" in body)
      ? 0 // embeddings, rankings and scores have no output tokens
      : typeof limit === "number"
      ? limit * answers
      : this.#longest;
    if (answer === null) return null;
    const bytes = sizeOf(body);
    const prompt = Math.ceil(bytes * (this.#tokensPerByte ?? TOKENS_PER_BYTE));
    return { usd: this.#price && mostUsd(this.#price, prompt, answer), tokens: prompt + answer };
  }

  /** Updates the estimates for later requests. */
  learn(
    body: Record<string, unknown>,
    { prompt_tokens, completion_tokens }: Pick<TokenCounts, "prompt_tokens" | "completion_tokens">,
  ): void {
    this.#warnOfUnknown();
    if (prompt_tokens !== null) {
      this.#tokensPerByte = Math.max(this.#tokensPerByte ?? 0, prompt_tokens / sizeOf(body));
    }
    if (completion_tokens !== null) {
      this.#longest = Math.max(this.#longest ?? 0, completion_tokens);
    }
  }

  #warnOfUnknown(): void {
    if (this.#price !== null || this.#warned) return;
    this.#warned = true;
    this.#warn(`cost: no price for "${this.#model}" in ${this.#prices.name}: unknown, not 0`);
  }
}

/** What an entry spends of a budget. */
export function spentOf({ cost_usd, prompt_tokens, completion_tokens }: LedgerEntry): Spent {
  const known = prompt_tokens !== null && completion_tokens !== null;
  return { usd: cost_usd, tokens: known ? prompt_tokens + completion_tokens : null };
}

/** Adds two amounts; a field is unknown where either is. */
export function addedSpent(a: Spent, b: Spent): Spent {
  const sum = (x: number | null, y: number | null) => x === null || y === null ? null : x + y;
  return { usd: sum(a.usd, b.usd), tokens: sum(a.tokens, b.tokens) };
}

function rowOf(prices: PriceTable, of_model: string): PriceRow | null {
  const found = prices.priceOf(of_model);
  if (found === null) return null;
  const { model, input, output, cache_read, cache_write, tiers, date } = found;
  return { model, input, output, cache_read, cache_write, ...(tiers ? { tiers } : {}), date };
}

/** The most that a request costs whose prompt has at most this many tokens, at any tier, USD. */
function mostUsd(price: PriceRow, most_prompt_tokens: number, answer_tokens: number): number {
  const sizes = [0, ...(price.tiers ?? []).map(({ above_prompt_tokens }) => above_prompt_tokens)]
    .filter((above) => above === 0 || above < most_prompt_tokens);
  return Math.max(...sizes.map((above) => {
    const { input, output, cache_write } = ratesFor(price, above + 1);
    return tokensCost(most_prompt_tokens, Math.max(input, cache_write ?? 0)) +
      tokensCost(answer_tokens, output);
  }));
}

function sizeOf(body: Record<string, unknown>): number {
  return new TextEncoder().encode(JSON.stringify(body)).length;
}
