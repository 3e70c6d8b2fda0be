/** Distributions of counts, such as tokens or turns: reads, checks and draws them. */
import { InputError } from "../../errors.ts";
import { standardNormal } from "../../stats/random.ts";

/** Token counts: constant, normal or uniform. */
export type TokenLengths = number | NormalLengths | UniformLengths;

/** Normally distributed counts, rounded and then clipped; clipping changes the mean. */
export interface NormalLengths {
  /** Tokens, above 0. */
  mean: number;
  /** Tokens, at least 0; 0 by default. */
  stddev?: number;
  /** The lowest count drawn, in tokens. */
  min?: number;
  /** The highest count drawn, in tokens. */
  max?: number;
}

/** Whole counts from `min` to `max` tokens, inclusive, with equal probability. */
export interface UniformLengths {
  min: number;
  max: number;
}

/** The longest prompt or answer, in tokens: catches typing errors. */
const MOST_TOKENS = 10_000_000;

/** What is counted, and its lowest value. */
export interface Counted {
  least: number;
  of: string;
}

const TOKENS: Counted = { least: 1, of: "tokens" };

/**
 * Reads lengths from a flag: `512` (constant), `512±128` or `512:128` (normal: mean and standard
 * deviation), `100-200` (uniform).
 *
 * @example
 * ```ts
 * parseTokenLengths("512:128", "--input-tokens"); // { mean: 512, stddev: 128 }
 * ```
 * @param flag the name of the flag, for errors.
 * @throws {InputError} another form, or lengths that cannot be drawn.
 */
export function parseTokenLengths(text: string, flag: string, of: Counted = TOKENS): TokenLengths {
  const lengths = readLengths(text.trim());
  if (lengths === null) {
    const what = of === TOKENS ? "a token count" : `a number of ${of.of}`;
    throw new InputError(
      `${flag}: "${text}" is not ${what}; give 512, 512:128 (mean and standard deviation) ` +
        "or 100-200 (from and to)",
    );
  }
  checkLengths(lengths, flag, of);
  return lengths;
}

function readLengths(text: string): TokenLengths | null {
  const parts = /^(\d+)(?:\s*([±:-])\s*(\d+))?$/.exec(text);
  if (!parts) return null;
  const [first, second] = [Number(parts[1]), Number(parts[3])];
  switch (parts[2]) {
    case undefined:
      return first;
    case "-":
      return { min: first, max: second };
    default:
      return { mean: first, stddev: second };
  }
}

/**
 * Draws token counts, endlessly.
 *
 * @param name the name of the setting, for errors.
 * @param least the lowest count: normal lengths are clipped there, lower ones of other kinds are
 * refused.
 * @param random uniform in (0, 1).
 * @throws {InputError} at the call: lengths that cannot be drawn.
 */
export function drawLengths(
  lengths: TokenLengths,
  name: string,
  least: number,
  random: () => number,
): () => number {
  checkLengths(lengths, name, { ...TOKENS, least });
  if (typeof lengths === "number") return () => lengths;
  if (!("mean" in lengths)) {
    const { min, max } = lengths;
    return () => min + Math.floor(random() * (max - min + 1));
  }
  const { mean, stddev = 0, min = least, max = MOST_TOKENS } = lengths;
  const normal = standardNormal(random);
  return () => Math.min(max, Math.max(min, Math.round(mean + stddev * normal())));
}

function checkLengths(lengths: TokenLengths, name: string, { least, of }: Counted): void {
  const range = (value: number, key: string, from: number) => {
    if (Number.isInteger(value) && value >= from && value <= MOST_TOKENS) return;
    throw new InputError(
      `${name}${key}: ${value}; expected a whole number of ${of} from ${from} to ${MOST_TOKENS}`,
    );
  };
  if (typeof lengths === "number") return range(lengths, "", least);
  const { min = least, max = MOST_TOKENS } = lengths;
  range(min, ".min", least);
  range(max, ".max", min);
  if (!("mean" in lengths)) return;
  const { mean, stddev = 0 } = lengths;
  if (!(mean > 0 && mean <= MOST_TOKENS)) {
    throw new InputError(`${name}.mean: ${mean}; expected ${of} above 0, to ${MOST_TOKENS}`);
  }
  if (!(stddev >= 0 && stddev <= MOST_TOKENS)) {
    throw new InputError(`${name}.stddev: ${stddev}; expected ${of} from 0 to ${MOST_TOKENS}`);
  }
}
