/** Watching a sweep that is a Slurm job: which runs have ended, and what is left in the queue. */
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

/** Between two looks; longer and longer, so that a large cluster is not bothered. */
const FIRST_MS = 250;
const LONGEST_MS = 5000;
const GROWTH = 1.3;
/** How long results may take from a node to here once the job is gone: a shared folder lags. */
const LAG_MS = 3000;

export interface WatchOptions {
  /** Called with each run that ended; gives whether to watch on. */
  onEnd: (outcome: RunOutcome) => boolean;
  /** Told what is in the queue, such as `2 running, 5 pending (Resources)`. */
  onQueue?: (queue: string) => void;
  /** Called with one line on what stands still. */
  notice?: (line: string) => void;
}

/** Waits for the runs of a sweep's job. */
export class JobWatch {
  readonly #tree: SweepTree;
  readonly #plan: SlurmPlan;
  readonly #options: WatchOptions;
  /** Runs by their place in the plan. */
  readonly #waiting: Map<number, string>;
  readonly #told = new Set<string>();

  constructor(tree: SweepTree, plan: SlurmPlan, options: WatchOptions) {
    this.#tree = tree;
    this.#plan = plan;
    this.#options = options;
    this.#waiting = new Map(plan.runs.entries());
  }

  /**
   * Waits until every run has ended, or the job is gone.
   *
   * @returns whether `onEnd` asked to go on to the end.
   * @throws {CancelledError} the signal was aborted; the job goes on.
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
   * Tells of runs that have ended since the last look.
   *
   * @param refresh makes a network file system look for new files.
   * @returns whether to watch on.
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

  /** The tasks; null where Slurm does not answer now: its controller may be starting again. */
  async #queue(): Promise<SlurmTask[] | null> {
    try {
      return await tasksOf(this.#plan.job_id);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#tellOnce(`asked again until Slurm answers: ${error.message}`);
      return null;
    }
  }

  #tellOnce(line: string): void {
    if (!this.#told.has(line)) this.#options.notice?.(line);
    this.#told.add(line);
  }
}

/** How a run of the job ended; null where it has not yet. */
function endOf(tree: SweepTree, run_id: string, refresh: boolean): RunOutcome | null {
  const paths = runPathsOf(tree, run_id);
  if (refresh) listed(paths.folder);
  const meta = endedMeta(tree, run_id);
  if (meta === null) return null;
  const { exit_code, wall_time_s, timed_out = false } = meta;
  const complaint = exit_code === 0 ? null : complaintIn(paths.stderr);
  return { run_id, exit_code, timed_out, wall_time_s, complaint };
}

/** Reading a folder makes a network file system look for new files in it. */
function listed(folder: string): void {
  try {
    readdirSync(folder);
  } catch {
    // the run has not begun
  }
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
