/** dyno runs agreement: a judge beside people, on answers that the suite gives. */
import { assertEquals, assertMatch } from "@std/assert";
import { writeFileSync } from "node:fs";
import { dyno } from "../../e2e/dyno.ts";
import { temporaryFolder } from "../../suite/fixture.ts";

Deno.test("a labelled suite tells how far its judge agrees with people", async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  const put = (name: string, value: unknown) =>
    writeFileSync(`${cwd}/${name}`, JSON.stringify(value));
  // 25 that people call right and 25 wrong; the judge says "yes" to 20 and 10 of them: kappa 0.4 by
  // scikit-learn 1.9.1, as in tests/stats/kappa_test.ts
  const tests = Array.from({ length: 50 }, (_, i) => ({
    id: `t${i}`,
    name: `t${i}`,
    category: "c",
    prompt: "q",
    answer: i < 20 || (i >= 25 && i < 35) ? "shiny" : "dull",
    label: i < 25 ? "yes" : "no",
  }));
  const evaluator = { name: "judge", rubric: "It shines.", choices: { yes: 1, no: 0 } };
  put("suite.json", { test_suite_id: "labelled", evaluator, tests });
  put("script.json", {
    default_response: "GRADE: no",
    answers: [{ contains: "shiny", response: "GRADE: yes" }],
  });
  put("e.json", {
    name: "e",
    suite: "suite.json",
    model: "mock",
    mock: { script: "script.json" },
    sample_rate_hz: 0,
  });
  const run = await dyno(["run", "e.json"], { cwd });
  assertEquals(run.code, 0, run.stderr);
  const json = await dyno(["runs", "agreement", "latest", "--json"], { cwd });
  const [judge] = JSON.parse(json.stdout);
  assertEquals([judge.n, judge.agreed.value, judge.without_choice], [50, 0.7, 0]);
  assertEquals(Math.round(judge.kappa * 1e9) / 1e9, 0.4);
  assertEquals(judge.table, [
    { label: "yes", choice: "yes", tests: 20 },
    { label: "no", choice: "no", tests: 15 },
    { label: "no", choice: "yes", tests: 10 },
    { label: "yes", choice: "no", tests: 5 },
  ]);
  const table = await dyno(["runs", "agreement", "latest"], { cwd });
  assertMatch(table.stdout, /50 +0 +70\.0 % +0\.40 +0\.14 – 0\.66/);
});
