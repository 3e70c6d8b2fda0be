/** Sweeps with real programs: what they leave, what they do not repeat, and what ends them. */
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import { processesWith, shellSweep, smallSweep, Workplace } from "./fixture.ts";
import { until } from "../until.ts";
import type { RunMeta } from "../../lib/sweep/meta.ts";

const PYTHON_TREE = fromFileUrl(new URL("../fixtures/sweep_python", import.meta.url));

function metaOf(place: Workplace, tree: string, run: string): RunMeta {
  return JSON.parse(place.read(`${tree}/runs/${run}/meta.json`));
}

Deno.test("a sweep of the simulator leaves the contract's tree; a resume repeats nothing", async () => {
  using place = new Workplace();
  const file = place.write("small.json", smallSweep());
  const first = await place.dyno("sweep", "--config", file, "--json");
  assertEquals(first.code, 0, first.stderr);
  assertStringIncludes(first.stderr, "dyno's own simulator runs");
  const { exp_dir, runs, ended, failed } = JSON.parse(first.stdout);
  assertEquals([exp_dir, runs, ended, failed], ["bench_runs/small", 8, 8, 0]);
  const names = place.list("bench_runs/small/runs");
  assertEquals(names.length, 8);
  const before = names.map((name) => {
    const folder = `bench_runs/small/runs/${name}`;
    assertEquals(place.list(folder), ["meta.json", "out", "stderr.txt", "stdout.txt"]);
    assertEquals(place.list(`${folder}/out`), ["summary.csv", "tiers.csv", "workflows.csv"]);
    assertStringIncludes(place.read(`${folder}/stdout.txt`), "summary:");
    return statSync(join(place.path, folder, "meta.json")).mtimeMs;
  });
  const meta = metaOf(place, "bench_runs/small", names[0]);
  assertEquals(meta.run_id, names[0]);
  assertEquals(meta.cmd.at(-1), `${place.path}/bench_runs/small/runs/${names[0]}/out`);
  assertEquals([meta.exit_code, meta.ablation_name, meta.ablation_flags], [0, "baseline", []]);
  assert(Math.abs(meta.end_time_unix_s - meta.start_time_unix_s - meta.wall_time_s) < 1e-5);
  assert(Math.abs(meta.start_time_unix_s - Date.now() / 1000) < 60);
  assertGreater(meta.peak_memory_bytes!, 1e5);

  const again = await place.dyno("sweep", "--config", file, "--resume");
  assertStringIncludes(again.stderr, "8 runs in bench_runs/small, 8 finished already");
  rmSync(join(place.path, `bench_runs/small/runs/${names[3]}/out/summary.csv`));
  place.write(`bench_runs/small/runs/${names[5]}/meta.json`, "{ torn");
  const repaired = await place.dyno("sweep", "--config", file, "--resume", "--json");
  assertEquals([repaired.code, JSON.parse(repaired.stdout).ended], [0, 2]);
  names.forEach((name, i) => {
    const { mtimeMs } = statSync(join(place.path, `bench_runs/small/runs/${name}/meta.json`));
    assertEquals(mtimeMs === before[i], i !== 3 && i !== 5, name);
  });
  const { program_sha256 } = metaOf(place, "bench_runs/small", names[0]);
  assertMatch(program_sha256!, /^[0-9a-f]{64}$/);
  const older = metaOf(place, "bench_runs/small", names[0]);
  place.write(`bench_runs/small/runs/${names[0]}/meta.json`, { ...older, program_sha256: "0" });
  const mixed = await place.dyno("sweep", "--config", file, "--resume");
  assertMatch(
    mixed.stderr,
    /8 finished already; nothing to do\nwarning: kept from another build .*: 1 run;/,
  );
  const refused = await place.dyno("sweep", "--config", file, "--json");
  assertEquals([refused.code, refused.stdout], [2, ""]);
  for (const said of ["8 of 8 runs are finished already", "--resume", "--redo"]) {
    assertStringIncludes(refused.stderr, said);
  }
  const all = await place.dyno("sweep", "--config", file, "--json", "--redo");
  assertEquals(JSON.parse(all.stdout).ended, 8); // as it was told
});

Deno.test("a tree of the Python runner goes on here: same ids, finished runs are kept", async () => {
  using place = new Workplace();
  cpSync(PYTHON_TREE, place.path, { recursive: true });
  const runs = "bench_runs/old/runs";
  const before = new Map(
    place.list(runs).map((name) => [name, place.read(`${runs}/${name}/meta.json`)]),
  );
  assertEquals(before.size, 7);
  const dry = await place.dyno("sweep", "--config", "old.json", "--resume", "--dry_run");
  const missing = dry.stdout.trimEnd().split("\n").map((line) => line.split("\t")[0]);
  // one lacks its summary, one ran another command, one never ran
  assertEquals(missing.map((name) => name.replace(/__[0-9a-f]{12}$/, "")), [
    "full__wf2__seed1__no_hedge",
    "full__wf2__seed2__baseline",
    "full__wf2__seed2__no_hedge",
  ]);
  const { code, stderr } = await place.dyno("sweep", "--config", "old.json", "--resume");
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "8 runs in bench_runs/old, 5 finished already");
  assertMatch(stderr, /warning: kept from another build .*: 5 runs; --redo runs all again/);
  assertEquals(place.list(runs).length, 8);
  for (const [name, text] of before) {
    assertEquals(place.read(`${runs}/${name}/meta.json`) === text, !missing.includes(name), name);
  }
  const collected = await place.dyno("collect", "--exp_dir", "bench_runs/old");
  assertStringIncludes(collected.stderr, "8 runs: bench_runs/old/aggregate/runs.csv");
});

Deno.test("a failed run is told, kept and tried again; --fail_fast stops", async () => {
  using place = new Workplace();
  const script = "echo out; echo complaint >&2; [ {seed} != 2 ] || exit 7";
  const file = place.write("s.json", shellSweep(script, 4, { jobs: 1 }));
  const { code, stderr } = await place.dyno("sweep", "--config", file);
  assertEquals(code, 1);
  assertMatch(stderr, /failed: seed2__baseline__\w+: exit code 7: complaint/);
  assertStringIncludes(stderr, "3 runs succeeded, 1 failed");
  assertMatch(stderr, /try the failed ones again with: dyno sweep --config s\.json --resume/);
  const failed = place.list("bench_runs/shell/runs").find((name) => name.startsWith("seed2"))!;
  assertEquals(place.read(`bench_runs/shell/runs/${failed}/stderr.txt`), "complaint\n");
  const again = await place.dyno("sweep", "--config", file, "--resume", "--json");
  assertEquals([again.code, JSON.parse(again.stdout).ended], [1, 1]);
  const fast = await place.dyno("sweep", "--config", file, "--fail_fast", "--redo", "--json");
  const { ended, stopped } = JSON.parse(fast.stdout);
  assertEquals([fast.code, ended, stopped], [1, 2, "failed run"]);
  assertStringIncludes(fast.stderr, "2 not run");
});

Deno.test("a run that is too slow ends with all of its processes", async () => {
  using place = new Workplace();
  const mark = `41.${token()}`;
  const script =
    `trap '' TERM; sleep ${mark} & (setsid sleep ${mark} &) ; [ {seed} = 1 ] || sleep ${mark}`;
  const file = place.write("s.json", shellSweep(script, 2, { timeout_s: 2 }));
  const { code, stderr } = await place.dyno("sweep", "--config", file);
  assertEquals(code, 1);
  assertMatch(stderr, /seed2__baseline__\w+: timed out after \d+\.\d s/); // SIGTERM is ignored: two seconds more
  assertEquals(processesWith(mark), []);
  const [one, two] = place.list("bench_runs/shell/runs")
    .map((name) => metaOf(place, "bench_runs/shell", name));
  assertEquals([one.exit_code, two.exit_code, two.timed_out], [0, 124, true]);
});

Deno.test("a run that takes too much memory fails, its neighbour does not", async () => {
  using place = new Workplace();
  const script = "head -c {bytes} /dev/zero | tail >/dev/null || exit 9";
  const matrix = { seeds: [1], bytes: [1000, 200_000_000] };
  await place.sweep(shellSweep(script, 1, { memory_limit_mb: 50, matrix }));
  const ended = place.list("bench_runs/shell/runs").map((name) =>
    metaOf(place, "bench_runs/shell", name)
  ).sort((a, b) => Number(a.params.bytes) - Number(b.params.bytes));
  assertEquals(ended.map(({ exit_code }) => exit_code === 0), [true, false]);
});

Deno.test("a program killed by a signal, and one whose interpreter is missing", async () => {
  using place = new Workplace();
  const script = join(place.path, place.write("script", "#!/no/such/interpreter\n"));
  chmodSync(script, 0o755);
  const commands = [["sh", "-c", "kill -SEGV $$"], [script]];
  const codes: [number, string | null | undefined][] = [];
  for (const [i, command] of commands.entries()) {
    const [{ run_id }] = await place.sweep(shellSweep("", 1, { name: `s${i}`, command }));
    const meta = metaOf(place, `bench_runs/s${i}`, run_id);
    codes.push([meta.exit_code, meta.signal ?? meta.error]);
  }
  assertEquals(codes, [
    [-11, "SIGSEGV"],
    [127, `${script}: No such file or directory`],
  ]);
});

Deno.test("a program that is missing or may not be run is said once, before any run", async () => {
  using place = new Workplace();
  const plain = join(place.path, place.write("not_executable", "echo"));
  const wrong: [command: string[], says: string][] = [
    [["mkfifoo", "x"], `command: there is no program "mkfifoo" in the folders of PATH`],
    [["mkfifoo", "x"], 'did you mean "mkfifo"'],
    [[plain], `command: "${plain}" may not be run`],
  ];
  for (const [command, says] of wrong) {
    const file = place.write("s.json", shellSweep("", 36, { command }));
    const { code, stderr } = await place.dyno("sweep", "--config", file);
    assertEquals([code, stderr.trim().split("\n").length], [2, 1], stderr);
    assertStringIncludes(stderr, says);
    assert(!existsSync(join(place.path, "bench_runs")));
  }
});

Deno.test("output is in its files while the run goes on; hardware samples lie beside it", async () => {
  using place = new Workplace();
  const script = "echo begun; sleep 0.6; mkdir -p {out_dir}; echo a > {out_dir}/made";
  const file = place.write("s.json", shellSweep(script, 1));
  const running = place.start("sweep", "--config", file, "--sample_rate", "50");
  const runs = join(place.path, "bench_runs/shell/runs");
  const folder = () => join(runs, place.list("bench_runs/shell/runs")[0] ?? "none");
  await until(() => existsSync(runs) && existsSync(join(folder(), "stdout.txt")), "stdout.txt");
  await until(() => readFileSync(join(folder(), "stdout.txt"), "utf8") === "begun\n", "its line");
  assert(!existsSync(join(folder(), "meta.json")), "meta.json comes at the end");
  assertEquals((await running.finished).code, 0);
  assert(existsSync(join(folder(), "out/made")));
  assertGreater(statSync(join(folder(), "samples.bin")).size, 500);
  assert(existsSync(join(folder(), "samples.json")));
});

Deno.test("a folder that cannot be written, and one in use, are refused in one line", async () => {
  using place = new Workplace();
  const file = place.write("s.json", shellSweep("sleep 20", 1));
  place.write("plain", "a file");
  const blocked = await place.dyno("sweep", "--config", file, "--out_root", "plain");
  assertEquals(blocked.code, 2);
  assertMatch(blocked.stderr, /^error: plain\/shell\/runs: cannot write: /m);
  mkdirSync(join(place.path, "bench_runs"));
  const running = place.start("sweep", "--config", file);
  await until(() => running.said().includes("1 run in"), "the plan");
  const second = await place.dyno("sweep", "--config", file);
  assertEquals(second.code, 2);
  assertMatch(second.stderr, /in use by process \d+/);
  running.kill("SIGTERM");
  assertEquals((await running.finished).code, 130);
});

Deno.test("dyno sim is the simulator: its arguments, its help, its exit codes", async () => {
  using place = new Workplace();
  const args = ["--workflows", "3", "--pdfs=2", "--out-dir", "here", "--trace", "none"];
  const { code, stdout } = await place.dyno("sim", ...args);
  assertEquals([code, place.list("here")], [0, ["summary.csv", "tiers.csv", "workflows.csv"]]);
  assertMatch(stdout, /^agent_sched_sim config:\n {2}workflows=3\n {2}pdfs=2\n/);
  const help = await place.dyno("sim", "--help");
  assertEquals([help.code, help.stdout.startsWith("Usage: agent_sched_sim")], [0, true]);
  const wrong = await place.dyno("sim", "--workflows", "0");
  assertEquals([wrong.code, wrong.stderr.startsWith("Error: --workflows")], [2, true]);
});

/** A number that no other process has in its command line. */
function token(): number {
  return Math.floor(Math.random() * 1e9);
}
