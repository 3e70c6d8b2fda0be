/** Evaluators made of others. */
import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { resolveEvaluator } from "../../lib/suite/evaluate.ts";

const has = (expected: string) => ({ name: "contains", expected });

async function judged(choice: { name: string; [option: string]: unknown }, response_text: string) {
  const evaluator = await resolveEvaluator(choice, "s.json: evaluator", "/");
  const test = { id: "t", name: "t", category: "c", prompt: "p" };
  const { signal } = new AbortController();
  const answer = { test, prompt_text: "p", response_text, reasoning_text: null, signal };
  const { passed, hit_rate } = await evaluator.evaluate(answer);
  return [passed, hit_rate];
}

Deno.test("all, any and weighted judge by their parts", async () => {
  const evaluators = [has("red"), has("green"), { name: "regex", pattern: "blue$" }];
  assertEquals(await judged({ name: "all", evaluators }, "red, green, blue"), [true, 1]);
  assertEquals(await judged({ name: "all", evaluators }, "red, green"), [false, 2 / 3]);
  assertEquals(await judged({ name: "any", evaluators }, "green"), [true, 1]);
  assertEquals(await judged({ name: "any", evaluators }, "black"), [false, 0]);
  const weights = [1, 1, 2];
  assertEquals(await judged({ name: "weighted", evaluators, weights, pass_at: 0.5 }, "blue"), [
    true,
    0.5,
  ]);
  assertEquals(await judged({ name: "weighted", evaluators, weights, pass_at: 0.5 }, "red"), [
    false,
    0.25,
  ]);
  const nested = { name: "any", evaluators: [{ name: "all", evaluators }, has("white")] };
  assertEquals(await judged(nested, "white"), [true, 1]);
  assertEquals(await judged(nested, "red and green"), [false, 0]);
});

Deno.test("two compositions beside one another keep their own parts", async () => {
  const one = await resolveEvaluator({ name: "all", evaluators: [has("a")] }, "x", "/");
  const two = await resolveEvaluator({ name: "all", evaluators: [has("b")] }, "y", "/");
  const test = { id: "t", name: "t", category: "c", prompt: "p" };
  const { signal } = new AbortController();
  const answer = { test, prompt_text: "p", response_text: "a", reasoning_text: null, signal };
  assertEquals((await one.evaluate(answer)).passed, true);
  assertEquals((await two.evaluate(answer)).passed, false);
});

Deno.test("a part that is wrong is named by its place; one that fails fails the whole", async () => {
  const fails = (choice: { name: string; [option: string]: unknown }, message: string) =>
    assertRejects(() => resolveEvaluator(choice, "s.json: evaluator", "/"), InputError, message);
  await fails(
    { name: "all", evaluators: [has("a"), { name: "contians" }] },
    's.json: evaluator.evaluators[1]: no evaluator "contians"; did you mean "contains"',
  );
  await fails(
    { name: "any", evaluators: [{ name: "all", evaluators: [{ name: "exact" }] }] },
    "s.json: evaluator.evaluators[0].evaluators[0] (exact): expected: missing",
  );
  await fails({ name: "all", evaluators: [] }, "at least one evaluator");
  await fails({ name: "weighted", evaluators: [has("a")], weights: [1, 2] }, "as many weights");
  const broken = { name: "command", command: ["/no/such/program"] };
  await assertRejects(
    () => judged({ name: "any", evaluators: [has("a"), broken] }, "a"),
    Error,
    "ENOENT",
  );
});
