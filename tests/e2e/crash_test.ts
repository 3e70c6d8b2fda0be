/** Nothing that was finished is lost: kill -9, Ctrl-C, and the same results after a resume. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { jsonIn, promptTests, temporaryFolder } from "../suite/fixture.ts";
import { dyno, startDyno } from "./dyno.ts";
import { until } from "../until.ts";

const TESTS = 60;
const WORKERS = 4;
/** Few here: all commands are killed in tests/chaos/kill_test.ts. */
const KILLS = Deno.env.get("DYNO_TEST_LONG") ? 20 : 4;

function suiteFile(folder: string): string {
  const path = join(folder, "suite.json");
  const tests = promptTests(TESTS, ["a", "b", "c"]).map((test, i) => ({
    ...test,
    evaluator: { name: "contains", expected: i % 3 ? "Mock" : "other" },
  }));
  writeFileSync(path, JSON.stringify({ test_suite_id: "crash", tests }));
  return path;
}

const TIMES =
  /_ms$|_ns$|^(run_id|elapsed_seconds|execution_time|tokens_per_second|output_tokens_per_s)$/;
/** What all requests of a run took together. */
const TOTALS =
  /^(total_(prompt|completion)_tokens|requests_(of_unknown_(cost|tokens)|cut_off)|ledger)$/;

/** results.json without what differs from run to run: ids and times; and without more. */
function withoutTimes(path: string, more = /^$/): unknown {
  return JSON.parse(
    readFileSync(path, "utf8"),
    (key, value) => TIMES.test(key) || more.test(key) ? undefined : value,
  );
}

function eventsOf(journal: string): { event: string; package_id: string }[] {
  if (!existsSync(journal)) return [];
  return readFileSync(journal, "utf8").split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}

const finishedIds = (journal: string): string[] =>
  eventsOf(journal).filter(({ event }) => event === "package_finished")
    .map(({ package_id }) => package_id);

const runsIn = (out: string) =>
  existsSync(out) ? readdirSync(out).filter((name) => name.startsWith("bench_")) : [];

Deno.test(`kill -9 at ${KILLS} random moments loses no finished test, and a resume does the rest`, async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ delay_s: 0.02, tokens_per_second: 200 });
  const suite = suiteFile(folder.path);
  const args = (out: string, ...more: string[]) => [
    "run",
    suite,
    ...["--endpoint", `${mock.url}/v1`, "--model", "mock", "--workers", `${WORKERS}`],
    ...["--out", out, ...more],
  ];
  const whole = join(folder.path, "whole");
  assertEquals((await dyno(args(whole))).code, 0);
  const unbroken = join(whole, runsIn(whole)[0], "results.json");
  const { total } = jsonIn(unbroken).ledger;

  let inTheMiddle = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const out = join(folder.path, `killed-${kill}`);
    const running = startDyno(args(out));
    // one in four at any moment from the start on, the others while the run is on
    const wanted = kill % 4 ? 1 + Math.random() * 0.8 * TESTS : 0;
    const done = () => finishedIds(join(out, runsIn(out)[0] ?? "none", "events.jsonl")).length;
    while (done() < wanted) await new Promise((resolve) => setTimeout(resolve, 5));
    const timer = setTimeout(() => running.kill("SIGKILL"), kill % 4 ? 0 : Math.random() * 700);
    await running.finished;
    clearTimeout(timer);
    const [run] = runsIn(out);
    if (!run || !existsSync(join(out, run, "events.jsonl"))) continue; // killed before it was a run
    const journal = join(out, run, "events.jsonl");
    const before = finishedIds(journal);
    if (before.length > 0 && before.length < TESTS) inTheMiddle++;
    mock.clearRequests();
    const resumed = await dyno(args(out, "--resume", run, "--json"));
    assertEquals(resumed.code, 0, resumed.stderr);
    const after = finishedIds(journal);
    assertEquals(after.slice(0, before.length), before, "a finished test was lost");
    assertEquals([after.length, new Set(after).size], [TESTS, TESTS], "a test ran twice");
    assertEquals(
      mock.requests.filter(({ method }) => method === "POST").length,
      TESTS - before.length,
    );
    const results = join(out, run, "results.json");
    // killed between an answer and its test's end, a request was asked twice and cost twice
    const asked = eventsOf(journal).filter(({ event }) => event === "request_booked").length;
    assert(asked >= TESTS && asked <= TESTS + WORKERS, `${asked} requests`);
    for (const count of ["requests", "prompt_tokens", "completion_tokens"]) {
      assertEquals(jsonIn(results).ledger.total[count], asked * total[count] / TESTS, count);
    }
    // tests that were begun at the kill: what they took is unknown
    const { cut_off } = jsonIn(results).ledger;
    for (const most of cut_off ?? []) assert(most <= WORKERS, `${most} in flight`);
    const more = asked === TESTS && !cut_off?.length ? undefined : TOTALS;
    assertEquals(withoutTimes(results, more), withoutTimes(unbroken, more));
    assertEquals(readdirSync(join(out, run, "items")).length, 2 * TESTS);
    assertEquals(JSON.parse(resumed.stdout).runs[0].resumed_tests, before.length);
  }
  assert(inTheMiddle >= KILLS / 8, `only ${inTheMiddle} kills fell into the run itself`);
});

Deno.test("Ctrl-C saves, exits 130 and tells how to go on; going on completes the run", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ delay_s: 0.1 });
  const out = join(folder.path, "runs");
  const args = [
    "run",
    suiteFile(folder.path),
    "--endpoint",
    mock.url,
    "--model",
    "mock",
    "--out",
    out,
  ];
  const running = startDyno(args);
  while (!runsIn(out)[0] || finishedIds(join(out, runsIn(out)[0], "events.jsonl")).length < 5) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  running.kill("SIGINT");
  const { code, stderr } = await running.finished;
  assertEquals(code, 130, stderr);
  const [run] = runsIn(out);
  const resume = /--resume (\S+)/.exec(stderr)!;
  assertStringIncludes(resume[1], run);
  const partial = jsonIn(join(out, run, "results.json"));
  assertEquals(partial.complete, false);
  assertEquals(partial.items.length + partial.missing, TESTS);
  assert(
    !existsSync(join(out, run, "run.lock")) && existsSync(join(out, run, "report", "index.html")),
  );
  mock.configure({});
  assertEquals((await dyno([...args, "--resume", resume[1]])).code, 0);
  assertEquals(jsonIn(join(out, run, "results.json")).complete, true);
});

Deno.test("a second Ctrl-C quits at once; the journal is whole", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ delay_s: 0.05 });
  const out = join(folder.path, "runs");
  const suite = suiteFile(folder.path);
  const running = startDyno([
    "run",
    suite,
    "--endpoint",
    mock.url,
    "--model",
    "mock",
    "--out",
    out,
  ]);
  while (!runsIn(out)[0]) await new Promise((resolve) => setTimeout(resolve, 10));
  running.kill("SIGINT");
  await until(() => running.said().includes("stopping"));
  running.kill("SIGINT");
  assertEquals((await running.finished).code, 130);
});

Deno.test("several models: one run each, and a resume finds them by model", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const out = join(folder.path, "runs");
  const args = [
    "run",
    suiteFile(folder.path),
    "--endpoint",
    mock.url,
    "--model",
    "mock,other",
    "--out",
    out,
    "--json",
  ];
  const first = JSON.parse((await dyno([...args, "--limit", "3"])).stdout);
  assertEquals(first.runs.map((run: { model: string }) => run.model), ["mock", "other"]);
  assertEquals(runsIn(out).length, 2);
  const resume = first.runs.toReversed().flatMap((run: { run_id: string }) => [
    "--resume",
    run.run_id,
  ]);
  const again = await dyno([...args, "--limit", "5", ...resume]);
  assertEquals(again.code, 0, again.stderr);
  const more = JSON.parse(again.stdout);
  for (const run of more.runs) assertEquals([run.resumed_tests, run.aggregate.tests], [3, 5]);
  assertEquals(runsIn(out).length, 2);
});
