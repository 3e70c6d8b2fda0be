/** Watching a sweep that is a Slurm job: which runs have ended, and what is left in the queue. */
import { readdirSync } from "node:fs";
import { InputError } from "../errors.ts";
import { isLive, tasksOf } from "../execute/slurm.ts";
import { sleep } from "../execute/sleep.ts";
import { complaintIn } from "./run_one.ts";
import { endedMeta } from "./slurm_plan.ts";
import { runPathsOf } from "./tree.ts";
import type { SlurmTask } from "../execute/slurm.ts";
import type { RunOutcome } from "./run_one.ts";
import type { SlurmPlan } from "./slurm_plan.ts";
import type { SweepTree } from "./tree.ts";

/** Between two looks; longer and longer, so that a large cluster is not bothered. */
const FIRST_MS = 250;
const LONGEST_MS = 5000;
const GROWTH = 1.3;
/** How long results may take from a node to here once the job is gone: a shared folder lags. */
const LAG_MS = 5000;
/** Reasons for which a task waits for ever. */
const STUCK =
  /held|BadConstraints|Partition(Time|Node)Limit|PartitionConfig|Invalid|NeverSatisfied/i;

export interface WatchOptions {
  /** Told of each run that ended; gives whether to watch on. */
  onEnd: (outcome: RunOutcome) => boolean;
  /** Told what is in the queue, such as `2 running, 5 pending (Resources)`. */
  onQueue?: (queue: string) => void;
  /** Told in one line what stands still. */
  notice?: (line: string) => void;
  /** Milliseconds to wait for results of a job that is gone. */
  lag_ms?: number;
}

/**
 * Waits until every run has ended, or the job is gone.
 *
 * @returns whether `onEnd` asked to go on to the end.
 * @throws {CancelledError} the signal was aborted; the job goes on.
 */
export async function watchJob(
  tree: SweepTree,
  plan: SlurmPlan,
  { onEnd, onQueue, notice, lag_ms = LAG_MS }: WatchOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const waiting = new Map(plan.runs.map((run_id, index) => [index, run_id]));
  const told = new Set<string>();
  const tellOnce = (line: string) => {
    if (!told.has(line)) notice?.(line);
    told.add(line);
  };
  let tasks: SlurmTask[] = [];
  let gone_ms: number | null = null;
  for (let pause_ms = FIRST_MS;; pause_ms = Math.min(pause_ms * GROWTH, LONGEST_MS)) {
    for (const outcome of newlyEnded(tree, waiting, gone_ms !== null)) {
      if (!onEnd(outcome)) return false;
    }
    if (waiting.size === 0) return true;
    const queue = await queueOf(plan.job_id, tellOnce);
    if (queue !== null) {
      if (queue.length > 0) tasks = queue;
      const live = queue.filter(isLive);
      gone_ms = live.length > 0 ? null : gone_ms ?? performance.now();
      onQueue?.(queueText(live));
      for (const line of stuckLines(plan.job_id, live)) tellOnce(line);
    }
    if (gone_ms !== null && performance.now() - gone_ms > lag_ms) break;
    await sleep(gone_ms === null ? pause_ms : FIRST_MS, signal);
  }
  for (const line of lostLines(plan, waiting, tasks)) notice?.(line);
  return true;
}

/** `2 running, 5 pending (Resources)`. */
export function queueText(live: readonly SlurmTask[]): string {
  const counts = new Map<string, number>();
  for (const { state, reason } of live) {
    const why = state === "PENDING" && reason !== "None" ? ` (${reason})` : "";
    const what = `${state.toLowerCase()}${why}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${count.toLocaleString("en")} ${what}`).join(", ");
}

/** Takes ended runs out of those that are waited for. */
function* newlyEnded(
  tree: SweepTree,
  waiting: Map<number, string>,
  refresh: boolean,
): Generator<RunOutcome> {
  for (const [index, run_id] of waiting) {
    const paths = runPathsOf(tree, run_id);
    if (refresh) listed(paths.folder);
    const meta = endedMeta(tree, run_id);
    if (meta === null) continue;
    waiting.delete(index);
    const { exit_code, wall_time_s, timed_out = false } = meta;
    const complaint = exit_code === 0 ? null : complaintIn(paths.stderr);
    yield { run_id, exit_code, timed_out, wall_time_s, complaint };
  }
}

/** Reading a folder makes a network file system look for new files in it. */
function listed(folder: string): void {
  try {
    readdirSync(folder);
  } catch {
    // the run has not begun
  }
}

/** The tasks; null where Slurm does not answer now: its controller may be starting again. */
async function queueOf(
  job_id: string,
  tellOnce: (line: string) => void,
): Promise<SlurmTask[] | null> {
  try {
    return await tasksOf(job_id);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    tellOnce(`asked again until Slurm answers: ${error.message}`);
    return null;
  }
}

/** One line for each reason why tasks will not start by themselves. */
function stuckLines(job_id: string, live: readonly SlurmTask[]): string[] {
  const stuck = live.filter(({ state, reason }) => state === "PENDING" && STUCK.test(reason));
  return [...new Set(stuck.map(({ reason }) => reason))].map((reason) =>
    /held/i.test(reason)
      ? `Slurm holds tasks of job ${job_id}: ${reason}; let them go with: scontrol release ${job_id}`
      : `Slurm does not start tasks of job ${job_id}: ${reason}; scontrol show job ${job_id} says more`
  );
}

/** What is known of runs that left no result: how many, by the end of their tasks. */
function lostLines(
  { job_id, tasks: count }: SlurmPlan,
  waiting: ReadonlyMap<number, string>,
  tasks: readonly SlurmTask[],
): string[] {
  const states = new Map(tasks.map(({ index, state, reason }) => [index, { state, reason }]));
  const ends = new Map<string, number>();
  for (const index of waiting.keys()) {
    const task = states.get(index % count);
    const end = task === undefined
      ? "Slurm knows no more of it"
      : `its task ended as ${task.state}${task.reason === "None" ? "" : ` (${task.reason})`}`;
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  return [...ends].map(([end, runs]) =>
    `Slurm job ${job_id}: ${runs === 1 ? "a run" : `${runs} runs`} left no result: ${end}`
  );
}
