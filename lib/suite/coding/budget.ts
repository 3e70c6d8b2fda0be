/** A budget of dollars or tokens, which is not crossed: what is under way is counted as spent. */

export interface BudgetLimits {
  usd: number | null;
  tokens: number | null;
}

/** What one request took; null is unknown and counts as nothing. */
export interface Spent {
  usd: number | null;
  tokens: number | null;
}

const WARN_SHARE = 0.8;

/** Counts what is spent and what is set aside for requests under way. */
export class Budget {
  readonly #limits: BudgetLimits;
  readonly #warn: (line: string) => void;
  #usd = 0;
  #tokens = 0;
  #underWay = 0;
  #dearest = { usd: 0, tokens: 0 };
  #warned = false;
  readonly #waiting: (() => void)[] = [];
  /** A request had no room. */
  spentUp = false;

  /** @param warn is told once, at 80 %. */
  constructor(limits: BudgetLimits, warn: (line: string) => void) {
    this.#limits = limits;
    this.#warn = warn;
  }

  get spent(): { usd: number; tokens: number } {
    return { usd: this.#usd, tokens: this.#tokens };
  }

  /**
   * Whether another request fits: with it and all that are under way as dear as the dearest so far.
   * If it does, it is counted as under way until {@linkcode settle}.
   */
  reserve(): boolean {
    if (this.spentUp) return false;
    const after = this.#underWay + 1;
    const { usd, tokens } = this.#limits;
    const fits = (spent: number, dearest: number, limit: number | null) =>
      limit === null || (spent < limit && spent + after * dearest <= limit);
    if (!fits(this.#usd, this.#dearest.usd, usd)) return false;
    if (!fits(this.#tokens, this.#dearest.tokens, tokens)) return false;
    this.#underWay = after;
    return true;
  }

  /** A request that was under way is over. */
  settle(spent: Spent): void {
    this.#underWay--;
    this.add(spent);
    if (this.#underWay === 0) this.#waiting.splice(0).forEach((resolve) => resolve());
  }

  /** Resolves once nothing is under way; the budget is then spent for good. */
  drained(): Promise<void> {
    this.spentUp = true;
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Counts what an earlier session spent. */
  add({ usd, tokens }: Spent): void {
    this.#usd += usd ?? 0;
    this.#tokens += tokens ?? 0;
    this.#dearest = {
      usd: Math.max(this.#dearest.usd, usd ?? 0),
      tokens: Math.max(this.#dearest.tokens, tokens ?? 0),
    };
    const share = Math.max(
      this.#limits.usd === null ? 0 : this.#usd / this.#limits.usd,
      this.#limits.tokens === null ? 0 : this.#tokens / this.#limits.tokens,
    );
    if (share < WARN_SHARE || this.#warned) return;
    this.#warned = true;
    this.#warn(`budget: ${Math.floor(share * 100)} % is spent`);
  }
}
