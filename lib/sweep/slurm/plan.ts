/** The plan of a sweep as a Slurm job: which task executes which runs. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { isLive, tasksOf } from "../../execute/slurm.ts";
import { readJsonFile } from "../../settings/json_file.ts";
import { makeFolder, writeFileAtomic } from "../../write.ts";
import { sweepConfigOf } from "../config.ts";
import { readMeta } from "../meta.ts";
import { runPathsOf } from "../tree.ts";
import type { SweepConfig } from "../sweep.ts";
import type { RunMeta } from "../meta.ts";
import type { SweepTree } from "../tree.ts";

const schema = z.strictObject({
  job_id: z.string().regex(/^\d+$/),
  /** Size of the array; task N executes runs N, N + tasks, N + 2 tasks … */
  tasks: z.int().min(1),
  /** The sweep's working folder. */
  cwd: z.string(),
  /** The folder of its file; missing in plans of an earlier dyno. */
  directory: z.string().optional(),
  /** Settings that flags have overridden. */
  out_root: z.string(),
  timeout_s: z.number(),
  memory_bytes: z.number(),
  sample_rate_hz: z.number(),
  /** Run ids by their index. */
  runs: z.array(z.string()).min(1),
});

/** The plan file's content. */
export type SlurmPlan = z.infer<typeof schema>;

/** Paths of the files that a sweep writes for Slurm. */
export interface SlurmPaths {
  folder: string;
  plan: string;
  script: string;
  /** The tasks' own output; the output of runs is in their folders. */
  logs: string;
}

/** The paths in a sweep's folder. */
export function slurmPathsOf(tree: SweepTree): SlurmPaths {
  const folder = join(tree.path, "slurm");
  return {
    folder,
    plan: join(folder, "plan.json"),
    script: join(folder, "task.sh"),
    logs: join(folder, "logs"),
  };
}

/** Makes the folders for a job. @throws {InputError} they cannot be written. */
export function makeSlurmFolders(tree: SweepTree): SlurmPaths {
  const paths = slurmPathsOf(tree);
  makeFolder(paths.logs);
  return paths;
}

/** Writes the plan file. @throws {InputError} it cannot be written. */
export function writeSlurmPlan(tree: SweepTree, plan: SlurmPlan): void {
  writeFileAtomic(slurmPathsOf(tree).plan, JSON.stringify(plan, null, 2) + "\n");
}

/**
 * The plan file; null if the sweep was not submitted to Slurm.
 *
 * @throws {InputError} it is broken.
 */
export function readSlurmPlan(tree: SweepTree): SlurmPlan | null {
  const { plan: path } = slurmPathsOf(tree);
  if (!existsSync(path)) return null;
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    throw new InputError(
      `${path}: no plan of a Slurm job; if squeue shows no job of this sweep, remove the file`,
    );
  }
}

/** The sweep as it was when it was planned. @throws {InputError} its file is missing or broken. */
export async function plannedConfig(tree: SweepTree, plan: SlurmPlan): Promise<SweepConfig> {
  const config = sweepConfigOf(await readJsonFile(tree.experiment));
  const { out_root, timeout_s, memory_bytes, sample_rate_hz, directory = plan.cwd } = plan;
  return { ...config, directory, out_root, timeout_s, memory_bytes, sample_rate_hz };
}

/** How a planned run ended; null if it has not ended. */
export function endedMeta(tree: SweepTree, run_id: string): RunMeta | null {
  return readMeta(runPathsOf(tree, run_id).meta); // older ones were removed when the job was planned
}

/**
 * Checks that no Slurm job uses a sweep's folder.
 *
 * @throws {InputError} a job does, or Slurm does not answer.
 */
export async function checkNoJob(tree: SweepTree): Promise<void> {
  const plan = readSlurmPlan(tree);
  if (plan === null || plan.runs.every((run_id) => endedMeta(tree, run_id) !== null)) return;
  const { job_id } = plan;
  let live: boolean;
  try {
    live = (await tasksOf(job_id)).some(isLive);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(
      `${tree.path}: Slurm job ${job_id} was given this sweep, and whether it still runs cannot be ` +
        `told here (${error.message}); if it has ended, remove ${slurmPathsOf(tree).plan}`,
    );
  }
  if (!live) return;
  throw new InputError(
    `${tree.path}: in use by Slurm job ${job_id}; wait for it with dyno sweep status ` +
      `--exp_dir ${tree.path} --wait, or end it with scancel ${job_id}`,
  );
}
