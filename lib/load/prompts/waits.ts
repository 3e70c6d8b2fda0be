/** Distributions of the times that a session waits: reads and draws them. */
import { InputError } from "../../errors.ts";
import { standardNormal } from "../../stats/random.ts";
import { isPlainNumber, parseDuration, unitSlip } from "../../text/duration.ts";

/** The longest wait, in seconds: catches typing errors. */
const LONGEST_S = 86_400;

/**
 * Reads a distribution of times and draws from it, endlessly: `2s` (constant), `2s±500ms` or
 * `2s:500ms` (normal: mean and standard deviation, clipped at 0), `1s-5s` (uniform).
 *
 * @example
 * ```ts
 * const next_s = drawWaits("1s-5s", "--think-time", Math.random);
 * ```
 * @param given seconds, or a text.
 * @param flag the name of the flag, for errors.
 * @param random uniform in (0, 1).
 * @throws {InputError} at the call: another form, or times that cannot be drawn.
 */
export function drawWaits(
  given: number | string,
  flag: string,
  random: () => number,
): () => number {
  if (typeof given === "number") return () => given;
  const [, one, sign, other] = /^([^±:-]+)(?:([±:-])([^±:-]+))?$/.exec(given.trim()) ?? [];
  const [first, second] = [one, other].map((part) => part === undefined ? 0 : timeOf(part, flag));
  const bad = first === null || second === null || one === undefined ||
    (sign === "-" && second < first) || Math.max(first, second) > LONGEST_S;
  if (bad) {
    throw new InputError(
      `${flag}: "${given}" is not a time; give 2s, 2s:500ms (mean and standard deviation) or 1s-5s ` +
        `(from and to), at most a day`,
    );
  }
  if (sign === undefined) return () => first;
  if (sign === "-") return () => first + (second - first) * random();
  const normal = standardNormal(random);
  return () => Math.max(0, first + second * normal());
}

/**
 * Reads a time in seconds; null if it is none.
 *
 * @throws {InputError} a number that looks like milliseconds.
 */
function timeOf(part: string, flag: string): number | null {
  const value = parseDuration(part.trim(), "s");
  const slip = value !== null && isPlainNumber(part) ? unitSlip(value) : null;
  if (slip !== null) throw new InputError(`${flag}: "${part.trim()}": ${slip}`);
  return value;
}
