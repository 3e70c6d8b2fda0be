/** Tasks over HTTP: real requests, real runs of dyno, the real mock endpoint. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";
import { followed, getJson, post, serving, submit, taskOver } from "./fixture.ts";

/** A suite in a folder; the mock answers it. */
function writeSuite(path: string, tests: number): void {
  const suite = { test_suite_id: "s", tests: promptTests(tests, ["arithmetic"]) };
  writeFileSync(join(path, "suite.json"), JSON.stringify(suite));
}

Deno.test("a suite is submitted, followed to its end, and its results are read", async () => {
  using place = temporaryFolder();
  writeSuite(place.path, 6);
  await using mock = await MockEndpoint.start();
  await using server = await serving(place.path);
  const task = await submit(server.url, {
    kind: "suite",
    suite: "suite.json",
    endpoint: `${mock.url}/v1`,
    sample_rate_hz: 0,
  });
  assert(task.status === "running" || task.status === "queued");
  const events = await followed(`${server.url}/tasks/${task.task_id}/events`);
  const states = events.filter(({ event }) => event === "task").map(({ data }) => data.status);
  assertEquals(states, ["queued", "running", "completed"]);
  const finished = events.filter(({ data }) => data.event === "package_finished");
  assertEquals(finished.length, 6);
  const over = await getJson(`${server.url}/tasks/${task.task_id}`);
  assertEquals(over.status, "completed");
  assertEquals(over.exit_code, 0);
  assertEquals([over.metrics?.planned, over.metrics?.finished, over.metrics?.errors], [6, 6, 0]);
  assertEquals([over.agent, over.model], ["real-openai-compatible", "mock"]);
  const results = await getJson<{ partial: boolean; results: { items: unknown[] } }>(
    `${server.url}/tasks/${task.task_id}/results`,
  );
  assertEquals(results.partial, false);
  assertEquals(results.results.items.length, 6);
  assert(existsSync(join(place.path, "runs", over.run_id!, "report", "index.html")));
});

Deno.test("a stream of events goes on behind the last one that was seen", async () => {
  using place = temporaryFolder();
  writeSuite(place.path, 4);
  await using mock = await MockEndpoint.start();
  await using server = await serving(place.path);
  const endpoint = `${mock.url}/v1`;
  const task = await submit(server.url, { kind: "suite", suite: "suite.json", endpoint });
  const url = `${server.url}/tasks/${task.task_id}/events`;
  const whole = (await followed(url)).filter(({ id }) => id !== null);
  for (const [i, { id }] of whole.entries()) {
    const rest = await followed(url, { headers: { "last-event-id": id! } });
    assertEquals(rest.filter(({ id }) => id !== null), whole.slice(i + 1));
  }
});

Deno.test("a task whose run cannot begin fails, and tells why", async () => {
  using place = temporaryFolder();
  writeSuite(place.path, 2);
  await using server = await serving(place.path);
  const task = await submit(server.url, {
    kind: "suite",
    suite: "suite.json",
    endpoint: "http://127.0.0.1:1/v1",
    model: "m",
  });
  const over = await taskOver(server.url, task);
  assertEquals([over.status, over.exit_code], ["failed", 2]);
  assertStringIncludes(over.error!, "is the server running");
  assertEquals(over.error_summary, [over.error!]);
});

Deno.test("a load is measured; its run is an ordinary one", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  await using server = await serving(place.path);
  const task = await submit(server.url, {
    kind: "load",
    name: "short",
    endpoint: `${mock.url}/v1`,
    concurrency: 2,
    requests: 20,
    sample_rate_hz: 0,
  });
  const over = await taskOver(server.url, task);
  assertEquals([over.status, over.error], ["completed", null]);
  assertEquals([over.metrics?.requests, over.metrics?.errors], [20, 0]);
  assert(Number(over.metrics?.ttft_p50_ms) > 0);
  const { results } = await getJson<{ results: { kind: string } }>(
    `${server.url}/tasks/${task.task_id}/results`,
  );
  assertEquals(results.kind, "load");
});

Deno.test("a sweep of dyno's own simulator is run, and each run is in its results", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path);
  const task = await submit(server.url, {
    kind: "sweep",
    config: {
      name: "tiny",
      sim_binary: "agent_sched_sim",
      common_args: { workflows: 2, pdfs: 2 },
      matrix: { policy: ["full", "edf"], seeds: [1, 2] },
    },
  });
  const over = await taskOver(server.url, task);
  assertEquals([over.status, over.error], ["completed", null]);
  assertEquals([over.metrics?.planned, over.metrics?.finished], [4, 4]);
  const { results } = await getJson<{ results: { runs: { exit_code: number }[] } }>(
    `${server.url}/tasks/${task.task_id}/results`,
  );
  assertEquals(results.runs.map(({ exit_code }) => exit_code), [0, 0, 0, 0]);
});

Deno.test("a key submits a task once", async () => {
  using place = temporaryFolder();
  writeSuite(place.path, 2);
  await using mock = await MockEndpoint.start();
  await using server = await serving(place.path);
  const body = { kind: "suite", suite: "suite.json", endpoint: `${mock.url}/v1` };
  const key = { "idempotency-key": "once" };
  const first = await submit(server.url, body, key);
  const again = await post(`${server.url}/tasks`, body, key);
  assertEquals(again.headers.get("idempotent-replayed"), "true");
  assertEquals((await again.json()).task_id, first.task_id);
  const other = await post(`${server.url}/tasks`, { ...body, limit: 1 }, key);
  assertEquals(other.status, 422);
  assertStringIncludes((await other.json()).error.message, first.task_id);
  await taskOver(server.url, first);
});
