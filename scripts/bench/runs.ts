/**
 * The bench of past runs: 10,000 runs of 164 items, created in a temporary folder. It measures the
 * first index, a warm list, a list after one new run (whole processes), and a comparison of two
 * runs of 10,000 items. `--runs N` makes fewer runs.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { compareRuns } from "../../lib/compare/compare.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { quantile, sortedCopy } from "../../lib/stats/quantile.ts";
import { seededRandom } from "../../lib/stats/random.ts";
import { ownCommand } from "../../lib/execute/own_program.ts";

/** Starts dyno as deno.json's tasks do. */
const [DYNO, ...LEADING] = ownCommand();
const ITEMS = 164;
const LARGE = 10_000;
const REPEATS = 9;
const at = process.argv.indexOf("--runs");
const RUNS = at < 0 ? 10_000 : Number(process.argv[at + 1]);

const say = (line: string) => process.stdout.write(`${line}\n`);
const random = seededRandom(1);

function item(i: number) {
  const passed = random() < 0.7, seconds = 1 + 3 * random();
  return {
    package_id: `HumanEval/${i}`,
    test_id: `HumanEval/${i}`,
    test_name: `problem ${i}`,
    item_id: i.toString(16).padStart(16, "0"),
    category: `category ${i % 7}`,
    file_stem: `problem_${i}`,
    success: true,
    elapsed_seconds: seconds,
    execution_time: seconds,
    score: { targets: 1, created_hits: passed ? 1 : 0, hit_rate: passed ? 1 : 0 },
    passed,
    evaluation_error: null,
    attempts: 1,
    error: null,
    error_class: null,
    timed_out: false,
    prompt_tokens: 150 + i % 40,
    completion_tokens: Math.round(100 + 200 * random()),
    token_source: "usage",
    tokens_per_second: 60,
    finish_reason: "stop",
    ttft_ms: 100 + 50 * random(),
    tpot_ms: 15,
    e2e_ms: seconds * 1000,
    gap_max_ms: 30,
    reasoning_score: null,
    reasoning_type: null,
    t_sent_ns: 1e12 + i,
    energy_j: null,
  };
}

/** Results that differ only in the id: 10,000 random ones would take most of the bench's time. */
const bodies = Array.from(
  { length: 16 },
  () => JSON.stringify(Array.from({ length: ITEMS }, (_, i) => item(i))),
);

function makeRun(root: string, n: number, items = bodies[n % bodies.length]): string {
  const run_id = `bench_${n.toString(16).padStart(8, "0")}_20270101_000000`;
  const path = join(root, run_id);
  mkdirSync(path, { recursive: true });
  const started_at_unix_seconds = 1_800_000_000 + n * 60;
  const common = { run_id, kind: "suite", benchmark: "humaneval", model: `model-${n % 5}` };
  writeFileSync(
    join(path, "run_metadata.json"),
    JSON.stringify({ schema_version: 1, ...common, agent: "bench", started_at_unix_seconds }),
  );
  writeFileSync(
    join(path, "events.jsonl"),
    `{"t":${started_at_unix_seconds + 60},"mono_ns":1,"event":"run_finished"}\n`,
  );
  const head = JSON.stringify({ schema_version: 2, ...common, complete: true, missing: 0 });
  writeFileSync(join(path, "results.json"), `${head.slice(0, -1)},"items":${items}}\n`);
  return path;
}

/** The duration of a whole process, milliseconds. */
function timed(root: string, ...args: string[]): number {
  const started = performance.now();
  const done = spawnSync(DYNO, [...LEADING, "runs", ...args, "--runs", root]);
  const took = performance.now() - started;
  if (done.status !== 0) throw new Error(String(done.stderr));
  return took;
}

function shown(name: string, times_ms: number[], aim: string): void {
  const sorted = sortedCopy(times_ms);
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  say(
    `${name.padEnd(44)} median ${ms(quantile(sorted, 0.5))}, best ${ms(sorted[0])}, worst ${
      ms(sorted[sorted.length - 1])
    }   ${aim}`,
  );
}

const root = mkdtempSync(join(tmpdir(), "dyno-bench-runs-"));
try {
  say(`making ${RUNS} runs of ${ITEMS} items in ${root}`);
  for (let n = 0; n < RUNS; n++) makeRun(root, n);
  const repeat = (times: number, work: (i: number) => number) =>
    Array.from({ length: times }, (_, i) => work(i));
  say(`(an empty process: ${
    repeat(5, () => {
      const started = performance.now();
      spawnSync(DYNO, [...LEADING, "--version"]);
      return performance.now() - started;
    }).map((ms) => ms.toFixed(0)).join(", ")
  } ms)`);
  shown("first index", [timed(root, "list")], "");
  say(
    `${"its file".padEnd(44)} ${(statSync(join(root, "index.sqlite")).size / 1e6).toFixed(1)} MB`,
  );
  shown("list, warm", repeat(REPEATS, () => timed(root, "list")), "aim: 150 ms");
  shown(
    "list after one new run",
    repeat(REPEATS, (i) => {
      makeRun(root, RUNS + i);
      return timed(root, "list");
    }),
    "aim: 200 ms",
  );
  shown("difficulty over all runs", repeat(3, () => timed(root, "difficulty")), "");
  const large = [0, 1].map((n) =>
    makeRun(
      join(root, "large"),
      n,
      JSON.stringify(Array.from({ length: LARGE }, (_, i) => item(i))),
    )
  );
  const inProcess = [];
  for (let i = 0; i < 3; i++) {
    const runs = await Promise.all(large.map((path) => readRunDirectory(path)));
    const started = performance.now();
    compareRuns(runs.map((run) => ({ ...run, price: null })));
    inProcess.push(performance.now() - started);
  }
  shown(`compare, 2 × ${LARGE} items, without reading`, inProcess, "");
  shown(
    `compare, 2 × ${LARGE} items, whole process`,
    repeat(5, () => timed(join(root, "large"), "compare", ...large)),
    "aim: 1,000 ms",
  );
} finally {
  rmSync(root, { recursive: true, force: true });
}
