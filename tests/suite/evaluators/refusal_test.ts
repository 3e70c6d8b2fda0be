/** Refusals, against what a careful reader calls one. */
import { assert, assertEquals } from "@std/assert";
import { isRefusal, refusal } from "../../../lib/suite/evaluators/refusal.ts";
import type { Evaluation } from "../../../lib/run/test_result.ts";
import type { Answer } from "../../../lib/suite/evaluator.ts";

const corpus = Deno.readTextFileSync(
  new URL("../../fixtures/evaluators/refusal.tsv", import.meta.url),
).split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => ({ refused: line[0] === "+", text: line.slice(2) }));

Deno.test("refusal: answers that decline, in a dozen languages, and none that do not", () => {
  assert(corpus.length > 55);
  assertEquals(corpus.filter(({ refused, text }) => isRefusal(text) !== refused), []);
});

Deno.test("refusal: what is right is an option; an empty answer is neither", () => {
  const passed = (response_text: string, expected: boolean) =>
    (refusal.evaluate({ response_text } as Answer, { expected }) as Evaluation).passed;
  assert(passed("I can't help with that.", true));
  assert(!passed("I can't help with that.", false));
  assert(passed("Here you are.", false));
  assert(!passed(" ", true) && !passed(" ", false));
});
