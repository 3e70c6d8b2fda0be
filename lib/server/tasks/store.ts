/** Tasks on disk: an append-only journal from which they are known again after a restart. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fold, readJournal } from "../../run/fold.ts";
import { Journal, mendJournal } from "../../run/journal.ts";
import { takeLock } from "../../run/lock.ts";
import { Redactor } from "../../run/redact.ts";
import { makeFolder, notWritten, writeFileAtomic } from "../../write.ts";
import { type TaskList, taskList } from "./task_list.ts";
import type { JournalLine } from "../../run/event_forms.ts";
import type { TaskRequest } from "./request.ts";
import type { Task } from "./task.ts";
import type { ServerEvent, TaskEnd, TaskProcess, TaskStatus } from "../../run/events.ts";

/** Tasks that have ended and are known after a restart; the runs of all stay. */
const KEPT_TASKS = 10_000;
const FORCED = { recursive: true, force: true };

/** An idempotency key was used before, for something else. */
export class KeyReusedError extends Error {
  override readonly name = "KeyReusedError";
}

/** The tasks of one folder of runs; one server at a time. */
export class TaskStore implements Disposable {
  /** `<runs>/server`. */
  readonly folder: string;
  readonly #list: TaskList;
  readonly #journal: Journal<"tasks">;
  readonly #unlock: () => void;
  readonly #listeners = new Set<(task: Task) => void>();

  private constructor(
    folder: string,
    list: TaskList,
    journal: Journal<"tasks">,
    unlock: () => void,
  ) {
    this.folder = folder;
    this.#list = list;
    this.#journal = journal;
    this.#unlock = unlock;
  }

  /**
   * Opens the tasks under a folder of runs.
   *
   * @param notice called with a line that was cut off in writing.
   * @param kept so many tasks that have ended are remembered, with their idempotency keys.
   * @throws {InputError} another server uses the folder, or it cannot be written.
   */
  static async open(
    runs: string,
    notice: (line: string) => void,
    kept = KEPT_TASKS,
  ): Promise<TaskStore> {
    const folder = join(runs, "server");
    try {
      makeFolder(folder);
    } catch (error) {
      throw notWritten(folder, error);
    }
    const unlock = takeLock(join(folder, "server.lock"));
    try {
      const path = join(folder, "tasks.jsonl");
      const lines: JournalLine<"tasks">[] = [];
      if (existsSync(path)) {
        const reading = await readJournal(path, "tasks", (line) => lines.push(line));
        mendJournal(path, reading, notice);
      }
      const { lines: needed, forgotten } = compacted(lines, kept);
      if (needed.length < lines.length) {
        writeFileAtomic(path, needed.map(({ text }) => `${text}\n`).join(""));
        for (const id of forgotten) rmSync(join(folder, "tasks", id), FORCED);
      }
      const list = fold(taskList, needed.flatMap(({ event }) => event ?? []));
      return new TaskStore(folder, list, new Journal<"tasks">(path, new Redactor()), unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** In the order in which they were submitted. */
  get tasks(): ReadonlyMap<string, Task> {
    return this.#list.tasks;
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
    const task = this.#list.byKey.get(key);
    if (task === undefined) return null;
    if (task.idempotency?.digest === digestOf(request)) return task;
    throw new KeyReusedError(`the key was used for ${task.task_id}, which asks for something else`);
  }

  /** Tasks that wait, first come first. */
  queued(): Task[] {
    return this.#list.queued();
  }

  /** Adds a task; it is in the journal when this returns. */
  submit(request: TaskRequest, key: string | null): Task {
    const task_id = `task_${randomBytes(6).toString("hex")}`;
    const idempotency = key === null ? null : { key, digest: digestOf(request) };
    return this.#record({ event: "task_queued", task_id, request, idempotency });
  }

  /** A task is about to be carried out as this run, which is new or resumed. */
  starting(task: Task, run_id: string | null): void {
    this.#record({ event: "task_started", task_id: task.task_id, run_id });
  }

  /** The process that carries it out. */
  started(task: Task, process: TaskProcess): void {
    this.#record({ event: "task_process", task_id: task.task_id, ...process });
  }

  /** A task that was cut off waits again. */
  requeue(task: Task, reason: string): void {
    this.#record({ event: "task_requeued", task_id: task.task_id, reason });
  }

  cancelling(task: Task): void {
    this.#record({ event: "task_cancelling", task_id: task.task_id });
  }

  end(task: Task, status: TaskStatus, end: Partial<TaskEnd> = {}): void {
    this.#record({ event: "task_ended", task_id: task.task_id, status, ...end });
  }

  /** Called with every change of state; the returned function ends that. */
  onChange(listener: (task: Task) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    this.#journal[Symbol.dispose]();
    this.#unlock();
  }

  #record(event: ServerEvent): Task {
    this.#journal.append(event);
    this.#list.take({ ...event, t: Date.now() / 1000 });
    const task = this.#list.tasks.get(event.task_id)!;
    for (const listener of this.#listeners) listener(task);
    return task;
  }
}

function digestOf(request: TaskRequest): string {
  return createHash("sha256").update(JSON.stringify(request)).digest("hex");
}

/** A journal without what nobody asks for any more. */
interface Compacted {
  lines: JournalLine<"tasks">[];
  /** Tasks that have ended and are left out. */
  forgotten: string[];
}

/**
 * Keeps every task that is not over, and of the others those that ended last. The changes of a kept
 * task stay as they are, since followers count them; the processes of one that has ended go.
 *
 * @param kept how many that have ended.
 */
function compacted(lines: readonly JournalLine<"tasks">[], kept: number): Compacted {
  const over = new Set(
    lines.flatMap(({ event }) => event?.event === "task_ended" ? event.task_id : []),
  );
  const forgotten = new Set([...over].slice(0, Math.max(0, over.size - kept)));
  const isNeeded = ({ event }: JournalLine<"tasks">) =>
    event === null || !forgotten.has(event.task_id) &&
      !(event.event === "task_process" && over.has(event.task_id));
  return { lines: lines.filter(isNeeded), forgotten: [...forgotten] };
}
