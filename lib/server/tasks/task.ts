/** A task: what was requested, its state, and what it has reported. */
import { InputError } from "../../errors.ts";
import { z } from "zod";
import { type TaskKind, taskKinds, type TaskRequest, taskRequestSchema } from "./request.ts";
import type { OutputOf } from "../../settings/setting.ts";
import type { TaskAsked, TaskEnd, TaskMetrics, TaskProcess, TaskStatus } from "../../run/events.ts";

/** A change of a task's state, in journal order. */
export interface TaskChange {
  /** Unix seconds. */
  t: number;
  status: TaskStatus;
  /** The run that was started or resumed. */
  run_id: string | null;
  /** Why it is queued again, failed or was cancelled. */
  reason: string | null;
}

/** A task as the server stores it. */
export interface Task extends TaskEnd {
  task_id: string;
  kind: TaskKind;
  /** As submitted; see {@linkcode requestOf}. */
  request: TaskAsked;
  status: TaskStatus;
  changes: TaskChange[];
  /** Unix seconds. */
  created_unix_s: number;
  started_unix_s: number | null;
  ended_unix_s: number | null;
  /** Its runs in the folder of runs: an interrupted load is measured again, in another run. */
  runs: string[];
  process: TaskProcess | null;
  cancelling: boolean;
  /** The client's key against duplicate submission, and the digest of its request. */
  idempotency: { key: string; digest: string } | null;
}

/**
 * The request of a task.
 *
 * @throws {InputError} another version of dyno accepted it, and this one does not.
 */
export function requestOf({ task_id, request }: Pick<Task, "task_id" | "request">): TaskRequest {
  const { data, error } = taskRequestSchema.safeParse(request);
  if (data !== undefined) return data;
  const [{ path, message }] = error.issues;
  throw new InputError(
    `${task_id}: ${["request", ...path].join(".")}: ${message}; submit it again`,
  );
}

/** Whether a task has ended. */
export function isOver({ status }: Pick<Task, "status">): boolean {
  return status !== "queued" && status !== "running";
}

/** Seconds from a task's first start to its end, or until now; null before the start. */
export function durationOf({ started_unix_s, ended_unix_s }: Task): number | null {
  if (started_unix_s === null) return null;
  return Math.max(0, (ended_unix_s ?? Date.now() / 1000) - started_unix_s);
}

const seconds = z.number().nullable();
const words = z.string().nullable();

/** A task as clients see it. */
export const taskViewSchema = z.object({
  task_id: z.string(),
  kind: z.enum(taskKinds),
  status: z.enum(["queued", "running", "completed", "failed", "cancelled"]),
  /** The number of tasks that will start before this one; null unless it is queued. */
  queue_position: z.int().min(0).nullable(),
  cancelling: z.boolean(),
  created_at_unix_seconds: z.number(),
  started_at_unix_seconds: seconds,
  finished_at_unix_seconds: seconds,
  duration_seconds: seconds,
  run_id: words,
  agent: words,
  model: words,
  /** Partial while the task runs; null before. */
  metrics: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()]))
    .nullable(),
  exit_code: z.int().nullable(),
  error: words,
  error_summary: z.array(z.string()).max(10),
  request: z.record(z.string(), z.unknown()),
});

/** A task as clients see it. */
export interface TaskView extends OutputOf<typeof taskViewSchema> {}

/** @param position how many tasks are before it in the queue. */
export function viewOf(task: Task, position: number | null, metrics: TaskMetrics | null): TaskView {
  return {
    task_id: task.task_id,
    kind: task.kind,
    status: task.status,
    queue_position: task.status === "queued" ? position : null,
    cancelling: task.cancelling && !isOver(task),
    created_at_unix_seconds: task.created_unix_s,
    started_at_unix_seconds: task.started_unix_s,
    finished_at_unix_seconds: task.ended_unix_s,
    duration_seconds: durationOf(task),
    run_id: task.runs.at(-1) ?? null,
    agent: task.agent,
    model: task.model,
    metrics: metrics ?? task.metrics,
    exit_code: task.exit_code,
    error: task.error,
    error_summary: task.error_summary,
    request: task.request,
  };
}
