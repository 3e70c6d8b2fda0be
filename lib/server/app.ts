/** The server's app: access control and routes. */
import { type Context, Hono } from "hono";
import { routePath } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import { WriteError } from "../errors.ts";
import { asset, DASHBOARD_POLICY } from "./assets.ts";
import { bearer, isLoopback, ownSiteOnly } from "./auth.ts";
import { rateLimit } from "./limits.ts";
import { HttpProblem, problemAnswer } from "./problem.ts";
import { aboutRoutes } from "./routes/about.ts";
import { apiRoutes } from "./routes/api.ts";
import { taskRoutes } from "./routes/tasks.ts";
import type { AppOptions, ServerEnv } from "./app_options.ts";

/** Builds the server's app. */
export function serverApp(options: AppOptions): Hono<ServerEnv> {
  const { token, rate_per_s, host, observers, onNotice } = options;
  const app = new Hono<ServerEnv>();
  app.use(async (c, next) => {
    const started = performance.now();
    await next();
    const duration_s = (performance.now() - started) / 1000;
    const request = {
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      duration_s,
    };
    for (const observer of observers) observer.onRequest?.(request);
  });
  app.use(secureHeaders({
    contentSecurityPolicy: DASHBOARD_POLICY,
    strictTransportSecurity: false, // the server speaks plain HTTP
    xFrameOptions: "DENY",
    referrerPolicy: "no-referrer",
  }));
  app.use(async (c, next) => {
    await next();
    const { headers } = c.res; // c.header() would build a new answer from this one, with a stream as its body
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  });
  app.use(ownSiteOnly(token === null && isLoopback(host)));
  if (rate_per_s > 0) app.use(rateLimit(rate_per_s));
  if (token !== null) {
    const check = bearer(token);
    // health checks need no token; the dashboard page asks the user for the token
    const open = (path: string) => path === "/health" || isDashboardFile(path);
    app.use((c, next) => open(c.req.path) ? next() : check(c, next));
  }
  app.route("/", aboutRoutes(options));
  app.route("/", taskRoutes(options));
  app.route("/", dashboardRoutes());
  app.route("/", apiRoutes(options));
  // the path's own methods, so that the answer to a wrong method lists them
  const routes = app.routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => ({
      method,
      path: new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`),
    }));
  app.notFound((c) => {
    const known = routes.filter(({ path }) => path.test(c.req.path)).map(({ method }) => method);
    if (known.length > 0) {
      const allow = known.flatMap((method) => method === "GET" ? ["GET", "HEAD"] : [method]);
      const message = `${c.req.method} ${c.req.path}: expected ${allow.join(", ")}`;
      const headers = { allow: allow.join(", ") };
      return problemAnswer(c, new HttpProblem(405, "method_not_allowed", message, { headers }));
    }
    const what = `${c.req.method} ${c.req.path}: there is no such route; see /openapi.json`;
    return problemAnswer(c, new HttpProblem(404, "not_found", what));
  });
  app.onError((error, c) => {
    if (error instanceof HttpProblem) return problemAnswer(c, error);
    if (error instanceof WriteError) {
      onNotice(`${c.req.method} ${c.req.path}: ${error.message}`);
      return problemAnswer(c, new HttpProblem(507, "disk", error.message));
    }
    onNotice(`${c.req.method} ${c.req.path}: ${error.stack ?? error.message}`);
    return problemAnswer(
      c,
      new HttpProblem(500, "fault", "an error in the server; see its log"),
    );
  });
  return app;
}

/**
 * Whether a path is one of the page's files: they contain only code and no data of runs, so they
 * need no token.
 */
function isDashboardFile(path: string): boolean {
  return path === "/" || path.startsWith("/dashboard/");
}

/** The page at / and its files. */
function dashboardRoutes(): Hono<ServerEnv> {
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
