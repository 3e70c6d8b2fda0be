/** Routes of the dashboard's own files. */
import { Hono } from "hono";
import { asset } from "../assets.ts";
import { HttpProblem } from "../problem.ts";
import type { Context } from "hono";
import type { ServerEnv } from "../app_options.ts";

/** Whether a path is one of the page's files: code without anything of a run in it, which needs no token. */
export function isDashboardFile(path: string): boolean {
  return path === "/" || path.startsWith("/dashboard/");
}

/** The page at / and its files. */
export function dashboardRoutes(): Hono<ServerEnv> {
  const routes = new Hono<ServerEnv>();
  routes.get("/", (c) => file(c, "index.html"));
  routes.get("/dashboard/:name", (c) => file(c, c.req.param("name")));
  return routes;
}

function file(c: Context<ServerEnv>, name: string): Response {
  const found = asset(name);
  if (found === null) {
    throw new HttpProblem(404, "not_found", `there is no file "${name.slice(0, 100)}"`);
  }
  const { type, text, etag } = found;
  const headers = { etag, "cache-control": "no-cache", "content-type": type };
  return c.req.header("if-none-match") === etag
    ? c.body(null, 304, { etag })
    : c.body(text, 200, headers);
}
