/** Counts a server's activity for metrics: its tasks, the events of their runs, its requests. */
import { join } from "node:path";
import { durationOf, isOver, type Task } from "./tasks/task.ts";
import type { FollowedRun, Metrics } from "../prometheus/open_metrics.ts";
import type { TaskLabels } from "../prometheus/task_metrics.ts";
import type { ServerObserver } from "./observer.ts";

const STATUS = { completed: "success", failed: "failed", cancelled: "cancelled" } as const;

/** The labels of a task that reported nothing and did not name a model. */
const UNKNOWN: TaskLabels = {
  agent_type: "unknown",
  simulation_mode: "none",
  model: "unknown",
};

/** A running task. */
interface Active {
  run: FollowedRun | null;
  /** Its labels are known. */
  expected: boolean;
}

/** Counts for metrics. Disposing it waits until the journals of ended runs have been read. */
export class MetricsObserver implements ServerObserver, AsyncDisposable {
  readonly #metrics: Metrics;
  readonly #runs: string;
  readonly #active = new Map<Task, Active>();
  readonly #ending = new Set<Promise<void>>();
  /** By model: the labels of the last task that reported them. */
  readonly #told = new Map<string, TaskLabels>();

  /** @param runs the folder of runs. */
  constructor(metrics: Metrics, runs: string) {
    this.#metrics = metrics;
    this.#runs = runs;
    metrics.tasks.expected(UNKNOWN);
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
      fromNow: true, // an earlier server has counted the earlier events of a continued run
    });
    this.#active.set(task, { run, expected: false });
    this.#metrics.tasks.started(this.#labelsOf(task));
  }

  #ended(task: Task, active: Active): void {
    this.#active.delete(task);
    this.#expect(task, active);
    const { tasks } = this.#metrics;
    const status = STATUS[task.status as keyof typeof STATUS];
    tasks.ended(this.#labelsOf(task), status, durationOf(task) ?? 0);
    if (status === "failed") {
      tasks.failed(task.exit_code === null ? "task_killed" : `task_exit_code_${task.exit_code}`);
    }
    this.#endRun(active.run);
  }

  #expect(task: Task, active: Active): void {
    if (active.expected) return;
    active.expected = true;
    const labels = this.#labelsOf(task);
    if (task.agent !== null) this.#told.set(labels.model, labels);
    this.#metrics.tasks.expected(labels);
  }

  /**
   * The labels of a task, from its run. A task that fails before its run starts counts with the
   * others of its requested model, so that rates include the first failure.
   */
  #labelsOf({ agent, model, request }: Task): TaskLabels {
    if (agent !== null) {
      const simulation_mode = agent === "mock" ? "mock" : "none";
      return { agent_type: agent, simulation_mode, model: model ?? "unknown" };
    }
    const asked = model ?? ("model" in request ? request.model : undefined);
    if (typeof asked !== "string") return UNKNOWN;
    return this.#told.get(asked) ?? { ...UNKNOWN, model: asked };
  }

  #endRun(run: FollowedRun | null): void {
    if (run === null) return;
    const ending = Promise.resolve(run[Symbol.asyncDispose]()).catch(() => {}); // the run itself is on disk
    this.#ending.add(ending);
    ending.finally(() => this.#ending.delete(ending));
  }
}
