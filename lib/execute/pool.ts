/**
 * Workers over a queue, whose number can change while they work. `pooledMap` of @std/async does not
 * fit: its number is fixed, it has no signal, and after a failure it lets running work finish.
 */
import { asCancelled, Scope } from "./scope.ts";

/** The number of workers allowed; the pool learns about changes made through `set`. */
export class WorkerLimit {
  #workers: number;
  #listener: (() => void) | null = null;

  constructor(workers: number) {
    this.#workers = workers;
  }

  get workers(): number {
    return this.#workers;
  }

  /** Takes effect immediately when raised, and as items finish when lowered. Never below 1. */
  set(workers: number): void {
    this.#workers = Math.max(1, Math.floor(workers));
    this.#listener?.();
  }

  /** Called by the pool that serves this limit. */
  listen(listener: () => void): void {
    this.#listener = listener;
  }
}

/**
 * Runs `work` on every item, at most `limit.workers` at a time, starting them in order. If `work`
 * throws, the rest is cancelled and waited for, and the error is thrown.
 *
 * @throws {CancelledError} `signal` is aborted before all items are done.
 */
export async function runPool<Item>(
  items: Iterable<Item>,
  limit: WorkerLimit,
  signal: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await using scope = new Scope(signal);
  const queue = items[Symbol.iterator]();
  let running = 0;
  let exhausted = false;
  const fill = () => {
    while (!exhausted && !scope.signal.aborted && running < limit.workers) {
      const next = queue.next();
      if (next.done) {
        exhausted = true;
        return;
      }
      running++;
      scope.spawn(async (scopeSignal) => {
        try {
          await work(next.value, scopeSignal);
        } finally {
          running--;
        }
        fill();
      });
    }
  };
  limit.listen(fill);
  fill();
  await scope.join();
  if (!exhausted) throw asCancelled(signal.reason);
}
