/** The interface to what executes the runs of a sweep: this host, or a cluster. */
import type { SweepConfig } from "./sweep.ts";
import type { PlannedRun } from "./plan.ts";
import type { SweepProgram } from "./program.ts";
import type { RunOutcome } from "./run_one.ts";
import type { SweepTree } from "./tree.ts";

/** Why a sweep has stopped. A detached one continues without this process. */
export type SweepStop = "no" | "failed run" | "interrupted" | "detached";

/** The runs of a sweep to execute, and what they share. */
export interface SweepWork {
  config: SweepConfig;
  tree: SweepTree;
  program: SweepProgram;
  /** Iterated only once. */
  runs: Iterable<PlannedRun>;
  /** Called with each run that ended; returns whether the sweep should continue. */
  onEnd: (outcome: RunOutcome) => boolean;
  /** Called with one line about something that is built, cannot be sampled, or is stuck. */
  notice?: (line: string) => void;
}

/** Executes runs; an aborted signal ends it early, without an error. */
export type SweepExecutor = (work: SweepWork, signal: AbortSignal) => Promise<SweepStop>;
