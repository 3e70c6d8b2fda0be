/** Callbacks to deliver, which are kept on disk until a receiver accepts them. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { waitSeconds } from "../endpoint/retry.ts";
import { messageOf } from "../errors.ts";
import { Scope } from "../execute/scope.ts";
import { type Fold, foldJournal } from "../run/fold.ts";
import { Journal } from "../run/journal.ts";
import { takeLock } from "../run/lock.ts";
import { Redactor } from "../run/redact.ts";
import { makeFolder, writeFileAtomic } from "../write.ts";
import { RefusedAddressError } from "./callback_url.ts";
import { sendCallback, type SendOptions } from "./send.ts";
import type { Payload } from "./payload.ts";

/** A callback on disk. */
interface Pending {
  id: string;
  url: string;
  /** The body, which is the same in every attempt. */
  body: string;
  attempts: number;
  next_attempt_unix_s: number;
}

export interface CallbackOptions extends Omit<SendOptions, "signal" | "timeout_ms"> {
  /** Called with a line about a callback that could not be delivered. */
  onNotice(line: string): void;
  /** Wait after the first failed attempt, which doubles after each. Default 1 s. */
  first_wait_s?: number;
}

/** Folds the log into the ids of callbacks that were delivered or given up. */
export const settledCallbacks: Fold<"callbacks", Set<string>> = {
  kind: "callbacks",
  begin: () => new Set(),
  take(settled, { event, id }) {
    if (event === "callback_delivered" || event === "callback_failed") settled.add(id);
  },
};

/** The number of attempts: with waits that double up to an hour, they take about seven hours. */
const ATTEMPTS = 18;
const LONGEST_WAIT_S = 3600;
const TIMEOUT_MS = 15_000;
const AT_A_TIME = 8;
/** How often to look for callbacks that another process left. */
const SCAN_MS = 30_000;

/**
 * Delivers callbacks, each at least once. `<runs>/callbacks/pending` has those to deliver, `failed`
 * those that were given up, and `log.jsonl` every attempt. Callbacks that a process leaves are
 * delivered by the next one.
 *
 * @example
 * ```ts
 * import { alertPayload } from "./payload.ts";
 *
 * const options = { secret: null, allow_private: false, onNotice: console.error };
 * await using queue = await CallbackQueue.open("runs", options);
 * const about = { task_id: null, run_id: null, message: "half of the budget is spent" };
 * queue.add("https://ci.example/hook", alertPayload(about));
 * await queue.settled(AbortSignal.timeout(20_000));
 * ```
 */
export class CallbackQueue implements AsyncDisposable {
  readonly #folders: { pending: string; failed: string };
  readonly #log: Journal<"callbacks">;
  readonly #options: CallbackOptions;
  readonly #scope = new Scope();
  /** Callbacks on disk that this process delivers, by id. */
  readonly #pending = new Map<string, Pending>();
  readonly #unlock = new Map<string, () => void>();
  readonly #sending = new Set<string>();
  /** Ids of callbacks that were delivered or given up. */
  readonly #settled: Set<string>;
  readonly #waiting = new Set<() => void>();

  private constructor(
    folders: { pending: string; failed: string },
    log: Journal<"callbacks">,
    settled: Set<string>,
    options: CallbackOptions,
  ) {
    this.#folders = folders;
    this.#log = log;
    this.#settled = settled;
    this.#options = options;
    this.#scope.spawn((signal) => this.#run(signal));
  }

  /**
   * Opens the queue of a folder of runs and starts delivering.
   *
   * @throws {InputError} the folder cannot be written to.
   */
  static async open(runs: string, options: CallbackOptions): Promise<CallbackQueue> {
    const folder = join(runs, "callbacks");
    const folders = { pending: join(folder, "pending"), failed: join(folder, "failed") };
    for (const path of Object.values(folders)) makeFolder(path);
    const path = join(folder, "log.jsonl");
    const settled = existsSync(path)
      ? (await foldJournal(path, settledCallbacks)).state
      : settledCallbacks.begin();
    return new CallbackQueue(folders, new Journal(path, new Redactor()), settled, options);
  }

  /** Whether a callback with this id is pending, delivered or given up. */
  knows(id: string): boolean {
    return this.#pending.has(id) || this.#settled.has(id) || existsSync(this.#pathOf(id));
  }

  /** Returns how many callbacks were given up, by any process. */
  givenUp(): number {
    return readdirSync(this.#folders.failed).filter((name) => name.endsWith(".json")).length;
  }

  /** Adds a callback, which is on disk when this returns. */
  add(url: string, payload: Payload, id = `callback_${randomBytes(6).toString("hex")}`): void {
    const body = JSON.stringify(payload);
    this.#write({ id, url, body, attempts: 0, next_attempt_unix_s: 0 });
    this.#log.append({ event: "callback_queued", id, url });
    this.#take(id);
    this.#wake();
  }

  /**
   * Waits until nothing is pending in this process, or the signal is aborted; returns how many are
   * left.
   */
  async settled(signal: AbortSignal): Promise<number> {
    while (this.#pending.size > 0 && !signal.aborted) await this.#pause(SCAN_MS, signal);
    return this.#pending.size;
  }

  /** Stops; callbacks that were not delivered stay on disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    for (const giveBack of this.#unlock.values()) giveBack();
    this.#log[Symbol.dispose]();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let scanned_ms = -Infinity;
    while (!signal.aborted) {
      if (performance.now() - scanned_ms > SCAN_MS) {
        for (const name of readdirSync(this.#folders.pending)) {
          if (name.endsWith(".json")) this.#take(name.slice(0, -".json".length));
        }
        scanned_ms = performance.now();
      }
      const now_s = Date.now() / 1000;
      const waiting = [...this.#pending.values()].filter(({ id }) => !this.#sending.has(id));
      const due = waiting.filter(({ next_attempt_unix_s }) => next_attempt_unix_s <= now_s);
      for (const callback of due.slice(0, AT_A_TIME - this.#sending.size)) {
        this.#sending.add(callback.id);
        this.#scope.spawn(async (signal) => {
          await this.#attempt(callback, signal);
          this.#sending.delete(callback.id);
          this.#wake();
        });
      }
      const soonest = Math.min(...waiting.map((each) => each.next_attempt_unix_s), Infinity);
      const wait_ms = due.length > 0 ? SCAN_MS : (soonest - now_s) * 1000;
      await this.#pause(Math.min(SCAN_MS, Math.max(1, wait_ms)), signal);
    }
  }

  /** Takes over a callback on disk, unless another process has it. */
  #take(id: string): void {
    if (this.#pending.has(id)) return;
    const path = this.#pathOf(id);
    let giveBack: () => void;
    try {
      giveBack = takeLock(`${path}.lock`);
    } catch {
      return; // another process delivers it
    }
    const callback = existsSync(path) ? pendingAt(path) : null;
    if (callback === null) return giveBack(); // delivered meanwhile
    this.#unlock.set(id, giveBack);
    this.#pending.set(id, callback);
  }

  async #attempt(callback: Pending, signal: AbortSignal): Promise<void> {
    const { id, url } = callback;
    const attempt = ++callback.attempts;
    let failure: string, retry_after_s: number | null = null, final = attempt >= ATTEMPTS;
    try {
      const answer = await sendCallback(callback, {
        ...this.#options,
        timeout_ms: TIMEOUT_MS,
        signal,
      });
      if (answer.status >= 200 && answer.status < 300) {
        const { status } = answer;
        this.#log.append({ event: "callback_delivered", id, url, attempt, status });
        return this.#settle(callback);
      }
      failure = `HTTP ${answer.status}`;
      retry_after_s = answer.retry_after_s;
      if (answer.status === 410) final = true;
    } catch (error) {
      if (signal.aborted) return; // the outcome is unknown, so the attempt does not count
      failure = messageOf(error);
      if (error instanceof RefusedAddressError) final = true;
    }
    if (final) {
      this.#log.append({ event: "callback_failed", id, url, attempt, error: failure });
      this.#options.onNotice(`callback to ${url} given up after attempt ${attempt}: ${failure}`);
      return this.#settle(callback, this.#folders.failed);
    }
    const wait_s = waitSeconds(attempt, retry_after_s, {
      delay_s: this.#options.first_wait_s ?? 1,
      longest_asked_s: LONGEST_WAIT_S,
      ceiling_s: LONGEST_WAIT_S,
      random: () => 0.5 + Math.random() / 2, // at least half of the wait
    });
    callback.next_attempt_unix_s = Date.now() / 1000 + wait_s;
    this.#write(callback);
    const { next_attempt_unix_s } = callback;
    this.#log.append({
      event: "callback_attempt",
      id,
      url,
      attempt,
      error: failure,
      next_attempt_unix_s,
    });
  }

  #settle({ id }: Pending, keepIn?: string): void {
    if (keepIn) renameSync(this.#pathOf(id), join(keepIn, `${id}.json`));
    else rmSync(this.#pathOf(id), { force: true });
    this.#settled.add(id);
    this.#pending.delete(id);
    this.#unlock.get(id)?.();
    this.#unlock.delete(id);
  }

  #pathOf(id: string): string {
    return join(this.#folders.pending, `${id}.json`);
  }

  #write(callback: Pending): void {
    writeFileAtomic(this.#pathOf(callback.id), JSON.stringify(callback) + "\n");
  }

  #wake(): void {
    for (const resolve of [...this.#waiting]) resolve();
  }

  /** Waits for a change, but no longer than the given time. */
  #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end, { once: true });
      this.#waiting.add(end);
    });
  }
}

function pendingAt(path: string): Pending | null {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}
