/** Tasks on disk: an append-only journal from which they are known again after a restart. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { dropTornEnd, Journal, readJournal } from "../../run/journal.ts";
import { takeLock } from "../../run/lock.ts";
import { Redactor } from "../../run/redact.ts";
import { notWritten, writeFileAtomic } from "../../run/write.ts";
import { compacted } from "./compaction.ts";
import { isOver } from "./task.ts";
import type { JournalEvent } from "../../run/journal.ts";
import type { TaskRequest } from "./request.ts";
import type { Task, TaskProcess, TaskStatus } from "./task.ts";

/** Tasks that are over and known after a restart; the runs of all stay. */
const KEPT_TASKS = 10_000;
const FORCED = { recursive: true, force: true };

/** What is known of a task at its end. */
export type TaskEnd = Pick<
  Task,
  "exit_code" | "error" | "error_summary" | "metrics" | "agent" | "model"
>;

/** An idempotency key was used before, for something else. */
export class KeyReusedError extends Error {
  override readonly name = "KeyReusedError";
}

/** The tasks of one folder of runs; one server at a time. */
export class TaskStore implements Disposable {
  /** In the order in which they were submitted. */
  readonly tasks = new Map<string, Task>();
  /** `<runs>/server`. */
  readonly folder: string;
  readonly #journal: Journal;
  readonly #unlock: () => void;
  /** Tasks that wait, first come first. */
  #queue = new Set<Task>();
  readonly #byKey = new Map<string, Task>();
  readonly #listeners = new Set<(task: Task) => void>();

  private constructor(folder: string, journal: Journal, unlock: () => void) {
    this.folder = folder;
    this.#journal = journal;
    this.#unlock = unlock;
  }

  /**
   * Opens the tasks under a folder of runs.
   *
   * @param notice is told of a line that was cut off in writing.
   * @param kept so many tasks that are over are remembered, with their idempotency keys.
   * @throws {InputError} another server uses the folder, or it cannot be written.
   */
  static async open(
    runs: string,
    notice: (line: string) => void,
    kept = KEPT_TASKS,
  ): Promise<TaskStore> {
    const folder = join(runs, "server");
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw notWritten(folder, error);
    }
    const unlock = takeLock(join(folder, "server.lock"));
    try {
      const path = join(folder, "tasks.jsonl");
      const events: JournalEvent[] = [];
      if (existsSync(path)) {
        const reading = await readJournal(path, (event) => events.push(event));
        if (reading.torn_bytes > 0) {
          dropTornEnd(path, statSync(path).size, reading);
          notice(`${path}: dropped a last line that was cut off in writing`);
        }
        for (const line of reading.damaged_lines) {
          notice(`${path}:${line}: not a journal event; left out`);
        }
      }
      const { events: needed, forgotten } = compacted(events, kept);
      if (needed.length < events.length) {
        writeFileAtomic(path, needed.map((event) => JSON.stringify(event) + "\n").join(""));
        for (const id of forgotten) rmSync(join(folder, "tasks", id), FORCED);
      }
      const store = new TaskStore(folder, new Journal(path, new Redactor()), unlock);
      for (const event of needed) store.#apply(event);
      return store;
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** The folder of one task's files. */
  folderOf(task: Task): string {
    return join(this.folder, "tasks", task.task_id);
  }

  /**
   * The task that was submitted with this key for the same request; null for a new key.
   *
   * @throws {KeyReusedError} the key was used for another request.
   */
  submittedBefore(key: string, request: TaskRequest): Task | null {
    const task = this.#byKey.get(key);
    if (task === undefined) return null;
    if (task.idempotency?.digest === digestOf(request)) return task;
    throw new KeyReusedError(`the key was used for ${task.task_id}, which asks for something else`);
  }

  /** Tasks that wait, first come first. */
  queued(): Task[] {
    return [...this.#queue];
  }

  /** Adds a task; it is in the journal when this returns. */
  submit(request: TaskRequest, key: string | null): Task {
    const task_id = `task_${randomBytes(6).toString("hex")}`;
    const idempotency = key === null ? null : { key, digest: digestOf(request) };
    return this.#record("task_queued", { task_id, request, idempotency });
  }

  /** A task is about to be carried out as this run, which is new or resumed. */
  starting(task: Task, run_id: string | null): void {
    this.#record("task_started", { task_id: task.task_id, run_id });
  }

  /** The process that carries it out. */
  started(task: Task, process: TaskProcess): void {
    this.#record("task_process", { task_id: task.task_id, ...process });
  }

  /** A task that was cut off waits again. */
  requeue(task: Task, reason: string): void {
    this.#record("task_requeued", { task_id: task.task_id, reason });
  }

  cancelling(task: Task): void {
    this.#record("task_cancelling", { task_id: task.task_id });
  }

  end(task: Task, status: TaskStatus, end: Partial<TaskEnd> = {}): void {
    this.#record("task_ended", { task_id: task.task_id, status, ...end });
  }

  /** Told of every change of state; the returned function ends that. */
  onChange(listener: (task: Task) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    this.#journal[Symbol.dispose]();
    this.#unlock();
  }

  #record(event: string, fields: Record<string, unknown> & { task_id: string }): Task {
    this.#journal.append(event, fields);
    const task = this.#apply({ t: Date.now() / 1000, mono_ns: 0, event, ...fields })!;
    for (const listener of this.#listeners) listener(task);
    return task;
  }

  /** The one place where an event changes a task, now or on reading the journal. */
  #apply(event: JournalEvent): Task | null {
    const { t } = event;
    if (event.event === "task_queued") return this.#add(event);
    const task = this.tasks.get(String(event.task_id));
    if (task === undefined || isOver(task)) return null;
    const change = (status: TaskStatus, reason: string | null) => {
      task.status = status;
      this.#queue.delete(task);
      task.changes.push({ t, status, run_id: task.runs.at(-1) ?? null, reason });
    };
    switch (event.event) {
      case "task_started": {
        const run_id = event.run_id as string | null;
        if (run_id !== null && task.runs.at(-1) !== run_id) task.runs.push(run_id);
        task.started_unix_s ??= t;
        change("running", null);
        break;
      }
      case "task_process":
        task.process = { pid: event.pid as number, start_ticks: event.start_ticks as string };
        break;
      case "task_requeued":
        task.process = null;
        change("queued", String(event.reason));
        this.#queue = new Set([task, ...this.#queue].sort(byAge));
        break;
      case "task_cancelling":
        task.cancelling = true;
        break;
      case "task_ended": {
        task.process = null;
        task.ended_unix_s = t;
        task.exit_code = (event.exit_code as number) ?? null;
        task.error = (event.error as string) ?? null;
        task.error_summary = (event.error_summary as string[]) ?? [];
        task.metrics = (event.metrics as Task["metrics"]) ?? null;
        task.agent = (event.agent as string) ?? null;
        task.model = (event.model as string) ?? null;
        change(event.status as TaskStatus, task.error);
      }
    }
    return task;
  }

  #add({ t, ...event }: JournalEvent): Task {
    const request = event.request as TaskRequest;
    const task: Task = {
      task_id: String(event.task_id),
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
      model: "model" in request ? request.model ?? null : null,
      idempotency: event.idempotency as Task["idempotency"],
    };
    this.tasks.set(task.task_id, task);
    this.#queue.add(task);
    if (task.idempotency) this.#byKey.set(task.idempotency.key, task);
    return task;
  }
}

function byAge(a: Task, b: Task): number {
  return a.created_unix_s - b.created_unix_s;
}

function digestOf(request: TaskRequest): string {
  return createHash("sha256").update(JSON.stringify(request)).digest("hex");
}
