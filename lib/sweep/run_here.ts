/** The executor of this host: a pool of subprocesses. */
import process from "node:process";
import { checkOpenFiles, OWN_FILES } from "../execute/open_files.ts";
import { Launcher } from "../execute/launcher.ts";
import { runPool, WorkerLimit } from "../execute/pool.ts";
import { CancelledError, Scope } from "../execute/scope.ts";
import { nativeLibrary } from "../native/library.ts";
import { runOne } from "./run_one.ts";
import type { SweepStop, SweepWork } from "./executor.ts";

/** Pipes and files that a running process takes in this one. */
const FILES_OF_A_JOB = 4;

/**
 * Runs everything on this host, `jobs` runs at a time. When it returns, none of its processes is
 * left.
 *
 * @throws {InputError} this process may open too few files for so many.
 */
export async function runHere(work: SweepWork, signal: AbortSignal): Promise<SweepStop> {
  const { config, tree, program, notice } = work;
  if (config.jobs > 1) {
    checkOpenFiles(config.jobs * FILES_OF_A_JOB + OWN_FILES, `--jobs ${config.jobs}`);
  }
  await using launcher = await Launcher.start(notice);
  if (config.sample_rate_hz > 0) await nativeLibrary(notice); // built before the first run, not during it
  const context = { config, tree, program, launcher, cwd: process.cwd(), notice };
  await using scope = new Scope(signal);
  let enough = false;
  try {
    await runPool(work.runs, new WorkerLimit(config.jobs), scope.signal, async (run, s) => {
      if (work.onEnd(await runOne(context, run, s))) return;
      enough = true;
      scope.abort(new CancelledError("a run failed"));
    });
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
  }
  if (enough) return "failed run";
  return signal.aborted ? "interrupted" : "no";
}
