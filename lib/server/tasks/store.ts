/** Tasks on disk: an append-only journal from which they are restored after a restart. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import { fold, JournalFollower, readJournal } from "../../run/fold.ts";
import { Journal, mendJournal } from "../../run/journal.ts";
import { takeLock } from "../../run/lock.ts";
import { Redactor } from "../../run/redact.ts";
import { makeFolder, writeFileAtomic } from "../../write.ts";
import { type TaskList, taskList } from "./task_list.ts";
import { isOver, type Task } from "./task.ts";
import type { JournalLine } from "../../run/event_forms.ts";
import type { TaskRequest } from "./request.ts";
import type { ServerEvent, TaskEnd, TaskProcess, TaskStatus } from "../../run/events.ts";

/**
 * How many ended tasks are remembered, latest first, and how many letters of their requests. Their
 * runs stay on disk. Below `journal_bytes` the journal is not shortened while the server runs.
 */
const KEPT = { tasks: 10_000, request_length: 64 << 20, journal_bytes: 4 << 20 };
/** Lines of the journal that are read before other work has its turn. */
const LINES_AT_ONCE = 500;
const FORCED = { recursive: true, force: true };

/** An idempotency key was used before, with another request. */
export class KeyReusedError extends Error {
  override readonly name = "KeyReusedError";
}

/** The tasks of one folder of runs; only one server may use it. */
export class TaskStore implements Disposable {
  /** `<runs>/server`. */
  readonly folder: string;
  readonly #list: TaskList;
  readonly #path: string;
  #journal: Journal<"tasks">;
  readonly #unlock: () => void;
  readonly #kept: typeof KEPT;
  readonly #notice: (line: string) => void;
  /** The journal is shortened when it is longer than this. */
  #longest_bytes: number;
  #shortening = false;
  #closed = false;
  readonly #listeners = new Set<(task: Task) => void>();

  private constructor(
    folder: string,
    list: TaskList,
    unlock: () => void,
    kept: typeof KEPT,
    notice: (line: string) => void,
  ) {
    this.#kept = kept;
    this.folder = folder;
    this.#list = list;
    this.#path = journalIn(folder);
    this.#journal = new Journal(this.#path, new Redactor());
    this.#unlock = unlock;
    this.#notice = notice;
    this.#longest_bytes = this.#twiceTheSize();
  }

  /**
   * Opens the tasks of a folder of runs.
   *
   * @param notice called with a line that was only partly written, and when the journal cannot be
   * shortened.
   * @param kept how many ended tasks are remembered, with their idempotency keys: the newest ones.
   * @throws {InputError} another server uses the folder, or it is not writable.
   */
  static async open(
    runs: string,
    notice: (line: string) => void,
    kept: Partial<typeof KEPT> = {},
  ): Promise<TaskStore> {
    const folder = join(runs, "server");
    makeFolder(folder);
    const unlock = takeLock(join(folder, "server.lock"));
    try {
      const path = journalIn(folder);
      const lines: JournalLine<"tasks">[] = [];
      if (existsSync(path)) {
        const reading = await readJournal(path, "tasks", (line) => lines.push(line));
        mendJournal(path, reading, notice);
      }
      const list = fold(taskList, lines.flatMap(({ event }) => event ?? []));
      const all = { ...KEPT, ...kept };
      const forgotten = list.forget(all.tasks, all.request_length);
      const needed = lines.filter((line) => isNeeded(line, list));
      if (needed.length < lines.length) writeLines(path, needed);
      for (const id of forgotten) rmSync(join(folder, "tasks", id), FORCED);
      return new TaskStore(folder, list, unlock, all, notice);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** All tasks, in the order of submission. */
  get tasks(): ReadonlyMap<string, Task> {
    return this.#list.tasks;
  }

  /** The folder of one task's files. */
  folderOf(task: Task): string {
    return join(this.folder, "tasks", task.task_id);
  }

  /**
   * The task that was submitted with this key and the same request; null for a new key.
   *
   * @throws {KeyReusedError} the key was used with another request.
   */
  submittedBefore(key: string, request: TaskRequest): Task | null {
    const task = this.#list.byKey.get(key);
    if (task === undefined) return null;
    if (task.idempotency?.digest === digestOf(request)) return task;
    throw new KeyReusedError(`the key was used for ${task.task_id}, which asks for something else`);
  }

  /** Waiting tasks, in order of arrival. */
  queued(): Task[] {
    return this.#list.queued();
  }

  /** Adds a task; when this returns, it is in the journal. */
  submit(request: TaskRequest, key: string | null): Task {
    const task_id = `task_${randomBytes(6).toString("hex")}`;
    const idempotency = key === null ? null : { key, digest: digestOf(request) };
    return this.#record({ event: "task_queued", task_id, request, idempotency });
  }

  /** Records that a task is about to start as this run, new or resumed. */
  starting(task: Task, run_id: string | null): void {
    this.#record({ event: "task_started", task_id: task.task_id, run_id });
  }

  /** Records the process that executes a task. */
  started(task: Task, process: TaskProcess): void {
    this.#record({ event: "task_process", task_id: task.task_id, ...process });
  }

  /** Queues an interrupted task again. */
  requeue(task: Task, reason: string): void {
    this.#record({ event: "task_requeued", task_id: task.task_id, reason });
  }

  cancelling(task: Task): void {
    this.#record({ event: "task_cancelling", task_id: task.task_id });
  }

  end(task: Task, status: TaskStatus, end: Partial<TaskEnd> = {}): void {
    this.#record({ event: "task_ended", task_id: task.task_id, status, ...end });
  }

  /** Calls the listener at every change of state; the returned function removes it. */
  onChange(listener: (task: Task) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#journal[Symbol.dispose]();
    this.#unlock();
  }

  #record(event: ServerEvent): Task {
    this.#journal.append(event);
    this.#list.take({ ...event, t: Date.now() / 1000 });
    const task = this.#list.tasks.get(event.task_id)!;
    for (const listener of this.#listeners) listener(task);
    const { tasks, request_length } = this.#kept;
    for (const id of this.#list.forget(tasks, request_length)) {
      rmSync(join(this.folder, "tasks", id), FORCED);
    }
    if (!this.#shortening && this.#size() > this.#longest_bytes) void this.#shorten();
    return task;
  }

  /** Rewrites the journal without the lines that are no longer needed, as a start does. */
  async #shorten(): Promise<void> {
    this.#shortening = true;
    try {
      using journal = new JournalFollower(this.#path, "tasks");
      const needed: JournalLine<"tasks">[] = [];
      let read = 0;
      for (const line of journal.lines()) {
        if (isNeeded(line, this.#list)) needed.push(line);
        if (++read % LINES_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
        if (this.#closed) return;
      }
      // no line can be added from here on; a torn one is left to the next start
      const isWhole = journal.offset === this.#size();
      if (needed.length < read && isWhole) {
        writeLines(this.#path, needed);
        try {
          this.#journal[Symbol.dispose](); // what it held is in the new file
        } finally {
          this.#journal = new Journal(this.#path, new Redactor());
        }
      }
    } catch (error) {
      this.#notice(`${this.#path}: cannot be shortened, goes on growing: ${messageOf(error)}`);
    } finally {
      this.#longest_bytes = this.#twiceTheSize();
      this.#shortening = false;
    }
  }

  #twiceTheSize(): number {
    return Math.max(2 * this.#size(), this.#kept.journal_bytes);
  }

  #size(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }
}

function journalIn(folder: string): string {
  return join(folder, "tasks.jsonl");
}

function writeLines(path: string, lines: readonly JournalLine<"tasks">[]): void {
  writeFileAtomic(path, lines.map(({ text }) => `${text}\n`));
}

function digestOf(request: TaskRequest): string {
  return createHash("sha256").update(JSON.stringify(request)).digest("hex");
}

/**
 * Whether a line must be kept: those of known tasks, and of later versions of dyno. All state
 * changes stay, because followers count them; the process records of ended tasks are dropped.
 */
function isNeeded({ event }: JournalLine<"tasks">, { tasks }: TaskList): boolean {
  if (event === null) return true;
  const task = tasks.get(event.task_id);
  return task !== undefined && !(event.event === "task_process" && isOver(task));
}
