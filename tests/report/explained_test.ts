/** What dyno explain says of objectives and of answers that nobody could judge. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { explained } from "../../lib/report/explained.ts";
import { judgeStatement, parseStatement } from "../../lib/load/statement.ts";
import { loadFixture } from "./load/load_fixture.ts";
import { reported } from "./fixture.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { suiteFrom, temporaryFolder } from "../suite/fixture.ts";
import type { LoadResults } from "../../lib/load/results.ts";

const run = { run_id: "bench_1", benchmark: "b", model: "m", kind: "load" as const };
const NOTHING = "No objective was given";

/** All lines of a load's explanation. */
function told(more: Partial<LoadResults>): string {
  const { results } = loadFixture();
  return explained(run, { ...results, ...more }).flatMap(([, lines]) => lines).join("\n");
}

Deno.test("a load's objectives are told: of each request, and of the run as a whole", () => {
  // 400 of 400 within: Wilson's interval begins at 99.05 %; 380: it ends at 96.7 %; 20 tell no p99
  const judged = (within: number, of: number, limit: number) =>
    judgeStatement(
      parseStatement(`p99(ttft)<${limit}ms`)!,
      Array.from({ length: of }, (_, i) => i < within ? limit / 2 : limit * 2),
    );
  const statements = [judged(400, 400, 300), judged(380, 400, 200), judged(20, 20, 100)];
  for (const slos of [[], loadFixture().results.slos]) {
    const { total } = loadFixture({ slos }).results;
    const goodput = slos.length ? total.goodput : null;
    const text = told({ slos, statements, total: { ...total, goodput } });
    assertStringIncludes(text, "Of the run as a whole: ttft_p99_ms ≤ 300 ms met: 150.0");
    assertStringIncludes(text, "Of the run as a whole: ttft_p99_ms ≤ 200 ms not met: 400.0");
    assertStringIncludes(text, "ttft_p99_ms ≤ 100 ms undecided: 50.00 ms is within the limit, ");
    assert(!text.includes(NOTHING) && text.includes("--find-capacity"), text);
    assertEquals(text.includes("of the requests met every objective"), slos.length > 0);
  }
  assertStringIncludes(told({ slos: [] }), NOTHING);
  const none = judgeStatement(parseStatement("p99(ttft)<300ms")!, [null, null]);
  assertStringIncludes(told({ statements: [none] }), "undecided: all 2 are unknown");
  const { total } = loadFixture().results;
  const requests = { ...total.requests, cancelled: 5 };
  assertStringIncludes(told({ total: { ...total, requests } }), ", 5 were cancelled as asked: ");
});

Deno.test("a level of a search names the search, and does not say that no other load was tried", () => {
  const search = "search_0b9be9e8_20261201_023038";
  const { results } = loadFixture();
  const text = explained({ ...run, tags: ["mine", search] }, results, "my runs")
    .flatMap(([, lines]) => lines).join("\n");
  assertStringIncludes(text, `what that found is in curves/${search}.html`);
  assertStringIncludes(text, `dyno runs list --tag ${search} --runs 'my runs'`);
  assert(!/only one load|No load above|--find-capacity/.test(text), text);
});

Deno.test("an objective on what is not known is told as not met", () => {
  const { results } = loadFixture();
  const { total } = results;
  assert(!told({}).includes("Unknown, so not met"));
  const unknown = { "ttft ≤ 500 ms": 0, "tpot ≤ 20 ms": 1420 };
  const goodput = { ...total.goodput!, unknown };
  const text = told({ total: { ...total, goodput } });
  assertStringIncludes(text, "Unknown, so not met: tpot ≤ 20 ms of 1,420 requests.");
});

Deno.test("a suite with answers that were not judged names --retry-failed", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const test = { id: "a", name: "A", category: "c", prompt: "?" };
  const next = async (evaluator: object, out: string) => {
    const { results } = await reported(mock, { suite: suiteFrom([{ ...test, evaluator }]), out });
    const parts = explained({ ...run, kind: "suite" }, results, "my runs");
    // each command on the run names its folder, and the run
    for (const line of parts.at(-1)![1].filter((line) => !line.startsWith("dyno load"))) {
      assertMatch(line, / bench_1 (OTHER )?--(runs|out) 'my runs' /);
    }
    return explained({ ...run, kind: "suite" }, results).at(-1)![1].join("\n");
  };
  const command = ["./no_such_judge"];
  assertMatch(
    await next({ name: "command", command }, `${folder.path}/a`),
    /^dyno run SUITE --retry-failed bench_1 {3,}the tests without an answer or a verdict$/m,
  );
  const judged = await next({ name: "contains", expected: "x" }, `${folder.path}/b`);
  assert(!judged.includes("--retry-failed"), judged);
});
