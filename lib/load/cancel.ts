/** Requests that their client cuts off: a share of them, after a number of tokens or a time. */
import { InputError } from "../errors.ts";
import { seededRandom } from "../stats/random.ts";
import { DURATION_FORM, isPlainNumber, parseDuration } from "../text/duration.ts";
import { percentText } from "../text/percent.ts";

/** Where a request is cut off. */
export interface Cut {
  /** Once this many events with tokens have come; null: by time. */
  tokens: number | null;
  /** This many seconds after it was its turn; null: by tokens. */
  after_s: number | null;
}

/** A share of the requests, 0 to 1, and where they are cut off. */
export interface Cancellation extends Cut {
  /** Of all requests, 0 to 1. */
  share: number;
  /** As it was asked for: "10%@20tokens". */
  text: string;
}

/**
 * Reads `10%@20tokens` or `5%@500ms`.
 *
 * @throws {InputError} another form, or shares of more than all together.
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

/** A request that may be cut off, with the tokens that have come. */
interface Cuttable {
  cut: Cut | null;
  /** Its cut has come. */
  cutting: boolean;
  reply: { tokens: { count: number } };
}

/** Whether the cut of a request by its tokens has just come. */
export function cutsNow(flight: Cuttable): boolean {
  const { cut, cutting, reply } = flight;
  if (!cut?.tokens || cutting || reply.tokens.count < cut.tokens) return false;
  flight.cutting = true;
  return true;
}

/** Chooses by a seed and a request's number which requests are cut off, whatever the order of their ends. */
export class Cuts {
  readonly #cancellations: readonly Cancellation[];
  readonly #seed: number;

  constructor(cancellations: readonly Cancellation[], seed: number) {
    this.#cancellations = cancellations;
    this.#seed = seed;
  }

  /** Where this request is cut off; null: it is not. */
  of(request: number): Cut | null {
    if (this.#cancellations.length === 0) return null;
    // a step of the golden ratio: neighbours' seeds are far apart
    let left = seededRandom(this.#seed + Math.imul(request + 1, 0x9e3779b9))();
    for (const cancellation of this.#cancellations) {
      left -= cancellation.share;
      if (left < 0) return cancellation;
    }
    return null;
  }
}
