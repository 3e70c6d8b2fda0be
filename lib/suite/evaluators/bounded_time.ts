/** Work on what a model wrote that ends: a search that backtracks without end would stop the whole run with it. */
import process from "node:process";
import { createContext, runInContext } from "node:vm";

/** A judge takes milliseconds for an answer; one may be made so that it takes hours. */
const LONGEST_MS = 10_000;

let context: ReturnType<typeof createContext> | null = null;

/**
 * What `work` gives. It is interrupted, wherever it is, at a limit; what it does after its first `await` is
 * not seen. Nothing else goes on meanwhile. On a machine that is busy with other things it is begun again
 * with more time, until half the limit was its own: it must change nothing.
 *
 * @throws {Error} that says `late`, at the limit; what `work` throws.
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

/** Of the processor, by this process. */
function usedUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * What a built-in evaluator gives for an answer, of which it reads all before its first `await`.
 *
 * @throws {Error} it took longer than {@linkcode LONGEST_MS}.
 */
export function judgedInTime<Made>(evaluator: string, answer: string, judge: () => Made): Made {
  return withinTime(
    judge,
    LONGEST_MS,
    () =>
      `${evaluator} did not end within ${
        LONGEST_MS / 1000
      } s on an answer of ${answer.length} characters`,
  );
}
