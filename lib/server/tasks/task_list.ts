/** The tasks of a server, read from their journal. */
import { isOver, type Task } from "./task.ts";
import type { Recorded, ServerEvent, TaskStatus } from "../../run/events.ts";
import type { Fold } from "../../run/fold.ts";

/** An event with its wall-clock time, the only time that an unwritten event has. */
export type Timed = ServerEvent & Pick<Recorded<ServerEvent>, "t">;

/** Tasks, and the order in which waiting ones are executed. */
export class TaskList {
  /** In the order of submission. */
  readonly tasks = new Map<string, Task>();
  /** By the key that a client sent against duplicate submission. */
  readonly byKey = new Map<string, Task>();
  /** Waiting tasks, in order of arrival. */
  #queue = new Set<Task>();
  /**
   * Ended tasks in the order of their end, with the length of their requests, and the total length.
   */
  readonly #over = new Map<Task, number>();
  #over_length = 0;

  /** Waiting tasks, in order of arrival. */
  queued(): Task[] {
    return [...this.#queue];
  }

  /**
   * Forgets the tasks that ended first, with their keys, until at most `most` remain, with requests
   * of at most `most_length` letters in total; the newest task always stays.
   *
   * @returns the ids of the forgotten tasks.
   */
  forget(most: number, most_length: number): string[] {
    const forgotten: string[] = [];
    for (const [task, length] of this.#over) {
      const fit = this.#over_length <= most_length || this.#over.size === 1;
      if (this.#over.size <= most && fit) break;
      this.#over.delete(task);
      this.#over_length -= length;
      this.tasks.delete(task.task_id);
      const key = task.idempotency?.key;
      if (key !== undefined && this.byKey.get(key) === task) this.byKey.delete(key);
      forgotten.push(task.task_id);
    }
    return forgotten;
  }

  /** The only place where an event changes a task, both live and when reading the journal. */
  take(event: Timed): void {
    if (event.event === "task_queued") return this.#add(event);
    const task = this.tasks.get(event.task_id);
    if (task === undefined || isOver(task)) return;
    const { t } = event;
    const change = (status: TaskStatus, reason: string | null) => {
      task.status = status;
      this.#queue.delete(task);
      task.changes.push({ t, status, run_id: task.runs.at(-1) ?? null, reason });
    };
    switch (event.event) {
      case "task_started": {
        const { run_id } = event;
        if (run_id !== null && task.runs.at(-1) !== run_id) task.runs.push(run_id);
        task.started_unix_s ??= t;
        change("running", null);
        break;
      }
      case "task_process":
        task.process = { pid: event.pid, start_ticks: event.start_ticks };
        break;
      case "task_requeued":
        task.process = null;
        change("queued", event.reason);
        this.#queue = new Set([task, ...this.#queue].sort(byAge));
        break;
      case "task_cancelling":
        task.cancelling = true;
        break;
      case "task_ended": {
        const { exit_code, error, error_summary, metrics, agent, model } = event;
        task.process = null;
        task.ended_unix_s = t;
        task.exit_code = exit_code ?? null;
        task.error = error ?? null;
        task.error_summary = error_summary ?? [];
        task.metrics = metrics ?? null;
        task.agent = agent ?? null;
        task.model = model ?? null;
        change(event.status, task.error);
        const { length } = JSON.stringify(task.request);
        this.#over.set(task, length);
        this.#over_length += length;
      }
    }
  }

  #add({ t, task_id, request, idempotency }: Extract<Timed, { event: "task_queued" }>): void {
    const task: Task = {
      task_id,
      kind: request.kind,
      request,
      status: "queued",
      changes: [{ t, status: "queued", run_id: null, reason: null }],
      created_unix_s: t,
      started_unix_s: null,
      ended_unix_s: null,
      runs: [],
      process: null,
      cancelling: false,
      exit_code: null,
      error: null,
      error_summary: [],
      metrics: null,
      agent: null,
      model: typeof request.model === "string" ? request.model : null,
      idempotency,
    };
    this.tasks.set(task.task_id, task);
    this.#queue.add(task);
    if (task.idempotency) this.byKey.set(task.idempotency.key, task);
  }
}

/** The tasks of a server. */
export const taskList: Fold<"tasks", TaskList> = {
  kind: "tasks",
  begin: () => new TaskList(),
  take: (list, event) => list.take(event),
};

function byAge(a: Task, b: Task): number {
  return a.created_unix_s - b.created_unix_s;
}
