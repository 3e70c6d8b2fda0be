/** Watches a sweep that is a Slurm job: which runs have ended, and what is left in the queue. */
import { readdirSync } from "node:fs";
import { InputError } from "../../errors.ts";
import { isLive, queueText, stuckLines, tasksOf } from "../../execute/slurm.ts";
import { sleep } from "../../execute/sleep.ts";
import { complaintIn } from "../run_one.ts";
import { endedMeta } from "./plan.ts";
import { runPathsOf } from "../tree.ts";
import type { SlurmTask } from "../../execute/slurm.ts";
import type { RunOutcome } from "../run_one.ts";
import type { SlurmPlan } from "./plan.ts";
import type { SweepTree } from "../tree.ts";

/** Time between two checks; it grows, so that a large cluster is not disturbed. */
const FIRST_MS = 250;
const LONGEST_MS = 5000;
const GROWTH = 1.3;
/**
 * How long results may take to become visible here after the job has ended: a shared folder lags.
 */
const LAG_MS = 3000;

export interface WatchOptions {
  /** Called with each run that ended; returns whether to continue watching. */
  onEnd: (outcome: RunOutcome) => boolean;
  /** Called with the contents of the queue, such as `2 running, 5 pending (Resources)`. */
  onQueue?: (queue: string) => void;
  /** Called with one line about something that is stuck. */
  notice?: (line: string) => void;
}

/** Waits for the runs of a sweep's job. */
export class JobWatch {
  readonly #tree: SweepTree;
  readonly #plan: SlurmPlan;
  readonly #options: WatchOptions;
  /** Runs by their position in the plan. */
  readonly #waiting: Map<number, string>;
  readonly #told = new Set<string>();

  constructor(tree: SweepTree, plan: SlurmPlan, options: WatchOptions) {
    this.#tree = tree;
    this.#plan = plan;
    this.#options = options;
    this.#waiting = new Map(plan.runs.entries());
  }

  /**
   * Waits until every run has ended, or the job has.
   *
   * @returns whether `onEnd` let it watch to the end.
   * @throws {CancelledError} the signal was aborted; the job continues.
   */
  async toTheEnd(signal: AbortSignal): Promise<boolean> {
    let tasks: SlurmTask[] = [];
    let gone_ms: number | null = null;
    for (let pause_ms = FIRST_MS;; pause_ms = Math.min(pause_ms * GROWTH, LONGEST_MS)) {
      if (!this.look(gone_ms !== null)) return false;
      if (this.#waiting.size === 0) return true;
      const queue = await this.#queue();
      if (queue !== null) {
        if (queue.length > 0) tasks = queue;
        const live = queue.filter(isLive);
        gone_ms = live.length > 0 ? null : gone_ms ?? performance.now();
        this.#options.onQueue?.(queueText(live));
        for (const line of stuckLines(this.#plan.job_id, live)) this.#tellOnce(line);
      }
      if (gone_ms !== null && performance.now() - gone_ms > LAG_MS) break;
      await sleep(gone_ms === null ? pause_ms : FIRST_MS, signal);
    }
    for (const line of lostLines(this.#plan, this.#waiting, tasks)) this.#options.notice?.(line);
    return true;
  }

  /**
   * Reports runs that have ended since the last check.
   *
   * @param refresh makes a network file system look for new files.
   * @returns whether to continue watching.
   */
  look(refresh: boolean): boolean {
    let goesOn = true;
    for (const [place, run_id] of this.#waiting) {
      const outcome = endOf(this.#tree, run_id, refresh);
      if (outcome === null) continue;
      this.#waiting.delete(place);
      goesOn = this.#options.onEnd(outcome) && goesOn;
    }
    return goesOn;
  }

  /**
   * The tasks; null if Slurm does not answer now, for example because its controller is restarting.
   */
  async #queue(): Promise<SlurmTask[] | null> {
    try {
      return await tasksOf(this.#plan.job_id);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#tellOnce(`retrying until Slurm answers: ${error.message}`);
      return null;
    }
  }

  #tellOnce(line: string): void {
    if (!this.#told.has(line)) this.#options.notice?.(line);
    this.#told.add(line);
  }
}

/** How a run of the job ended; null if it has not ended. */
function endOf(tree: SweepTree, run_id: string, refresh: boolean): RunOutcome | null {
  const paths = runPathsOf(tree, run_id);
  if (refresh) listed(paths.folder);
  const meta = endedMeta(tree, run_id);
  if (meta === null) return null;
  const { exit_code, wall_time_s, timed_out = false } = meta;
  const complaint = exit_code === 0 ? null : complaintIn(paths.stderr);
  return { run_id, exit_code, timed_out, wall_time_s, complaint };
}

/** Lists a folder, which makes a network file system look for new files in it. */
function listed(folder: string): void {
  try {
    readdirSync(folder);
  } catch {
    // the run has not started
  }
}

/** Describes the runs that left no result: how many, by the end state of their tasks. */
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
      ? "Slurm no longer knows it"
      : `its task ended as ${task.state}${task.reason === "None" ? "" : ` (${task.reason})`}`;
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  return [...ends].map(([end, runs]) =>
    `Slurm job ${job_id}: ${runs === 1 ? "a run" : `${runs} runs`} left no result: ${end}`
  );
}
