/** What one model's requests cost, and what the next one may cost at most. */
import { tokensCost } from "./prices.ts";
import type { Spent } from "./budget.ts";
import type { Price, PriceTable } from "./prices.ts";

/** Tokens of a request as the server told them; null is unknown. */
export interface RequestTokens {
  prompt_tokens: number | null;
  completion_tokens: number | null;
}

/** Tokens in a byte of a request's body, until the server has told any; more than most have. */
const TOKENS_PER_BYTE = 0.5;

/** Prices one model's requests. */
export class RequestCost {
  readonly #model: string;
  readonly #prices: PriceTable;
  readonly #price: Price | null;
  readonly #warn: (line: string) => void;
  #warned = false;
  #tokensPerByte: number | null = null;
  /** The longest answer so far, tokens. */
  #longest: number | null = null;

  /** @param warn is told once, of the first request whose price is unknown. */
  constructor(model: string, prices: PriceTable, warn: (line: string) => void) {
    this.#model = model;
    this.#prices = prices;
    this.#price = prices.priceOf(model);
    this.#warn = warn;
  }

  /** US dollars; null where the price or a count is unknown. */
  of({ prompt_tokens, completion_tokens }: RequestTokens): number | null {
    if (this.#price === null && !this.#warned) {
      this.#warned = true;
      this.#warn(`cost: no price for "${this.#model}" in ${this.#prices.name}: unknown, not 0`);
    }
    if (this.#price === null || prompt_tokens === null || completion_tokens === null) return null;
    return tokensCost(prompt_tokens, this.#price.input) +
      tokensCost(completion_tokens, this.#price.output);
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
    const answer = "input" in body && !("stream" in body)
      ? 0 // embeddings
      : typeof limit === "number"
      ? limit * answers
      : this.#longest;
    if (answer === null) return null;
    const bytes = sizeOf(body);
    const prompt = Math.ceil(bytes * (this.#tokensPerByte ?? TOKENS_PER_BYTE));
    const usd = this.#price &&
      tokensCost(prompt, this.#price.input) + tokensCost(answer, this.#price.output);
    return { usd, tokens: prompt + answer };
  }

  /** What a request took, which also shows what others may take. */
  spentBy(body: Record<string, unknown>, tokens: RequestTokens): Spent {
    const { prompt_tokens, completion_tokens } = tokens;
    if (prompt_tokens !== null) {
      this.#tokensPerByte = Math.max(this.#tokensPerByte ?? 0, prompt_tokens / sizeOf(body));
    }
    if (completion_tokens !== null) {
      this.#longest = Math.max(this.#longest ?? 0, completion_tokens);
    }
    const known = prompt_tokens !== null && completion_tokens !== null;
    return { usd: this.of(tokens), tokens: known ? prompt_tokens + completion_tokens : null };
  }
}

function sizeOf(body: Record<string, unknown>): number {
  return new TextEncoder().encode(JSON.stringify(body)).length;
}
