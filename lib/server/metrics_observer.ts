/** Tells metrics what a server does: its tasks, what their runs journal, its requests. */
import { join } from "node:path";
import { durationOf, isOver } from "./tasks/task.ts";
import type { FollowedRun, Metrics } from "../prometheus/open_metrics.ts";
import type { TaskLabels } from "../prometheus/task_metrics.ts";
import type { ServerObserver } from "./observer.ts";
import type { Task } from "./tasks/task.ts";

const STATUS = { completed: "success", failed: "failed", cancelled: "cancelled" } as const;

/** A task that runs. */
interface Active {
  run: FollowedRun | null;
  /** Its labels were told. */
  expected: boolean;
}

/** Counts for metrics. Disposing it waits for what is still to be read of runs that have ended. */
export class MetricsObserver implements ServerObserver, AsyncDisposable {
  readonly #metrics: Metrics;
  readonly #runs: string;
  readonly #active = new Map<Task, Active>();
  readonly #ending = new Set<Promise<void>>();

  /** @param runs the folder of runs. */
  constructor(metrics: Metrics, runs: string) {
    this.#metrics = metrics;
    this.#runs = runs;
  }

  onTask(task: Task): void {
    const active = this.#active.get(task);
    if (task.status === "running" && !active) this.#started(task);
    if (isOver(task) && active) this.#ended(task, active);
  }

  onRunEvent(task: Task): void {
    const active = this.#active.get(task);
    if (active && task.agent !== null) this.#expect(task, active);
  }

  onRequest(
    { method, route, status, duration_s }: Parameters<Required<ServerObserver>["onRequest"]>[0],
  ): void {
    this.#metrics.tasks.httpRequest(method, route, status, duration_s);
  }

  onValidation(valid: boolean): void {
    this.#metrics.tasks.validated(valid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { run } of this.#active.values()) this.#endRun(run);
    await Promise.all(this.#ending);
  }

  #started(task: Task): void {
    const run_id = task.runs.at(-1);
    const run = run_id === undefined ? null : this.#metrics.follow(join(this.#runs, run_id), {
      asTask: false,
      fromNow: true, // what an earlier server saw of a run that goes on
    });
    this.#active.set(task, { run, expected: false });
    this.#metrics.tasks.started(null);
  }

  #ended(task: Task, active: Active): void {
    this.#active.delete(task);
    this.#expect(task, active);
    const { tasks } = this.#metrics;
    const status = STATUS[task.status as keyof typeof STATUS];
    tasks.ended(labelsOf(task), status, durationOf(task) ?? 0);
    if (status === "failed") {
      tasks.failed(task.exit_code === null ? "task_killed" : `task_exit_code_${task.exit_code}`);
    }
    this.#endRun(active.run);
  }

  #expect(task: Task, active: Active): void {
    if (active.expected) return;
    active.expected = true;
    this.#metrics.tasks.expected(labelsOf(task));
  }

  #endRun(run: FollowedRun | null): void {
    if (run === null) return;
    const ending = Promise.resolve(run[Symbol.asyncDispose]()).catch(() => {}); // the run itself is on disk
    this.#ending.add(ending);
    ending.finally(() => this.#ending.delete(ending));
  }
}

function labelsOf({ agent, model }: Task): TaskLabels {
  return {
    agent_type: agent ?? "unknown",
    simulation_mode: agent === "mock" ? "mock" : "none",
    model: model ?? "unknown",
  };
}
