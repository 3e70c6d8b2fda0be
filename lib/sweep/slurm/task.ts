/** Runs a task of a sweep's Slurm job: its runs, except those that have ended. */
import { existsSync, readdirSync } from "node:fs";
import process from "node:process";
import { InputError } from "../../errors.ts";
import { Launcher } from "../../execute/launcher.ts";
import { sleep } from "../../execute/sleep.ts";
import { nativeLibrary } from "../../native/library.ts";
import { type PlannedRun, plannedRuns } from "../plan.ts";
import { sweepProgram } from "../program.ts";
import { runOne } from "../run_one.ts";
import { endedMeta, plannedConfig, readSlurmPlan, slurmPathsOf, type SlurmPlan } from "./plan.ts";
import { type SweepTree, sweepTreeAt } from "../tree.ts";
import type { SweepConfig } from "../sweep.ts";

/** How long a task waits for the plan of its job. */
const PLAN_MS = 120_000;
const LOOK_MS = 200;

/**
 * Executes the runs of a task. A task that Slurm has queued again continues where it was
 * interrupted.
 *
 * @param index the task's number in its array.
 * @param job_id of the array, if known: a task of a job other than the planned one is refused.
 * @returns the first exit code of the task's runs that is not 0; else 0.
 * @throws {CancelledError} the signal was aborted; by then the run's processes have ended.
 * @throws {InputError} there is no such task, or its folder is not writable.
 */
export async function runTask(
  exp_dir: string,
  { index, job_id, notice }: {
    index: number;
    job_id?: string;
    notice?: (line: string) => void;
  },
  signal: AbortSignal,
): Promise<number> {
  const tree = sweepTreeAt(exp_dir);
  const plan = await plannedTask(tree, index, job_id, signal);
  const own = plan.runs.filter((_, place) => place % plan.tasks === index);
  const metas = own.map((run_id) => endedMeta(tree, run_id));
  let code = metas.find((meta) => meta !== null && meta.exit_code !== 0)?.exit_code ?? 0;
  const missing = own.filter((_, place) => metas[place] === null);
  if (missing.length === 0) return code;
  const config = await plannedConfig(tree, plan);
  const runs = runsNamed(config, missing, tree);
  const program = await sweepProgram(config, notice);
  await using launcher = await Launcher.start(notice);
  if (config.sample_rate_hz > 0) await nativeLibrary(notice); // built before the first run, not during it
  const context = { config, tree, program, launcher, cwd: process.cwd(), notice };
  for (const run of runs) {
    const { exit_code } = await runOne(context, run, signal);
    code ||= exit_code;
  }
  return code;
}

/**
 * The plan of the task's job. It is written after the job is submitted, and may take a while to be
 * visible here.
 */
async function plannedTask(
  tree: SweepTree,
  index: number,
  job_id: string | undefined,
  signal: AbortSignal,
): Promise<SlurmPlan> {
  const { plan: path, folder } = slurmPathsOf(tree);
  let plan = readSlurmPlan(tree);
  const waits = job_id !== undefined;
  for (let waited_ms = 0; waits && plan?.job_id !== job_id; waited_ms += LOOK_MS) {
    if (waited_ms > PLAN_MS) break;
    await sleep(LOOK_MS, signal);
    if (existsSync(folder)) readdirSync(folder); // makes a network file system look for new files
    plan = readSlurmPlan(tree);
  }
  if (plan === null) {
    throw new InputError(
      `${path}: no such file; dyno sweep --executor slurm writes it, and the folder must be one that ` +
        "all nodes share",
    );
  }
  if (waits && plan.job_id !== job_id) {
    throw new InputError(
      `${path}: the plan of job ${plan.job_id}; this is a task of job ${job_id}`,
    );
  }
  if (index >= plan.tasks) {
    throw new InputError(
      `--index: "${index}" is not a task of ${path}; expected 0 to ${plan.tasks - 1}`,
    );
  }
  return plan;
}

/** The runs with these ids, in the given order. */
function runsNamed(
  config: SweepConfig,
  run_ids: readonly string[],
  tree: SweepTree,
): PlannedRun[] {
  const wanted = new Set(run_ids);
  const runs = plannedRuns(config).filter(({ run_id }) => wanted.has(run_id)).toArray();
  if (runs.length === wanted.size) return runs;
  throw new InputError(
    `${tree.experiment}: has changed since the job was submitted: it plans no ` +
      run_ids.find((run_id) => !runs.some((run) => run.run_id === run_id)),
  );
}
