import { assertEquals, assertStringIncludes } from "@std/assert";
import { besideAskedLength, shortAnswers } from "../../../lib/load/prompts/asked_length.ts";

Deno.test("tokens that a chat template adds are told, where one length was asked for", () => {
  // llama.cpp with SmolLM2 on 2026-11-30: 130 tokens by its usage for --input-tokens 100
  const told = besideAskedLength({ input_tokens: 100 }, 130, null)!;
  assertStringIncludes(told, "100 tokens by --input-tokens and 130 by the server's count");
  assertStringIncludes(besideAskedLength({}, 280, null)!, "256 tokens"); // the default
  const none: Parameters<typeof besideAskedLength>[] = [
    [{ input_tokens: 100 }, 100, null],
    [{ input_tokens: 100 }, null, null],
    [{ input_tokens: "50-150" }, 130, null],
    [{ input_tokens: 100, turns: 2 }, 300, null],
    [{ prompt: "Why?" }, 300, null],
    [{ trace: "t.jsonl" }, 300, null],
    [{ input_tokens: 100 }, 100.4, 12],
  ];
  for (const given of none) assertEquals(besideAskedLength(...given), null, JSON.stringify(given));
});

Deno.test("answers with less than half of the tokens asked for are told, with what to do", () => {
  const ended =
    "31 tokens, where --output-tokens asks for 256: the model ended them; --ignore-eos asks";
  assertStringIncludes(shortAnswers({ output_tokens: 256 }, 31)!, ended);
  assertStringIncludes(shortAnswers({ output_tokens: 256, prompt: "Why?" }, 31)!, ended);
  assertStringIncludes(
    shortAnswers({ output_tokens: "100-300", ignore_eos: true }, 99)!,
    "asks for 100-300: the server does not follow --ignore-eos",
  );
  assertStringIncludes(shortAnswers({}, 3)!, "asks for 128"); // the default of made-up prompts
  const none: Parameters<typeof shortAnswers>[] = [
    [{ output_tokens: 256 }, 128],
    [{ output_tokens: "100:30" }, 50],
    [{ output_tokens: 256 }, null],
    [{ prompt: "Why?" }, 3],
    [{ prompts: "rows.jsonl", output_tokens: 256 }, 3],
    [{ output_tokens: 256, body: { max_completion_tokens: 4 } }, 3],
  ];
  for (const given of none) assertEquals(shortAnswers(...given), null, JSON.stringify(given));
});
