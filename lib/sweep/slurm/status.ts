/** The progress of a sweep that was submitted to Slurm. */
import { InputError } from "../../errors.ts";
import { isLive, queueText, tasksOf } from "../../execute/slurm.ts";
import { endedMeta, readSlurmPlan } from "./plan.ts";
import { startedSweepAt, sweepTreeAt } from "../tree.ts";
import type { SlurmPlan } from "./plan.ts";

/** Runs of the job, not of the whole sweep: runs that were finished before are not included. */
export interface SlurmStatus {
  exp_dir: string;
  job_id: string;
  runs: number;
  /** Runs that ended, successfully or not. */
  ended: number;
  failed: number;
  /** Whether Slurm still has unfinished tasks. */
  live: boolean;
  /** The contents of the queue, such as `2 running, 5 pending (Resources)`. */
  queue: string;
}

/** The plan of a sweep's job. @throws {InputError} no sweep's folder, or it was not submitted to Slurm. */
export function slurmPlanAt(exp_dir: string): SlurmPlan {
  const plan = readSlurmPlan(startedSweepAt(exp_dir));
  if (plan !== null) return plan;
  throw new InputError(
    `${exp_dir}: this sweep was not given to Slurm; dyno sweep --resume does what is left of it here, ` +
      "--executor slurm gives it to Slurm",
  );
}

/**
 * Counts the ended runs and asks Slurm about the others.
 *
 * @throws {InputError} the sweep was not submitted to Slurm, or Slurm does not answer.
 */
export async function slurmStatus(exp_dir: string): Promise<SlurmStatus> {
  const { job_id, runs } = slurmPlanAt(exp_dir);
  const tree = sweepTreeAt(exp_dir);
  const live = (await tasksOf(job_id)).filter(isLive);
  const metas = runs.flatMap((run_id) => endedMeta(tree, run_id) ?? []);
  return {
    exp_dir,
    job_id,
    runs: runs.length,
    ended: metas.length,
    failed: metas.filter(({ exit_code }) => exit_code !== 0).length,
    live: live.length > 0 && metas.length < runs.length,
    queue: queueText(live),
  };
}
