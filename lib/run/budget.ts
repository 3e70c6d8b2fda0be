/** A budget in dollars or tokens that is never exceeded: requests in flight count as spent. */
import { exactUsd } from "../text/dollars.ts";
import { asCancelled, CancelledError } from "../execute/scope.ts";

/** The most that a run may spend. */
export interface BudgetLimits {
  /** US dollars; null: no limit. */
  usd: number | null;
  /** Prompt and output tokens in total; null: no limit. */
  tokens: number | null;
}

/** What a request spent, or may spend; null where unknown. */
export interface Spent {
  /** US dollars. */
  usd: number | null;
  /** Prompt and output tokens in total. */
  tokens: number | null;
}

/** The part of a budget that is reserved for a request in flight. */
export interface Reservation {
  /** Called when the request has ended. Where its cost is unknown, the amount reserved counts. */
  settle(spent: Spent): void;
}

/** The budget has no room for another request; a resumed run does the rest. */
export class BudgetSpentError extends CancelledError {
  /** The message is always the same. */
  constructor() {
    super("the budget is spent");
  }
}

const NOTHING: Spent = { usd: 0, tokens: 0 };
const WARN_SHARE = 0.8;
/** Tolerance for sums of dollars, which are not exact. */
const ROUNDING = 1e-9;

/** Tracks what is spent, and what is reserved for requests in flight. May serve several runs. */
export class Budget {
  /** The most that may be spent. */
  readonly limits: BudgetLimits;
  readonly #warn: (line: string) => void;
  #usd = 0;
  #tokens = 0;
  #set = { usd: 0, tokens: 0 };
  #underWay = 0;
  /** Whether the request in flight is one of unknown cost, which must run alone. */
  #alone = false;
  #warned = false;
  readonly #waiting = new Set<() => void>();
  /** What the refused request might have spent; null where none was refused, or where that is unknown. */
  refused: Spent | null = null;
  /** Whether a request was refused although none was in flight: the budget has ended the run. */
  ended = false;

  /**
   * A budget of which nothing is spent yet.
   *
   * @param warn called once, when 80 % are spent.
   */
  constructor(limits: BudgetLimits, warn: (line: string) => void) {
    this.limits = limits;
    this.#warn = warn;
  }

  /** Whether there is a limit. */
  get limited(): boolean {
    return this.limits.usd !== null || this.limits.tokens !== null;
  }

  /** Whether a limit is reached: what waits to be sent would exceed it. */
  get reached(): boolean {
    const { usd, tokens } = this.limits;
    return (usd !== null && this.#usd >= usd) || (tokens !== null && this.#tokens >= tokens);
  }

  /** The amount spent so far, in US dollars and in tokens. */
  get spent(): { usd: number; tokens: number } {
    return { usd: this.#usd, tokens: this.#tokens };
  }

  /** The number of requests in flight. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Reserves room for a request; returns null if there is none at the moment.
   *
   * @param mayTake returns what it may spend; null where that is unknown: the request must then run
   * alone.
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
   * Reserves room for a request, waiting for it if necessary.
   *
   * @throws {BudgetSpentError} there is no room, and no request in flight can free any.
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

  /** Adds spending that was not reserved: of an earlier session, or of a failed attempt. */
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
