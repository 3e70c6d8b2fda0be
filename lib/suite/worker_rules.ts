/** The number of workers: found by measuring, and halved under memory pressure. */
import { availableParallelism } from "node:os";
import { sleep } from "../execute/sleep.ts";
import { percentText } from "../text/percent.ts";
import type { WorkerLimit } from "../execute/pool.ts";

/** Called when the number of workers changes, with the reason in plain words. */
export type OnWorkersChanged = (workers: number, reason: string) => void;

const MOST_WORKERS = 64;
/** More workers are kept only if they raise throughput by this factor. */
const WORTHWHILE_GAIN = 1.15;
/** A step is judged after this many results per worker. */
const RESULTS_PER_WORKER = 2;
const PRESSURE_LIMIT = 0.95;
const PRESSURE_CHECK_MS = 1000;
/** After halving, the time for memory to be freed before halving again. */
const PRESSURE_PAUSE_MS = 5000;

/**
 * Finds the number of workers from the endpoint's responses: starts at the number of cores, doubles it
 * while that raises the rate of results, goes back one step when it does not, and halves it when the
 * endpoint responds with 429 or 503.
 */
export class AutoWorkers {
  readonly #limit: WorkerLimit;
  readonly #onChanged: OnWorkersChanged;
  #rate = 0;
  #settled = false;
  #results = 0;
  #since_ms: number;

  constructor(limit: WorkerLimit, now_ms: number, onChanged: OnWorkersChanged) {
    this.#limit = limit;
    this.#onChanged = onChanged;
    this.#since_ms = now_ms;
  }

  static get start(): number {
    return Math.max(2, Math.min(availableParallelism(), 16));
  }

  /** Notes that a test ended; `now_ms` may be from any clock that never goes back. */
  finished(now_ms: number): void {
    this.#results++;
    if (this.#settled || this.#results < RESULTS_PER_WORKER * this.#limit.workers) return;
    const rate = this.#results / Math.max(now_ms - this.#since_ms, 1) * 1000;
    const told = `${rate.toFixed(1)} tests/s`;
    if (rate < this.#rate * WORTHWHILE_GAIN) {
      this.#settled = true;
      const before = `${this.#rate.toFixed(1)} tests/s before`;
      this.#change(
        this.#limit.workers / 2,
        `more workers did not help: ${told}, ${before}`,
        now_ms,
      );
    } else if (this.#limit.workers >= MOST_WORKERS) {
      this.#settled = true;
    } else {
      this.#rate = rate;
      this.#change(Math.min(MOST_WORKERS, this.#limit.workers * 2), `${told} so far`, now_ms);
    }
  }

  /** Notes that the endpoint said that it is overloaded. */
  overloaded(status: number, now_ms: number): void {
    if (this.#limit.workers === 1 || (this.#settled && this.#results === 0)) return;
    this.#settled = true;
    this.#change(this.#limit.workers / 2, `the endpoint answered HTTP ${status}`, now_ms);
  }

  #change(workers: number, reason: string, now_ms: number): void {
    this.#limit.set(workers);
    this.#results = 0;
    this.#since_ms = now_ms;
    this.#onChanged(this.#limit.workers, reason);
  }
}

/**
 * Halves the number of workers whenever more than 95 % of memory is in use. Runs until the signal is
 * aborted.
 *
 * @param pressure the used share of memory in 0..1; null when unknown.
 */
export async function guardMemory(
  limit: WorkerLimit,
  pressure: () => number | null,
  signal: AbortSignal,
  onChanged: OnWorkersChanged,
): Promise<void> {
  while (!signal.aborted) {
    const used = pressure() ?? 0;
    const halve = used > PRESSURE_LIMIT && limit.workers > 1;
    if (halve) {
      limit.set(limit.workers / 2);
      onChanged(limit.workers, `memory pressure: ${percentText(used)} in use`);
    }
    await sleep(halve ? PRESSURE_PAUSE_MS : PRESSURE_CHECK_MS, signal).catch(() => {});
  }
}
