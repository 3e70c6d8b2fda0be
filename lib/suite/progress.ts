/** The progress of a run. */
import type { TestResult } from "../run/test_result.ts";

/** A snapshot of a run's progress. Times in seconds. */
export interface ExecutionProgress {
  /** Tests of this run, those of earlier sessions included. */
  total_tests: number;
  /** Tests that have ended, with an answer or without. */
  completed_tests: number;
  /** Tests with an answer. */
  successful_tests: number;
  /** Tests without one. */
  failed_tests: number;
  /** Tests in progress. */
  running_tests: number;
  /** The latest test to start, of those still running. */
  current_test: string | null;
  /** The category of `current_test`. */
  current_category: string | null;
  /** null until the first test is done. */
  estimated_remaining_time: number | null;
  /** Mean time from sending to the end of the answer; null until the first test is done. */
  average_execution_time: number | null;
  /** Seconds since 1970. */
  start_time: number;
  /** Since this session's start. */
  elapsed_time: number;
  /** Tests that ended per second of this session. */
  tests_per_second: number;
  /** Output tokens of this session, over answers with a known number. */
  total_tokens_generated: number;
  /** Output tokens per second of this session. */
  average_tokens_per_second: number;
}

/** Counts results as they arrive. Tests finished in an earlier session count as completed. */
export class ProgressTracker {
  readonly #total: number;
  readonly #start_ms = Date.now();
  /** In the order of their starts. One test may be running several times at the same time. */
  readonly #running: { id: string; name: string; category: string }[] = [];
  #completed: number;
  #completedBefore: number;
  #successful: number;
  #execution_s = 0;
  #tokens = 0;

  constructor(total: number, earlier: { completed: number; successful: number }) {
    this.#total = total;
    this.#completed = this.#completedBefore = earlier.completed;
    this.#successful = earlier.successful;
  }

  started(test: { id: string; name: string; category: string }): void {
    this.#running.push(test);
  }

  finished(result: TestResult): void {
    const at = this.#running.findIndex(({ id }) => id === result.test_id);
    if (at >= 0) this.#running.splice(at, 1);
    this.#completed++;
    if (result.success) this.#successful++;
    this.#execution_s += result.execution_time;
    this.#tokens += result.completion_tokens ?? 0;
  }

  snapshot(): ExecutionProgress {
    const elapsed_time = (Date.now() - this.#start_ms) / 1000;
    const here = this.#completed - this.#completedBefore;
    const rate = here / Math.max(elapsed_time, 1e-3);
    const current = this.#running.at(-1);
    return {
      total_tests: this.#total,
      completed_tests: this.#completed,
      successful_tests: this.#successful,
      failed_tests: this.#completed - this.#successful,
      running_tests: this.#running.length,
      current_test: current?.name ?? null,
      current_category: current?.category ?? null,
      estimated_remaining_time: here === 0 ? null : (this.#total - this.#completed) / rate,
      average_execution_time: here === 0 ? null : this.#execution_s / here,
      start_time: this.#start_ms / 1000,
      elapsed_time,
      tests_per_second: rate,
      total_tokens_generated: this.#tokens,
      average_tokens_per_second: this.#tokens / Math.max(elapsed_time, 1e-3),
    };
  }
}
