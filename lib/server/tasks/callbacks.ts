/** Reports to a task's callback URL that the task has ended. */
import { callbackUrl, checkedAddress, RefusedAddressError } from "../../notify/callback_url.ts";
import { endPayload } from "../../notify/payload.ts";
import { TaskRefused } from "./policy.ts";
import { durationOf, isOver, type Task } from "./task.ts";
import type { CallbackQueue } from "../../notify/queue.ts";
import type { TaskRequest } from "./request.ts";
import type { TaskStore } from "./store.ts";

/**
 * Checks where a task's callback would go. A name that cannot be resolved now may be resolvable
 * later, and is checked again then.
 *
 * @throws {TaskRefused} callbacks may not go to this address.
 */
export async function checkCallback(
  { callback_url }: TaskRequest,
  allowPrivate: boolean,
): Promise<void> {
  if (callback_url === undefined) return;
  try {
    await checkedAddress(callbackUrl(callback_url, allowPrivate), allowPrivate);
  } catch (error) {
    if (!(error instanceof RefusedAddressError)) return;
    throw new TaskRefused(["callback_url"], error.message);
  }
}

/**
 * Sends the callbacks of tasks that end, and of those that had ended when the last server was
 * killed.
 */
export function sendCallbacks(store: TaskStore, queue: CallbackQueue): void {
  const tell = (task: Task) => {
    const { callback_url } = task.request;
    if (typeof callback_url !== "string" || !isOver(task) || queue.knows(task.task_id)) return;
    queue.add(callback_url, payloadOf(task), task.task_id);
  };
  for (const task of store.tasks.values()) tell(task);
  store.onChange(tell);
}

function payloadOf(task: Task) {
  return endPayload({
    task_id: task.task_id,
    status: task.status as "completed" | "failed" | "cancelled",
    duration_seconds: durationOf(task),
    run_id: task.runs.at(-1) ?? null,
    agent: task.agent,
    metrics: task.metrics,
    error_summary: task.error_summary,
  });
}
