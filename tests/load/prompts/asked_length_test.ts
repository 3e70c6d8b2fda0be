import { assertEquals, assertStringIncludes } from "@std/assert";
import { besideAskedLength } from "../../../lib/load/prompts/asked_length.ts";

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
