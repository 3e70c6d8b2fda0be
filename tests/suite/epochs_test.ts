/** Tests that are asked several times: what their answers come to, by hand, and how runs hold them. */
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { writeFileSync } from "node:fs";
import { z } from "zod";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { epochStatistics } from "../../lib/suite/epochs.ts";
import { dyno } from "../e2e/dyno.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { promptTests, runOnMock, suiteFrom, temporaryFolder } from "./fixture.ts";
import type { Evaluator } from "../../lib/suite/evaluator.ts";

/** Right answers of four to each of four tests. */
const RIGHT: Record<string, number> = { t0: 4, t1: 2, t2: 1, t3: 0 };

/** Judges the first so many epochs of each test right. */
const first: Evaluator = {
  name: "first",
  options: z.strictObject({}),
  evaluate({ test }) {
    const [id, epoch] = test.id.split(" #");
    const passed = Number(epoch) <= RIGHT[id];
    return {
      evaluator: "first",
      passed,
      targets: 1,
      created_hits: Number(passed),
      hit_rate: Number(passed),
      detail: "",
    };
  },
};

Deno.test("mean, majority, pass@k and at least k are over tests, not over answers", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const suite = suiteFrom(
    promptTests(4).map((test) => ({ ...test, parameters: { seed: 7, temperature: 1 } })),
    { evaluator: { name: "first" } },
  );
  const options = { out: folder.path, suite, epochs: 4, evaluators: { first } };
  const run = await runOnMock(mock, options);
  const epochs = run.results.statistics.epochs!;
  const values = (byK: Record<string, { value: number } | null>) =>
    Object.values(byK).map((estimate) => estimate!.value);
  assertEquals([epochs.epochs, epochs.problems, run.results.aggregate.tests], [4, 4, 16]);
  assertEquals([epochs.mean!.value, epochs.mean!.n], [7 / 16, 4]);
  assertEquals(epochs.majority!.value, 1 / 4); // 2 of 4 is no majority
  // 1 − C(n−c, k) / C(n, k): C(4, 2) is 6, C(4, 3) is 4
  const expected = [7 / 16, (1 + 5 / 6 + 3 / 6) / 4, (1 + 1 + 3 / 4) / 4, 3 / 4];
  values(epochs.pass_at_k).forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-12));
  assertEquals(values(epochs.at_least_k), [3 / 4, 2 / 4, 1 / 4, 1 / 4]);
  assertEquals(run.results.statistics.pass_rate!.n, 4);
  assertEquals(run.files.length, 32);

  const seeds = mock.requests.filter(({ method }) => method === "POST")
    .map(({ body }) => (body as { seed: number }).seed);
  assertEquals([...new Set(seeds)].sort((a, b) => a - b), [7, 8, 9, 10]);
  const { items } = await readRunDirectory(run.directory.path);
  assertEquals([...new Set(items.map(({ problem_id }) => problem_id))], ["t0", "t1", "t2", "t3"]);
  assertEquals(new Set(items.map(({ item_id }) => item_id)).size, 16);

  // a resumed run with more epochs asks only the new ones
  const more = await runOnMock(mock, { ...options, epochs: 5, resume: run.directory.path });
  assertEquals([more.resumed_tests, more.results.items.length], [16, 20]);
  assertEquals(mock.requests.filter(({ method }) => method === "POST").length, 4);
});

Deno.test("a test with fewer answers leaves what rests on all unknown", () => {
  const statistics = epochStatistics([{ n: 3, c: 2 }, { n: 2, c: 1 }, { n: 3, c: 0 }])!;
  assertEquals(statistics.pass_at_k["3"], null);
  assertEquals(statistics.at_least_k["1"], null);
  assert(statistics.pass_at_k["2"] !== null && statistics.majority!.value === 1 / 3);
  assertEquals(epochStatistics([{ n: 1, c: 1 }, { n: 1, c: 0 }]), null);
  const many = epochStatistics([{ n: 40, c: 20 }, { n: 40, c: 0 }])!;
  assertEquals(Object.keys(many.pass_at_k), ["1", "2", "4", "8", "16", "32", "40"]);
});

Deno.test("--epochs asks each test so often, of the chosen ones; coding problems have --samples", async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  const tests = promptTests(3).map((test) => ({
    ...test,
    evaluator: { name: "contains", expected: "Mock" },
  }));
  writeFileSync(`${cwd}/s.json`, JSON.stringify({ test_suite_id: "s", tests }));
  await using mock = await MockEndpoint.start();
  const args = ["--endpoint", `${mock.url}/v1`, "--model", "mock", "--sample-rate", "0"];
  const run = await dyno(["run", "s.json", "--epochs", "3", "--tests", "t1,t2", ...args], { cwd });
  assertEquals(run.code, 0, run.stderr);
  assertMatch(run.stderr, /pass rate 100\.0 % .*over 2 problems/);
  assertMatch(run.stderr, /of 3 epochs: by majority 100\.0 % .*pass@3 100\.0 %.*all 3 right 100/);
  writeFileSync(`${cwd}/p.jsonl`, "{}\n");
  const refused = await dyno(["run", "p.jsonl", "--epochs", "2", ...args], { cwd });
  assertMatch(refused.stderr, /--epochs: not for coding problems; samples does it/);
});
