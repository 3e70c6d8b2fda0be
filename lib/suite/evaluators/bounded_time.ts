/**
 * Bounds the time of work on a model's text: a search that backtracks exponentially would stop the whole
 * run.
 */
import process from "node:process";
import { createContext, runInContext } from "node:vm";

/**
 * A judge takes milliseconds for an answer, but an answer can be crafted to take hours. The test of
 * the limit makes it shorter.
 */
export const judging = { limit_ms: 10_000 };

let context: ReturnType<typeof createContext> | null = null;

/**
 * Returns the result of `work`. It is interrupted at a limit, wherever it is; work after its first
 * `await` is not bounded. It blocks the process. On a busy machine it is started again with more time
 * until it has had half the limit as CPU time, so it must not change anything.
 *
 * @throws {Error} with the message `late`, at the limit; anything that `work` throws.
 */
export function withinTime<Made>(work: () => Made, limit_ms: number, late: () => string): Made {
  context ??= createContext({});
  for (let timeout = limit_ms;; timeout *= 2) {
    context.work = work;
    const before_us = usedUs();
    try {
      return runInContext("work()", context, { timeout }) as Made;
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
      if (usedUs() - before_us >= limit_ms * 500) throw new Error(late());
    }
  }
}

/** CPU time of this process. */
function usedUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * The result of a built-in evaluator, which reads all of an answer before its first `await`.
 *
 * @throws {Error} it took longer than {@linkcode judging}`.limit_ms`.
 */
export function judgedInTime<Made>(evaluator: string, answer: string, judge: () => Made): Made {
  const { limit_ms } = judging;
  return withinTime(
    judge,
    limit_ms,
    () =>
      `${evaluator} did not end within ${limit_ms / 1000} s on an answer of ` +
      `${answer.length} characters`,
  );
}
