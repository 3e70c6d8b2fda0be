/** Many tasks, many followers. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";
import { followed, getJson, post, serving, submit, taskOver } from "./fixture.ts";
import { until } from "../until.ts";

const TASKS = Deno.env.get("DYNO_TEST_LONG") ? 500 : 100;
const BODY = { kind: "suite", suite: "quickstart", endpoint: "http://127.0.0.1:1/v1", model: "m" };

Deno.test(`${TASKS} tasks queue up in their order; one more is refused for a while`, async () => {
  using place = temporaryFolder();
  {
    await using server = await serving(place.path, {
      max_queue: TASKS,
      command: ["sh", "-c", "trap 'exit 130' INT; while :; do sleep 0.05; done"],
    });
    for (let i = 0; i < TASKS + 1; i++) await submit(server.url, BODY);
    const refused = await post(`${server.url}/tasks`, BODY);
    assertEquals(refused.status, 429);
    assert(Number(refused.headers.get("retry-after")) >= 1);
    assertEquals((await refused.json()).error.code, "queue_full");
    const { tasks, queued, more } = await getJson<
      { tasks: { queue_position: number | null }[]; queued: number; more: boolean }
    >(`${server.url}/tasks?limit=1000`);
    assertEquals([tasks.length, queued, more], [TASKS + 1, TASKS, false]);
    const positions = tasks.map(({ queue_position }) => queue_position).reverse();
    assertEquals(positions, [null, ...Array.from({ length: TASKS }, (_, i) => i)]);
  }
  // the next server takes all of them up, in the same order
  await using server = await serving(place.path, { jobs: 4, command: ["true"] });
  const ended = await until(async () => {
    const { tasks } = await getJson<
      { tasks: { status: string; started_at_unix_seconds: number }[] }
    >(
      `${server.url}/tasks?limit=1000`,
    );
    return tasks.every(({ status }) => status === "completed") && tasks.reverse();
  });
  const starts = ended.map(({ started_at_unix_seconds }) => started_at_unix_seconds);
  assertEquals(starts, starts.toSorted((a, b) => a - b));
});

Deno.test("200 followers of one task all see the same events", async () => {
  using place = temporaryFolder();
  const suite = { test_suite_id: "s", tests: promptTests(10) };
  writeFileSync(join(place.path, "suite.json"), JSON.stringify(suite));
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.1 } });
  await using server = await serving(place.path);
  const task = await submit(server.url, {
    kind: "suite",
    suite: "suite.json",
    endpoint: `${mock.url}/v1`,
    workers: 1,
    sample_rate_hz: 0,
  });
  const followers = Array.from(
    { length: 200 },
    () => followed(`${server.url}/tasks/${task.task_id}/events`),
  );
  const streams = await Promise.all(followers);
  assertEquals((await taskOver(server.url, task)).status, "completed");
  const named = streams.map((events) => events.filter(({ id }) => id !== null));
  assertEquals(named[0].filter(({ data }) => data.event === "package_finished").length, 10);
  for (const events of named) assertEquals(events, named[0]);
});
