/** Coding runs on the mock endpoint, whose answers run in the real sandbox. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { configureApi } from "../../lib/endpoint/api.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { writeSuiteReport } from "../../lib/report/suite/suite_report.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { Sandbox } from "../../lib/coding/sandbox/sandbox.ts";
import { codingLines } from "../../lib/cli/run/coding_lines.ts";
import { dyno } from "../e2e/dyno.ts";
import { asked, FILE, folder, problems, run, start, test, wrong } from "./fixture.ts";

test("iterative: a failure is fed back until it passes, or the limit is reached", async () => {
  using out = folder();
  await using sandbox = await Sandbox.open();
  for (const [i, expected] of [1, 2, 3, 4].entries()) {
    const { mock, problem } = await start(problems[i], i);
    await using _ = mock;
    const { summary, results } = await run(mock, [problem], out.path, {}, { sandbox });
    const [result] = summary.results!;
    assertEquals([result.iterations, result.success], [expected, i < 3], problem.problem_id);
    assertEquals(asked(mock), expected);
    assertEquals(results.items[0].coding!.stopped, i < 3 ? "success" : "limit");
    if (expected > 1) {
      const { body } = mock.requests.at(-1)!;
      const { messages } = body as { messages: { role: string; content: string }[] };
      assertEquals(messages.map(({ role }) => role), ["user", "assistant", "user"]);
      assertStringIncludes(messages[2].content, "This does not pass the tests: assertion");
      assert(messages[2].content.length < 6000);
    }
  }
});

test("zero-shot asks once; the summary has the names that its readers know", async () => {
  using out = folder();
  const { mock, problem } = await start(problems[1], 1);
  await using _ = mock;
  const { summary, directory } = await run(mock, [problem], out.path, { modes: ["zero-shot"] });
  assertEquals(asked(mock), 1);
  assertEquals(Object.keys(summary).sort(), [
    "config",
    "duration_seconds",
    "end_time",
    "ledger",
    "mode",
    "results",
    "run_id",
    "start_time",
    "summary",
  ]);
  assertEquals(summary.mode, "zero-shot");
  assertEquals(summary.summary!.success_rate, 0);
  assertEquals(summary.config.problems, [problem.problem_id]);
  const { cost, usage } = summary.results![0];
  assertEquals(cost, (usage.input_tokens! + 2 * usage.output_tokens!) / 1e6);
  assertEquals(JSON.parse(readFileSync(join(directory.path, "summary.json"), "utf8")), summary);
});

test("comparative: the first answer serves both modes, the comparison is by problem", async () => {
  using out = folder();
  const { mock, problem } = await start(problems[2], 2);
  await using _ = mock;
  const { summary, statistics, directory } = await run(mock, [problem], out.path, {
    modes: ["zero-shot", "iterative"],
  });
  assertEquals(asked(mock), 3, "not four");
  assertEquals(summary.zero_shot!.summary.successes, 0);
  assertEquals(summary.iterative!.summary.successes, 1);
  assertEquals(summary.iterative!.results[0].iterations, 3);
  assertEquals(summary.comparison!.success_rate_improvement, 100);
  assertEquals(summary.comparison!.iteration_difference, 2);
  assertEquals([statistics.comparison!.gained, statistics.comparison!.lost], [1, 0]);
  const report = readFileSync(await writeSuiteReport(directory), "utf8").replace(/\s+/g, " ");
  assertMatch(report, /<th scope="row"[^>]*>iterative<\/th><td[^>]*>100.0 %/);
});

test("samples: pass@k over problems, each answer with a seed of its own", async () => {
  using out = folder();
  const { mock, problem } = await start(problems[0], 0);
  await using _ = mock;
  const { statistics, summary } = await run(mock, [problem], out.path, {
    modes: ["zero-shot"],
    samples: 3,
    parameters: { seed: 5 },
  });
  const { total_problems, total_answers } = summary.summary!;
  assertEquals([total_problems, total_answers], [1, 3]);
  const { success_rate, pass_at_k } = statistics.by_mode["zero-shot"]!;
  assertEquals([success_rate!.value, success_rate!.n], [1, 3]);
  assertEquals(Object.keys(pass_at_k), ["1", "2", "3"]);
  const seeds = mock.requests.flatMap(({ body }) => (body as { seed?: number } | null)?.seed ?? []);
  assertEquals(seeds.sort(), [5, 6, 7]);
});

test("a run that is stopped in mid-problem goes on behind its last attempt", async () => {
  using out = folder();
  const { mock, problem } = await start(problems[3], 3); // never solved: four attempts
  await using _ = mock;
  const stop = new AbortController();
  const stopping = setInterval(() => asked(mock) >= 2 && stop.abort(), 5);
  const first = await run(mock, [problem], out.path, {}, { signal: stop.signal });
  clearInterval(stopping);
  assertEquals(first.results.complete, false);
  const journal = () =>
    readFileSync(first.directory.journal, "utf8").trim().split("\n").map((line) => JSON.parse(line))
      .filter(({ event }) => event === "attempt_finished");
  const before = journal().length;
  assert(before >= 1 && before < 4, `${before}`);
  mock.clearRequests();
  const second = await run(mock, [problem], out.path, {}, { resume: first.run_id });
  assertEquals(asked(mock), 4 - before, "no attempt is made twice");
  assertEquals(journal().map(({ attempt }) => attempt.iteration), [1, 2, 3, 4]);
  assertEquals(second.summary.results![0].iterations, 4);
  assertEquals(second.results.complete, true);
});

test("a review is asked for after so many failures, and its advice is passed on", async () => {
  using out = folder();
  await using mock = await MockEndpoint.start({
    model: ["m", "sage"],
    script: {
      default_response: "no code here",
      answers: [{ contains: "Another model tries", response: "Think of zero." }],
    },
  });
  await using transport = await openTransport();
  const endpoint = mock.url;
  const reviewer = await configureApi({ endpoint, model: "sage" }, transport, () => {});
  const api = await configureApi({ endpoint, model: "m" }, transport, () => {});
  const notices: string[] = [];
  await run(mock, [problems[0]], out.path, { checkpoint: { model: "sage", every: 2 } }, {
    api,
    reviewer,
    onNotice: (line) => notices.push(line),
  });
  const texts = mock.requests.map(({ body_text }) => body_text);
  assertEquals(texts.filter((text) => text.includes("Another model tries")).length, 1);
  assertStringIncludes(texts.at(-1)!, "Think of zero.");
  assertEquals(notices.filter((line) => line.includes('no price for "sage"')).length, 1);
});

test("a reviewer every five attempts is told that they are no better than each other", async () => {
  using out = folder();
  const response = wrong(problems[0], 1);
  await using mock = await MockEndpoint.start({
    model: ["m", "sage"],
    behaviour: { default_response: response },
  });
  await using transport = await openTransport();
  const reviewer = await configureApi(
    { endpoint: mock.url, model: "sage" },
    transport,
    () => {},
  );
  const api = await configureApi({ endpoint: mock.url, model: "m" }, transport, () => {});
  const change = { max_iterations: 7, checkpoint: { model: "sage", every: 5 } };
  await run(mock, [problems[0]], out.path, change, { api, reviewer });
  const reviews = mock.requests.map(({ body_text }) => body_text)
    .filter((text) => text.includes("Another model tries"));
  assertEquals(reviews.length, 1);
  assertStringIncludes(reviews[0], "5: assertion");
  assertStringIncludes(reviews[0], "The last 3 attempts are no better than each other");
});

test("the summary of a resumed run covers the run; its experiments are its own", async () => {
  using out = folder();
  const response = wrong(problems[0], 1);
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: response },
  });
  const change = { modes: ["zero-shot" as const], samples: 3, parameters: { max_tokens: 60 } };
  const budget = { usd: null, tokens: 700 };
  const first = await run(mock, problems, out.path, change, { budget });
  assert(first.budget_ended && first.summary.results!.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const whole = await run(mock, problems, out.path, change, { resume: first.run_id });
  const { start_time, end_time, duration_seconds, results, config } = whole.summary;
  assertEquals(start_time, first.summary.start_time);
  assert(duration_seconds >= first.summary.duration_seconds + 1.1, String(duration_seconds));
  // a millisecond is what the times of day are rounded to
  const span_s = (Date.parse(end_time) - Date.parse(start_time)) / 1000;
  assert(Math.abs(span_s - duration_seconds) <= 0.002, `${span_s} ${duration_seconds}`);
  assertEquals(config.max_iterations, 4); // the setting, also where one attempt is made
  const ids = (of: typeof first) => of.summary.results!.map(({ experiment_id }) => experiment_id);
  assertEquals(ids(whole).slice(0, ids(first).length), ids(first));
  assertEquals(new Set(ids(whole)).size, results!.length);
  const other = await run(mock, problems, out.path, change);
  assertEquals(ids(other).filter((id) => ids(whole).includes(id)), []);
  const hashes = (of: typeof first) => of.results.items.map(({ item_id }) => item_id);
  assertEquals(hashes(other), hashes(whole)); // what was run is the same
});

test("a budget is not crossed, and its run can go on", async () => {
  using out = folder();
  const response = wrong(problems[0], 1);
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: response },
  });
  const notices: string[] = [];
  const tokens = 700;
  const change = { modes: ["zero-shot" as const], samples: 3, parameters: { max_tokens: 60 } };
  const all = problems.length * change.samples;
  const spent = await run(mock, problems, out.path, change, {
    budget: { usd: null, tokens },
    onNotice: (line) => notices.push(line),
  });
  assert(spent.budget_ended, JSON.stringify(spent.budget_spent));
  assert(spent.budget_spent.tokens <= tokens && spent.budget_spent.tokens > tokens / 2);
  assertEquals(notices.filter((line) => line.startsWith("budget:")).length, 1);
  const before = asked(mock);
  assertEquals([spent.results.complete, spent.results.items.length], [false, before]);
  const whole = await run(mock, problems, out.path, change, { resume: spent.run_id });
  assertEquals([whole.results.complete, asked(mock)], [true, all]);
});

test("dyno run on coding problems prints what the document's readers look for", async () => {
  using out = folder();
  const { mock, problem } = await start(problems[1], 1);
  await using _ = mock;
  const line = readFileSync(FILE, "utf8").split("\n")[problem.index];
  writeFileSync(join(out.path, "one.jsonl"), `${line}\n`);
  const { code, stderr, stdout } = await dyno([
    ...["run", "one.jsonl", "--endpoint", mock.url, "--mode", "comparative"],
    ...["--sample-rate", "0", "--json"],
  ], { cwd: out.path });
  assertEquals(code, 0, stderr);
  for (
    const text of [
      "Benchmark Run ID: bench_",
      "Range: 0 to 1",
      "Local model: m",
      "Testing both zero-shot and iterative modes",
      "COMPARATIVE BENCHMARK RESULTS",
      "Zero-Shot       |   0.0% ( 0/ 1)",
      "Iterative       | 100.0% ( 1/ 1)",
      "Improvement     | +100.0% points",
      "benchmark_results/bench_",
    ]
  ) assertStringIncludes(stderr, text);
  const { summary } = JSON.parse(stdout);
  const exported = join(out.path, "benchmark_results", `${summary.run_id}.json`);
  assertEquals(JSON.parse(readFileSync(exported, "utf8")), summary);
  assert(stderr.indexOf(`Benchmark Run ID: ${summary.run_id}`) < stderr.indexOf("sandbox:"));
  const other = await dyno([
    ...["run", "one.jsonl", "--endpoint", mock.url, "--out", "elsewhere", "--sample-rate", "0"],
  ], { cwd: out.path });
  const ran = /Benchmark Run ID: (\S+)/.exec(other.stderr)![1];
  assert(existsSync(join(out.path, "elsewhere", "benchmark_results", `${ran}.json`)), other.stderr);
  assertStringIncludes(other.stderr, "Mode: zero-shot");
});

test("an answer that cannot be judged is in no rate, and the run says so", async () => {
  using out = folder();
  const { mock, problem } = await start(problems[0], 0);
  await using _ = mock;
  const faulty = {
    ...problem,
    problem_id: "faulty",
    tests: {
      form: "check" as const,
      text: "def check(candidate):\n    import no_such_one\n",
      setup: "",
    },
  };
  const done = await run(mock, [problem, faulty], out.path, { modes: ["iterative"] });
  const { results, summary, statistics } = done;
  assertEquals(results.items.map(({ passed }) => passed), [true, null]);
  assertEquals(results.items[1].coding!.stopped, "unjudged");
  assertStringIncludes(
    results.items[1].evaluation_error!,
    "sandbox_error: the test needs the Python module no_such_one",
  );
  assertEquals([summary.summary!.total_problems, summary.summary!.unjudged], [1, 1]);
  assertEquals([summary.summary!.success_rate, statistics.by_mode.iterative!.success_rate!.n], [
    100,
    1,
  ]);
  assertEquals(asked(mock), 2);
  const plain = (text: string) => text;
  const paint = { bold: plain, dim: plain, good: plain, bad: plain, warn: plain, accent: plain };
  const lines = codingLines(done, paint);
  assert(lines.includes("Not judged: 1 of 2, left out of the rates"));
  assertMatch(lines.at(-1)!, /faulty iterative: sandbox_error: the test needs/);
});
