/** Wakes the followers of a task when it has changed. */
import type { Task } from "./task.ts";

/** Followers of tasks. */
export class TaskFeed {
  readonly #waiting = new Map<Task, Set<(changed: boolean) => void>>();
  #closed = false;

  /** Wakes the followers of a task. */
  tell(task: Task): void {
    const waiting = this.#waiting.get(task);
    this.#waiting.delete(task);
    waiting?.forEach((resolve) => resolve(true));
  }

  /**
   * Resolves at the task's next change, after `ms`, or when the feed is closed; the result says
   * whether it changed.
   */
  changed(task: Task, ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#closed || signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(task) ?? new Set();
      this.#waiting.set(task, waiting);
      const end = (changed: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        waiting.delete(end);
        resolve(changed);
      };
      const onAbort = () => end(false);
      const timer = setTimeout(() => end(false), ms);
      signal.addEventListener("abort", onAbort, { once: true });
      waiting.add(end);
    });
  }

  /** Wakes all followers, permanently. */
  close(): void {
    this.#closed = true;
    for (const waiting of [...this.#waiting.values()]) {
      for (const resolve of [...waiting]) resolve(false);
    }
    this.#waiting.clear();
  }
}
