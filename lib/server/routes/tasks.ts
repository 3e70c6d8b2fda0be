/** Routes for tasks: submit, view, follow, cancel. */
import { Hono } from "hono";
import { z } from "zod";
import { checked } from "../../settings/setting.ts";
import { HttpProblem, type Issue } from "../problem.ts";
import { jsonBody } from "../limits.ts";
import { checkCallback } from "../tasks/callbacks.ts";
import { eventPlaceOf, type TaskEvent, taskEvents } from "../tasks/events.ts";
import { TaskRefused } from "../tasks/policy.ts";
import { prepareTask } from "../tasks/prepare.ts";
import { type TaskRequest, taskRequestSchema } from "../tasks/request.ts";
import { resultsOf } from "../tasks/results.ts";
import { KeyReusedError } from "../tasks/store.ts";
import { durationOf, isOver, type Task, viewOf } from "../tasks/task.ts";
import { inQuery } from "../query.ts";
import type { AppOptions, ServerEnv } from "../app_options.ts";

const BODY_TIMEOUT_MS = 30_000;
/** After this time without an event a comment is sent, so that proxies do not close the stream. */
const IDLE_MS = 15_000;
const LONGEST_RETRY_S = 600;

/** The query of GET /tasks. */
export const listQuerySchema = z.strictObject({
  status: z.enum(["queued", "running", "completed", "failed", "cancelled"]).optional(),
  limit: inQuery(z.coerce.number().int().min(1).max(1000).default(100)),
  /** Only tasks that were submitted before this one. */
  before: z.string().max(100).optional(),
});

export const idempotencyKeySchema = z.string().regex(/^[\x21-\x7e]{1,200}$/);

/** The routes of tasks. */
export function taskRoutes(options: AppOptions): Hono<ServerEnv> {
  const { store, runner, feed, max_queue, observers } = options;
  const routes = new Hono<ServerEnv>();
  const body = (request: Request) =>
    jsonBody(request, { max_bytes: options.max_body_bytes, timeout_ms: BODY_TIMEOUT_MS });
  const valid = async (value: unknown): Promise<TaskRequest> => {
    try {
      const request = await checkedRequest(value, options);
      observers.forEach((observer) => observer.onValidation?.(true));
      return request;
    } catch (error) {
      observers.forEach((observer) => observer.onValidation?.(false));
      throw error;
    }
  };
  const view = (task: Task, queue = store.queued()) =>
    viewOf(task, positionOf(task, queue), runner.metrics(task));

  routes.post("/validate", async (c) => {
    try {
      await valid(await body(c.req.raw));
      return c.json({ valid: true, issues: [] });
    } catch (error) {
      if (!(error instanceof HttpProblem) || error.issues === undefined) throw error;
      return c.json({ valid: false, issues: error.issues });
    }
  });

  routes.post("/tasks", async (c) => {
    const key = c.req.header("idempotency-key") ?? null;
    if (key !== null && !idempotencyKeySchema.safeParse(key).success) {
      throw new HttpProblem(400, "bad_key", "Idempotency-Key: expected 1 to 200 ASCII characters");
    }
    const request = await valid(await body(c.req.raw));
    const earlier = key === null ? null : submittedBefore(options, key, request);
    if (earlier) {
      c.header("idempotent-replayed", "true");
      return c.json(view(earlier), 202, { location: `/tasks/${earlier.task_id}` });
    }
    if (options.signal.aborted) {
      throw new HttpProblem(503, "stopping", "the server stops; try again later", {
        headers: { "retry-after": "10" },
      });
    }
    const waiting = store.queued().length;
    if (waiting >= max_queue) {
      throw new HttpProblem(429, "queue_full", `${waiting} tasks wait, and no more may`, {
        headers: { "retry-after": String(retryAfter(options)) },
      });
    }
    const task = store.submit(request, key);
    runner.fill();
    return c.json(view(task), 202, { location: `/tasks/${task.task_id}` });
  });

  routes.get("/tasks", (c) => {
    const query = listQuerySchema.safeParse(c.req.query());
    if (!query.success) {
      throw new HttpProblem(400, "bad_query", "the query is not valid", {
        issues: issuesOf(query.error),
      });
    }
    const { status, limit, before } = query.data;
    const all = [...store.tasks.values()].reverse();
    const from = before === undefined ? 0 : all.findIndex(({ task_id }) => task_id === before) + 1;
    if (before !== undefined && from === 0) throw noTask(before);
    const found = all.slice(from).filter((task) => status === undefined || task.status === status);
    const queue = store.queued();
    return c.json({
      tasks: found.slice(0, limit).map((task) => view(task, queue)),
      more: found.length > limit,
      queued: queue.length,
      running: runner.running,
    });
  });

  routes.get("/tasks/:id", (c) => c.json(view(taskOf(options, c.req.param("id")))));

  routes.get("/tasks/:id/results", async (c) => {
    const task = taskOf(options, c.req.param("id"));
    c.header("content-type", "application/json");
    return c.body(await resultsOf(task, view(task), options));
  });

  routes.get("/tasks/:id/events", (c) => {
    const task = taskOf(options, c.req.param("id"));
    const left = new AbortController();
    const signal = AbortSignal.any([left.signal, options.signal]);
    const events = taskEvents(task, {
      runs: options.runs,
      from: eventPlaceOf(c.req.header("last-event-id") ?? c.req.query("last_event_id")),
      metrics: () => runner.metrics(task),
      changed: () => feed.changed(task, IDLE_MS, signal),
      signal,
    });
    c.header("content-type", "text/event-stream; charset=utf-8");
    c.header("x-accel-buffering", "no");
    return c.body(eventStream(events, left));
  });

  routes.delete("/tasks/:id", (c) => {
    const task = taskOf(options, c.req.param("id"));
    if (isOver(task) && task.status !== "cancelled") {
      throw new HttpProblem(409, "over", `${task.task_id} is ${task.status} already`);
    }
    runner.cancel(task);
    return c.json(view(task), isOver(task) ? 200 : 202);
  });

  return routes;
}

/** @throws {HttpProblem} lists every issue and its place. */
async function checkedRequest(
  value: unknown,
  { policy, private_callbacks }: AppOptions,
): Promise<TaskRequest> {
  const parsed = checked(taskRequestSchema, value);
  const refuse = (issues: Issue[], forbidden = false) => {
    const [first] = issues;
    const where = first.path.length ? `${first.path.join(".")}: ` : "";
    const message = `${where}${first.message}`;
    return forbidden
      ? new HttpProblem(403, "forbidden", message, { issues })
      : new HttpProblem(422, "invalid", message, { issues });
  };
  if ("complaints" in parsed) {
    throw refuse(
      parsed.complaints.map(({ path, message, found }) => ({ path, message: message + found })),
    );
  }
  try {
    await prepareTask(parsed.value, "task_000000000000", policy);
    await checkCallback(parsed.value, private_callbacks);
  } catch (error) {
    if (error instanceof TaskRefused) {
      throw refuse([{ path: error.path, message: error.message }], error.forbidden);
    }
    throw error;
  }
  return parsed.value;
}

/** The issues that a schema found, with their places. */
export function issuesOf({ issues }: z.ZodError): Issue[] {
  return issues.map(({ path, message }) => ({
    path: path.map((key) => typeof key === "number" ? key : String(key)),
    message,
  }));
}

function submittedBefore({ store }: AppOptions, key: string, request: TaskRequest): Task | null {
  try {
    return store.submittedBefore(key, request);
  } catch (error) {
    if (!(error instanceof KeyReusedError)) throw error;
    throw new HttpProblem(422, "key_reused", `Idempotency-Key: ${error.message}`);
  }
}

function taskOf({ store }: AppOptions, id: string): Task {
  const task = store.tasks.get(id);
  if (task === undefined) throw noTask(id);
  return task;
}

function noTask(id: string): HttpProblem {
  return new HttpProblem(404, "no_task", `there is no task "${id.slice(0, 100)}"`);
}

function positionOf(task: Task, queue: readonly Task[]): number | null {
  return task.status === "queued" ? queue.indexOf(task) : null;
}

/**
 * Seconds until a place in the queue should be free: the mean duration of ended tasks, divided by
 * the tasks that run at the same time.
 */
function retryAfter({ store, jobs }: AppOptions): number {
  const times = [...store.tasks.values()].slice(-100).filter(isOver).flatMap((task) =>
    durationOf(task) ?? []
  );
  if (times.length === 0) return 10;
  const mean_s = times.reduce((a, b) => a + b) / times.length;
  return Math.min(LONGEST_RETRY_S, Math.max(1, Math.ceil(mean_s / jobs)));
}

/** Server-sent events; the next one is made when there is room for it. */
function eventStream(
  events: AsyncGenerator<TaskEvent>,
  left: AbortController,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const next = await events.next();
      if (next.done) return controller.close();
      controller.enqueue(encoder.encode(wireForm(next.value)));
    },
    async cancel() {
      left.abort();
      await events.return(undefined);
    },
  });
}

function wireForm({ id, event, text }: TaskEvent): string {
  if (event === "idle") return ": nothing new\n\n";
  return `${id === null ? "" : `id: ${id}\n`}event: ${event}\ndata: ${text}\n\n`;
}
