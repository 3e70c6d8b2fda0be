/** A budget of dollars or tokens that is never crossed: requests under way count as spent. */
import { exactUsd } from "../text/dollars.ts";
import { asCancelled, CancelledError } from "../execute/scope.ts";

/** What a run may spend at most. */
export interface BudgetLimits {
  /** US dollars; null: no limit. */
  usd: number | null;
  /** Prompt and output tokens together; null: no limit. */
  tokens: number | null;
}

/** What a request took, or may take; null is unknown. */
export interface Spent {
  /** US dollars. */
  usd: number | null;
  /** Prompt and output tokens together. */
  tokens: number | null;
}

/** A request that is under way. */
export interface Reservation {
  /** It has ended. What is unknown of its cost counts as what was set aside for it. */
  settle(spent: Spent): void;
}

/** No room was left for a further request: the rest is for a resumed run. */
export class BudgetSpentError extends CancelledError {
  /** The one message of this error. */
  constructor() {
    super("the budget is spent");
  }
}

const NOTHING: Spent = { usd: 0, tokens: 0 };
const WARN_SHARE = 0.8;
/** Sums of dollars are not exact. */
const ROUNDING = 1e-9;

/** Counts what is spent and what is set aside for requests under way. Serves several runs. */
export class Budget {
  /** What may be spent at most. */
  readonly limits: BudgetLimits;
  readonly #warn: (line: string) => void;
  #usd = 0;
  #tokens = 0;
  #set = { usd: 0, tokens: 0 };
  #underWay = 0;
  /** A request under way whose cost is unknown. */
  #alone = false;
  #warned = false;
  readonly #waiting = new Set<() => void>();
  /** What the request that had no room may take; null where it had, or nothing is known of it. */
  refused: Spent | null = null;
  /** A request had no room although nothing was under way: the budget has ended the run. */
  ended = false;

  /**
   * Nothing is spent yet.
   *
   * @param warn called once, at 80 %.
   */
  constructor(limits: BudgetLimits, warn: (line: string) => void) {
    this.limits = limits;
    this.#warn = warn;
  }

  /** Whether there is any limit. */
  get limited(): boolean {
    return this.limits.usd !== null || this.limits.tokens !== null;
  }

  /** What is spent so far: US dollars, and tokens. */
  get spent(): { usd: number; tokens: number } {
    return { usd: this.#usd, tokens: this.#tokens };
  }

  /** Requests that have room and are not over. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Room for a request, if there is any now.
   *
   * @param mayTake what it may take; null where nothing is known of it: it then goes alone.
   */
  take(mayTake: () => Spent | null): Reservation | null {
    const { usd, tokens } = this.limits;
    const most = this.limited ? mayTake() : NOTHING;
    const alone = most === null;
    const set = { usd: most?.usd ?? 0, tokens: most?.tokens ?? 0 };
    const fits = (spent: number, reserved: number, limit: number | null) =>
      limit === null || (spent < limit && spent + reserved <= limit * (1 + ROUNDING));
    const room = !(alone && this.#underWay > 0) && !this.#alone &&
      fits(this.#usd, this.#set.usd + set.usd, usd) &&
      fits(this.#tokens, this.#set.tokens + set.tokens, tokens);
    if (!room || this.ended) {
      if (this.#underWay === 0 && !this.ended) {
        this.ended = true;
        this.refused = most;
      }
      return null;
    }
    this.#underWay++;
    this.#alone = alone;
    this.#set = { usd: this.#set.usd + set.usd, tokens: this.#set.tokens + set.tokens };
    return {
      settle: (spent) => {
        this.#underWay--;
        this.#alone = false;
        this.#set = { usd: this.#set.usd - set.usd, tokens: this.#set.tokens - set.tokens };
        this.add({ usd: spent.usd ?? set.usd, tokens: spent.tokens ?? set.tokens });
        [...this.#waiting].forEach((wake) => wake());
      },
    };
  }

  /**
   * Room for a request, as soon as there is some.
   *
   * @throws {BudgetSpentError} nothing is under way any more, and there is none.
   * @throws {CancelledError} the signal is aborted.
   */
  async reserve(mayTake: () => Spent | null, signal: AbortSignal): Promise<Reservation> {
    for (;;) {
      const reservation = this.take(mayTake);
      if (reservation) return reservation;
      if (this.ended) throw new BudgetSpentError();
      await this.#settled(signal);
    }
  }

  /** Counts spending without a reservation: an earlier session, or a failed attempt. */
  add({ usd, tokens }: Spent): void {
    this.#usd = exactUsd(this.#usd + (usd ?? 0));
    this.#tokens += tokens ?? 0;
    const share = Math.max(
      this.limits.usd === null ? 0 : this.#usd / this.limits.usd,
      this.limits.tokens === null ? 0 : this.#tokens / this.limits.tokens,
    );
    if (share < WARN_SHARE || this.#warned) return;
    this.#warned = true;
    this.#warn(`budget: ${Math.floor(share * 100)} % is spent`);
  }

  #settled(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", stop);
      };
      const wake = () => (over(), resolve());
      const stop = () => (over(), reject(asCancelled(signal.reason)));
      this.#waiting.add(wake);
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
    });
  }
}
