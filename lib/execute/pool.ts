/**
 * Workers over a queue, whose number may change while they work. Not `pooledMap` of @std/async: its
 * number is fixed, it knows no signal, and after a failure it lets what runs go on to its end.
 */
import { asCancelled, Scope } from "./scope.ts";

/** The number of workers allowed; whoever changes it calls `onChange` through `set`. */
export class WorkerLimit {
  #workers: number;
  #listener: (() => void) | null = null;

  constructor(workers: number) {
    this.#workers = workers;
  }

  get workers(): number {
    return this.#workers;
  }

  /** Takes effect at once upwards, and as items finish downwards. Never below 1. */
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
 * Runs `work` on every item, at most `limit.workers` at a time, in the items' order of start.
 * A throw of `work` cancels the rest, waits for it, and is thrown.
 *
 * @throws {CancelledError} when `signal` is aborted before all items are done.
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
