/** runs.csv: its columns, runs in every state, and very many of them. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import { command } from "../../lib/cli/sweep/collect.ts";
import { InputError } from "../../lib/errors.ts";
import { collectSweep } from "../../lib/sweep/collect.ts";
import { parseCsv, readCsv } from "../../lib/formats/csv.ts";
import { printed } from "../run/runs_fixture.ts";
import { smallSweep, Workplace } from "./fixture.ts";

const PYTHON_TREE = fromFileUrl(new URL("../fixtures/sweep_python", import.meta.url));
const GOLDEN = fromFileUrl(new URL("../fixtures/sweep_python_runs.csv", import.meta.url));
const RUNS = "bench_runs/old/runs";

async function rowsOf(place: Workplace, path: string): Promise<Record<string, string>[]> {
  return await Array.fromAsync(readCsv(join(place.path, path)));
}

Deno.test("the table of the Python runner's tree is the one that is kept here", async () => {
  using place = new Workplace();
  cpSync(PYTHON_TREE, place.path, { recursive: true });
  const { code, stderr } = await place.dyno("collect", "--exp_dir", "bench_runs/old");
  assertEquals(code, 0);
  assertMatch(stderr, /warning: full__wf2__seed1__no_hedge__\w+: no out\/summary\.csv/);
  assertStringIncludes(
    stderr,
    "7 runs, 1 of them with a warning: bench_runs/old/aggregate/runs.csv\n" +
      "next: dyno report --exp_dir bench_runs/old\n",
  );
  const table = place.read("bench_runs/old/aggregate/runs.csv");
  assertEquals(table, readFileSync(GOLDEN, "utf8"));
  const documented = [
    ...["run_id", "policy", "workflows", "pdfs", "iters", "subqueries", "seed", "time_scale"],
    ...["enable_model_routing", "heavy_tail_prob", "heavy_tail_mult", "ablation_name"],
    ...["ablation_flags", "disable_hedging", "disable_escalation", "disable_dag_priority"],
    ...["makespan_mean_ms", "makespan_p50_ms", "makespan_p95_ms", "makespan_p99_ms"],
    ...["cost_mean", "cost_p50", "llm_provider_tier0_queue_wait_p95_ms"],
    ...["embed_provider_tier0_queue_wait_p95_ms", "exit_code", "wall_time_s", "run_dir"],
    ...["start_time_unix_s", "end_time_unix_s"],
  ];
  const head = parseCsv("table", table)[0];
  assertEquals(head.filter((name) => documented.includes(name)), documented);
});

Deno.test("runs in every state are rows; nothing stops the table", async () => {
  using place = new Workplace();
  await place.sweep(smallSweep());
  const runs = "bench_runs/small/runs";
  const names = place.list(runs);
  rmSync(join(place.path, runs, names[0]), { recursive: true }); // never ran
  rmSync(join(place.path, runs, names[1], "meta.json")); // was cut off
  place.write(`${runs}/${names[2]}/meta.json`, '{"params": '); // torn
  place.write(`${runs}/${names[3]}/out/summary.csv`, "makespan_mean_ms,cost_mean\n1\n");
  place.write(`${runs}/${names[4]}/out/tiers.csv`, "nonsense");
  rmSync(join(place.path, runs, names[5], "out"), { recursive: true });
  place.write(`${runs}/${names[6]}/out/summary.csv`, Uint8Array.of(0, 255, 10, 7).toString());
  const meta = JSON.parse(place.read(`${runs}/${names[7]}/meta.json`));
  const odd = {
    ...meta,
    exit_code: -9,
    signal: "SIGKILL",
    params: { policy: 'a,"b"\n', more: [1] },
  };
  place.write(`${runs}/${names[7]}/meta.json`, odd);
  place.write(`${runs}/foreign/meta.json`, "[]");
  place.write(`${runs}/stray.txt`, "a file");
  const { code, stderr } = await place.dyno("collect", "--exp-dir", "bench_runs/small", "--json");
  assertEquals(code, 0, stderr);
  const rows = await rowsOf(place, "bench_runs/small/aggregate/runs.csv");
  const row = (name: string) => rows.find(({ run_id }) => run_id === name)!;
  assertEquals(rows.length, 10);
  assertEquals(names.slice(0, 8).map((name) => row(name).warning), [
    "not run",
    "no meta.json: the run was cut off",
    "meta.json is broken",
    "out/summary.csv is broken: expected a head and one row of its length",
    "out/tiers.csv is broken: expected provider, tier_id and metrics",
    "no out/summary.csv; no out/tiers.csv",
    "out/summary.csv is broken: expected a head and one row of its length",
    "ended by SIGKILL",
  ]);
  assertEquals(row("foreign").warning, "meta.json is broken");
  // what was planned is known even where the run left nothing
  const { policy, workflows, ablation_name, exit_code } = row(names[0]);
  assertEquals([policy, workflows, ablation_name, exit_code], [
    "fifo_cheapest",
    "4",
    "baseline",
    "",
  ]);
  assertEquals([row(names[7]).exit_code, row(names[7]).policy, row(names[7]).more], [
    "-9",
    'a,"b"\n',
    "[1]",
  ]);
  assertEquals(row(names[7]).disable_hedging, "true");
  const summary = JSON.parse(
    stderr === "" ? "{}" : (await place.dyno(
      ...["collect", "--exp_dir", "bench_runs/small", "--out_csv", "other/t.csv", "--json"],
    )).stdout,
  );
  assertEquals([summary.rows, summary.warnings, summary.runs_csv], [10, 10, "other/t.csv"]);
  assertEquals(place.read("other/t.csv"), place.read("bench_runs/small/aggregate/runs.csv"));
});

Deno.test("a folder that is no sweep's is refused", async () => {
  using place = new Workplace();
  const { code, stderr } = await place.dyno("collect", "--exp_dir", "nowhere");
  const missing = "error: nowhere: no such folder; give that of a sweep, e.g. bench_runs/smoke\n";
  assertEquals([code, stderr], [2, missing]);
  const { path } = place;
  for (
    const [argv, said] of [
      [["--exp_dir", `${path}x`], `${path}x: no such folder; did you mean "${basename(path)}"`],
      [["--exp_dir", path], `${path}: no sweep's folder: it has no folder runs`],
      [[], "dyno collect takes one experiment's folder"],
    ] as const
  ) await assertRejects(() => printed(command, [...argv]), InputError, said);
});

const MANY = Deno.env.get("DYNO_TEST_LONG") ? 20_000 : 3_000;

Deno.test(`${MANY.toLocaleString("en")} runs are collected in bounded memory`, async () => {
  // in memory where that can be: three files a run are the disk's measure, not ours
  using place = new Workplace(existsSync("/dev/shm") ? "/dev/shm" : undefined);
  const folder = join(place.path, RUNS);
  mkdirSync(folder, { recursive: true });
  const summary = "makespan_mean_ms,makespan_p50_ms,makespan_p95_ms,makespan_p99_ms,cost_mean," +
    "cost_p50\n1.5,1,2,3,0.1,0.1\n";
  const meta = JSON.stringify({
    params: { policy: "full", workflows: 5, seed: 0 },
    ablation_name: "baseline",
    ablation_flags: [],
    cmd: ["agent_sched_sim"],
    exit_code: 0,
    note: "x".repeat(200e6 / MANY), // of all runs, more than may be held
  });
  for (let seed = 0; seed < MANY; seed++) {
    const run = `${folder}/full__wf5__seed${seed}__baseline__${String(seed).padStart(12, "0")}`;
    mkdirSync(`${run}/out`, { recursive: true });
    writeFileSync(`${run}/meta.json`, meta.replace('"seed":0', `"seed":${seed}`));
    writeFileSync(`${run}/out/summary.csv`, summary);
  }
  (globalThis as { gc?: () => void }).gc?.();
  const before = Deno.memoryUsage().rss;
  let most = 0;
  let told = 0;
  const { rows, warnings } = await collectSweep(join(place.path, "bench_runs/old"), {
    onWarning: () => {
      if (told++ % 100 === 0) most = Math.max(most, Deno.memoryUsage().rss);
    },
  });
  assertEquals([rows, warnings], [MANY, MANY]); // there are no tiers
  assertLess(most - before, 150e6);
  const path = join(place.path, "bench_runs/old/aggregate/runs.csv");
  assert(statSync(path).size > MANY * 50);
  appendFileSync(path, ""); // it is closed
  let seen = 0;
  for await (const { makespan_p95_ms } of readCsv(path)) seen += Number(makespan_p95_ms === "2");
  assertEquals(seen, MANY);
});

Deno.test("the table of one's own program has its own columns only", async () => {
  using place = new Workplace();
  const script = "printf 'score,loss\\n{beta}.5,0.1\\n' > {out_dir}/summary.csv";
  await place.sweep({
    name: "own",
    command: ["sh", "-c", script],
    matrix: { beta: [1, 2], alpha: ["x"], seeds: [7] },
  });
  await collectSweep(join(place.path, "bench_runs/own"));
  const [columns, ...rows] = parseCsv("runs.csv", place.read("bench_runs/own/aggregate/runs.csv"));
  assertEquals(columns, [
    ...["run_id", "seed", "alpha", "beta", "ablation_name", "ablation_flags"],
    ...["exit_code", "wall_time_s", "run_dir", "start_time_unix_s", "end_time_unix_s"],
    ...["loss", "score", "timed_out", "peak_memory_bytes", "cpu_time_s", "warning"],
  ]);
  assertEquals(rows.map((row) => row[columns.indexOf("score")]).sort(), ["1.5", "2.5"]);
});
