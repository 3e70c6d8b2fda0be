/** What a run does beyond the 34 named tests: extension points, workers, resume, the page's example. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { z } from "zod";
import { InputError } from "../../lib/errors.ts";
import { WorkerLimit } from "../../lib/execute/pool.ts";
import { CancelledError } from "../../lib/execute/scope.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { AutoWorkers, guardMemory } from "../../lib/suite/worker_rules.ts";
import { jsonIn, promptTests, runOnMock, suiteFrom, temporaryFolder } from "./fixture.ts";
import type { Evaluator } from "../../lib/suite/evaluator.ts";
import type { TestResult } from "../../lib/run/test_result.ts";

Deno.test("a category's handler may change the test and the result, and fails alone", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const run = await runOnMock(mock, {
    suite: suiteFrom(promptTests(3, ["medical", "broken", "plain"])),
    out: folder.path,
    handlers: {
      medical: async (test, execute) => {
        const result = await execute({ ...test, prompt: `Carefully: ${test.prompt}` });
        return { ...result, response_text: result.response_text.toUpperCase() };
      },
      broken: () => Promise.reject(new Error("no such clinic")),
    },
  });
  const [medical, broken, plain] = run.results.items.map((item) =>
    run.tests.find((result) => result.test_id === item.test_id)!
  );
  assertEquals([medical.response_text, plain.response_text], [
    "MOCK RESPONSE TEXT",
    "Mock response text",
  ]);
  assertEquals([broken.success, broken.error_class, broken.error_message], [
    false,
    "internal",
    "no such clinic",
  ]);
  assert(mock.requests.some(({ body_text }) => body_text.includes("Carefully: Question number 0")));
});

Deno.test("an evaluator of the caller's is chosen by the suite like any other", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const longer: Evaluator<{ than: number }> = {
    name: "longer",
    options: z.strictObject({ than: z.number() }),
    evaluate: ({ response_text }, { than }) => ({
      evaluator: "longer",
      passed: response_text.length > than,
      targets: 1,
      created_hits: 1,
      hit_rate: 1,
      detail: "",
    }),
  };
  const suite = suiteFrom(promptTests(1), { evaluator: { name: "longer", than: 5 } });
  const run = await runOnMock(mock, {
    suite,
    out: folder.path,
    evaluators: { longer: longer as Evaluator },
  });
  assertEquals(run.results.items[0].passed, true);
  await assertRejects(() => runOnMock(mock, { suite, out: folder.path }), InputError, '"longer"');
});

Deno.test("an evaluator that fails is said in the result, and is no wrong answer", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const suite = suiteFrom(promptTests(1), { evaluator: { name: "command", command: ["false"] } });
  const { results } = await runOnMock(mock, { suite, out: folder.path });
  assertEquals([results.items[0].passed, results.aggregate.evaluated], [null, 0]);
  assertStringIncludes(results.items[0].evaluation_error!, "exit code 1");
});

Deno.test("listeners hear every result with its metrics; one that throws does not stop the run", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.05 } });
  const heard: TestResult[] = [];
  const run = await runOnMock(mock, {
    suite: suiteFrom(promptTests(4)),
    out: folder.path,
    sample_rate_hz: 50,
    onResult: (result) => void heard.push(result),
    onProgress: () => {
      throw new Error("listener");
    },
  });
  assertEquals([run.results.complete, heard.length], [true, 4]);
  assert(heard.every((result) => result.performance_metrics!.samples > 0));
  assertStringIncludes(readFileSync(run.directory.journal, "utf8"), '"event":"listener_failed"');
});

Deno.test("a resume runs a test that was changed, and only that; a torn end is dropped and said", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const tests = promptTests(4);
  const first = await runOnMock(mock, { suite: suiteFrom(tests), out: folder.path });
  appendFileSync(first.directory.journal, '{"t":1,"event":"package_fini');
  rmSync(join(first.directory.items, "Test_0_result.json"));
  const changed = suiteFrom([...tests.slice(0, 3), { ...tests[3], prompt: "changed" }]);
  const notices: string[] = [];
  const resume = first.directory.path;
  const onNotice = (line: string) => void notices.push(line);
  const again = await runOnMock(mock, { suite: changed, out: folder.path, resume, onNotice });
  assertEquals([mock.requests.length, again.resumed_tests], [1, 3]);
  assertStringIncludes(notices.join(), "only partly written");
  assertEquals(jsonIn(join(again.directory.items, "Test_0_result.json")).test_id, "t0");
  const other = suiteFrom(tests, { test_suite_id: "other" });
  await assertRejects(
    () => runOnMock(mock, { suite: other, out: folder.path, resume }),
    InputError,
    'of the suite "fixture"',
  );
});

Deno.test("an abort saves what is finished", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
  const controller = new AbortController();
  const run = await runOnMock(mock, {
    suite: suiteFrom(promptTests(40)),
    out: folder.path,
    workers: 2,
    signal: controller.signal,
    onProgress: ({ completed_tests }) => {
      if (completed_tests === 6) controller.abort(new CancelledError("enough"));
    },
  });
  assertEquals([run.results.complete, run.results.items.length, run.results.missing], [
    false,
    6,
    34,
  ]);
  assertEquals(jsonIn(run.directory.results).complete, false);
});

Deno.test("workers auto: doubles while it helps, goes back when it does not, halves at 429", () => {
  const limit = new WorkerLimit(2);
  const told: string[] = [];
  const auto = new AutoWorkers(limit, 0, (workers, why) => told.push(`${workers}: ${why}`));
  let now_ms = 0;
  const finish = (count: number, rate: number) => {
    for (let i = 0; i < count; i++) auto.finished(now_ms += 1000 / rate);
  };
  finish(4, 10);
  assertEquals(limit.workers, 4);
  finish(8, 19);
  assertEquals(limit.workers, 8);
  finish(16, 20); // twice the workers, the same rate
  assertEquals(limit.workers, 4);
  finish(50, 100);
  assertEquals(limit.workers, 4);
  auto.overloaded(429, now_ms);
  assertEquals([limit.workers, told.length], [2, 4]);
  assertStringIncludes(told[3], "HTTP 429");
});

Deno.test("workers auto in a run: each change is said and journaled", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.03 } });
  const notices: string[] = [];
  const run = await runOnMock(mock, {
    suite: suiteFrom(promptTests(60)),
    out: folder.path,
    workers: "auto",
    onNotice: (line) => void notices.push(line),
  });
  assertStringIncludes(notices[0], "workers auto: starting with");
  const journaled =
    readFileSync(run.directory.journal, "utf8").match(/"workers_changed"/g)?.length ?? 0;
  assert(journaled >= 1);
  assertEquals(journaled, notices.filter((line) => line.startsWith("workers: now")).length);
});

Deno.test("memory pressure halves the workers and says so", async () => {
  const limit = new WorkerLimit(8);
  const told: string[] = [];
  const controller = new AbortController();
  let used = 0.5;
  const guarding = guardMemory(limit, () => used, controller.signal, (workers, why) => {
    told.push(`${workers}: ${why}`);
    controller.abort();
  });
  used = 0.97;
  await guarding;
  assertEquals([limit.workers, told], [4, ["4: memory pressure: 97.0 % in use"]]);
});

const LONG = Boolean(Deno.env.get("DYNO_TEST_LONG"));

Deno.test(`the examples of docs/library.md run as they stand${LONG ? ", its types checked" : ""}`, async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const page = readFileSync(join(root, "docs/library.md"), "utf8");
  const config = join(root, "deno.json");
  let said = "";
  for (const [i, block] of page.split("```ts\n").slice(1).entries()) {
    const example = block.split("```")[0]
      .replace('"./lib/mod.ts"', JSON.stringify(join(root, "lib/mod.ts")))
      .replace('"experiments/', `"${join(root, "experiments")}/`)
      .replace('["results"]', JSON.stringify([join(root, "tests/fixtures/import/koderz")]));
    const path = join(folder.path, `example${i}.ts`);
    writeFileSync(path, `const endpoint = "${mock.url}";\n${example}`);
    const args = ["run", "-A", LONG ? "--check" : "--no-check", "--config", config, path];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      cwd: folder.path,
    }).output();
    const text = new TextDecoder();
    assertEquals(code, 0, text.decode(stderr));
    said += text.decode(stdout);
  }
  assertMatch(said, /^\d[\d.]* \w+\n/, "the rate of a load and its verdict");
  assertStringIncludes(said, "4/4");
  assertStringIncludes(said, "Mock response text");
  assert(mock.requests.some(({ body_text }) => body_text.includes("Think first.")));
  assertMatch(
    said,
    /^\d+ (null|\d+) capacity\/bench_\w+$|^\d+ (null|\d+) \/\S*\/capacity\/bench_\w+$/m,
  );
  assertMatch(said, /^the gate says: \w+$/m);
  assertStringIncludes(said, "the sweep ended 2, of them badly 0");
  assertMatch(said, /\.json \d+$/m, "an exported file");
});
