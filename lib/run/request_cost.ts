/** What one model's requests cost, and what the next one may cost at most. */
import { entryOf, tokensCost, tokensTaken } from "./ledger_entry.ts";
import type { Spent } from "./budget.ts";
import type { Asker, Failed, LedgerEntry, PriceRow, TokenCounts } from "./ledger_entry.ts";
import type { PriceTable } from "./prices.ts";

/** Tokens in a byte of a request's body, until the server has told any; more than most have. */
const TOKENS_PER_BYTE = 0.5;

/** Prices one model's requests. */
export class RequestCost {
  readonly #model: string;
  readonly #prices: PriceTable;
  readonly #price: PriceRow | null;
  readonly #warn: (line: string) => void;
  #warned = false;
  #tokensPerByte: number | null = null;
  /** The longest answer so far, tokens. */
  #longest: number | null = null;

  /** @param warn called once, with the first request whose price is unknown. */
  constructor(model: string, prices: PriceTable, warn: (line: string) => void) {
    this.#model = model;
    this.#prices = prices;
    this.#price = rowOf(prices, model);
    this.#warn = warn;
  }

  /** What the model's tokens cost; null where the table has no row for it. */
  get price(): PriceRow | null {
    return this.#price;
  }

  /**
   * A request that has ended, as an entry of the ledger.
   *
   * @param told the tokens that the server told.
   * @param failed null for an answer.
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
   * What a request may take: its prompt as dense as the densest so far, and an answer of its limit
   * of tokens, or without one as long as the longest so far; null while no length is known.
   *
   * @param body its whole body.
   */
  most(body: Record<string, unknown>): Spent | null {
    const answers = typeof body.n === "number" ? body.n : 1;
    const limit = body.max_completion_tokens ?? body.max_tokens ?? body.max_output_tokens;
    const numbers = "input" in body || "query" in body || "text_1" in body;
    const answer = numbers && !("stream" in body)
      ? 0 // embeddings, rankings and scores
      : typeof limit === "number"
      ? limit * answers
      : this.#longest;
    if (answer === null) return null;
    const bytes = sizeOf(body);
    const prompt = Math.ceil(bytes * (this.#tokensPerByte ?? TOKENS_PER_BYTE));
    const dearest = this.#price && Math.max(this.#price.input, this.#price.cache_write ?? 0);
    const usd = dearest === null
      ? null
      : tokensCost(prompt, dearest) + tokensCost(answer, this.#price!.output);
    return { usd, tokens: prompt + answer };
  }

  /** Learns from a request what others may take. */
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

/** What an entry took of a budget. */
export function spentOf({ cost_usd, prompt_tokens, completion_tokens }: LedgerEntry): Spent {
  const known = prompt_tokens !== null && completion_tokens !== null;
  return { usd: cost_usd, tokens: known ? prompt_tokens + completion_tokens : null };
}

/** Both together; unknown where either is. */
export function addedSpent(a: Spent, b: Spent): Spent {
  const sum = (x: number | null, y: number | null) => x === null || y === null ? null : x + y;
  return { usd: sum(a.usd, b.usd), tokens: sum(a.tokens, b.tokens) };
}

function rowOf(prices: PriceTable, of_model: string): PriceRow | null {
  const found = prices.priceOf(of_model);
  if (found === null) return null;
  const { model, input, output, cache_read, cache_write, date } = found;
  return { model, input, output, cache_read, cache_write, date };
}

function sizeOf(body: Record<string, unknown>): number {
  return new TextEncoder().encode(JSON.stringify(body)).length;
}
