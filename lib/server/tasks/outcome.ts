/** How a task ended, from how its process did and what it left. */
import { readFileSync } from "node:fs";
import type { ChildEnd } from "./child.ts";
import type { TaskWatch } from "./task_watch.ts";
import type { Task } from "./task.ts";
import type { TaskEnd, TaskStatus } from "../../run/events.ts";

/** A task's last state and what goes with it. */
export type TaskOutcome = { status: TaskStatus } & Partial<TaskEnd>;

/**
 * A task is completed when its process came to the end of its work and something was answered; single
 * failures are in its metrics then.
 */
export function taskOutcomeOf(
  task: Task,
  { exit_code, signal }: ChildEnd,
  watch: TaskWatch,
  stderr: string,
): TaskOutcome {
  const metrics = watch.metrics();
  const known = { exit_code, metrics, error_summary: watch.errors() };
  if (exit_code === 0) return { status: "completed", ...known };
  if (task.cancelling && (exit_code === 130 || exit_code === null)) {
    return { status: "cancelled", ...known };
  }
  const answered = Number(metrics.successful ?? 0) > 0;
  if (exit_code === 1 && answered && watch.complete()) return { status: "completed", ...known };
  const said = lastError(stderr);
  const error = signal !== null
    ? `its process was ended by ${signal}`
    : said ?? known.error_summary[0] ?? `its process ended with code ${exit_code}`;
  const error_summary = known.error_summary.length ? known.error_summary : [error];
  return { status: "failed", ...known, error, error_summary };
}

/** The last line that reports an error; null without one. */
function lastError(path: string): string | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return null;
  }
  const line = text.trimEnd().split("\n").findLast((line) => line.startsWith("error: "));
  return line?.slice("error: ".length) ?? null;
}
