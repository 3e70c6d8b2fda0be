/** What carries out the runs of a sweep: this host, or a cluster. */
import type { SweepConfig } from "./sweep.ts";
import type { PlannedRun } from "./plan.ts";
import type { SweepProgram } from "./program.ts";
import type { RunOutcome } from "./run_one.ts";
import type { SweepTree } from "./tree.ts";

/** Why a sweep has ended. A detached one goes on without this process. */
export type SweepStop = "no" | "failed run" | "interrupted" | "detached";

/** The runs of a sweep that are to be done, and all that they share. */
export interface SweepWork {
  config: SweepConfig;
  tree: SweepTree;
  program: SweepProgram;
  /** Read once. */
  runs: Iterable<PlannedRun>;
  /** Called with each run that ended; gives whether the sweep goes on. */
  onEnd: (outcome: RunOutcome) => boolean;
  /** Called with one line on what is built, cannot be sampled, or stands still. */
  notice?: (line: string) => void;
}

/** Carries out runs; an aborted signal ends it early, with no error. */
export type SweepExecutor = (work: SweepWork, signal: AbortSignal) => Promise<SweepStop>;
