/** coverage_score by its definition, on vectors and on the shipped questions. */
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { coverage, coveredPoints } from "../../lib/schedule/coverage.ts";
import { loadMockScript } from "../../lib/mock/server.ts";
import { loadBatch } from "../../lib/settings/batch.ts";

/** The share of key points that an answer holds. */
const coverageScore = (answer: string, key_points: readonly string[]) =>
  coveredPoints(answer, key_points).filter(Boolean).length / key_points.length;

const FILE = fileURLToPath(
  new URL("../../experiments/batches/retail_finance.json", import.meta.url),
);
const MOCK_ANSWERS = fileURLToPath(
  new URL("../../experiments/batches/mock_answers.json", import.meta.url),
);

/** Each: the key point, the answer, whether it is found there. */
const VECTORS: [string, string, boolean][] = [
  ["footwear had the highest revenue", "Footwear had the highest revenue.", true],
  ["footwear had the highest revenue", "The highest revenues came from footwear", true],
  ["footwear had the highest revenue", "FOOTWEAR: highest revenue", true],
  ["footwear had the highest revenue", "Outerwear had the lowest return rate.", false],
  ["footwear had the highest revenue", "", false],
  // three of four words are enough, two are not
  ["footwear brought highest revenue", "Footwear made the highest revenue", true],
  ["footwear brought highest revenue", "Footwear revenue is told in passage one", false],
  // every number must be there, by value
  ["the rate rose from 18 to 26 percent", "the rate rose from 18% to 26%", true],
  ["the rate rose from 18 to 26 percent", "the rate rose from 18% to 27%", false],
  ["revenue was 12 million", "revenue was 12.0 million", true],
  ["revenue was 12 million", "revenue was 12.4 million", false],
  ["interest cover is 2.9", "an interest cover of 2.914", true],
  ["interest cover is 2.9", "an interest cover of 2.96", false],
  ["lost sales of 41720 euros", "lost sales of 41,720 euros", true],
  ["lost sales of 41720 euros", "lost sales of 41\u202f720 euros", true],
  ["1 of 4 stores closed", "Stores: 1,4 closed", true],
  ["412", "It was 412.", true],
  // accents, possessives, stems
  ["café sales doubled", "The cafe's sales have doubled", true],
  ["the unit closes its offices", "closing of the unit's office", true],
  ["the unit lost its contract", "losing the contract, the unit", false], // another stem
  // words that mean nothing do not make a key point
  ["it is of the", "it is of the", false],
  // what is denied is not understood: the definition says so
  ["profit rose", "It is not true that profit rose", true],
];

Deno.test("key points are found by words, numbers and nearness", () => {
  for (const [point, answer, found] of VECTORS) {
    assertEquals(coveredPoints(answer, [point]), [found], `"${point}" in "${answer}"`);
  }
});

Deno.test("a key point's words must stand near each other", () => {
  const filler = (words: number) => Array.from({ length: words }, (_, i) => `filler${i}`).join(" ");
  const point = ["footwear brought highest revenue of 412"];
  assertEquals(coveredPoints(`footwear highest revenue ${filler(26)} 412`, point), [true]);
  assertEquals(coveredPoints(`footwear highest revenue ${filler(28)} 412`, point), [false]);
  assertEquals(coveredPoints(`412 ${filler(60)} footwear highest revenue 412`, point), [true]);
});

Deno.test("the score is the share of key points", () => {
  const points = ["footwear sold best", "returns fell by 4 percent", "margin was 61 percent"];
  assertEquals(coverageScore("Footwear sold best.", points), 1 / 3);
  assertEquals(coverageScore("Footwear sold best; margin: 61 %.", points), 2 / 3);
  assertEquals(coverageScore(points.join(". "), points), 1);
  assertEquals(coverageScore("I do not know.", points), 0);
});

Deno.test("a long answer takes no long time", () => {
  const answer = "footwear had the highest revenue of 400 ".repeat(50_000);
  assertEquals(coveredPoints(answer, ["footwear revenue of 412 thousand"]), [false]);
});

Deno.test("as a judge of tests it says what is missing", async () => {
  const answer = {
    test: { id: "a", name: "a", category: "a", prompt: "a" },
    prompt_text: "a",
    reasoning_text: null,
    signal: new AbortController().signal,
  };
  const key_points = ["footwear sold best", "returns fell"];
  const judge = (response_text: string) =>
    coverage.evaluate({ ...answer, response_text }, { key_points });
  const half = await judge("Footwear sold best");
  assertEquals([half.passed, half.created_hits, half.targets, half.hit_rate], [false, 1, 2, 0.5]);
  assertEquals(half.detail, `without: "returns fell"`);
  assertEquals((await judge("Footwear sold best, returns fell")).passed, true);
});

Deno.test("the shipped questions: full for their key points, nothing for a refusal", async () => {
  const { questions, models } = await loadBatch(FILE);
  assertEquals(models.length, 4);
  assertEquals(questions.filter(({ industry }) => industry === "retail").length, 10);
  assertEquals(questions.filter(({ industry }) => industry === "finance").length, 10);
  for (const { id, key_points, question } of questions) {
    assertEquals(coverageScore(key_points.join(". "), key_points), 1, id);
    assertEquals(coverageScore("I cannot tell from the passages.", key_points), 0, id);
    const echoed = coverageScore(question, key_points);
    assertEquals(echoed, 0, `${id}: the question alone gives ${echoed}`);
  }
});

Deno.test("of the shipped key points few are found in an answer that states only the others", async () => {
  const { questions } = await loadBatch(FILE);
  const found = questions.flatMap(({ key_points }) =>
    key_points.filter((point) => {
      const others = key_points.filter((other) => other !== point).join(". ");
      return coveredPoints(others, [point])[0];
    })
  );
  assertEquals(questions.flatMap(({ key_points }) => key_points).length, 71);
  assertEquals(found.length, 2, found.join("; "));
});

Deno.test("the mock's answers hold the key points that they state, and no others", async () => {
  const { questions } = await loadBatch(FILE);
  const { answers } = await loadMockScript(MOCK_ANSWERS);
  assertEquals(answers.length, 20);
  for (const { question, key_points } of questions) {
    const { response } = answers.find(({ contains }) => contains === question)!;
    const stated = key_points.map((point) => response.toLowerCase().includes(point.toLowerCase()));
    assertEquals(coveredPoints(response, key_points), stated, question);
  }
});
