/** dyno load and dyno calibrate as a user calls them. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { nativeLibrary } from "../../../lib/native/library.ts";
import { dyno, dynoEach, startDyno } from "../../e2e/dyno.ts";
import { capacityText } from "../../../lib/cli/load/capacity_search.ts";
import { until } from "../../until.ts";

function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "dyno-load-cli-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const words = "one two three four five six seven eight";

Deno.test("dyno load: wrong input is one line that says what to do, and nothing is written", async (t) => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ model: "m" });
  writeFileSync(join(folder.path, "bad.json"), '{"kind":"load","name":"x","rate":"fast"}');
  writeFileSync(
    join(folder.path, "slo.yaml"),
    "kind: load\nname: x\nrate: 2\nrequests: 4\nslo:\n  - ttft:500\n  - p99(tfft)<3\n",
  );
  writeFileSync(join(folder.path, "trace.csv"), "a,b\n1,2\n");
  writeFileSync(join(folder.path, "suite.json"), '{"test_suite_id":"s","tests":[]}');
  const load = ["--endpoint", mock.url];
  const cases: [string, string[], string[]][] = [
    ["no endpoint", ["--rate", "1", "--requests", "1"], ["--endpoint"]],
    ["no shape", load, ["--concurrency", "--rate"]],
    ["no end", [...load, "--rate", "1"], ["--duration", "--requests"]],
    ["a misspelt flag", [...load, "--concurency", "2"], ["did you mean --concurrency"]],
    ["a rate below 0", [...load, "--rate", "-1"], ['--rate: "-1" is not valid']],
    ["levels that do not rise", [...load, "--requests", "1", "--concurrency", "8..1*2"], [
      "--concurrency",
      "1..16*2",
    ]],
    ["an exactness of nothing", [...load, "-c", "1", "--requests", "1", "--until", "ttft_p99"], [
      "--until",
      "ttft_p99:5%",
    ]],
    ["a rate of nothing", [...load, "--rate", "0", "--requests", "1"], ["--rate", "0"]],
    ["a half request", [...load, "--rate", "1", "--requests", "1.5"], ["--requests"]],
    ["an unknown arrival", [...load, "--arrival", "posson"], ["poisson"]],
    ["an unknown objective", [...load, "--rate", "1", "--requests", "1", "--slo", "tft:5"], [
      "ttft",
    ]],
    ["a body that is no JSON", [...load, "--body", "{"], ["--body"]],
    [
      "a number that would be sent as another one",
      [...load, "--body", '{"a":{"seed":9007199254740993}}'],
      ["--body: a.seed: 9007199254740993 has more digits"],
    ],
    ["burstiness of poisson", [
      ...load,
      "--rate",
      "1",
      "--requests",
      "1",
      "--burstiness",
      "2",
    ], ["burstiness", "gamma"]],
    ["a trace of no known form", [...load, "--trace", "trace.csv"], ["trace.csv"]],
    ["a file that is not there", ["nowhere.json"], ["nowhere.json"]],
    ["a suite of tests", ["suite.json", ...load], ["suite.json: is a suite", "dyno run"]],
    ["a wrong experiment", ["bad.json", ...load], ["bad.json:1:", "rate"]],
    ["an objective of a file", ["slo.yaml", ...load], [
      'error: slo.yaml:7:5: slo[1]: "p99(tfft)<3"',
    ]],
    ["of the flag beside it", ["slo.yaml", ...load, "--slo", "tft:5"], ['error: --slo: "tft:5"']],
    ["a tokenizer that is none", [
      ...load,
      "--rate",
      "1",
      "--requests",
      "1",
      "--tokenizer",
      "slo.yaml",
    ], ["--tokenizer: slo.yaml: is no JSON; expected a tokenizer.json"]],
    ["capacity without an objective", [...load, "--find-capacity", "rate"], ["--slo"]],
    ["a share of it without a search", [...load, "--concurrency", "1", "--capacity-share", "0.9"], [
      "--find-capacity",
    ]],
    ["a share above 1", [...load, "--find-capacity", "rate", "--capacity-share", "3"], [
      "--capacity-share",
      "to 1",
    ]],
    ["too many samples", [...load, "--concurrency", "1", "--sample-rate", "1e6"], [
      "--sample-rate",
      "to 10000",
    ]],
    ["a stage of no time", [...load, "--stages", "rate=2:0s"], ["--stages", "duration"]],
    ["a malformed socket", ["--endpoint", "http+unix://%zz/v1", "--rate", "1", "--requests", "1"], [
      "--endpoint",
      "malformed %",
    ]],
    ["nobody there", ["--endpoint", "http://127.0.0.1:1", "--rate", "1", "--requests", "1"], [
      "cannot connect",
    ]],
  ];
  const before = readdirSync(folder.path).sort();
  const ended = await dynoEach(cases.map(([, args]) => ["load", ...args]), { cwd: folder.path });
  for (const [i, [name, , says]] of cases.entries()) {
    await t.step(name, () => {
      const { code, stdout, stderr } = ended[i];
      const lines = stderr.trim().split("\n")
        .filter((line) => !/^(warning:|built libdyno)/.test(line));
      assertEquals([code, stdout, lines.length], [2, "", 1], stderr);
      for (const text of says) assertStringIncludes(lines[0], text);
    });
  }
  assertEquals(readdirSync(folder.path).sort(), before);
});

Deno.test("dyno load: the summary for people, the JSON for programs, the run on disk", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: words, tokens_per_second: 500 },
  });
  const { code, stdout, stderr } = await dyno([
    "load",
    "--endpoint",
    mock.url,
    "--concurrency",
    "3",
    "--requests",
    "30",
    "--slo",
    "ttft:5000",
    "--report-as",
    "vllm",
    "--sample-rate",
    "0",
    "--json",
  ], { cwd: folder.path });
  assertEquals(code, 0, stderr);
  for (const text of ["3 in flight", "CLIENT", "ttft p50", "vllm", "ours", "report"]) {
    assertStringIncludes(stderr, text);
  }
  const { runs, exit_code } = JSON.parse(stdout);
  assertEquals([runs.length, exit_code], [1, 0]);
  const [run] = runs;
  const { outside, successful } = run.total.requests;
  assertEquals([successful + outside, run.total.error_rate], [30, 0]);
  assertEquals(run.total.goodput.share.value, 1);
  assertEquals(
    JSON.parse(readFileSync(join(run.directory, "results.json"), "utf8")).run_id,
    run.run_id,
  );
  assert(readFileSync(run.report, "utf8").includes("</html>"));
  assert(existsSync(join(run.directory, "tokens.bin")));
});

Deno.test("dyno load: every request failed: exit code 1, the reason said", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { error_mode: "server_error" },
  });
  const args = ["load", "--endpoint", mock.url, "--rate", "50", "--requests", "5"];
  const { code, stderr } = await dyno(args, { cwd: folder.path });
  assertEquals(code, 1, stderr);
  assertStringIncludes(stderr, "HTTP 500");
});

Deno.test("dyno load: Ctrl-C sums up what was measured", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: words, tokens_per_second: 200 },
  });
  const running = startDyno(
    ["load", "--endpoint", mock.url, "--concurrency", "4,8", "--duration", "120", "--json"],
    { cwd: folder.path },
  );
  while (mock.requests.filter(({ method }) => method === "POST").length < 40) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  running.kill("SIGINT");
  const { code, stdout, stderr } = await running.finished;
  assertEquals(code, 130, stderr);
  const [run] = JSON.parse(stdout).runs;
  assertEquals(run.complete, false);
  assert(run.total.requests.successful > 10);
  assertStringIncludes(stderr, "interrupted: 1 of 2 loads were not begun");
});

Deno.test("dyno load: an experiment's matrix is a run each", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: words },
  });
  writeFileSync(
    join(folder.path, "curve.json"),
    JSON.stringify({
      kind: "load",
      name: "curve",
      requests: 12,
      sample_rate_hz: 0,
      matrix: { concurrency: [1, 2, 4] },
    }),
  );
  const { code, stdout, stderr } = await dyno(
    ["load", "curve.json", "--endpoint", mock.url, "--json"],
    { cwd: folder.path },
  );
  assertEquals(code, 0, stderr);
  const { runs } = JSON.parse(stdout);
  assertEquals(
    runs.map(({ total }: { total: { name: string } }) => total.name),
    ["1 in flight", "2 in flight", "4 in flight"],
  );
  assertStringIncludes(stderr, "concurrency 4 ");
});

Deno.test("dyno load --find-capacity: the lowest level that is surely too much, and the one below", async () => {
  using folder = temporaryFolder();
  // one answer takes 40 ms of a single worker: more than 25 a second cannot be
  await using mock = await MockEndpoint.start({ model: "m", behaviour: { delay_s: 0.04 } });
  const { code, stdout, stderr } = await dyno([
    "load",
    "--endpoint",
    mock.url,
    "--find-capacity",
    "concurrency",
    "--requests",
    "120",
    "--slo",
    "p95(e2e)<0.001ms",
    "--sample-rate",
    "0",
    "--json",
  ], { cwd: folder.path });
  assertEquals(code, 1, stderr);
  const found = JSON.parse(stdout);
  assertEquals([found.highest_good, found.lowest_bad], [null, 1]);
  assertStringIncludes(stderr, "73 requests to tell that 95 % of requests have e2e ≤ 0.001 ms");
  assertStringIncludes(stderr, "note: answers have a median of"); // the mock's are shorter than 128
  assertStringIncludes(
    stderr,
    "capacity: below 1 in flight, the lowest level tried, which does not meet: 95 % of requests",
  );
});

Deno.test("dyno load --find-capacity: a search without an answer says why", () => {
  const found = (complete: boolean, lowest_bad: number | null = null) =>
    capacityText({
      searched: "rate",
      objectives: [{ text: "ttft ≤ 80 ms", of: "requests", share: 0.95 }],
      highest_good: null,
      lowest_bad,
      complete,
    });
  assertStringIncludes(found(true), "unknown: not enough requests to decide");
  assertStringIncludes(found(false), "unknown: the search was interrupted before any level");
  assertStringIncludes(found(false, 2), "below 2 req/s");
});

Deno.test("dyno load --find-capacity tells where the client was the limit", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ model: "m" });
  const { code, stderr } = await dyno([
    "load",
    "--endpoint",
    mock.url,
    "--find-capacity",
    "rate",
    "--rate",
    "100000",
    "--duration",
    "0.1",
    "--grace",
    "0",
    "--slo",
    "e2e:0.001",
    "--sample-rate",
    "0",
  ], { cwd: folder.path });
  assertEquals(code, 1, stderr);
  assertStringIncludes(stderr, "rate 100000: the client was limited: ");
  assertEquals(stderr.split("load on m at ").length, 2, "what is measured is said once");
});

Deno.test("dyno load: a first question without an answer is told of, and Ctrl-C ends it", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ model: "m", behaviour: { delay_s: 60 } });
  const running = startDyno(
    ["load", "--endpoint", mock.url, "--concurrency", "1", "--duration", "5"],
    { cwd: folder.path },
  );
  await until(() => running.said().includes("waiting for the answer to a first question"));
  running.kill("SIGINT");
  const { code, stderr } = await running.finished;
  assertEquals(code, 130, stderr);
  assertStringIncludes(stderr, "interrupted: 1 of 1 loads were not begun");
  assertEquals(readdirSync(folder.path), []);
});

Deno.test("dyno calibrate: errors by streams, the ceiling, kept for loads to cite", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: words },
  });
  const { library } = await nativeLibrary();
  const env = { XDG_CACHE_HOME: folder.path, DYNO_NATIVE: library!.path };
  const { code, stdout, stderr } = await dyno(["calibrate", "--seconds", "0.1", "--json"], { env });
  assertEquals(code, 0, stderr);
  const { cells, ceiling_events_per_s } = JSON.parse(stdout);
  assertEquals(cells[0].streams, 1);
  for (const cell of cells) {
    assert(cell.events >= cell.streams * 20, JSON.stringify(cell));
    assert(cell.ttft_error_ms.p50 >= 0 && cell.gap_error_ms.max >= cell.gap_error_ms.p99);
  }
  const args = ["load", "--endpoint", mock.url, "--concurrency", "1", "--requests", "5", "--json"];
  const load = await dyno([...args, "--sample-rate", "0"], { env, cwd: folder.path });
  const { calibration } = JSON.parse(load.stdout).runs[0].verdict;
  assertEquals([calibration.streams, calibration.ceiling_events_per_s], [1, ceiling_events_per_s]);
});

Deno.test("dyno load: levels and repeats in one command, with one report", async () => {
  using folder = temporaryFolder();
  const behaviour = { default_response: words, tokens_per_second: 2000 };
  await using mock = await MockEndpoint.start({ behaviour });
  const shape = ["--concurrency", "1,4", "--requests", "24", "--sample-rate", "0", "--gpus", "2"];
  const { code, stdout, stderr } = await dyno(
    ["load", "--endpoint", mock.url, ...shape, "--repeat", "2", "--json", "--out", folder.path],
  );
  assertEquals(code, 0, stderr);
  const { runs, repeats, levels, levels_report } = JSON.parse(stdout);
  assertEquals(runs.length, 4);
  // by other means: the means of the runs' own results
  const of = (name: string) => repeats.find((each: { name: string }) => each.name === name);
  for (const [at, name] of ["concurrency 1", "concurrency 4"].entries()) {
    const own = [runs[at], runs[at + 2]];
    assertEquals(of(name).runs, own.map(({ run_id }) => run_id));
    const figure = of(name).figures.find((each: { name: string }) =>
      each.name === "requests_per_s"
    );
    const rates = own.map(({ total }) => total.requests_per_s);
    assertEquals(figure.values, rates);
    const mean = (rates[0] + rates[1]) / 2;
    assertEquals(Math.abs(levels[at].requests_per_s - mean) < 1e-9 * mean, true);
    assertEquals(levels[at].tokens_per_s_per_gpu, levels[at].output_tokens_per_s / 2);
  }
  const words_sent = mock.requests.flatMap(({ body, method }) =>
    method === "POST" ? [JSON.stringify(body)] : []
  ).filter((text) => text.length > 500);
  assertEquals(new Set(words_sent).size, 96, "no run sends another's prompts");
  const html = readFileSync(levels_report, "utf8");
  for (const shown of ["<svg", "knee", "Pareto", "concurrency 4"]) {
    assertStringIncludes(html, shown);
  }
});
