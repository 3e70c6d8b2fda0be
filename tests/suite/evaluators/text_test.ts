/** Texts compared as people expect of Unicode: after its annexes 15 (forms) and 21 (case folding). */
import { assertEquals } from "@std/assert";
import { resolveEvaluator } from "../../../lib/suite/evaluate.ts";

async function passes(choice: { name: string }, response_text: string): Promise<boolean> {
  const evaluator = await resolveEvaluator(choice, "s.json: evaluator", "/");
  const test = { id: "t", name: "t", category: "c", prompt: "p" };
  const { signal } = new AbortController();
  const answer = { test, prompt_text: "p", response_text, reasoning_text: null, signal };
  return (await evaluator.evaluate(answer)).passed;
}

/** An answer, an expected text, and whether they are the same without case. */
const pairs: [string, string, boolean][] = [
  ["Cafe\u0301", "café", true],
  ["ＴＯＫＹＯ", "tokyo", true],
  ["ﬁnal", "FINAL", true],
  ["STRASSE", "straße", true],
  ["ΟΔΟΣ", "οδός", false],
  ["ΟΔΌΣ", "οδός", true],
  ["МОСКВА", "москва", true],
  ["co\u00adoperate", "cooperate", true],
  ["zero\u200bwidth", "zerowidth", true],
  ["New\u00a0York", "New York", true],
  ["ｶﾞ", "ガ", true],
  ["①", "1", true],
  ["10²", "102", false],
  ["1½", "11/2", false],
  ["x₁", "x1", false],
  ["naïve", "naive", false],
  ["I", "l", false],
];

Deno.test("exact, contains and targets: forms of a letter and case are no difference", async () => {
  for (const [answer, expected, same] of pairs) {
    const named = `${answer} ${expected}`;
    const exact = { name: "exact", expected, case_sensitive: false };
    assertEquals(await passes(exact, answer), same, named);
    assertEquals(
      await passes({ name: "contains", expected } as { name: string }, `so ${answer}!`),
      same,
      named,
    );
    assertEquals(
      await passes({ name: "targets", targets: [expected] } as { name: string }, answer),
      same,
      named,
    );
  }
});

Deno.test("contains: quotation marks and hyphens are no difference, case where it counts is", async () => {
  const contains = (expected: string, more = {}) => ({ name: "contains", expected, ...more });
  assertEquals(await passes(contains('the "end"'), "the “end”"), true);
  assertEquals(await passes(contains("2020-2024"), "2020–2024"), true);
  assertEquals(await passes(contains("it's"), "it’s"), true);
  assertEquals(await passes(contains("Paris", { case_sensitive: true }), "paris"), false);
  assertEquals(await passes(contains("Ｐaris", { case_sensitive: true }), "Paris"), true);
});

Deno.test("regex: the answer is in its plain form unless the pattern names others", async () => {
  const regex = (pattern: string, flags = "") => ({ name: "regex", pattern, flags });
  assertEquals(await passes(regex("^\\d{4}$"), "２０２７"), true);
  assertEquals(await passes(regex("café"), "cafe\u0301"), true);
  assertEquals(await passes(regex("[Ａ-Ｚ]"), "Ｂ"), true);
  assertEquals(await passes(regex("^москва$", "i"), "МОСКВА"), true);
  assertEquals(await passes(regex("^ſ$", "i"), "S"), true);
  assertEquals(await passes(regex("^a\\-b$", "i"), "A-B"), true, "a pattern that u would refuse");
});
