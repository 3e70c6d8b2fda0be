/** dyno's own runs in other programs' forms: all that they know is there, and comes back equal. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { analyzeItems } from "../../lib/compare/package_stats.ts";
import { exportAs } from "../../lib/formats/export_as.ts";
import { exportable } from "../../lib/formats/exportable.ts";
import { koderzDocument } from "../../lib/formats/koderz_document.ts";
import { millisecondsOf } from "../../lib/formats/times.ts";
import { unknownItem } from "../../lib/formats/totals.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { folder, problems, run, test, wrong } from "../coding/fixture.ts";
import { promptTests, runOnMock, suiteFrom } from "../suite/fixture.ts";
import { runs, temporary } from "../run/runs_fixture.ts";
import { readExport } from "./fixtures.ts";

type Json = Record<string, unknown>;

test("a comparative run exported to koderz is its summary.json, and comes back equal", async () => {
  using out = folder();
  const response = wrong(problems[0], 1);
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: response },
  });
  const modes = ["zero-shot", "iterative"] as const;
  const change = { modes, max_iterations: 2, parameters: { max_tokens: 60, seed: 3 } };
  const { directory, summary } = await run(mock, problems, out.path, change);
  const read = await readRunDirectory(directory.path);
  assertEquals(read.items.length, 2 * problems.length);
  const [file] = exportAs("koderz", await exportable("koderz", read));
  const written = JSON.parse(file.text);
  // the run's own summary is made of the attempts, by other code
  const own = JSON.parse(readFileSync(join(directory.path, "summary.json"), "utf8"));
  assertEquals(own, JSON.parse(JSON.stringify(summary)));
  const { problem_range, max_iterations, seed } = own.config;
  assertEquals(
    [written.config.problem_range, written.config.max_iterations, written.config.seed],
    [problem_range, max_iterations, seed],
  );
  assertEquals([max_iterations, problem_range, seed], [2, "0-4", 3]);
  assertEquals(written.comparison, own.comparison);
  assertEquals(written.config.problems, own.config.problems);
  for (const half of ["zero_shot", "iterative"]) {
    for (const [name, value] of Object.entries(own[half].summary)) {
      if (name === "requests_of_unknown_cost") continue; // told of the whole run, in ledger
      if (typeof value !== "number") assertEquals(written[half].summary[name], value, name);
      else assertAlmostEquals(written[half].summary[name], value, 1e-12, `${half} ${name}`);
    }
    const told = own[half].results.map((result: Json) => Object.keys(result));
    const part = written[half].results.map((result: Json, i: number) =>
      Object.fromEntries(told[i].map((key: string) => [key, result[key]]))
    );
    assertEquals(part, own[half].results);
  }
  const [again] = await readExport([file]);
  const inHalves = (items: typeof again.items) =>
    items.toSorted((a, b) => a.item_id < b.item_id ? 1 : -1);
  assertEquals(inHalves(again.items), inHalves(read.items));
  assertEquals(again.stated, undefined, "nothing that it states is otherwise");
  const keys = ["mode", "model", "items_total", "passed", "prompt_tokens", "cost_usd"] as const;
  for (const key of keys) assertEquals(again.summary[key], read.summary[key], key);
  assertEquals(koderzDocument({ ...again, summary: { ...again.summary } }).config, written.config);
});

Deno.test("a suite run exported to smi-bench has its log, its metadata and its counts", async () => {
  using place = temporary();
  await using mock = await MockEndpoint.start({ behaviour: { default_response: "an answer" } });
  const tests = promptTests(4).map((each, i) => ({
    ...each,
    evaluator: { name: "contains", expected: i % 2 ? "answer" : "none of it" },
  }));
  const { directory, results } = await runOnMock(mock, {
    suite: suiteFrom(tests),
    out: place.path,
  });
  const read = await readRunDirectory(directory.path);
  const files = new Map(
    exportAs("smi_bench", await exportable("smi_bench", read)).map((
      { path, text },
    ) => [path, text]),
  );
  const { run_id } = directory;
  const metadata = JSON.parse(files.get(`logs/${run_id}/run_metadata.json`)!);
  for (const name of ["benchmark", "agent", "model", "argv", "simulation_mode", "host", "config"]) {
    assert(metadata[name] !== undefined && metadata[name] !== null, name);
  }
  assertEquals(metadata.started_at_unix_seconds, read.summary.started_at_unix_seconds);
  const events = files.get(`logs/${run_id}/events.jsonl`)!.trim().split("\n")
    .map((line) => JSON.parse(line));
  assertEquals(events[0].event, "run_started");
  assertEquals(events[0].simulation_mode, metadata.simulation_mode);
  const of = (name: string) => events.filter(({ event }) => event === name);
  assertEquals([of("package_started").length, of("run_finished").length], [4, 1]);
  // what the original's analyze and cost read, of each package and of all
  const document = JSON.parse(files.get(`results/${run_id}.json`)!);
  for (const [i, entry] of document.packages.entries()) {
    const { package_id, elapsed_seconds, score, error, timed_out } = entry;
    const finished = of("package_finished").find((event) => event.package_id === package_id);
    assertEquals([score.targets, score.created_hits], [finished.targets, finished.created_hits]);
    assertEquals(score, results.items[i].score);
    // one name, one value: in the log, in the results, and in dyno's own
    assertEquals(elapsed_seconds, finished.elapsed_seconds);
    assertEquals(elapsed_seconds, results.items[i].elapsed_seconds);
    assert(elapsed_seconds > 0 && error === null && timed_out === false);
  }
  const { avg_hit_rate, errors, total_prompt_tokens, total_completion_tokens } = document.aggregate;
  assertEquals(
    [avg_hit_rate, errors, total_prompt_tokens, total_completion_tokens],
    [0.5, 0, results.aggregate.total_prompt_tokens, results.aggregate.total_completion_tokens],
  );
  const [again] = await readExport([...files].map(([path, text]) => ({ path, text })));
  assertEquals(again.items.map(({ targets, created_hits }) => [targets, created_hits]), [
    ...read.items.map(({ targets, created_hits }) => [targets, created_hits]),
  ]);
  assertEquals([again.summary.mode, again.stated], [null, undefined]);
  // the document's names, and one name for one thing
  const shown = JSON.parse((await runs(place.path, "show", run_id, "--json")).out);
  for (const [i, { item_id, ...entry }] of shown.results.packages.entries()) {
    assertEquals(entry, document.packages[i]);
    assertEquals(item_id, entry.package_id);
  }
  const analyzed = JSON.parse((await runs(place.path, "analyze", run_id, "--json")).out);
  for (const [i, stats] of analyzed.per_package_stats.entries()) {
    const { score, package_id } = document.packages[i];
    assertEquals([stats.package_id, stats.item_id], [package_id, package_id]);
    assertEquals([stats.targets, stats.created_hits], [score.targets, score.created_hits]);
    assertEquals(stats.elapsed_seconds, document.packages[i].elapsed_seconds);
  }
});

Deno.test("a suite run exported to the test runner has the fields of its results", async () => {
  using place = temporary();
  await using mock = await MockEndpoint.start();
  const { directory } = await runOnMock(mock, {
    suite: suiteFrom(promptTests(2)),
    out: place.path,
  });
  const read = await readRunDirectory(directory.path);
  const form = "benchmark_test_runner";
  const [batch] = exportAs(form, await exportable(form, read));
  const journal = readFileSync(directory.journal, "utf8").trim().split("\n")
    .map((line) => JSON.parse(line)).filter(({ event }) => event === "package_finished");
  for (const exported of JSON.parse(batch.text).results) {
    const { result } = journal.find(({ package_id }) => package_id === exported.test_id);
    for (const name of ["response_text", "timestamp", "api_response", "finish_reason"]) {
      assert(exported[name] !== undefined && exported[name] !== null, name);
    }
    for (const name of Object.keys(exported)) {
      if (!(name in result) || ["execution_time", "tokens_per_second"].includes(name)) continue;
      assertEquals(exported[name], result[name], name);
    }
  }
});

Deno.test("a time comes through another form with the digits that it was written with", () => {
  // seconds whose milliseconds, divided again, are 0.0012027449999999999 and such
  for (const seconds of [0.001202745, 0.002758357, 0.0026136, 17.000000003]) {
    const item = { ...unknownItem("a"), latency_ms: millisecondsOf(seconds) };
    const [{ elapsed_seconds }] = analyzeItems([item], null).per_package_stats;
    assertEquals(elapsed_seconds, seconds);
  }
});

test("an exported coding run is compared by its file, as the gate takes it", async () => {
  using out = folder();
  const response = wrong(problems[0], 1);
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: response },
  });
  const modes = ["zero-shot", "iterative"] as const;
  const { directory } = await run(mock, problems, out.path, { modes, max_iterations: 2 });
  const { run_id } = directory;
  const file = join(out.path, "baseline.json");
  await runs(out.path, "export", run_id, "--format", "json", "--out", file);
  const byName = await runs(out.path, "compare", run_id, run_id, "--json");
  const byFile = await runs(out.path, "compare", file, run_id, "--json");
  assertEquals(byFile.code, 0);
  assertEquals(JSON.parse(byFile.out).summary, JSON.parse(byName.out).summary);
  const n = 2 * problems.length;
  assertStringIncludes(
    (await runs(out.path, "compare", file, run_id)).out,
    `with ${n} answers in the first and ${n} in the second`,
  );
});
