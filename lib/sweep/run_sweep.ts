/** Runs a sweep: finished runs are kept, the rest is run. */

import process from "node:process";
import { join } from "node:path";
import { takeLock } from "../run/lock.ts";
import { makeFolder, writeFileAtomic } from "../write.ts";
import { checkTemplate, commandOf } from "./command_line.ts";
import { exactJson } from "./exact_json.ts";
import { jobFigures } from "./job_figures.ts";
import { finishedMeta } from "./meta.ts";
import { plannedCount, plannedRuns } from "./plan.ts";
import { checkStartable, sweepProgram } from "./program.ts";
import { runHere } from "./run_here.ts";
import { checkNoJob } from "./slurm/plan.ts";
import { runPathsOf, type SweepTree, sweepTreeAt } from "./tree.ts";
import type { SweepConfig } from "./sweep.ts";
import type { SweepExecutor, SweepStop } from "./executor.ts";
import type { RunOutcome } from "./run_one.ts";

/** How to run a sweep, and its listeners. */
export interface SweepOptions {
  /** Keeps finished runs instead of running them again. */
  resume: boolean;
  /** Stops at the first run that fails. */
  fail_fast: boolean;
  /**
   * What executes the runs. Default: this host.
   *
   * @internal
   */
  executor?: SweepExecutor;
  /** Called when the finished runs are known, before the first one starts. */
  onPlan?: (plan: SweepPlan) => void;
  /** Called with each run that ended. */
  onRun?: (outcome: RunOutcome, progress: SweepProgress) => void;
  /** Called with one line about something that is built or cannot be sampled. */
  notice?: (line: string) => void;
}

/** What a sweep will do. */
export interface SweepPlan {
  /** Runs of the whole matrix. */
  runs: number;
  /** Those of them that need not be run again. */
  finished: number;
  /** Finished runs whose program was another build, or is unknown. */
  other_program: number;
  /** Whether dyno's own simulator replaces the file that the sweep names. */
  built_in: boolean;
  /** Seconds spent looking for finished runs. */
  scan_s: number;
}

/** The progress of a sweep. */
export interface SweepProgress {
  /** Runs that ended in this call, successfully or not. */
  ended: number;
  /** Those of them that failed. */
  failed: number;
  /** Runs that this call had to execute. */
  to_do: number;
}

/** The result of a sweep. */
export interface SweepSummary extends SweepProgress {
  /** Runs of the whole matrix. */
  runs: number;
  /** Runs that an earlier call had finished. */
  finished_before: number;
  /** Why it stopped early; "no" if it did not. */
  stopped: SweepStop;
  /** Duration of this call, seconds. */
  wall_time_s: number;
}

/** The folder of a sweep. */
export function treeOf(config: SweepConfig): SweepTree {
  return sweepTreeAt(join(config.out_root, config.name));
}

/** Which runs of a plan are finished, in the plan's order. */
export interface FinishedScan {
  finished: Uint8Array;
  count: number;
  /** How many of these were made by a program with another hash or none. */
  other_program: number;
}

/** Looks for finished runs; `sha256` is the hash of the current program. */
export function scanFinished(
  config: SweepConfig,
  tree: SweepTree,
  sha256: string | null,
): FinishedScan {
  const cwd = process.cwd();
  const summary = config.kind === null && config.command === null;
  const hasFigures = (out: string) => config.kind === null || jobFigures(out) !== null;
  const scan = { finished: new Uint8Array(plannedCount(config)), count: 0, other_program: 0 };
  let place = 0;
  for (const run of plannedRuns(config)) {
    const paths = runPathsOf(tree, run.run_id);
    const cmd = commandOf(config, run, paths.out);
    const meta = finishedMeta(paths, { run, cmd, cwd, summary });
    if (meta !== null && hasFigures(paths.out)) {
      scan.finished[place] = 1;
      scan.count++;
      if (sha256 !== null && meta.program_sha256 !== sha256) scan.other_program++;
    }
    place++;
  }
  return scan;
}

/** The runs that a scan did not find finished. */
export function* missingRuns(config: SweepConfig, { finished }: FinishedScan) {
  let place = 0;
  for (const run of plannedRuns(config)) {
    if (finished[place++] === 0) yield run;
  }
}

/**
 * Runs a sweep. When it returns or throws, none of its processes is left on this host.
 *
 * @throws {InputError} the sweep's folder is in use or not writable, or the program is missing.
 */
export async function runSweep(
  config: SweepConfig,
  options: SweepOptions,
  signal: AbortSignal,
): Promise<SweepSummary> {
  checkTemplate(config);
  const started = performance.now();
  const tree = treeOf(config);
  const program = await sweepProgram(config, options.notice);
  // a node of Slurm may have other programs than this host
  if (options.executor === undefined && config.kind === null) checkStartable(config, program);
  makeFolder(tree.runs);
  const giveBack = takeLock(tree.lock);
  try {
    await checkNoJob(tree);
    writeFileAtomic(tree.experiment, exactJson({ ...config.file, name: config.name }, 2) + "\n");
    const scan = options.resume
      ? scanFinished(config, tree, program.sha256)
      : { finished: new Uint8Array(plannedCount(config)), count: 0, other_program: 0 };
    const runs = scan.finished.length;
    const scan_s = (performance.now() - started) / 1000;
    const { count: finished, other_program } = scan;
    const { built_in } = program;
    options.onPlan?.({ runs, finished, other_program, built_in, scan_s });
    const progress = { ended: 0, failed: 0, to_do: runs - scan.count };
    let stopped: SweepStop = "no";
    if (progress.to_do > 0) {
      const { executor = runHere, notice, fail_fast } = options;
      const runs = missingRuns(config, scan);
      const onEnd = (outcome: RunOutcome) => {
        progress.ended++;
        if (outcome.exit_code !== 0) progress.failed++;
        options.onRun?.(outcome, progress);
        return outcome.exit_code === 0 || !fail_fast;
      };
      stopped = await executor({ config, tree, program, runs, onEnd, notice }, signal);
    }
    const wall_time_s = (performance.now() - started) / 1000;
    return { ...progress, runs, finished_before: scan.count, stopped, wall_time_s };
  } finally {
    giveBack();
  }
}
