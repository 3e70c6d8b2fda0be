/** Similarity by embeddings: the cosine by hand, and the mock's vectors. */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { cosine } from "../../../lib/suite/evaluators/similarity.ts";
import { runOnMock, suiteFrom, temporaryFolder } from "../fixture.ts";

Deno.test("the cosine of two vectors; one without a length has none", () => {
  assertAlmostEquals(cosine([1, 0], [1, 1])!, Math.SQRT1_2, 1e-15);
  assertAlmostEquals(cosine([1, 2, 3], [-2, -4, -6])!, -1, 1e-15);
  assertAlmostEquals(cosine([3, 4], [4, 3])!, 24 / 25, 1e-15);
  assertEquals(cosine([0, 0], [1, 1]), null);
});

Deno.test("similarity: the nearest expected text counts, by the vectors of an endpoint", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({
    behaviour: { default_response: "the same words" },
  });
  const judged = async (evaluator: object) => {
    const suite = suiteFrom([{ id: "t", name: "t", category: "c", prompt: "q", evaluator }]);
    const run = await runOnMock(mock, { out: folder.path, suite });
    return run.tests[0].evaluation_result as {
      passed?: boolean;
      hit_rate?: number;
      error?: string;
    };
  };
  const base = { name: "similarity", model: "embedder" };
  const same = await judged({ ...base, expected: ["quite another text", "the same words"] });
  assertEquals(same.passed, true);
  assertAlmostEquals(same.hit_rate!, 1, 1e-6);
  const asked = mock.requests.find(({ path }) => path === "/v1/embeddings")!;
  assertEquals((asked.body as { input: string[]; model: string }).input.length, 3);
  const other = await judged({ ...base, expected: "quite another text", pass_at: 0.99 });
  assert(other.passed === false && other.hit_rate! < 0.99);
  const absolute = { endpoint: `${mock.url}/v1/embeddings`, expected: "the same words" };
  assertEquals((await judged({ ...base, ...absolute })).passed, true);
  const down = { ...base, endpoint: "http://127.0.0.1:9/v1", retry_attempts: 0, expected: "x" };
  assertMatch((await judged(down)).error!, /connect/i);
  await assertRejects(() => judged({ name: "similarity", expected: "x" }), InputError, "model");
});
