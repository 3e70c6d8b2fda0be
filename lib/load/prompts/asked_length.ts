/** The length that made-up prompts were to have, beside what the server counted. */
import type { LoadSettings } from "../../settings/load.ts";
import { MADE_UP } from "../../settings/load.ts";

/**
 * What a server counts beyond the length that was asked for, in a sentence; null where it counts no more,
 * or nobody asked for one length.
 *
 * @param counted mean tokens of a prompt by the server's usage.
 */
export function beyondAskedLength(settings: LoadSettings, counted: number | null): string | null {
  const { prompt, prompts, trace, turns = 1, input_tokens = MADE_UP.input_tokens } = settings;
  const given = prompt !== undefined || prompts !== undefined || trace !== undefined;
  if (given || turns > 1 || counted === null) return null;
  const asked = Number(input_tokens);
  if (!(counted - asked >= 1)) return null;
  return `prompts have ${asked} tokens as --input-tokens says, and ${
    counted.toFixed(0)
  } as the server ` +
    "counts: a chat template's words come on top";
}
