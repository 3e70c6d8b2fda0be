/** Numbers read out of answers, against what a careful reader takes from each. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { resolveEvaluator } from "../../../lib/suite/evaluate.ts";
import { splitThinking } from "../../../lib/suite/thinking.ts";
import { numbersIn } from "../../../lib/suite/evaluators/numbers.ts";
import { takenNumber } from "../../../lib/suite/evaluators/numeric.ts";

/** Answers and the number in each, judged by hand; 120 by somebody who had not seen the reader. */
const corpus = Deno.readTextFileSync(
  new URL("../../fixtures/evaluators/numeric.tsv", import.meta.url),
).split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
  const [right, text] = line.split("\t");
  return { right, text: (text ?? "").replaceAll("⏎", "\n") };
});

function isRight(right: string, text: string): boolean {
  const found = takenNumber(splitThinking(text).answer, "final");
  if (right === "-") return found === undefined;
  const wanted = Number(right.replace("%", ""));
  return found !== undefined && Math.abs(found.value - wanted) <= 1e-12 * Math.abs(wanted) &&
    (!right.endsWith("%") || found.percent);
}

Deno.test("numeric: the number that counts, in every usual form", () => {
  assert(corpus.length > 200, `${corpus.length} answers`);
  const wrong = corpus.filter(({ right, text }) => !isRight(right, text))
    .map(({ right, text }) => ({ right, text, read: takenNumber(text, "final")?.value }));
  assertEquals(wrong, []);
});

async function passes(options: Record<string, unknown>, response_text: string): Promise<boolean> {
  const evaluator = await resolveEvaluator({ name: "numeric", ...options }, "s.json", "/");
  const test = { id: "t", name: "t", category: "c", prompt: "p" };
  const { signal } = new AbortController();
  const answer = { test, prompt_text: "p", response_text, reasoning_text: null, signal };
  return (await evaluator.evaluate(answer)).passed;
}

Deno.test("numeric: which number counts, and what a percentage is, are options", async () => {
  const text = "First 3, then \\boxed{5} and 7";
  assert(await passes({ expected: 5 }, text));
  assert(await passes({ expected: 5, take: "last" }, text));
  assert(await passes({ expected: 3, take: "first" }, "3, then 5 and 7"));
  assert(await passes({ expected: 7, take: "last" }, "The answer is 5, or 7"));
  assert(await passes({ expected: 5, take: "final" }, "The answer is 5. It took 7 steps."));
  assert(await passes({ expected: 0.25 }, "25 %"));
  assert(await passes({ expected: 25 }, "25 %"));
  assert(!await passes({ expected: 0.25, percent: "number" }, "25 %"));
  assert(!await passes({ expected: 25, percent: "share" }, "25 %"));
  assert(!await passes({ expected: 5 }, "The change in the balance is -$5."));
});

Deno.test("numeric: a long row of digits and signs is read in bounded time", () => {
  const started = performance.now();
  for (const piece of ["1 234 ", "1,", "-$", "1/", "√(", "\\frac{1", "10^", "answer is ", "= 5 "]) {
    numbersIn(piece.repeat(10_000));
    takenNumber(piece.repeat(3000), "final");
  }
  assert(performance.now() - started < 60_000);
});

Deno.test("numeric: an expected number whose last digits are lost is refused, but for a share of it", async () => {
  // 123456789 · 987654321 = 121932631112635269; a double has 121932631112635264
  for (const expected of [JSON.parse("121932631112635269"), JSON.parse("-12345678901234567890")]) {
    await assertRejects(() => passes({ expected }, "1"), InputError, "above 2^53");
  }
  assert(await passes({ expected: 6.022e23, relative_tolerance: 1e-3 }, "6.022 × 10^23"));
  assert(await passes({ expected: 2 ** 53 - 1 }, "9,007,199,254,740,991"));
});
