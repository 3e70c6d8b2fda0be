/** Wrong input: one line that names it, exit code 2, nothing written. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dyno, dynoEach } from "../e2e/dyno.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";

interface Case {
  name: string;
  /** What is given behind `dyno run`. */
  args: (given: { good: string; url: string }) => string[];
  says: string[];
}

const suite = { test_suite_id: "s", tests: promptTests(4, ["arithmetic", "logic"]) };
const on = (url: string) => ["--endpoint", url, "--model", "mock"];

const cases: Case[] = [
  {
    name: "a missing file",
    args: ({ url }) => ["nowhere.json", ...on(url)],
    says: ["nowhere.json: no such file"],
  },
  {
    name: "malformed JSON",
    args: ({ url }) => ["broken.json", ...on(url)],
    says: ["broken.json:2:11: malformed JSON"],
  },
  {
    name: "a missing field",
    args: ({ url }) => ["field.json", ...on(url)],
    says: ["tests[0].category: is missing; expected a text"],
  },
  {
    name: "a load experiment",
    args: ({ url }) => ["load.json", ...on(url)],
    says: ["load.json: is a load experiment", "dyno load load.json"],
  },
  {
    name: "an empty suite",
    args: ({ url }) => ["empty.json", ...on(url)],
    says: ["the suite has no tests"],
  },
  {
    name: "a duplicate id",
    args: ({ url }) => ["twice.json", ...on(url)],
    says: ['"t0" is already the id of tests[0]'],
  },
  {
    name: "an unknown evaluator",
    args: ({ url }) => ["judge.json", ...on(url)],
    says: ["exakt", '"exact"'],
  },
  {
    name: "wrong evaluator options",
    args: ({ url }) => ["options.json", ...on(url)],
    says: ["tests[0].evaluator", "expected"],
  },
  {
    name: "an unknown test",
    args: ({ good, url }) => [good, ...on(url), "--tests", "t33"],
    says: ['no test "t33"', '"t3"'],
  },
  {
    name: "an unknown category",
    args: ({ good, url }) => [good, ...on(url), "--category", "aritmetic"],
    says: ['"aritmetic"', 'did you mean "arithmetic"'],
  },
  {
    name: "an option that the evaluator does not have",
    args: ({ url }) => ["option.json", ...on(url)],
    says: ['tests[0].evaluator (numeric): "tolerence" is not a field; did you mean "tolerance"?'],
  },
  {
    name: "a sweep in place of a suite",
    args: ({ url }) => ["sweep.json", ...on(url)],
    says: ['sweep.json: is a sweep, by its "matrix"; run it with dyno sweep --config sweep.json'],
  },
  {
    name: "a batch in place of a suite",
    args: ({ url }) => ["batch.json", ...on(url)],
    says: ['batch.json: is a batch, by its "industries"; run it with dyno batch run batch.json'],
  },
  {
    name: "an unknown flag",
    args: ({ good, url }) => [good, ...on(url), "--worker", "3"],
    says: ["--worker: no such flag; did you mean --workers?"],
  },
  {
    name: "a number below 0 for a flag",
    args: ({ good, url }) => [good, ...on(url), "--workers", "-1"],
    says: ['--workers: "-1" is not valid; expected'],
  },
  {
    name: "a flag of another tool",
    args: ({ good, url }) => [good, ...on(url), "--concurrency", "3"],
    says: ["--concurrency: no such flag", "here it is --workers"],
  },
  {
    name: "a key on the command line",
    args: ({ good, url }) => [good, ...on(url), "--api-key=sk-secret"],
    says: ["--api-key: no such flag; a key does not belong", "--api-key-env"],
  },
  {
    name: "a flag without its value",
    args: ({ good, url }) => [good, "--endpoint", url, "--model"],
    says: ["--model: needs a value"],
  },
  {
    name: "a wrong number",
    args: ({ good, url }) => [good, ...on(url), "--workers", "many"],
    says: ['--workers: "many"', "whole number"],
  },
  {
    name: "a wrong URL",
    args: ({ good }) => [good, ...on("localhost:8000")],
    says: ["--endpoint", "localhost:8000", "http"],
  },
  {
    name: "no endpoint",
    args: ({ good }) => [good, "--model", "m"],
    says: ["--endpoint URL or --provider NAME"],
  },
  {
    name: "an unknown provider",
    args: ({ good }) => [good, "--provider", "opnai"],
    says: ["opnai", 'did you mean "openai"'],
  },
  {
    name: "a key that is not set",
    args: ({ good, url }) => [good, ...on(url), "--api-key-env", "NO_SUCH_KEY"],
    says: ["NO_SUCH_KEY", "not set"],
  },
  {
    name: "a server that is not there",
    args: ({ good }) => [good, ...on("http://127.0.0.1:9")],
    says: ["127.0.0.1:9", "cannot connect", "is the server running"],
  },
  {
    name: "a wrong header",
    args: ({ good, url }) => [good, ...on(url), "--header", "no colon"],
    says: ["--header", "NAME: VALUE"],
  },
  {
    name: "messages for a completions endpoint",
    args: ({ url }) => ["chat.json", ...on(`${url}/v1/completions`)],
    says: ["/v1/chat/completions"],
  },
  {
    name: "a run to resume that is not there",
    args: ({ good, url }) => [good, ...on(url), "--resume", "bench_1"],
    says: ["bench_1"],
  },
  {
    name: "a folder that cannot be written",
    args: ({ good, url }) => [good, ...on(url), "--out", "/proc/dyno"],
    says: ["/proc/dyno: cannot write"],
  },
  {
    name: "two suites",
    args: ({ good, url }) => [good, good, ...on(url)],
    says: ["takes one suite", "2 given"],
  },
];

function writeSuites(folder: string): void {
  const [first] = suite.tests as Record<string, unknown>[];
  const files: Record<string, unknown> = {
    "good.json": suite,
    "field.json": { ...suite, tests: [{ ...first, category: undefined }] },
    "load.json": { kind: "load", name: "x", rate: 1 },
    "empty.json": { ...suite, tests: [] },
    "twice.json": { ...suite, tests: [first, first] },
    "judge.json": { ...suite, tests: [{ ...first, evaluator: { name: "exakt" } }] },
    "options.json": { ...suite, tests: [{ ...first, evaluator: { name: "exact" } }] },
    "option.json": {
      ...suite,
      tests: [{ ...first, evaluator: { name: "numeric", expected: 4, tolerence: 1 } }],
    },
    "sweep.json": { name: "s", command: ["true"], matrix: { a: [1] } },
    "batch.json": { name: "b", models: [], industries: [] },
    "chat.json": {
      ...suite,
      tests: [{ ...first, prompt: undefined, messages: [{ role: "user", content: "x" }] }],
    },
  };
  for (const [name, value] of Object.entries(files)) {
    writeFileSync(join(folder, name), JSON.stringify(value));
  }
  writeFileSync(join(folder, "broken.json"), '{"test_suite_id": "x",\n "tests": }');
}

Deno.test("a file that is missing: its folder, and the name that may be meant", async () => {
  using folder = temporaryFolder();
  const write = (name: string) => writeFileSync(join(folder.path, name), "{}");
  const at = ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m"];
  const load = ["load", ...at, "--concurrency", "1", "--requests", "1"];
  const missing: [args: string[], given: string, meant: string][] = [
    [["run", "suit.yaml", ...at], "suit.yaml", "suite.yaml"],
    [["load", "laod.yaml"], "laod.yaml", "load.yaml"],
    [[...load, "--prompts", "asked.jsnl"], "asked.jsnl", "asked.jsonl"],
    [[...load, "--trace", "time.csv"], "time.csv", "times.csv"],
    [[...load, "--tokenizer", "tokenzer.json"], "tokenzer.json", "tokenizer.json"],
    [[...load, "--request-template", "tmplate.json"], "tmplate.json", "template.json"],
    [[...load, "--ca", "host.pme"], "host.pme", "host.pem"],
    [["--env-file", "vars.evn", "runs", "list"], "vars.evn", "vars.env"],
    [["mock", "--script", "scrpt.json"], "scrpt.json", "script.json"],
    [["sweep", "--config", "swep.yaml"], "swep.yaml", "sweep.yaml"],
    [["batch", "plan", "bacth.yaml"], "bacth.yaml", "batch.yaml"],
    [["runs", "import", "resluts.json"], "resluts.json", "results.json"],
    [["runs", "cost", "--prices", "prics.json"], "prics.json", "prices.json"],
  ];
  missing.forEach(([, , meant]) => write(meant));
  const ended = await dynoEach(missing.map(([args]) => args), { cwd: folder.path });
  for (const [i, { code, stderr }] of ended.entries()) {
    const [, given, meant] = missing[i];
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, `${given}: no such file`);
    assertStringIncludes(stderr, ` in ${realpathSync(folder.path)}; did you mean "${meant}"`);
  }
});

Deno.test("wrong input to dyno run", async (t) => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  writeSuites(folder.path);
  const before = readdirSync(folder.path).sort();
  const given = cases.map(({ args }) => ["run", ...args({ good: "good.json", url: mock.url })]);
  const ended = await dynoEach(given, { cwd: folder.path });
  for (const [i, { name, says }] of cases.entries()) {
    await t.step(name, () => {
      const { code, stdout, stderr } = ended[i];
      assertEquals([code, stdout], [2, ""], stderr);
      const lines = stderr.trim().split("\n")
        .filter((line) => !/^(warning:|built libdyno)/.test(line));
      assertEquals(lines.length, 1, stderr);
      for (const text of says) assertStringIncludes(lines[0], text);
    });
  }
  assertEquals(readdirSync(folder.path).sort(), before);
  assertEquals(mock.requests.filter(({ method }) => method === "POST").length, 0);
});

Deno.test("a wrong key stops the run at its first answers: one line, no key in it", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ error_mode: "unauthorized" });
  writeSuites(folder.path);
  const args = [
    "run",
    "good.json",
    ...on(`${mock.url}/v1/chat/completions`),
    "--api-key-env",
    "DYNO_TEST_KEY",
  ];
  const key = "sk-a-secret-value-1234";
  const { code, stderr } = await dyno(args, { cwd: folder.path, env: { DYNO_TEST_KEY: key } });
  assertEquals(code, 2);
  assertStringIncludes(stderr, "check the key in DYNO_TEST_KEY");
  assert(!stderr.includes(key));
  assert(mock.requests.some(({ headers }) => headers.authorization === `Bearer ${key}`));
  const grep = spawnSync("grep", ["-r", key, folder.path], { encoding: "utf8" });
  assertEquals(grep.stdout, "");
});

Deno.test("an unknown command names the nearest; none shows the overview", async () => {
  const wrong = await dyno(["rnu"]);
  assertEquals([wrong.code, wrong.stderr.trim()], [
    2,
    'error: "rnu" is not a command; did you mean "run" or "runs"?',
  ]);
  assertStringIncludes((await dyno(["--port", "8000"])).stderr, "error: a command comes first");
  const none = await dyno([]);
  assertEquals(none.code, 2);
  assertStringIncludes(none.stdout, "quickstart");
  assertEquals((await dyno(["run", "--help"])).code, 0);
});

const mayMount = process.getuid?.() === 0 && existsSync("/bin/mount");

Deno.test({
  name: "a full disk in the middle of a run: a plain error, and what was finished is kept",
  ignore: !mayMount,
  fn: async () => {
    using folder = temporaryFolder();
    const disk = join(folder.path, "disk");
    mkdirSync(disk);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=96k", "tmpfs", disk]);
    assertEquals(mounted.status, 0, String(mounted.stderr));
    try {
      await using mock = await MockEndpoint.start();
      mock.configure({ default_response: "long answer ".repeat(300) });
      const path = join(folder.path, "s.json");
      writeFileSync(path, JSON.stringify({ test_suite_id: "s", tests: promptTests(40) }));
      const args = ["run", path, ...on(mock.url), "--out", disk, "--sample-rate", "0"];
      const { code, stderr } = await dyno(args);
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, "no space left");
      assertStringIncludes(stderr, "--resume");
    } finally {
      spawnSync("umount", [disk]);
    }
  },
});
