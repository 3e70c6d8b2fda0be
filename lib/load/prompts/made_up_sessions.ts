/** How conversations of made-up prompts continue, from the settings. */
import { openRandom } from "../../stats/random.ts";
import { drawLengths, parseTokenLengths } from "./token_lengths.ts";
import { drawWaits } from "./waits.ts";
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
