/** Routes for the dashboard's data: small JSON from the index and the records of batches. */
import { Hono } from "hono";
import { InputError } from "../../errors.ts";
import { hardwareQuerySchema } from "../hardware_watch.ts";
import { HttpProblem } from "../problem.ts";
import {
  batchList,
  batchQuerySchema,
  batchView,
  recordPage,
  recordsQuerySchema,
} from "../views/batches.ts";
import { overview } from "../views/overview.ts";
import { compareQuerySchema, comparison } from "../views/compare.ts";
import { runPageQuerySchema, runPageView } from "../views/run_page.ts";
import { runList, runListQuerySchema } from "../views/run_list.ts";
import { issuesOf } from "./tasks.ts";
import { type RunIndex, withRunIndex } from "../../run/index.ts";
import type { z } from "zod";
import type { AppOptions, ServerEnv } from "../app_options.ts";

/** The routes under /api. */
export function apiRoutes({ runs, batches, hardware, onNotice }: AppOptions): Hono<ServerEnv> {
  const routes = new Hono<ServerEnv>();
  const withRuns = freshIndex(runs, onNotice);

  routes.get(
    "/api/overview",
    async (c) => c.json(await withRuns((index) => overview(index, Date.now() / 1000))),
  );

  routes.get("/api/runs", async (c) => {
    const query = checkedQuery(runListQuerySchema, c.req.query());
    return c.json(await withRuns((index) => runList(index, query)));
  });

  routes.get("/api/runs/:id", async (c) => {
    const query = checkedQuery(runPageQuerySchema, c.req.query());
    const id = c.req.param("id");
    return c.json(found(id, await withRuns((index) => runPageView(index, id, query))));
  });

  routes.get("/api/compare", async (c) => {
    const query = checkedQuery(compareQuerySchema, c.req.query());
    return c.json(await readable(() => withRuns((index) => comparison(index, query.runs))));
  });

  routes.get("/api/hardware", async (c) => {
    const { since } = checkedQuery(hardwareQuerySchema, c.req.query());
    return c.json(await hardware.view(since));
  });

  routes.get("/api/batches", (c) => c.json({ batches: batchList(batches) }));

  routes.get("/api/batches/:name", async (c) => {
    const query = checkedQuery(batchQuerySchema, c.req.query());
    const name = c.req.param("name");
    return c.json(found(name, await readable(() => batchView(batches, name, query))));
  });

  routes.get("/api/batches/:name/records", async (c) => {
    const query = checkedQuery(recordsQuerySchema, c.req.query());
    const name = c.req.param("name");
    return c.json(found(name, await readable(() => recordPage(batches, name, query))));
  });

  return routes;
}

/** @throws {HttpProblem} 404 if the value is null. */
function found<T>(name: string, value: T | null): T {
  if (value !== null) return value;
  throw new HttpProblem(404, "not_found", `there is no "${name.slice(0, 100)}"`);
}

/** @throws {HttpProblem} 422 that says what is wrong with a user's file. */
async function readable<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof InputError) throw new HttpProblem(422, "unreadable", error.message);
    throw error;
  }
}

/** @throws {HttpProblem} 400 that says what is wrong. */
function checkedQuery<S extends z.ZodType>(schema: S, query: unknown): z.infer<S> {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  throw new HttpProblem(400, "bad_query", "the query is not valid", {
    issues: issuesOf(parsed.error),
  });
}

/** For 100,000 runs an update takes most of a second; it may use at most a tenth of the time. */
const REST = 9;

/** Passes the index to `work`, after updating it if that is due. */
type WithRuns = <T>(work: (index: RunIndex) => T | Promise<T>) => Promise<T>;

/** @param onNotice called when the index is rebuilt. */
function freshIndex(root: string, onNotice: (line: string) => void): WithRuns {
  let looking: Promise<void> | null = null;
  let due_ms = -Infinity;
  const look = async () => {
    const started_ms = performance.now();
    try {
      await withRunIndex(root, () => {}, onNotice);
    } finally {
      const now_ms = performance.now();
      due_ms = now_ms + REST * (now_ms - started_ms);
      looking = null;
    }
  };
  return async (work) => {
    if (performance.now() >= due_ms) await (looking ??= look());
    return await withRunIndex(root, work, onNotice, { refresh: false });
  };
}
