/** Requests that the client cancels: a share of them, after a number of tokens or some time. */
import { InputError } from "../errors.ts";
import { seededRandom } from "../stats/random.ts";
import { DURATION_FORM, isPlainNumber, parseDuration } from "../text/duration.ts";
import { percentText } from "../text/percent.ts";

/** When a request is cancelled. */
export interface Cut {
  /** After this many events with tokens; null: by time. */
  tokens: number | null;
  /** This many seconds after its intended time; null: by tokens. */
  after_s: number | null;
}

/** A share of the requests, and when they are cancelled. */
export interface Cancellation extends Cut {
  /** Of all requests, 0 to 1. */
  share: number;
  /** The text it was read from, such as "10%@20tokens". */
  text: string;
}

/**
 * Reads `10%@20tokens` or `5%@500ms`.
 *
 * @throws {InputError} another form, or shares that add up to more than 100 %.
 */
export function parseCancellations(texts: readonly string[]): Cancellation[] {
  const all = texts.map((text) => {
    const [, percent, tokens, time] = /^([\d.]+)\s*%@(?:(\d+)\s*tokens?|(.+))$/.exec(text) ?? [];
    const share = Number(percent) / 100;
    const after_s = time === undefined || isPlainNumber(time) ? null : parseDuration(time, "s");
    const count = tokens === undefined ? null : Number(tokens);
    if (!(share > 0 && share <= 1) || !((count ?? after_s ?? 0) > 0)) {
      throw new InputError(
        `--cancel: "${text}"; expected SHARE%@Ntokens or SHARE%@TIME, as 10%@20tokens or 5%@500ms; ` +
          `TIME is ${DURATION_FORM}`,
      );
    }
    return { share, tokens: count, after_s, text };
  });
  const whole = all.reduce((sum, { share }) => sum + share, 0);
  if (whole > 1 + 1e-9) {
    throw new InputError(
      `--cancel: ${percentText(whole, 0)} of the requests; expected at most 100`,
    );
  }
  return all;
}

/** A request that may be cancelled, with the tokens received so far. */
interface Cuttable {
  cut: Cut | null;
  /** Whether it is being cancelled. */
  cutting: boolean;
  reply: { tokens: { count: number } };
}

/** Whether a request has just reached the number of tokens at which it is cancelled. */
export function cutsNow(flight: Cuttable): boolean {
  const { cut, cutting, reply } = flight;
  if (!cut?.tokens || cutting || reply.tokens.count < cut.tokens) return false;
  flight.cutting = true;
  return true;
}

/**
 * Chooses which requests are cancelled, by a seed and the request's number: the order in which they
 * end does not matter.
 */
export class Cuts {
  readonly #cancellations: readonly Cancellation[];
  readonly #seed: number;
  /** Whether any is cancelled after a number of tokens. */
  readonly byToken: boolean;

  constructor(cancellations: readonly Cancellation[], seed: number) {
    this.#cancellations = cancellations;
    this.#seed = seed;
    this.byToken = cancellations.some(({ tokens }) => tokens !== null);
  }

  /** When this request is cancelled; null: never. */
  of(request: number): Cut | null {
    if (this.#cancellations.length === 0) return null;
    // multiplying by the golden ratio keeps the seeds of consecutive requests far apart
    let left = seededRandom(this.#seed + Math.imul(request + 1, 0x9e3779b9))();
    for (const cancellation of this.#cancellations) {
      left -= cancellation.share;
      if (left < 0) return cancellation;
    }
    return null;
  }
}
