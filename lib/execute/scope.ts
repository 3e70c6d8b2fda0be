/**
 * Structured concurrency: every task belongs to a scope. Leaving the scope (by return, a throw, or
 * the parent's abort) cancels its tasks through one signal and waits for them.
 */
import { ToldError } from "../errors.ts";

/** A set of tasks with one AbortSignal. The first task that throws aborts the others. */
export class Scope implements AsyncDisposable {
  readonly #controller = new AbortController();
  readonly #tasks = new Set<Promise<unknown>>();
  readonly #parent: AbortSignal | undefined;
  readonly #onParentAbort = () => this.abort(this.#parent?.reason);
  #failure: { error: unknown } | null = null;

  /** @param parent when it aborts, this scope aborts too. */
  constructor(parent?: AbortSignal) {
    this.#parent = parent;
    if (parent?.aborted) this.abort(parent.reason);
    else parent?.addEventListener("abort", this.#onParentAbort, { once: true });
  }

  /** Aborted when the scope is left or fails, or its parent is aborted. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts a task. Its failure aborts the scope and is thrown by {@linkcode join}. */
  spawn(task: (signal: AbortSignal) => Promise<unknown>): void {
    const running = (async () => {
      try {
        await task(this.signal);
      } catch (error) {
        this.#failure ??= { error };
        this.abort(error);
      }
    })();
    this.#tasks.add(running);
    running.finally(() => this.#tasks.delete(running));
  }

  /** Asks every task to stop. */
  abort(reason?: unknown): void {
    if (!this.signal.aborted) this.#controller.abort(reason ?? new CancelledError());
  }

  /** Waits until no task is left; throws the error of the first task that failed. */
  async join(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    if (this.#failure) throw this.#failure.error;
  }

  /** Aborts the tasks that still run and waits for them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#parent?.removeEventListener("abort", this.#onParentAbort);
    this.abort();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }
}

/** The work was stopped from outside: by Ctrl-C, a deadline, or a failure of other work. */
export class CancelledError extends ToldError {
  /** Identifies it where `instanceof` cannot. */
  override readonly name = "CancelledError";
  /** The message says who or what cancelled the work. */
  constructor(message = "cancelled") {
    super(message);
  }
}

/** Throws {@linkcode CancelledError} once the signal is aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw asCancelled(signal.reason);
}

/** Turns an abort reason into an error that counts as a cancellation. */
export function asCancelled(reason: unknown): CancelledError {
  if (reason instanceof CancelledError) return reason;
  return new CancelledError(reason instanceof Error ? reason.message : undefined);
}
