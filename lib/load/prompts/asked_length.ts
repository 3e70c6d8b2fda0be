/** Compares the requested lengths of prompts and answers with what came. */
import type { LoadSettings } from "../../settings/load.ts";
import { counted } from "../../text/grouped.ts";
import { MADE_UP } from "../../settings/load.ts";
import { parseTokenLengths } from "./token_lengths.ts";

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
 * Returns a sentence on answers that have less than half of the requested length, with what to do;
 * null for others, and where no length was requested or rows of a file may have their own.
 *
 * @param median tokens of an answer; null where unknown.
 */
export function shortAnswers(settings: LoadSettings, median: number | null): string | null {
  const { prompt, prompts, trace, tool_calls = 0, body = {}, ignore_eos } = settings;
  const { output_tokens = prompt === undefined ? MADE_UP.output_tokens : undefined } = settings;
  const own = prompts !== undefined || trace !== undefined || tool_calls !== 0 ||
    Object.keys(body).some((key) => /max|min_tokens|stop/i.test(key));
  if (output_tokens === undefined || own || median === null) return null;
  const lengths = parseTokenLengths(String(output_tokens), "--output-tokens");
  const asked = typeof lengths === "number"
    ? lengths
    : "mean" in lengths
    ? lengths.mean
    : (lengths.min + lengths.max) / 2;
  if (median * 2 >= asked) return null;
  const why = ignore_eos
    ? "the server does not follow --ignore-eos (min_tokens and ignore_eos); give prompts that need long " +
      "answers, or ask for fewer tokens"
    : "the model ended them; --ignore-eos asks vLLM and SGLang for the whole length";
  return `answers have a median of ${median} tokens, where --output-tokens asks for ${output_tokens}: ${why}`;
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
