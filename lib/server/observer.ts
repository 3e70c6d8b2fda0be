/** Listeners of a server, such as metrics and webhooks. Each method is optional. */
import type { RunEvent } from "../run/events.ts";
import type { Task } from "./tasks/task.ts";

export interface ServerObserver {
  /** A task's state changed; `task.changes.at(-1)` says how. */
  onTask?(task: Task): void;
  /** An event of a running task's run, as in its journal. */
  onRunEvent?(task: Task, event: RunEvent): void;
  /** A request was answered; `route` is its pattern, such as /tasks/:id. */
  onRequest?(request: { method: string; route: string; status: number; duration_s: number }): void;
  /** A body was checked, by POST /validate or POST /tasks. */
  onValidation?(valid: boolean): void;
}
