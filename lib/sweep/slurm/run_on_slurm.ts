/** The executor for a cluster: the runs are a Slurm array job that uses a shared folder. */
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { ownCommand } from "../../execute/own_program.ts";
import { CancelledError } from "../../execute/scope.ts";
import { cancelJob, endJob, jobsOf, largestArray, submitArray } from "../../execute/slurm.ts";
import { arrayScript } from "../../execute/slurm_script.ts";
import { notWritten, writeFileAtomic } from "../../write.ts";
import { makeSlurmFolders, readSlurmPlan, writeSlurmPlan } from "./plan.ts";
import { JobWatch } from "./watch.ts";
import { runPathsOf } from "../tree.ts";
import type { SlurmRequest } from "../../execute/slurm.ts";
import type { SweepExecutor, SweepStop, SweepWork } from "../executor.ts";
import type { SlurmPlan } from "./plan.ts";
import type { SweepTree } from "../tree.ts";

export interface SlurmOptions extends SlurmRequest {
  /** Returns as soon as the job is submitted. */
  detach: boolean;
  /** Called with the job's number and its number of tasks. */
  onJob?: (job_id: string, tasks: number) => void;
  /** Called with the contents of the queue, such as `2 running, 5 pending (Resources)`. */
  onQueue?: (queue: string) => void;
  /** Decides, when the sweep is interrupted, whether to cancel the job. By default it continues. */
  onInterrupt?: (job_id: string) => Promise<boolean>;
}

/**
 * An executor that submits one array job and watches it. If a node fails or a task is preempted,
 * Slurm queues the task again; runs that have ended are not repeated then.
 */
export function slurmExecutor(options: SlurmOptions): SweepExecutor {
  return async (work, signal) => {
    const plan = await submit(work, options);
    return options.detach ? "detached" : await watch(work, plan, options, signal);
  };
}

/** Submits the job. Its first runs start when its plan is in the sweep's folder. */
async function submit(work: SweepWork, options: SlurmOptions): Promise<SlurmPlan> {
  const { config, tree } = work;
  const paths = makeSlurmFolders(tree);
  const runs = Array.from(work.runs, ({ run_id }) => run_id);
  const tasks = Math.min(runs.length, await largestArray());
  await cancelUnplanned(work, paths.script);
  const command = [...ownCommand(), "sweep", "exec", `--exp_dir=${tree.path}`];
  writeFileAtomic(paths.script, arrayScript("a task of a sweep", command), { sync: false });
  const job_id = await submitArray({
    ...options,
    name: `dyno-${config.name}`,
    tasks,
    at_once: Math.min(config.jobs, tasks),
    cwd: process.cwd(),
    script: paths.script,
    logs: paths.logs,
    requeue: true,
  });
  const { out_root, timeout_s, memory_bytes, sample_rate_hz, directory } = config;
  const limits = { timeout_s, memory_bytes, sample_rate_hz };
  const plan = { job_id, tasks, cwd: process.cwd(), directory, out_root, ...limits, runs };
  try {
    for (const run_id of runs) forget(tree, run_id);
    writeSlurmPlan(tree, plan); // the tasks wait for this file
  } catch (error) {
    await cancelJob(job_id);
    throw error;
  }
  options.onJob?.(job_id, tasks);
  return plan;
}

/**
 * Cancels jobs of sweeps that were killed while submitting: their tasks wait for a plan that will
 * never be written.
 */
async function cancelUnplanned({ tree, notice }: SweepWork, script: string): Promise<void> {
  const planned = readSlurmPlan(tree)?.job_id;
  for (const job_id of await jobsOf(resolve(script))) {
    if (job_id === planned) continue; // its runs have ended
    await cancelJob(job_id);
    notice?.(`cancelled Slurm job ${job_id}: its sweep was killed before the job had a plan`);
  }
}

/** Removes a run's old meta.json, so that a new one is this job's. */
function forget(tree: SweepTree, run_id: string): void {
  const { meta } = runPathsOf(tree, run_id);
  try {
    rmSync(meta, { force: true });
  } catch (error) {
    throw notWritten(meta, error);
  }
}

async function watch(
  { tree, onEnd, notice }: SweepWork,
  plan: SlurmPlan,
  { onQueue, onInterrupt }: SlurmOptions,
  signal: AbortSignal,
): Promise<SweepStop> {
  const job = new JobWatch(tree, plan, { onEnd, onQueue, notice });
  let stop: SweepStop = "failed run";
  try {
    if (await job.toTheEnd(signal)) return "no";
    await endJob(plan.job_id);
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    stop = "interrupted";
    if (await onInterrupt?.(plan.job_id)) await endJob(plan.job_id);
  }
  job.look(true);
  return stop;
}
