/** Executes tasks: as many at the same time as allowed, each in a separate dyno process. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, WriteError } from "../../errors.ts";
import { ENDPOINTS_ENV } from "../../endpoint/ssrf_guard.ts";
import { KEY_ENV, keyOriginsText } from "../../endpoint/key_origins.ts";
import { Scope } from "../../execute/scope.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { newRunId } from "../../run/run_id.ts";
import { makeFolder, writeFileAtomic } from "../../write.ts";
import { BatchWatch } from "./batch_watch.ts";
import { type ChildEnd, endGroup, isAlive, killGroup, startChild } from "./child.ts";
import { type Prepared, prepareTask } from "./prepare.ts";
import { RunWatch } from "./run_watch.ts";
import { SweepWatch } from "./sweep_watch.ts";
import { isOver, requestOf, type Task } from "./task.ts";
import type { TaskPolicy } from "./policy.ts";
import type { TaskStore } from "./store.ts";
import type { RunEvent, TaskEnd, TaskMetrics, TaskStatus } from "../../run/events.ts";
import type { TaskWatch } from "./task_watch.ts";

export interface RunnerOptions {
  store: TaskStore;
  policy: TaskPolicy;
  /** The folder of runs. */
  runs: string;
  /** Tasks at the same time. */
  jobs: number;
  /** The command that starts dyno. */
  command: readonly string[];
  onRunEvent(task: Task, event: RunEvent): void;
  /** Called when a running task has new figures. */
  onProgress(task: Task): void;
  /** Called with one line about something that went wrong. */
  onNotice(line: string): void;
}

const POLL_MS = 200;

/** Runs queued tasks until stopped. */
export class TaskRunner {
  readonly #options: RunnerOptions;
  readonly #scope = new Scope();
  readonly #watches = new Map<Task, TaskWatch>();
  #running = 0;
  #stopping = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /**
   * Ends processes that an earlier server left running, so that their tasks can continue here; then
   * starts.
   */
  async start(): Promise<void> {
    const { store, onNotice } = this.#options;
    const left = [...store.tasks.values()].filter(({ status }) => status === "running");
    await Promise.all(left.map(async (task) => {
      if (task.process && isAlive(task.process)) {
        onNotice(
          `${task.task_id}: an earlier server left it running; it is stopped, then continued`,
        );
        await endGroup(task.process);
      }
      if (task.cancelling) store.end(task, "cancelled");
      else store.requeue(task, "the server was restarted");
    }));
    this.fill();
  }

  /** The number of running tasks. */
  get running(): number {
    return this.#running;
  }

  /** The partial metrics of a task; null if it is not running. */
  metrics(task: Task): TaskMetrics | null {
    return this.#watches.get(task)?.metrics() ?? null;
  }

  /** Starts queued tasks while there is room. */
  fill(): void {
    const { store, jobs } = this.#options;
    if (this.#stopping || this.#running >= jobs) return;
    for (const task of store.queued().slice(0, jobs - this.#running)) {
      this.#running++;
      this.#scope.spawn(async () => {
        try {
          await this.#run(task);
        } catch (error) {
          await this.#failed(task, error);
        } finally {
          this.#running--;
          this.fill();
        }
      });
    }
  }

  /** Cancels a task that has not ended; a running one ends soon. */
  cancel(task: Task): void {
    const { store } = this.#options;
    if (isOver(task) || task.cancelling) return;
    if (task.status === "queued") return store.end(task, "cancelled");
    store.cancelling(task);
    this.#end(task);
  }

  /** Ends the processes of tasks, queues the tasks again, and waits for the processes. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const task of this.#options.store.tasks.values()) {
      if (task.status === "running") this.#end(task);
    }
    await this.#scope.join();
  }

  async #run(task: Task): Promise<void> {
    const { store, policy, runs, command } = this.#options;
    const ownFolder = task.kind === "sweep" || task.kind === "batch";
    const run_id = ownFolder ? null : runToGoOn(task, runs) ?? newRunId();
    const resumed = run_id !== null && task.runs.includes(run_id) && hasJournal(runs, run_id);
    store.starting(task, run_id);
    const prepared = await prepareTask(requestOf(task), task.task_id, policy);
    const args = this.#write(task, prepared);
    if (run_id !== null) args.push("--out", runs, resumed ? "--resume" : "--run-id", run_id);
    if (task.kind === "batch") args.push("--out", runs);
    const output = outputOf(store, task);
    using watch: TaskWatch = prepared.batch_dir
      ? new BatchWatch(prepared.batch_dir, task.created_unix_s)
      : prepared.exp_dir === null
      ? new RunWatch(task.kind, runDirectoryAt(join(runs, run_id!)), (event) => {
        Object.assign(task, watch.facts());
        this.#options.onRunEvent(task, event);
      })
      : new SweepWatch(prepared.exp_dir);
    this.#watches.set(task, watch);
    const child = await startChild(
      [...command, ...args, "--json"],
      output,
      (started) => store.started(task, started),
      {
        [KEY_ENV]: keyOriginsText(policy.keys).join(","),
        ...(policy.endpoints === null || prepared.mock
          ? {}
          : { [ENDPOINTS_ENV]: policy.endpoints.list.join(",") }),
      },
    );
    if (this.#stopping || task.cancelling) this.#end(task);
    const refresh = (last: boolean) => {
      if (!watch.refresh(last)) return;
      Object.assign(task, watch.facts());
      this.#options.onProgress(task);
    };
    const timer = setInterval(() => refresh(false), POLL_MS);
    const end = await child.ended.finally(() => clearInterval(timer));
    killGroup(child.process.pid);
    refresh(true);
    this.#watches.delete(task);
    const interrupted = end.exit_code === 130 || end.exit_code === null;
    if (this.#stopping && interrupted && !task.cancelling) {
      return store.requeue(task, "the server was stopped");
    }
    const { status, ...rest } = taskOutcomeOf(task, end, watch, output.stderr);
    store.end(task, status, { ...rest, agent: task.agent, model: task.model });
  }

  /**
   * Handles an error outside the task's process: the task fails, and the server continues. On a
   * disk that accepts no writes, the failure is recorded when the disk does, or else the next
   * server starts the task again.
   */
  async #failed(task: Task, error: unknown): Promise<void> {
    const { store, onNotice } = this.#options;
    this.#watches.delete(task);
    const message = messageOf(error);
    onNotice(`${task.task_id}: ${message}`);
    while (!isOver(task)) {
      try {
        store.end(task, "failed", { error: message });
      } catch (fault) {
        if (!(fault instanceof WriteError)) throw fault;
        if (this.#stopping) return;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }

  /** Writes the task's file; returns the arguments that name it. */
  #write(task: Task, { content, args }: Prepared): string[] {
    const folder = this.#options.store.folderOf(task);
    makeFolder(folder);
    const file = join(folder, "task.json");
    if (content !== null) writeFileAtomic(file, JSON.stringify(content, null, 2) + "\n");
    return args(file);
  }

  #end(task: Task): void {
    const child = task.process;
    if (child) this.#scope.spawn(() => endGroup(child));
  }
}

/**
 * The interrupted run of a task, if it can be continued; a load cannot, so it is measured again.
 */
function runToGoOn(task: Task, runs: string): string | null {
  const last = task.runs.at(-1);
  if (last === undefined) return null;
  return task.kind === "suite" || !hasJournal(runs, last) ? last : null;
}

function hasJournal(runs: string, run_id: string): boolean {
  return existsSync(runDirectoryAt(join(runs, run_id)).journal);
}

function outputOf(store: TaskStore, task: Task): { stdout: string; stderr: string } {
  const folder = store.folderOf(task);
  return { stdout: join(folder, "stdout.json"), stderr: join(folder, "stderr.txt") };
}

/** The final state of a task, with its details. */
type TaskOutcome = { status: TaskStatus } & Partial<TaskEnd>;

/**
 * A task is completed if its process finished its work and something was answered; single failures
 * are in its metrics.
 */
function taskOutcomeOf(
  task: Task,
  { exit_code, signal }: ChildEnd,
  watch: TaskWatch,
  stderr: string,
): TaskOutcome {
  const metrics = watch.metrics();
  const known = { exit_code, metrics, error_summary: watch.errors() };
  if (exit_code === 0) return { status: "completed", ...known };
  if (task.cancelling && (exit_code === 130 || exit_code === null)) {
    return { status: "cancelled", ...known };
  }
  const answered = Number(metrics.successful ?? 0) > 0;
  if (exit_code === 1 && answered && watch.complete()) return { status: "completed", ...known };
  const said = lastError(stderr);
  const error = signal !== null
    ? `its process was ended by ${signal}`
    : said ?? known.error_summary[0] ?? `its process ended with code ${exit_code}`;
  const error_summary = known.error_summary.length ? known.error_summary : [error];
  return { status: "failed", ...known, error, error_summary };
}

/** The last line that reports an error; null if there is none. */
function lastError(path: string): string | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return null;
  }
  const line = text.trimEnd().split("\n").findLast((line) => line.startsWith("error: "));
  return line?.slice("error: ".length) ?? null;
}
