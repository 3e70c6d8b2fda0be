/**
 * The server's OpenAPI document, made from the schemas that check input and define the types of
 * output. Paths, descriptions and refusals are written here, and a test compares them with the
 * app's routes. hono-openapi and @hono/zod-openapi would derive only the paths from the routes,
 * need the same descriptions at each route, ignore the help and defaults of settings, and cost five
 * packages or 17 ms per start.
 */
import { z } from "zod";
import { dynoVersion } from "../run/metadata.ts";
import { jsonSchemaOf } from "../settings/setting.ts";
import { hardwareQuerySchema } from "./hardware_watch.ts";
import { idempotencyKeySchema, listQuerySchema } from "./routes/tasks.ts";
import { taskRequestSchema } from "./tasks/request.ts";
import { taskViewSchema } from "./tasks/task.ts";
import { batchQuerySchema, recordsQuerySchema } from "./views/batches.ts";
import { compareQuerySchema } from "./views/compare.ts";
import { runListQuerySchema } from "./views/run_list.ts";
import { runPageQuerySchema } from "./views/run_page.ts";

type Json = Record<string, unknown>;

const issue = z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() });

const problem = z.object({
  error: z.object({ code: z.string(), message: z.string(), issues: z.array(issue).optional() }),
});

const schemas = {
  TaskRequest: taskRequestSchema,
  Task: taskViewSchema,
  TaskList: z.object({
    tasks: z.array(taskViewSchema),
    more: z.boolean(),
    queued: z.int(),
    running: z.int(),
  }),
  TaskResults: taskViewSchema.extend({ partial: z.boolean(), results: z.unknown() }),
  Validation: z.object({ valid: z.boolean(), issues: z.array(issue) }),
  Problem: problem,
};

/** A task's schema as JSON Schema (draft 2020-12). */
export function taskJsonSchema(): Json {
  return jsonSchemaOf(taskRequestSchema);
}

const ref = (name: keyof typeof schemas) => ({ $ref: `#/components/schemas/${name}` });
const answer = (description: string, schema: Json, type = "application/json") => ({
  description,
  content: { [type]: { schema } },
});
const refusal = (description: string) => answer(description, ref("Problem"));

const body = {
  required: true,
  content: { "application/json": { schema: ref("TaskRequest") } },
};
const badBody = {
  "400": refusal("no JSON"),
  "408": refusal("the body came too slowly"),
  "413": refusal("the body is too large"),
  "415": refusal("another content type than application/json, or a content coding"),
};
const always = {
  "401": refusal("a token is needed"),
  "403": refusal("sent by a page of another site"),
  "429": refusal("too many requests; the header Retry-After says when to try again"),
};
const id = {
  name: "id",
  in: "path",
  required: true,
  schema: { type: "string" },
  description: "the task_id",
};
const noTask = { "404": refusal("there is no such task") };

/** @param metrics whether the server has /metrics. */
export function openApiDocument({ metrics }: { metrics: boolean }): Json {
  const operations: Json = {
    "/tasks": {
      post: {
        operationId: "submitTask",
        summary: "Submits a task: a suite, a load, a sweep, or what is due of a batch",
        parameters: [{
          name: "Idempotency-Key",
          in: "header",
          schema: schemaOf(idempotencyKeySchema),
          description: "the same key with the same body gives the same task",
        }],
        requestBody: body,
        responses: {
          "202": answer("it is queued", ref("Task")),
          ...badBody,
          "422": refusal("not a valid task, or a key that was used for another one"),
          ...always,
          "503": refusal("the server stops"),
        },
      },
      get: {
        operationId: "listTasks",
        summary: "Lists tasks, the newest first",
        parameters: queryParameters(listQuerySchema),
        responses: {
          "200": answer("tasks", ref("TaskList")),
          "400": refusal("a bad query"),
          ...noTask,
          ...always,
        },
      },
    },
    "/tasks/{id}": {
      get: {
        operationId: "getTask",
        summary: "A task, with partial figures while it runs",
        parameters: [id],
        responses: { "200": answer("the task", ref("Task")), ...noTask, ...always },
      },
      delete: {
        operationId: "cancelTask",
        summary: "Cancels a task",
        parameters: [id],
        responses: {
          "200": answer("it is cancelled", ref("Task")),
          "202": answer("it will be, once it has saved what it has", ref("Task")),
          "409": refusal("it has ended"),
          ...noTask,
          ...always,
        },
      },
    },
    "/tasks/{id}/results": {
      get: {
        operationId: "getResults",
        summary: "What a task measured; partial while it runs",
        parameters: [id],
        responses: { "200": answer("results", ref("TaskResults")), ...noTask, ...always },
      },
    },
    "/tasks/{id}/events": {
      get: {
        operationId: "followTask",
        summary: "A task's events as they come: task, run, metrics",
        parameters: [id, {
          name: "Last-Event-ID",
          in: "header",
          schema: { type: "string" },
          description: "continues after this event",
        }],
        responses: {
          "200": answer("events", { type: "string" }, "text/event-stream"),
          ...noTask,
          ...always,
        },
      },
    },
    "/validate": {
      post: {
        operationId: "validateTask",
        summary: "Checks a task without submitting it",
        requestBody: body,
        responses: {
          "200": answer("what is wrong with it", ref("Validation")),
          ...badBody,
          ...always,
        },
      },
    },
    "/health": {
      get: {
        operationId: "health",
        summary: "Whether the server lives; needs no token",
        security: [],
        responses: {
          "200": answer("it does", { type: "object" }),
          "503": answer("it stops", { type: "object" }),
          ...always,
        },
      },
    },
    ...pageOperations(),
    ...about("/info", "info", "The server: version, host, limits"),
    ...about("/schema", "schema", "The form of a task as JSON Schema"),
    ...about("/openapi.json", "openapi", "This document"),
    ...(metrics
      ? about("/metrics", "metrics", "Metrics in Prometheus' text form", "text/plain")
      : {}),
  };
  return {
    openapi: "3.1.0",
    info: {
      title: "dyno",
      version: dynoVersion,
      summary: "Runs tests and loads on LLM endpoints",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "this server" }],
    security: [{ bearer: [] }, {}],
    paths: operations,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: Object.fromEntries(
        Object.entries(schemas).map(([name, schema]) => [name, schemaOf(schema)]),
      ),
    },
  };
}

/** The routes of the dashboard: its files, and its data. */
function pageOperations(): Json {
  const file = (path: string, operationId: string, summary: string, types: string[]) => ({
    [path]: {
      get: {
        operationId,
        summary: `${summary}; needs no token`,
        security: [],
        parameters: path.includes("{name}") ? [inPath("name", "a file")] : [],
        responses: {
          "200": {
            description: summary,
            content: Object.fromEntries(
              types.map((type) => [type, { schema: { type: "string" } }]),
            ),
          },
          "304": { description: "it has not changed" },
          "404": refusal("there is no such file"),
          ...always,
        },
      },
    },
  });
  const drawn = (path: string, operationId: string, summary: string, query?: z.ZodObject) => ({
    [path]: {
      get: {
        operationId,
        summary,
        parameters: [
          ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => inPath(name, "one of the list")),
          ...(query ? queryParameters(query) : []),
        ],
        responses: {
          "200": answer(summary, { type: "object" }),
          "400": refusal("a bad query"),
          "404": refusal("there is no such thing"),
          "422": refusal("a file cannot be read, or runs cannot be compared"),
          ...always,
        },
      },
    },
  });
  return {
    ...file("/", "dashboard", "The dashboard", ["text/html"]),
    ...file("/dashboard/{name}", "dashboardFile", "A file of the dashboard", [
      "text/html",
      "text/css",
      "text/javascript",
    ]),
    ...drawn("/api/overview", "overview", "Counts of runs, and the newest ones"),
    ...drawn("/api/runs", "listRuns", "Runs, the newest first", runListQuerySchema),
    ...drawn("/api/runs/{id}", "getRun", "A run, with its items", runPageQuerySchema),
    ...drawn("/api/compare", "compareRuns", "Runs against the first of them", compareQuerySchema),
    ...drawn("/api/batches", "listBatches", "Batches"),
    ...drawn("/api/batches/{name}", "getBatch", "A batch by model and over time", batchQuerySchema),
    ...drawn(
      "/api/batches/{name}/records",
      "listRecords",
      "A batch's records, the newest first",
      recordsQuerySchema,
    ),
    ...drawn("/api/hardware", "hardware", "The host, a point a second", hardwareQuerySchema),
  };
}

const inPath = (name: string, description: string) => ({
  name,
  in: "path",
  required: true,
  schema: { type: "string" },
  description,
});

function about(path: string, operationId: string, summary: string, type?: string): Json {
  const shown = type === undefined ? { type: "object" } : { type: "string" };
  return {
    [path]: {
      get: { operationId, summary, responses: { "200": answer(summary, shown, type), ...always } },
    },
  };
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {} } = schemaOf(query) as { properties?: Record<string, Json> };
  const needed = (name: string) => !(query.shape[name] as z.ZodType).safeParse(undefined).success;
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    ...(needed(name) ? { required: true } : {}),
    schema,
  }));
}

function schemaOf(schema: z.ZodType): Json {
  const { $schema: _draft, ...rest } = jsonSchemaOf(schema);
  return rest;
}
