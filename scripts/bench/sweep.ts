/**
 * The sweep's bench: the simulator's speed and how it scales, compared with the least time that a
 * simulator which sleeps would need; the overhead of a sweep per run, compared with `xargs -P` over
 * the same commands; finding 10,000 finished runs, collecting them and reporting on them.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseJson } from "../../lib/settings/json_file.ts";
import { nativeProgram } from "../../lib/native/program.ts";
import { writeSweepReport } from "../../lib/report/sweep/sweep_report.ts";
import { quantile, sortedCopy } from "../../lib/stats/quantile.ts";
import { collectSweep } from "../../lib/sweep/collect.ts";
import { commandOf } from "../../lib/sweep/command_line.ts";
import { sweepConfigOf } from "../../lib/sweep/config.ts";
import { writeMeta } from "../../lib/sweep/meta.ts";
import { plannedRuns } from "../../lib/sweep/plan.ts";
import { runSweep, scanFinished, treeOf } from "../../lib/sweep/run_sweep.ts";
import { runPathsOf } from "../../lib/sweep/tree.ts";
import type { SweepConfig } from "../../lib/sweep/sweep.ts";

const SIZES = [100, 1000, 10_000, 100_000];
const TIME_SCALE = 50;
const RUNS = 10_000;
const SMALL_RUNS = 400;
const JOBS = 2;
const ROUNDS = 5;

const say = (line: string) => process.stdout.write(`${line}\n`);
const load = () => `load average ${loadavg()[0].toFixed(1)}`;
const median = (values: readonly number[]) => quantile(sortedCopy(values), 0.5);

/** The duration of a task, seconds. */
async function timed(task: () => unknown): Promise<number> {
  const started = performance.now();
  await task();
  return (performance.now() - started) / 1000;
}

function configOf(content: unknown): SweepConfig {
  return sweepConfigOf(parseJson("bench.json", JSON.stringify(content)));
}

async function simulatorSpeed(program: string, folder: string): Promise<void> {
  say(`agent_sched_sim, policy full, model routing, no trace; ${load()}`);
  say("  workflows      wall s     events/s   simulated s   a sleeping one, at least s");
  const points: [number, number][] = [];
  for (const workflows of SIZES) {
    const out = join(folder, `sim${workflows}`);
    const parameters = [
      ...["--workflows", String(workflows), "--enable_model_routing", "--trace", "none"],
      ...["--out_dir", out],
    ];
    let stdout = "";
    const wall_s = await timed(() => {
      const ended = spawnSync(program, parameters, { encoding: "utf8" });
      if (ended.status !== 0) throw new Error(ended.stderr);
      stdout = ended.stdout;
    });
    const events = Number(/^ {2}events=(\d+)$/m.exec(stdout)![1]);
    const simulated_s = longestMakespan(join(out, "workflows.csv")) / 1000;
    points.push([Math.log(workflows), Math.log(wall_s)]);
    say(
      `  ${String(workflows).padStart(9)}  ${wall_s.toFixed(3).padStart(10)}  ${
        Math.round(events / wall_s).toLocaleString("en").padStart(11)
      }  ${simulated_s.toFixed(0).padStart(12)}  ${
        (simulated_s / TIME_SCALE).toFixed(0).padStart(16)
      }`,
    );
  }
  const [[x1, y1], [x2, y2]] = [points[1], points[points.length - 1]];
  say(`  wall time grows as workflows^${((y2 - y1) / (x2 - x1)).toFixed(2)}, from 1,000 on`);
}

function longestMakespan(path: string): number {
  const [, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.reduce((most, line) => Math.max(most, Number(line.split(",")[1])), 0);
}

/**
 * The same runs by a sweep and by xargs, alternating and in new folders, so that conditions are
 * equal.
 */
async function overhead(program: string, folder: string): Promise<void> {
  const ours: number[] = [], theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const config = configOf({
      name: `round${round}`,
      sim_binary: program,
      out_root: join(folder, "small"),
      common_args: { pdfs: 1, iters: 1, subqueries: 1, trace: "none" },
      matrix: {
        workflows: [1],
        policy: ["full"],
        seeds: Array.from({ length: SMALL_RUNS }, (_, i) => i),
      },
      jobs: JOBS,
    });
    const lines = [...plannedRuns(config)].map((run) =>
      commandOf(config, run, join(folder, `xargs${round}`, run.run_id, "out")).slice(1).join(" ")
    );
    theirs.push(
      await timed(() => {
        const ended = spawnSync("xargs", ["-P", String(JOBS), "-L", "1", program], {
          input: lines.join("\n"),
          stdio: ["pipe", "ignore", "inherit"],
        });
        if (ended.status !== 0) throw new Error("xargs failed");
      }),
    );
    const failed = { runs: 0 };
    ours.push(
      await timed(async () => {
        const options = { resume: false, fail_fast: false };
        failed.runs = (await runSweep(config, options, new AbortController().signal)).failed;
      }),
    );
    if (failed.runs > 0) throw new Error("runs failed");
  }
  const each = (seconds: readonly number[]) => 1000 * median(seconds) / SMALL_RUNS;
  const [sweep_ms, xargs_ms] = [each(ours), each(theirs)];
  say(`${SMALL_RUNS} runs of one workflow, ${JOBS} at a time, median of ${ROUNDS}; ${load()}`);
  say(
    `  a run: sweep ${sweep_ms.toFixed(2)} ms, xargs -P ${JOBS} ${xargs_ms.toFixed(2)} ms, ` +
      `difference ${(sweep_ms - xargs_ms).toFixed(2)} ms`,
  );
}

/** Writes finished runs as a sweep leaves them. */
function writeFinished(config: SweepConfig): void {
  const tree = treeOf(config);
  const numbers = "1500.25,1400.5,2500.75,3000.125,0.431,0.43\n";
  const summary = "makespan_mean_ms,makespan_p50_ms,makespan_p95_ms,makespan_p99_ms,cost_mean," +
    `cost_p50\n${numbers}`;
  const tiers = "provider,tier_id,utilization,queue_wait_p95_ms,in_flight_avg\n" +
    "embed_provider,0,0.1,0,0.3\nembed_provider,1,0,0,0\nllm_provider,0,0.9,87509,1.9\n" +
    "llm_provider,1,0,0,0\n";
  for (const run of plannedRuns(config)) {
    const paths = runPathsOf(tree, run.run_id);
    mkdirSync(paths.out, { recursive: true });
    writeFileSync(paths.summary, summary);
    writeFileSync(paths.tiers, tiers);
    writeMeta(paths.meta, run, {
      run_id: run.run_id,
      ablation_name: run.ablation.name,
      ablation_flags: run.ablation.flags,
      cmd: commandOf(config, run, paths.out),
      cwd: process.cwd(),
      start_time_unix_s: 1,
      end_time_unix_s: 2,
      wall_time_s: 1,
      exit_code: 0,
    });
  }
}

async function manyRuns(folder: string): Promise<void> {
  const config = configOf({
    name: "many",
    out_root: folder,
    common_args: { pdfs: 10, iters: 3, subqueries: 4, time_scale: 50, enable_model_routing: true },
    matrix: {
      workflows: [50, 100],
      policy: ["fifo_cheapest", "dag_cheapest", "dag_escalation", "full", "edf"],
      seeds: Array.from({ length: RUNS / 20 }, (_, i) => i),
      ablations: [{ name: "baseline", flags: [] }, { name: "off", flags: ["--disable_hedging"] }],
    },
  });
  writeFinished(config);
  const tree = treeOf(config);
  const scans: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    scans.push(
      await timed(() => {
        const { count } = scanFinished(config, tree, null);
        if (count !== RUNS) throw new Error(`${count} finished runs found`);
      }),
    );
  }
  const collect_s = await timed(() => collectSweep(tree.path));
  const report_s = await timed(() => writeSweepReport(tree.path));
  say(`${RUNS.toLocaleString("en")} finished runs; ${load()}`);
  say(`  resume scan ${median(scans).toFixed(2)} s (median of ${ROUNDS})`);
  say(`  collect ${collect_s.toFixed(2)} s, report ${report_s.toFixed(2)} s`);
}

const folder = mkdtempSync(join(tmpdir(), "dyno-bench-"));
try {
  const program = await nativeProgram("agent_sched_sim", { notice: say });
  await simulatorSpeed(program, folder);
  await overhead(program, folder);
  await manyRuns(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
