/** Compares the requested length of made-up prompts with what the server counted. */
import type { LoadSettings } from "../../settings/load.ts";
import { counted } from "../../text/grouped.ts";
import { MADE_UP } from "../../settings/load.ts";

/**
 * Returns a sentence on how the server's count differs from the requested length; null where it
 * does not, or where no single length was requested.
 *
 * @param told mean tokens of a prompt by the server's usage.
 * @param template_tokens tokens that the server adds to each prompt; null where unknown.
 */
export function besideAskedLength(
  settings: LoadSettings,
  told: number | null,
  template_tokens: number | null,
): string | null {
  const { prompt, prompts, trace, turns = 1, tool_calls = 0 } = settings;
  const { input_tokens = MADE_UP.input_tokens } = settings;
  const given = prompt !== undefined || prompts !== undefined || trace !== undefined;
  if (given || turns !== 1 || tool_calls !== 0 || told === null) return null;
  const asked = Number(input_tokens);
  const more = told - asked;
  if (template_tokens === null) {
    if (!(more >= 1)) return null;
    return `prompts have ${asked} tokens by --input-tokens and ${told.toFixed(0)} by the ` +
      "server's count, which includes its chat template";
  }
  if (!(Math.abs(more) >= 1)) return null;
  const tight = asked < template_tokens + 5;
  return `prompts have ${
    told.toFixed(0)
  } tokens by the server's count, where --input-tokens says ` +
    `${asked}: ` +
    (tight
      ? `its chat template alone has ${template_tokens}`
      : "its tokenizer splits them differently");
}

/**
 * Returns a sentence on how much shorter prompts were made for the server's template; null for not
 * at all.
 */
export function templateText(template_tokens: number | null): string | null {
  if (template_tokens === null || template_tokens === 0) return null;
  return `the server adds ${
    counted(template_tokens, "token")
  } to each prompt (its chat template): made-up ` +
    "prompts are that much shorter, so that its count is the length asked for";
}
