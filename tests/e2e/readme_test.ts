/**
 * Every command of README, as it stands there: in a folder that has the files it names, with a mock
 * in the place of the endpoints, and with durations cut short.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { DYNO } from "./dyno.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** Commands that other tests run as they stand, and what runs them. */
const ELSEWHERE: [RegExp, string][] = [
  [/^dyno (mock|serve) /, "tests/mock, tests/server"],
  [/--executor slurm|^dyno sweep status|bench_runs\/default/, "tests/sweep/slurm_test.ts"],
  [/--to s3:/, "tests/upload"],
  [/--memory/, "tests/coding/memory_test.ts"],
  [/^dyno batch (run|retry) /, "tests/schedule"],
  [/^dyno (sample|calibrate)/, "tests/cli/sample_test.ts, tests/load"],
  [/--metrics-port/, "tests/prometheus"],
  [/--find-capacity/, "tests/cli/load/load_test.ts"],
  [/^dyno integration/, "tests/integration"],
];

/** Commands that may find what they look for: exit codes other than 0 that are no fault here. */
const MAY_END: [RegExp, number][] = [
  [/^dyno run .*(HumanEval|mbpp|python_basics)/, 1], // answers without a program
  [/^dyno runs gate /, 4], // so few tests are too few to tell
];

/** README's fenced blocks of a language, "" for none. */
function blocks(language: string): string[] {
  const parts = README.split(/^```(.*)\n/m); // text, language, block, "", text, …
  return parts.filter((_, i) => i % 4 === 2 && parts[i - 1] === language);
}

/** The lines that begin with `dyno`, without comments, continued lines joined. */
function commands(): string[] {
  return blocks("").flatMap((block) => block.replaceAll(/\\\n\s*/g, "").split("\n"))
    .map((line) => line.replace(/\s+# .*$/, "").trim())
    .filter((line) => line.startsWith("dyno "));
}

/** The first JSON block that has these words. */
function jsonWith(words: string): string {
  const found = blocks("json").find((block) => block.includes(words));
  assert(found, `README has no JSON with ${words}`);
  return found;
}

/** The files that README's commands name. */
function prepare(folder: string): void {
  cpSync(join(ROOT, "experiments"), join(folder, "experiments"), { recursive: true });
  writeFileSync(join(folder, "suite.json"), jsonWith("test_suite_id"));
  writeFileSync(join(folder, "curve.json"), jsonWith('"kind": "load"').replace("60", "1"));
  const problems = readFileSync(join(ROOT, "experiments/suites/python_basics.jsonl"), "utf8");
  for (const name of ["HumanEval.jsonl", "mbpp.jsonl"]) writeFileSync(join(folder, name), problems);
  writeFileSync(join(folder, "HumanEval.jsonl.gz"), gzipSync(problems));
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
    .replaceAll(/--duration \d+/g, "--duration 1")
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

Deno.test("README's commands work as they stand", async (t) => {
  using folder = temporaryFolder();
  prepare(folder.path);
  await using mock = await MockEndpoint.start({
    model: "my-model",
    behaviour: { delay_s: 0.05, tokens_per_second: 500 },
  });
  const lines = commands();
  assert(lines.length > 40, `${lines.length} commands`);
  const [, second] = lines; // two runs of a suite are what past runs are asked of
  const asked = lines.flatMap((line) =>
    line.startsWith("dyno runs list") ? [second, second, line] : [line]
  );
  for (const line of asked.filter((line) => !ELSEWHERE.some(([known]) => known.test(line)))) {
    await t.step(line, async () => {
      const { code, said } = await shell(asRun(line, mock), folder.path);
      const also = MAY_END.filter(([known]) => known.test(line)).map(([, code]) => code);
      assert([0, ...also].includes(code!), `exit code ${code}\n${said}`);
      assertEquals(said.match(/^\s+at .*:\d+:\d+\)?$/m), null, said);
    });
  }
});
