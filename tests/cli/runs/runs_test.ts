/** The commands on past runs, over real runs on the mock endpoint and live ones. */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { takeLock } from "../../../lib/run/lock.ts";
import { givenMoment } from "../../../lib/cli/runs/query.ts";
import { load } from "../../load/fixture.ts";
import { jsonIn, runOnMock, suiteFrom } from "../../suite/fixture.ts";
import { runId, runs, temporary, writeRun } from "../../run/runs_fixture.ts";

/** A suite of n tests of which the endpoint answers every third wrong. */
function sums(n: number) {
  return suiteFrom(Array.from({ length: n }, (_, i) => ({
    id: `sum_${i}`,
    name: `Sum ${i}`,
    category: "arithmetic",
    prompt: `Question ${i}`,
    evaluator: { name: "contains", expected: i % 3 ? "answer" : "nothing of the kind" },
  })));
}

Deno.test("a real suite run: listed, shown, analyzed, exported as scripts read it", async () => {
  using folder = temporary();
  await using mock = await MockEndpoint.start();
  const suite = sums(9);
  const { run_id, results } = await runOnMock(mock, { suite, out: folder.path });
  const [listed] = JSON.parse((await runs(folder.path, "list", "--json")).out);
  assertEquals([listed.run_id, listed.status, listed.items_total], [run_id, "complete", 9]);
  assertEquals(listed.avg_hit_rate, results.aggregate.avg_hit_rate);
  assertEquals(listed.passed, results.aggregate.passed);
  assertEquals(listed.completion_tokens, results.aggregate.total_completion_tokens);
  assert(listed.duration_s >= 0 && listed.duration_s < 60);

  const shown = JSON.parse((await runs(folder.path, "show", "latest", "--json")).out);
  assertEquals(Object.keys(shown), ["run_id", "metadata", "results", "events"]);
  assertEquals([shown.metadata.run_id, shown.results.items.length], [run_id, 9]);
  assertEquals(shown.events.at(-1).event, "run_finished");

  // the documents' lines: .per_package_stats | sort_by(.elapsed_seconds) | reverse | .[0:5]
  const analysis = JSON.parse((await runs(folder.path, "analyze", run_id, "--json")).out);
  assertEquals(Object.keys(analysis).slice(0, 5), [
    "total_packages",
    "successful",
    "failed",
    "timed_out",
    "per_package_stats",
  ]);
  const seconds = analysis.per_package_stats
    .map((entry: { elapsed_seconds: number }) => entry.elapsed_seconds);
  assert(seconds.length === 9 && seconds.every((value: number) => value > 0));
  const wrong = analysis.failing;
  // .results[] | select(.success == false) | .problem_id, and .summary.success_rate
  const exported = JSON.parse((await runs(folder.path, "export", run_id, "--format", "json")).out);
  const failing = exported.results.filter((entry: { success: boolean }) => !entry.success)
    .map((entry: { problem_id: string }) => entry.problem_id);
  assertEquals(failing, wrong);
  assertEquals(exported.summary.successes, 9 - wrong.length);
  assertEquals(exported.summary.success_rate, Math.round((9 - wrong.length) / 9 * 1e6) / 1e4);

  const csv = (await runs(folder.path, "export", run_id, "--format", "csv")).out.split("\r\n");
  assertEquals([csv.length, csv[0].split(",").length >= 13], [10, true]);
  const trace = JSON.parse((await runs(folder.path, "export", run_id, "--format", "perfetto")).out);
  assert(trace.traceEvents.length > 9);
});

Deno.test("a gate against an exported baseline, with every report", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs"), baseline = join(folder.path, "baseline.json");
  writeRun(root, 0, { marks: "1".repeat(200) });
  writeRun(root, 1, { marks: "0".repeat(30) + "1".repeat(170) });
  await runs(root, "export", runId(0), "--format", "json", "--out", baseline);
  const files = ["gate.xml", "gate.md"].map((name) => join(folder.path, name));
  const reports = ["--junit", files[0], "--markdown", files[1], "--json"];
  const { code, out } = await runs(root, "gate", "--baseline", baseline, ...reports);
  const result = JSON.parse(out);
  assertEquals([code, result.verdict, result.flips.lost.length], [3, "regression", 30]);
  assertEquals(readFileSync(files[0], "utf8").match(/<failure /g)?.length, 31);
  assertStringIncludes(readFileSync(files[1], "utf8"), "Lost (30)");
  rmSync(join(root, runId(1)), { recursive: true });
  writeRun(root, 2, { marks: "1".repeat(199) + "0" });
  assertEquals((await runs(root, "gate", "--baseline", baseline)).code, 0);
  assertEquals(
    (await runs(root, "gate", "--baseline", runId(0), "--candidate", runId(2), "--max-drop", "1pp"))
      .code,
    4,
  );
});

Deno.test("loads: shown, compared, at the gate", async () => {
  using folder = temporary();
  await using mock = await MockEndpoint.start({
    behaviour: { delay_s: 0.08, tokens_per_second: 500 },
  });
  const settings = {
    endpoint: `${mock.url}/v1/chat/completions`,
    model: "mock",
    stages: [{ concurrency: 4, requests: 60 }],
    input_tokens: 8,
    output_tokens: 8,
    slo: ["e2e:60s"],
    transport: "portable" as const,
  };
  const ids: string[] = [];
  for (let i = 0; i < 2; i++) {
    using run = await load(settings);
    ids.push(run.run_id);
    mkdirSync(folder.path, { recursive: true });
    spawnSync("cp", ["-r", run.directory.path, folder.path]);
  }
  const listed = JSON.parse((await runs(folder.path, "list", "--json")).out);
  assertEquals(listed.map(({ kind }: { kind: string }) => kind), ["load", "load"]);
  assert(listed[0].output_tokens_per_s > 0 && listed[0].ttft_p50_ms > 0);
  const { runs: compared, summary } = JSON.parse(
    (await runs(folder.path, "compare", ...ids, "--json")).out,
  );
  assertEquals([compared.length, summary.baseline], [2, ids[0]]);
  const exported = await runs(
    folder.path,
    ...["export", ids[0], "--format", "jsonl", "--rows", "requests"],
  );
  const rows = exported.out.trim().split("\n");
  for (const row of rows) assertEquals(JSON.parse(row).stage, 1);
  const out = join(folder.path, "requests.parquet");
  const { said } = await runs(folder.path, "export", ids[0], "--rows", "requests", "--out", out);
  assertEquals(said.trim(), `${rows.length} rows of 1 run in ${out}`);
  const summaries = await runs(
    folder.path,
    ...["export", ids[0], "--format", "jsonl", "--rows", "runs"],
  );
  // the figures of the run's own results.json
  const { total } = jsonIn(join(folder.path, ids[0], "results.json"));
  const [row] = summaries.out.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    [row.requests_per_s, row.e2e_p50_ms, row.e2e_p99_ms, row.tpot_p50_ms, row.tpot_p99_ms],
    [
      total.requests_per_s,
      total.metrics.e2e_ms.p50,
      total.metrics.e2e_ms.p99,
      total.metrics.tpot_ms.p50,
      total.metrics.tpot_ms.p99,
    ],
  );
  assertEquals(row.goodput_requests_per_s, total.goodput.requests_per_s.value);
  const names = summary.comparisons[0].metrics.map(({ metric }: { metric: string }) => metric);
  assert(names.includes("ttft_p50_ms") && names.includes("output_tokens_per_s"));
  const quantiles = ["ttft_p99_ms=60000", "p99(ttft)<60s", "ttft_p99:60s"];
  const limits = [
    "--min",
    "output_tokens_per_s=0.001",
    ...quantiles.flatMap((max) => ["--max", max]),
  ];
  assertEquals((await runs(folder.path, "gate", "--candidate", ids[1], ...limits)).code, 0);
  for (
    const [limit, said] of [
      [["--max", "latency_p99=200"], /not measured in a load; .*did you mean "e2e_p99_ms"/],
      [["--min", "pass_rate=0.9"], /"pass_rate" is not measured in a load; its metrics: ttft,/],
    ] as const
  ) {
    const gate = () => runs(folder.path, "gate", "--candidate", ids[1], ...limit);
    assertMatch((await assertRejects(gate, InputError)).message, said);
  }
  const wide = ["--max-rise", "900%", "--max-drop", "99%"];
  const gate = await runs(
    folder.path,
    "gate",
    "--baseline",
    ids[0],
    "--candidate",
    ids[1],
    ...wide,
  );
  assertEquals(gate.code, 0, gate.said);
  const items = JSON.parse((await runs(folder.path, "analyze", ids[0], "--json")).out);
  assertEquals(items.total_packages, 60);
  const told = await runs(folder.path, "analyze", ids[0]);
  assertMatch(told.out, /^60 requests, those outside of the measured windows too: 60 answered/);
});

Deno.test("thousands are set apart in what is said of items", async () => {
  using folder = temporary();
  writeRun(folder.path, 0, { marks: "1".repeat(1200) });
  writeRun(folder.path, 1, { marks: "0".repeat(1200) });
  const compared = await runs(folder.path, "compare", "latest~1", "latest");
  assertStringIncludes(compared.out, "\n1,200 problems in common\n");
  assertMatch(compared.out, /lost \(1,200\): .* … 1,1\d\d more/);
  const analyzed = await runs(folder.path, "analyze", "latest");
  assertMatch(analyzed.out, /^1,200 items: 1,200 answered, 0 without an answer/);
  assertStringIncludes(analyzed.out, "failing, the first 5 of 1,200");
});

Deno.test("watch follows a run that is still going, to its end", async () => {
  using folder = temporary();
  const path = writeRun(folder.path, 0, { marks: "11", cut_off: true });
  const unlock = takeLock(join(path, "run.lock"));
  const journal = join(path, "events.jsonl");
  const watching = runs(folder.path, "watch", "--json");
  const line = '{"t":1,"mono_ns":1,"event":"package_started","package_id":"late"}\n';
  for (const part of [line.slice(0, 20), line.slice(20)]) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    appendFileSync(journal, part);
  }
  appendFileSync(journal, '{"t":2,"mono_ns":2,"event":"run_finished"}\n');
  const { code, out } = await watching;
  unlock();
  const events = out.split("\n").map((text) => JSON.parse(text).event);
  assertEquals([code, events.slice(-2), events.length], [
    0,
    ["package_started", "run_finished"],
    5,
  ]);
  const dead = await runs(folder.path, "watch");
  assertMatch(dead.out, /run_finished$/);
});

Deno.test("archive packs what tar unpacks to the same files, and removes the folder", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs");
  const path = writeRun(root, 0, { marks: "10" });
  const long = join(path, "items", "ä".repeat(60) + "_completion.txt");
  mkdirSync(join(path, "items"));
  writeFileSync(long, "x".repeat(5000));
  writeFileSync(join(path, "run_metadata.json.lock"), "{}"); // of one that was killed while it tagged
  const before = readFileSync(join(path, "results.json"), "utf8");
  assertEquals((await runs(root, "archive", runId(0))).code, 0);
  assert(existsSync(path)); // the dry run did nothing
  await runs(root, "archive", runId(0), "--yes");
  assert(!existsSync(path));
  assertEquals(JSON.parse((await runs(root, "list", "--json")).out), []);
  const archive = join(root, "archive", `${runId(0)}.tar.gz`);
  const tar = spawnSync("tar", ["-xzf", archive, "-C", root]);
  assertEquals(tar.status, 0, String(tar.stderr));
  assertEquals(readFileSync(join(path, "results.json"), "utf8"), before);
  assertEquals(readFileSync(long, "utf8").length, 5000);
  assertEquals(readdirSync(path).sort(), [
    "events.jsonl",
    "items",
    "results.json",
    "run_metadata.json",
  ]);
});

Deno.test("delete removes what was chosen with --yes, and never a run in use or everything", async () => {
  using folder = temporary();
  const root = folder.path;
  for (let n = 0; n < 3; n++) writeRun(root, n, { marks: "1" });
  const unlock = takeLock(join(root, runId(0), "run.lock"));
  await assertRejects(() => runs(root, "delete", "--yes"), InputError, "takes runs or a filter");
  const { said } = await runs(root, "delete", runId(0), runId(1), "--yes");
  unlock();
  assertMatch(said, /in use by a running process/);
  assertEquals([0, 1, 2].map((n) => existsSync(join(root, runId(n)))), [true, false, true]);
});

Deno.test("wrong usage says what to do", async () => {
  using folder = temporary();
  writeRun(folder.path, 0, { marks: "1" });
  writeRun(folder.path, 1, { marks: "-" });
  const cases: [string[], RegExp][] = [
    [["lits"], /expected list, .*did you mean "list"/],
    [["show"], /takes one run, 0 given/],
    [["compare", "latest"], /two runs or more/],
    [["gate"], /needs --baseline/],
    [["gate", "--baseline", "none.json", "--candidate", runId(0)], /no such file/],
    [
      ["gate", "--baseline", "deno.jsn", "--candidate", runId(0)],
      /^deno\.jsn: no such file or run in .*; did you mean "deno\.json"/,
    ],
    [
      ["gate", "--baseline", runId(0), "--candidate", runId(0), "--metric", "pass"],
      /did you mean "pass_rate"/,
    ],
    [["gate", "--min", "pass_rate"], /expected NAME=NUMBER/],
    [["gate", "--min", "p99(ttft)<500ms"], /an upper limit; give it with --max/],
    [["gate", "--baseline", runId(0), "--max-drop", "lots"], /5pp/],
    ...["pass_rate", "answer_rate", "score", "error_rate"].map((name): [string[], RegExp] => [
      ["gate", "--min", `${name}=85`],
      new RegExp(`${name} is from 0 to 1; expected e\\.g\\. ${name}=0\\.85`),
    ]),
    [["gate", "--max", "error_rate=-0.1"], /error_rate is from 0 to 1/],
    [["gate", "--max", "e2e_p99=9"], /not measured in a suite; .*did you mean "latency_p99_ms"/],
    [["gate", "--max", "error_rate=0.1"], /not measured in a suite; its metrics: pass_rate/],
    [
      ["gate", "--baseline", runId(0), "--max-drop", "5"],
      /"5" is more than answer_rate .* e\.g\. 5pp/,
    ],
    [
      ["export", runId(0), "--out", "a.xlsx"],
      /--format is missing; expected csv, .*--out runs\.parquet/,
    ],
    [["export"], /--format is missing; expected csv/],
    [["export", "--format", "perfetto"], /takes one run, 2 given/],
    [["difficulty", runId(1)], /no.* judged items/],
    [["list", "--since", "2027-02-31"], /is not a time/],
    [["cost", "--model", "zz"], /none of the 2 .* fits --model/],
    [["cost", "--prices", join(folder.path, runId(0), "results.json")], /results.json:1:/],
  ];
  for (const [argv, message] of cases) {
    const error = await assertRejects(() => runs(folder.path, ...argv), InputError);
    assertMatch(error.message, message, argv.join(" "));
  }
  const empty = join(folder.path, "empty");
  assertMatch((await runs(empty, "list")).said, /does not exist.*--runs DIR/);
  mkdirSync(empty);
  assertMatch((await runs(empty, "list")).said, /check that it holds run directories/);
});

Deno.test("times that people give", () => {
  const now = new Date(2027, 0, 15, 12);
  const s = (...parts: [number, number, number, number?]) => new Date(...parts).getTime() / 1000;
  assertEquals(givenMoment("since", "2027-01-14", now), s(2027, 0, 14));
  assertEquals(givenMoment("until", "2027-01-14", now), s(2027, 0, 15)); // to its end
  assertEquals(givenMoment("since", "today", now), s(2027, 0, 15));
  assertEquals(givenMoment("since", "yesterday", now), s(2027, 0, 14));
  assertEquals(givenMoment("until", "36h", now), s(2027, 0, 14, 0));
  assertEquals(givenMoment("since", "2027-01-14T06:00", now), s(2027, 0, 14, 6));
});

Deno.test("a trend is drawn as an SVG file of its own", async () => {
  using folder = temporary();
  for (let n = 0; n < 12; n++) writeRun(folder.path, n, { marks: n < 6 ? "1111" : "1000" });
  const svg = join(folder.path, "trend.svg");
  const { out } = await runs(folder.path, "trend", "--svg", svg);
  assertMatch(out, new RegExp(`step at ${runId(6)}: 100.0 % → 25.0 %`));
  const drawn = readFileSync(svg, "utf8");
  assert(drawn.startsWith("<svg") && !drawn.includes("var(--"));
});
