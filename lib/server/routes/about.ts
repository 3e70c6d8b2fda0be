/** Routes about the server itself. */
import { Hono } from "hono";
import { keyOriginsText } from "../../endpoint/key_origins.ts";
import { describeHost, dynoVersion } from "../../run/metadata.ts";
import { openApiDocument, taskJsonSchema } from "../openapi.ts";
import { taskKinds } from "../tasks/request.ts";
import type { AppOptions, ServerEnv } from "../app_options.ts";

/** The routes about the server. */
export function aboutRoutes(options: AppOptions): Hono<ServerEnv> {
  const { store, runner, policy, metricsText } = options;
  const started_unix_s = Date.now() / 1000;
  const routes = new Hono<ServerEnv>();
  const document = openApiDocument({ metrics: metricsText !== undefined });

  routes.get("/health", (c) => {
    const stopping = options.signal.aborted;
    return c.json({ status: stopping ? "stopping" : "ok" }, stopping ? 503 : 200);
  });

  routes.get("/info", (c) =>
    c.json({
      name: "dyno",
      version: dynoVersion,
      started_at_unix_seconds: started_unix_s,
      host: describeHost(),
      task_kinds: taskKinds,
      queue: { queued: store.queued().length, running: runner.running, tasks: store.tasks.size },
      limits: {
        max_queue: options.max_queue,
        jobs: options.jobs,
        requests_per_s: options.rate_per_s || null,
        max_body_bytes: options.max_body_bytes,
        commands: policy.allow_commands,
        private_callbacks: options.private_callbacks,
        api_key_envs: keyOriginsText(policy.keys),
      },
    }));

  routes.get("/schema", (c) => c.json(taskJsonSchema()));
  routes.get("/openapi.json", (c) => c.json(document));
  if (metricsText) {
    routes.get("/metrics", async (c) => {
      const { contentType, text } = await metricsText();
      return c.body(text, 200, { "content-type": contentType });
    });
  }
  return routes;
}
