/** How conversations of made-up prompts continue, from the settings. */
import { openRandom, standardNormal } from "../../stats/random.ts";
import { drawLengths, parseTokenLengths } from "./token_lengths.ts";
import { InputError } from "../../errors.ts";
import { isPlainNumber, parseDuration, unitSlip } from "../../text/duration.ts";
import type { SettledLoad } from "../../settings/load.ts";
import type { MadeUpSessions } from "./prompts.ts";

/** The settings of conversations. */
type SessionSettings = Pick<
  SettledLoad,
  "turns" | "tool_calls" | "think_time_s" | "tool_time_s" | "seed"
>;

/** Whether each session is a single question. */
export function isSingle({ turns, tool_calls }: SessionSettings): boolean {
  return turns === 1 && tool_calls === 0;
}

/**
 * Draws the turns of conversations and their waits from the seed. Each setting has separate random
 * numbers, so that changing one does not change the values of another.
 *
 * @throws {InputError} a distribution that cannot be drawn.
 */
export function sessionsOf(settings: SessionSettings): MadeUpSessions {
  const { turns, tool_calls, think_time_s, tool_time_s, seed } = settings;
  const counts = (given: number | string, flag: string, least: number, of: string, own: number) =>
    drawLengths(
      typeof given === "string" ? parseTokenLengths(given, flag, { least, of }) : given,
      flag,
      least,
      openRandom(seed ^ own),
    );
  const waits = (given: number | string, flag: string, own: number) =>
    drawWaits(given, flag, openRandom(seed ^ own));
  const calls = tool_calls === 0 ? "" : `, ${tool_calls} tool calls in each`;
  return {
    name: isSingle(settings) ? null : `${turns} turns each${calls}`,
    turns: counts(turns, "--turns", 1, "turns", 0x7475_726e),
    tool_calls: counts(tool_calls, "--tool-calls", 0, "tool calls", 0x63_616c),
    think_s: waits(think_time_s, "--think-time", 0x7468_696e),
    tool_s: waits(tool_time_s, "--tool-time", 0x746f_6f6c),
  };
}

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
