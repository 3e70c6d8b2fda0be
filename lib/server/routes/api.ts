/** Routes of what the dashboard draws: small JSON from the index and the records of batches. */
import { Hono } from "hono";
import { withRunIndex } from "../../run/index.ts";
import { HttpProblem } from "../problem.ts";
import { overview } from "../views/overview.ts";
import { runList, runListQuerySchema } from "../views/run_list.ts";
import { issuesOf } from "./tasks.ts";
import type { z } from "zod";
import type { RunIndex } from "../../run/index.ts";
import type { AppOptions, ServerEnv } from "../app.ts";

/** The routes under /api. */
export function apiRoutes({ runs, onNotice }: AppOptions): Hono<ServerEnv> {
  const routes = new Hono<ServerEnv>();
  const withRuns = <T>(work: (index: RunIndex) => T | Promise<T>) =>
    withRunIndex(runs, work, onNotice);

  routes.get(
    "/api/overview",
    async (c) => c.json(await withRuns((index) => overview(index, Date.now() / 1000))),
  );

  routes.get("/api/runs", async (c) => {
    const query = checkedQuery(runListQuerySchema, c.req.query());
    return c.json(await withRuns((index) => runList(index, query)));
  });

  return routes;
}

/** @throws {HttpProblem} 400 with what is wrong. */
function checkedQuery<S extends z.ZodType>(schema: S, query: unknown): z.infer<S> {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  throw new HttpProblem(400, "bad_query", "the query is not valid", {
    issues: issuesOf(parsed.error),
  });
}
