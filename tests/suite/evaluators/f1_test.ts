/**
 * f1, beside inspect_ai 0.3.285's compute_f1 and the DROP metric of simple-evals (drop_eval.py, its rule
 * run again with Python) on the same pairs; inspect_ai's choice scorer beside multiple_choice.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { chosenLetter } from "../../../lib/suite/evaluators/choice_reader.ts";
import { f1, f1Score } from "../../../lib/suite/evaluators/f1.ts";
import { splitThinking } from "../../../lib/suite/thinking.ts";
import type { Answer } from "../../../lib/suite/evaluator.ts";
import type { Evaluation } from "../../../lib/run/test_result.ts";

const lines = (name: string) =>
  Deno.readTextFileSync(new URL(`../../fixtures/evaluators/${name}`, import.meta.url)).trim()
    .split("\n").map((line) => JSON.parse(line));

interface Pair {
  expected: string;
  answer: string;
  inspect_f1: number;
  /** Of what stands behind "Answer:", rounded there to a hundredth of a per cent. */
  drop_f1: number;
  /** Why ours is another one. */
  drop_differs?: string;
}

Deno.test("f1 is inspect_ai's, and DROP's but where it says why not", () => {
  const pairs: Pair[] = lines("f1.jsonl");
  assert(pairs.length > 60);
  for (const { expected, answer, inspect_f1, drop_f1, drop_differs } of pairs) {
    const named = JSON.stringify({ expected, answer });
    assertAlmostEquals(f1Score(expected, answer), inspect_f1, 1e-12, named);
    const extracted = /answer\s*:\s*([^\n]+)/i.exec(answer)?.[1] ?? answer;
    const isSame = Math.abs(f1Score(expected, extracted) - drop_f1) < 1e-4;
    assertEquals(isSame, drop_differs === undefined, named);
  }
});

Deno.test("f1: of several expected texts the nearest counts, from pass_at on", () => {
  const judged = (pass_at: number) =>
    f1.evaluate({ response_text: "the tall Eiffel Tower" } as Answer, {
      expected: ["Louvre", "Eiffel Tower"],
      pass_at,
    }) as Evaluation;
  assertAlmostEquals(judged(0.5).hit_rate, 0.8);
  assertEquals([judged(0.8).passed, judged(0.81).passed], [true, false]);
});

Deno.test("multiple_choice takes what inspect_ai's choice takes, but where it says why not", () => {
  const found: { answer: string; choices: number; inspect: string; right?: string | null }[] =
    lines("inspect_choice.jsonl");
  assert(found.length > 90);
  for (const { answer, choices, inspect, right = inspect } of found) {
    assertEquals(chosenLetter(splitThinking(answer).answer, choices), right, answer);
  }
});
