import { assertEquals, assertStringIncludes } from "@std/assert";
import { beyondAskedLength } from "../../../lib/load/prompts/asked_length.ts";

Deno.test("tokens that a chat template adds are told, where one length was asked for", () => {
  // llama.cpp with SmolLM2 on 2026-11-30: 130 tokens by its usage for --input-tokens 100
  const told = beyondAskedLength({ input_tokens: 100 }, 130)!;
  assertStringIncludes(told, "100 tokens as --input-tokens says, and 130 as the server counts");
  assertStringIncludes(beyondAskedLength({}, 280)!, "256 tokens"); // the default
  const none: Parameters<typeof beyondAskedLength>[] = [
    [{ input_tokens: 100 }, 100],
    [{ input_tokens: 100 }, null],
    [{ input_tokens: "50-150" }, 130],
    [{ input_tokens: 100, turns: 2 }, 300],
    [{ prompt: "Why?" }, 300],
    [{ trace: "t.jsonl" }, 300],
  ];
  for (const given of none) assertEquals(beyondAskedLength(...given), null, JSON.stringify(given));
});
