/** What was not judged is not passed: in a run's end and in all that looks at it later. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dyno } from "../../e2e/dyno.ts";
import { temporaryFolder } from "../../suite/fixture.ts";

const contains = { name: "contains", expected: "right" };
const missing = { name: "command", command: ["./no_such_judge.py"] };

Deno.test("tests whose evaluator cannot run are not judged, and nothing calls them passed", async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  const put = (name: string, value: unknown) =>
    writeFileSync(`${cwd}/${name}`, JSON.stringify(value));
  const tests = Array.from({ length: 12 }, (_, i) => ({
    id: `t${i}`,
    name: `Test ${i}`,
    category: "all",
    prompt: `Question ${i}`,
    evaluator: i < 2 ? contains : missing,
  }));
  put("suite.json", { test_suite_id: "judges", tests });
  put("script.json", { default_response: "right", answers: [] });
  put("e.json", {
    name: "e",
    suite: "suite.json",
    model: "mock",
    mock: { script: "script.json" },
  });
  const run = await dyno(["run", "e.json"], { cwd });
  assertEquals(run.code, 1, run.stderr);
  assertMatch(run.stderr, /10 not judged: \.\/no_such_judge\.py: .*ENOENT/);
  assertMatch(run.stderr, /pass rate 100\.0 % \[\d+, 100\] of the 2 that were judged/);
  assertMatch(run.stderr, /all +2\/12/);

  const runs = (...args: string[]) => dyno(["runs", ...args], { cwd });
  const limit = await runs("gate", "--candidate", "latest", "--min", "pass_rate=0.9");
  assertEquals([limit.code, limit.stdout.trim()], [4, "underpowered"]);
  assertStringIncludes(limit.stderr, "10 of 12 answers of");
  assertStringIncludes(limit.stderr, "were not judged: ./no_such_judge.py");
  const same = await runs("gate", "--baseline", "latest", "--candidate", "latest");
  assertEquals(same.code, 4);
  const other = await runs("gate", "--candidate", "latest", "--max", "latency_p99_ms=1e9");
  assertEquals(other.code, 0, "latencies do not rest on judgements");

  const failing = JSON.parse((await runs("failing", "--json")).stdout);
  assertEquals(failing.length, 10);
  assertEquals(failing.every((item: { not_judged: boolean }) => item.not_judged), true);
  assertStringIncludes((await runs("failing")).stdout, "not judged: ./no_such_judge.py");
  const analysis = JSON.parse((await runs("analyze", "latest", "--json")).stdout);
  assertEquals([analysis.not_judged, analysis.failing.length], [10, 10]);
  assertStringIncludes((await runs("analyze", "latest")).stdout, "10 not judged");
  assertStringIncludes((await runs("show", "latest")).stdout, "2 right, 10 not judged");

  // who looks at 100 % sees of how many it is
  assertMatch((await runs("list")).stdout, / 12 +100\.0 % .* 10 not judged$/m);
  const [listed] = JSON.parse((await runs("list", "--json")).stdout);
  assertEquals([listed.judged, listed.not_judged, listed.items_total], [2, 10, 12]);
  const trend = await runs("trend");
  assertMatch(trend.stderr, /10 of 12 answers of bench_\w+ not judged: not in pass_rate/);
  const times = await runs("trend", "--metric", "ttft_p50_ms");
  assertEquals([times.code, times.stderr.includes("not judged")], [0, false]);
  const exported = async (...form: string[]) => (await runs("export", "--format", ...form)).stdout;
  assertMatch(await exported("markdown"), /\| complete, 10 not judged \| 12 \| 2 \| 100\.0 % \|/);
  const [head, row] = (await exported("csv", "--rows", "runs")).trim().split("\n").map((line) =>
    line.split(",")
  );
  assertEquals(row[head.indexOf("not_judged")], "10");
  assertMatch(await exported("html", "--rows", "runs"), /not judged/);
  const explained = (await dyno(["explain", "latest"], { cwd })).stdout;
  assertMatch(explained, /dyno run SUITE --retry-failed bench_\w+ {3,}the tests without/);

  const compared = JSON.parse((await runs("compare", "latest", "latest", "--json")).stdout);
  assertStringIncludes(JSON.stringify(compared), "not judged: excluded from rates and scores");

  const [id] = readdirSync(`${cwd}/runs`).filter((name) => name.startsWith("bench_"));
  const health = JSON.parse(readFileSync(`${cwd}/runs/${id}/health.json`, "utf8"));
  assertEquals(health.system_status, "degraded");
  assertEquals(health.error_analysis.not_judged, 10);
  assertMatch(health.recommendations[0], /^10 not judged: fix the evaluator/);
});
