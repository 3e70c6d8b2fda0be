/** Sweeps of dyno's own loads and suites, against the mock endpoint as a process. */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/settings/json_file.ts";
import { writeSweepReport } from "../../lib/report/sweep/sweep_report.ts";
import { parseCsv } from "../../lib/formats/csv.ts";
import { sweepConfigOf } from "../../lib/sweep/config.ts";
import { withWholePaths } from "../../lib/sweep/job.ts";
import { Workplace } from "./fixture.ts";
import { until } from "../until.ts";

/** A mock endpoint in a process of its own. */
async function mockEndpoint(place: Workplace): Promise<{ url: string } & AsyncDisposable> {
  const said = ["--model", "a,b", "--response", "It is 42.", "--tokens-per-second", "500"];
  const mock = place.start("mock", "--port", "0", ...said);
  const url = () => /http:\S+/.exec(mock.said())?.[0];
  await until(() => url() !== undefined, "the mock endpoint");
  return {
    url: url()!,
    [Symbol.asyncDispose]: async () => {
      mock.kill("SIGTERM");
      await mock.finished;
    },
  };
}

function rowsOf(place: Workplace, tree: string): Record<string, string>[] {
  const [head, ...rows] = parseCsv("table", place.read(`${tree}/aggregate/runs.csv`));
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]])));
}

const loadSweep = (endpoint: string, changes: Record<string, unknown> = {}) => ({
  name: "loads",
  kind: "load",
  out_root: "sweeps",
  common_args: {
    endpoint,
    model: "a",
    requests: 12,
    output_tokens: 4,
    sample_rate_hz: 0,
    slo: ["e2e:60000"],
  },
  matrix: { concurrency: [1, 4], seeds: [2] },
  jobs: 1,
  ...changes,
});

Deno.test("a sweep of loads: a run a combination, a resume, a table, a report", async () => {
  using place = new Workplace();
  await using mock = await mockEndpoint(place);
  const file = place.write("loads.json", loadSweep(mock.url));
  const dry = await place.dyno("sweep", "--config", file, "--dry-run");
  const planned = dry.stdout.trimEnd().split("\n").map((line) => line.split("\t"));
  assertEquals(planned.length, 2);
  const [[run_id, command]] = planned;
  assertEquals(
    command,
    `dyno load sweeps/loads/runs/${run_id}/out/job.json --out ` +
      `sweeps/loads/runs/${run_id}/out`,
  );

  const first = await place.dyno("sweep", "--config", file, "--json");
  assertEquals(first.code, 0, first.stderr);
  assertEquals(JSON.parse(first.stdout).ended, 2);
  assertEquals(place.list("sweeps/loads/runs"), planned.map(([id]) => id).sort());
  const meta = JSON.parse(place.read(`sweeps/loads/runs/${run_id}/meta.json`));
  assertEquals([meta.run_id, meta.exit_code, meta.params.concurrency], [run_id, 0, 1]);

  const out = join(place.path, "sweeps/loads/runs", planned[1][0], "out");
  const results = readdirSync(out).find((name) => name.startsWith("bench_"))!;
  rmSync(join(out, results, "results.json"));
  const kept = join(place.path, "sweeps/loads/runs", run_id, "meta.json");
  const before = statSync(kept).mtimeMs;
  const again = await place.dyno("sweep", "--config", file, "--resume", "--json");
  assertEquals([again.code, JSON.parse(again.stdout).ended], [0, 1], again.stderr);
  assertEquals(statSync(kept).mtimeMs, before);

  const collected = await place.dyno("collect", "--exp_dir", "sweeps/loads", "--json");
  const { rows, warnings } = JSON.parse(collected.stdout);
  assertEquals([rows, warnings], [2, 0], collected.stderr);
  for (const row of rowsOf(place, "sweeps/loads")) {
    // `requests` is what was asked for, and all of a closed loop count
    assertEquals([row.requests, row.errors, row.warning], ["12", "0", ""]);
    assertEquals(row.measured_requests, "12");
    for (
      const name of [
        "requests_per_s",
        "output_tokens_per_s",
        "ttft_p50_ms",
        "ttft_p99_ms",
        "gap_p50_ms",
        "gap_p99_ms",
        "e2e_p50_ms",
      ]
    ) assert(Number(row[name]) >= 0 && row[name] !== "", name);
    assertEquals(row.goodput_share, "1");
    assertMatch(row.verdict, /^(trusted|client_limited|unknown)$/);
  }
  await writeSweepReport(join(place.path, "sweeps/loads"));
  const text = place.read("sweeps/loads/report/report.md");
  assertStringIncludes(text, "concurrency 4");
  assertStringIncludes(text, "| requests per s | output tokens per s | ttft p50, ms |");
});

Deno.test("a sweep of a suite: over models and categories; one that fails says why", async () => {
  using place = new Workplace();
  await using mock = await mockEndpoint(place);
  const ask = (id: string, category: string, expected: number) => ({
    id,
    name: id,
    category,
    prompt: id,
    evaluator: { name: "numeric", expected },
  });
  place.write("suites/small.json", {
    test_suite_id: "small",
    tests: [ask("one", "x", 42), ask("two", "x", 7), ask("three", "y", 42)],
  });
  const sweep = {
    name: "suites",
    kind: "suite",
    common_args: { suite: "suites/small.json", endpoint: mock.url, sample_rate_hz: 0 },
    matrix: { model: ["a", "b"], categories: ["x", ["x", "y"]] },
    jobs: 2,
  };
  const file = place.write("suites.json", sweep);
  const ran = await place.dyno("sweep", "--config", file, "--json");
  assertEquals([ran.code, JSON.parse(ran.stdout).ended], [0, 4], ran.stderr);
  await place.dyno("collect", "--exp_dir", "bench_runs/suites");
  const rows = rowsOf(place, "bench_runs/suites");
  assertEquals(
    rows.map(({ model, tests, successful, passed }) => [model, tests, successful, passed].join()),
    ["a,2,2,1", "b,2,2,1", "a,3,3,2", "b,3,3,2"],
  );
  assertEquals(rows.map(({ pass_rate }) => Number(pass_rate)), [1 / 2, 1 / 2, 2 / 3, 2 / 3]);
  for (const { ttft_p50_ms, tokens } of rows) assert(Number(ttft_p50_ms) > 0 && Number(tokens) > 0);

  const gone = {
    ...sweep,
    name: "gone",
    common_args: { suite: "no.json", endpoint: mock.url },
    matrix: { model: ["a"] },
  };
  const failed = await place.dyno("sweep", "--config", place.write("gone.json", gone), "--json");
  assertEquals([failed.code, JSON.parse(failed.stdout).failed], [1, 1]);
  assertStringIncludes(failed.stderr, "no.json");
});

Deno.test("a copy of a sweep of jobs names the files of the first: a load's all, a suite's own", () => {
  const matrix = { concurrency: [1, 2], prompts: ["a.jsonl", "/b.jsonl"] };
  const args = { tokenizer: "t.json", ca: "ca.pem", request_template: "r.json" };
  const load = { name: "l", kind: "load", common_args: { ...args, model: "m" }, matrix };
  assertEquals(withWholePaths(load, "/d"), {
    ...load,
    common_args: {
      tokenizer: "/d/t.json",
      ca: "/d/ca.pem",
      request_template: "/d/r.json",
      model: "m",
    },
    matrix: { concurrency: [1, 2], prompts: ["/d/a.jsonl", "/b.jsonl"] },
  });
  const own = { ...load, common_args: {}, matrix: { tokenizer: ["o200k_base", "t.json"] } };
  assertEquals(withWholePaths(own, "/d").matrix, { tokenizer: ["o200k_base", "/d/t.json"] });
  const suite = { suite: "s.json", prompts: "x", ca: "c.pem" };
  assertEquals(
    withWholePaths({ kind: "suite", common_args: suite, matrix: {} }, "/d").common_args,
    { suite: "/d/s.json", prompts: "x", ca: "/d/c.pem" },
  );
});

Deno.test("what is wrong with a sweep of jobs is told with its place", () => {
  const load = loadSweep("http://127.0.0.1:1");
  const suite = { name: "s", kind: "suite", common_args: { suite: "s.json" }, matrix: {} };
  const wrong: [Record<string, unknown>, string][] = [
    [{ ...load, kind: "loads" }, "kind"],
    [{ ...load, command: ["x"] }, "neither sim_binary nor command"],
    [{ ...load, matrix: { concurency: [1] } }, 'did you mean "concurrency"'],
    [{ ...load, matrix: { concurrency: [1, 0] } }, "matrix.concurrency: "],
    [{ ...load, matrix: { seeds: [-1] } }, "matrix.seeds: "],
    [{ ...load, matrix: { slo: [["ttft:5"], ["p99(tfft)<5"]] } }, 'matrix.slo: "p99(tfft)<5"'],
    [{ ...load, common_args: { seed: 1 } }, "seeds go into matrix.seeds"],
    [{ ...load, common_args: { headers: { Authorization: "Bearer x" } } }, "api_key_env"],
    [{ ...load, common_args: { headers: { "x-api-key": "a\nhunter2" } } }, "has a line break"],
    [{ ...suite, common_args: { headers: { "x-api-key": [5] } } }, "x-api-key: expected a text"],
    [{ ...suite, common_args: {} }, '"suite", the path of a suite'],
    [{ ...suite, matrix: { model: [["a", "b"]] } }, "several go into matrix.model"],
    [{ ...suite, common_args: { suite: "p.jsonl" } }, "coding problems"],
    [{ ...suite, matrix: { workers: [0] } }, "matrix.workers: "],
  ];
  // one value in two texts: JSON.stringify would write one
  const texts: [string, string][] = [
    [`"matrix":{"concurrency":[1,1.0]}`, "matrix.concurrency: 1 and 1.0 are one value"],
    [`"matrix":{"duration_s":[2,"2s"]}`, 'matrix.duration_s: 2 and "2s" are one value'],
    [`"matrix":{"seeds":[3,3.0]}`, "matrix.seeds: 3 and 3.0 are one value"],
  ];
  const { matrix: _, ...fixed } = load;
  const written = texts.map(([matrix, says]): [string, string] => [
    `${JSON.stringify(fixed).slice(0, -1)},${matrix}}`,
    says,
  ]);
  const files = wrong.map(([value, says]) => [JSON.stringify(value, null, 2), says]);
  for (const [text, says] of [...files, ...written]) {
    const file = parseJson("x.json", text);
    const { message } = assertThrows(() => sweepConfigOf(file), InputError);
    assertStringIncludes(message, says);
    assertMatch(message, /^x\.json:/);
    assert(!message.includes("hunter2") && !/x-api-key.*found/.test(message), message);
  }
});
