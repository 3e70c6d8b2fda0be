/**
 * The five documents' own programs on dyno's files: their queries, analyses and resume rules, in Python as
 * the documents have them (tests/fixtures/originals), which take each field by its name and fail without it.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { folder, problems, run, test, wrong } from "../coding/fixture.ts";
import { runs } from "../run/runs_fixture.ts";
import { promptTests, runOnMock, suiteFrom, temporaryFolder } from "../suite/fixture.ts";
import { smallSweep, Workplace } from "../sweep/fixture.ts";

const ORIGINALS = fileURLToPath(new URL("../fixtures/originals", import.meta.url));

// deno-lint-ignore no-explicit-any -- what the programs print is theirs
function python(program: string, args: string[], cwd?: string): any {
  const { status, stdout, stderr } = spawnSync(
    "python3",
    [join(ORIGINALS, program), ...args],
    { encoding: "utf8", cwd },
  );
  assertEquals(status, 0, stderr);
  return JSON.parse(stdout);
}

async function exported(root: string, run_id: string, form: string): Promise<string> {
  const out = join(root, form);
  const { code, said } = await runs(root, "export", run_id, "--format", form, "--out", out);
  assertEquals(code, 0, said);
  return out;
}

Deno.test("smi-bench's five queries run on an export, and no figure that we know is null", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { default_response: "an answer" } });
  const tests = promptTests(4).map((each, i) => ({
    ...each,
    evaluator: { name: "contains", expected: i % 2 ? "answer" : "none of it" },
  }));
  const ids: string[] = [];
  const taken = { prompt: 0, completion: 0 };
  for (const some of [tests, tests.slice(0, 3)]) {
    mock.clearRequests();
    const { run_id } = await runOnMock(mock, { suite: suiteFrom(some), out: place.path });
    ids.push(run_id);
    for (const { method, tokens } of mock.requests) {
      if (method !== "POST") continue;
      taken.prompt += tokens!.prompt;
      taken.completion += tokens!.completion;
    }
  }
  const out = join(place.path, "smi_bench");
  for (const run_id of ids) assertEquals(await exported(place.path, run_id, "smi_bench"), out);
  const { list, show, analyze, compare, cost } = python("query_benchmark_logs.py", [out, ...ids]);
  const listed = new Map(
    list.map((row: { run_id: string; timestamp: string }) => [row.run_id, row]),
  );
  const [first, second] = ids.map((run_id) => listed.get(run_id)) as Record<string, unknown>[];
  // two of four and one of three hold the word
  assertEquals(
    [first.packages, first.hit_rate, first.errors, second.packages, second.hit_rate],
    [4, "50.00%", 0, 3, "33.33%"],
  );
  assertEquals([first.model, String(first.timestamp).length], ["mock", 16]);
  assertEquals([show.run_id, show.events.length > 4, show.results.packages.length], [
    ids[0],
    true,
    4,
  ]);
  assertEquals([analyze.total_packages, analyze.successful, analyze.failed, analyze.timed_out], [
    ...[4, 4, 0, 0],
  ]);
  for (const stats of analyze.per_package_stats) {
    for (const [name, value] of Object.entries(stats)) assert(value !== null, name);
  }
  assertEquals(
    analyze.per_package_stats.map(({ hit_rate }: { hit_rate: number }) => hit_rate),
    [0, 1, 0, 1],
  );
  for (const entry of compare.runs) {
    for (const [name, value] of Object.entries(entry)) assert(value !== null, name);
  }
  const total = (of: string) =>
    cost.reduce((all: number, each: Record<string, number>) => all + each[of], 0);
  assertEquals([total("prompt_tokens"), total("completion_tokens")], [
    taken.prompt,
    taken.completion,
  ]);
  assertEquals(Object.keys(cost[0]).length, 8);
});

test("koderz's analyses run on exports of all three modes, and come to the runs' own figures", async () => {
  using out = folder();
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: wrong(problems[0], 1) },
  });
  const summaries = [];
  for (const modes of [["zero-shot"], ["iterative"], ["zero-shot", "iterative"]] as const) {
    const { directory, summary } = await run(mock, problems, out.path, {
      modes,
      max_iterations: 2,
    });
    await exported(out.path, directory.run_id, "koderz");
    // deno-lint-ignore no-explicit-any -- of one mode or of two
    summaries.push(summary as any);
  }
  const told = python("koderz_analysis.py", [join(out.path, "koderz")]);
  assertEquals(told.run_ids, summaries.map(({ run_id }) => run_id).sort());
  assertEquals(told.by_model, { m: 0 });
  assertEquals(Object.keys(told.problems).length, problems.length);
  for (const [range, names, most] of told.config) {
    assertEquals([range, names.length, most], ["0-4", problems.length, 2]);
  }
  for (const [start, end, seconds] of told.times) {
    assertAlmostEquals((Date.parse(end) - Date.parse(start)) / 1000, seconds, 0.002);
  }
  const halves = summaries.toSorted((a, b) => a.run_id < b.run_id ? -1 : 1).flatMap((one) =>
    one.zero_shot ? [one.zero_shot, one.iterative] : [one]
  );
  const ids = (half: { results: { problem_id: string; experiment_id: string }[] }) =>
    half.results.map(({ experiment_id }) => experiment_id);
  assertEquals(told.experiments, halves.map(ids));
  assertEquals(new Set(told.experiments.flat()).size, told.experiments.flat().length);
  for (const [i, [n, successes, rate, , , iterations]] of told.summaries.entries()) {
    const { total_problems, success_rate, avg_iterations } = halves[i].summary;
    assertEquals([n, successes, rate, iterations], [
      total_problems,
      halves[i].summary.successes,
      success_rate,
      avg_iterations,
    ]);
    assertEquals(told.failing[i].length, problems.length);
  }
  assertEquals(told.comparison.length, 1);
});

Deno.test("the test runner's reader takes every field of TestResult, and its analysis is ours", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const { run_id, results } = await runOnMock(mock, {
    suite: suiteFrom(promptTests(3)),
    out: place.path,
  });
  const out = await exported(place.path, run_id, "benchmark_test_runner");
  const [batch] = readdirSync(out).filter((name) => name.startsWith("batch_results_"));
  const told = python("test_results.py", [join(out, batch)]);
  assertEquals(told.tests, results.items.map(({ test_id }) => test_id));
  assertEquals(new Set(told.texts), new Set(["Mock response text"]));
  const { total_tests, success_rate, total_tokens, average_execution_time } = told.analysis;
  assertEquals([total_tests, success_rate, total_tokens], [
    ...[3, 1, results.aggregate.total_completion_tokens],
  ]);
  const mean_s = results.items.reduce((all, item) => all + item.execution_time, 0) / 3;
  assertAlmostEquals(average_execution_time, mean_s, 1e-6);
});

Deno.test("the old sweep runner would resume our tree: what is finished it leaves", async () => {
  using place = new Workplace();
  const { common_args, ...sweep } = smallSweep();
  const { trace: _, ...old } = common_args; // an argument that it does not know
  place.write("s.json", { ...sweep, common_args: old, out_root: "bench_runs" });
  const { code, stderr } = await place.dyno("sweep", "--config", "s.json");
  assertEquals(code, 0, stderr);
  const names = place.list("bench_runs/small/runs");
  const whole = python("sweep.py", ["s.json"], place.path);
  assertEquals([whole.finished.sort(), whole.left], [names, []]);
  // one that was not finished, and one of other parameters
  const [torn, other] = names;
  writeFileSync(join(place.path, "bench_runs/small/runs", torn, "meta.json"), "{}");
  const meta = JSON.parse(place.read(`bench_runs/small/runs/${other}/meta.json`));
  meta.params.pdfs++;
  place.write(`bench_runs/small/runs/${other}/meta.json`, meta);
  assertEquals(python("sweep.py", ["s.json"], place.path).left.sort(), [torn, other]);
});
