/**
 * Every command of README and docs/, as it stands there: in a folder that has the files it names, with
 * a mock in the place of the endpoints, and with durations cut short. A command on two pages runs once.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { blocksIn, pageAt, pages, ROOT } from "./docs_pages.ts";
import { DYNO } from "./dyno.ts";

/** Commands that other tests run as they stand, and what runs them. */
const ELSEWHERE: [RegExp, string][] = [
  [/^dyno (mock|serve) /, "tests/mock, tests/server"],
  [/--executor slurm|^dyno sweep status|bench_runs\/default/, "tests/sweep/slurm_test.ts"],
  [/--executor kubernetes/, "tests/load/shards/kubernetes_test.ts"],
  [/--to s3:/, "tests/upload"],
  [/--memory/, "tests/coding/memory_test.ts"],
  [/^dyno batch (run|retry) /, "tests/schedule"],
  [/^dyno (sample|calibrate)/, "tests/cli/sample_test.ts, tests/load"],
  [/--metrics-port/, "tests/prometheus"],
  [/--ca FILE/, "tests/load/connections_test.ts"],
  [/--find-capacity/, "tests/cli/load/load_test.ts"],
  [/^dyno integration/, "tests/integration"],
];

/** Commands that may find what they look for: exit codes other than 0 that are no fault here. */
const MAY_END: [RegExp, number][] = [
  [/^dyno run .*(HumanEval|mbpp|python_basics)/, 1], // answers without a program
  [/^dyno runs gate /, 4], // so few tests are too few to tell
];

/** As many coding problems as a file has here: a command does the same with each. */
const PROBLEMS = 6;

const blocks = (language: string) => pages().flatMap((path) => blocksIn(pageAt(path), language));

/** A page's lines that begin with `dyno`, without comments, continued lines joined. */
function commandsIn(path: string): string[] {
  return blocksIn(pageAt(path), "")
    .flatMap((block) => block.replaceAll(/\\\n\s*/g, "").split("\n"))
    .map((line) => line.replace(/\s+# .*$/, "").trim())
    .filter((line) => line.startsWith("dyno "));
}

/** The first JSON block that has these words. */
function jsonWith(words: string): string {
  const found = blocks("json").find((block) => block.includes(words));
  assert(found, `no page has JSON with ${words}`);
  return found;
}

/** The files that the commands name. */
function prepare(folder: string): void {
  cpSync(join(ROOT, "experiments"), join(folder, "experiments"), { recursive: true });
  writeFileSync(join(folder, "suite.json"), jsonWith("test_suite_id"));
  writeFileSync(join(folder, "curve.json"), jsonWith('"kind": "load"').replace("60", "1"));
  const basics = join(folder, "experiments/suites/python_basics.jsonl");
  const problems = readFileSync(basics, "utf8").split("\n").slice(0, PROBLEMS).join("\n") + "\n";
  writeFileSync(basics, problems);
  for (const name of ["HumanEval.jsonl", "mbpp.jsonl"]) writeFileSync(join(folder, name), problems);
  writeFileSync(join(folder, "HumanEval.jsonl.gz"), gzipSync(problems));
  writeFileSync(
    join(folder, "test.jsonl"), // two rows in the form of GSM8K's
    [[2, 3], [4, 5]].map(([a, b]) =>
      JSON.stringify({ question: `What is ${a} + ${b}?`, answer: `#### ${a + b}` })
    ).join("\n"),
  );
  const rows = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n" +
    "0,ChatGPT,20,5,25,Conversation log\n1,GPT-4,30,6,36,API log\n";
  writeFileSync(join(folder, "BurstGPT_1.csv"), rows);
  mkdirSync(join(folder, "results"));
  cpSync(join(ROOT, "tests/fixtures/import"), join(folder, "results"), { recursive: true });
}

/** A command with a mock in the endpoint's place, and no longer than it must be. */
function asRun(line: string, mock: MockEndpoint): string {
  return line
    .replaceAll(/http:\/\/127\.0\.0\.1:80\d\d/g, mock.url)
    .replaceAll(/--provider \S+ --model \S+/g, `--endpoint ${mock.url}/v1 --model my-model`)
    .replaceAll(/\bURL\b/g, `${mock.url}/v1`).replaceAll(/\bNAME\b/g, "my-model")
    .replaceAll("~/results", "results")
    .replaceAll(/--model (whisper|tts|image)\b/g, "--model my-model")
    .replaceAll(/(--duration|-d) \d+/g, "$1 1").replaceAll("--requests 200", "--requests 20")
    .replaceAll("--concurrency 2000", "--concurrency 200")
    .replaceAll(/--range 0-\d+/g, `--range 0-${PROBLEMS}`)
    .replaceAll(/=(\d+|\d+\.\.\d+):[12]m/g, "=$1:1s")
    .replaceAll(/--samples 10/g, "--samples 2");
}

/** Runs a line of the shell; what it printed and its exit code. */
function shell(line: string, cwd: string): Promise<{ code: number | null; said: string }> {
  const dyno = `dyno() { ${DYNO.map((word) => `"${word}"`).join(" ")} "$@"; }`;
  const child = spawn("bash", ["-c", `${dyno}\n${line}`], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", GROQ_API_KEY: "none" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => said += bytes);
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, said })));
}

Deno.test("commands of README and docs work as they stand", async (t) => {
  using folder = temporaryFolder();
  prepare(folder.path);
  await using mock = await MockEndpoint.start({
    model: "my-model",
    behaviour: { delay_s: 0.05, tokens_per_second: 500 },
  });
  const started = new Set<string>();
  /** Runs a line, unless it ran before or another test does. */
  const check = async (line: string, again = false) => {
    const run = asRun(line, mock);
    if (started.has(run) && !again || ELSEWHERE.some(([known]) => known.test(line))) return;
    started.add(run);
    await t.step(line, async () => {
      const { code, said } = await shell(run, folder.path);
      const also = MAY_END.filter(([known]) => known.test(line)).map(([, code]) => code);
      assert([0, ...also].includes(code!), `exit code ${code}\n${said}`);
      assertEquals(said.match(/^\s+at .*:\d+:\d+\)?$/m), null, said);
    });
  };
  await check("dyno runs import ~/results"); // old runs, which the archive is asked of
  // the latest two runs are of a suite where a page asks for them
  const [, second] = commandsIn("docs/suites.md");
  for (const path of pages()) {
    let asked = false;
    for (const line of commandsIn(path)) {
      if (line.includes(" latest") && !asked) {
        for (let i = 0; i < 2; i++) await check(second, true);
        asked = true;
      }
      await check(line);
    }
  }
  assert(started.size > 40, `${started.size} commands`);
});
