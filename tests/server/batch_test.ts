/** What is due of a batch, as a task. */
import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { writeBatch } from "../schedule/fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { getJson, post, serving, submit, taskOver } from "./fixture.ts";

Deno.test("a task runs the slot that is due, the next task finds nothing due", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const endpoint = `${mock.url}/v1`;
  writeBatch(place.path, { start: undefined }, {
    models: [{ provider: "a", model: "mock", endpoint }, {
      provider: "b",
      model: "mock",
      endpoint,
    }],
  });
  await using server = await serving(place.path, { batches: join(place.path, "batches") });
  const task = await taskOver(
    server.url,
    await submit(server.url, { kind: "batch", batch: "batch.json" }),
  );
  assertEquals([task.status, task.error, task.exit_code], ["completed", null, 0]);
  const { slots, records, successful, errors, coverage_mean } = task.metrics!;
  assertEquals([slots, records, successful, errors, coverage_mean], [1, 6, 6, 0, 0.5]);
  const { results } = await getJson<{ results: { records: unknown[] } }>(
    `${server.url}/tasks/${task.task_id}/results`,
  );
  assertEquals(results.records.length, 6);
  const second = await taskOver(
    server.url,
    await submit(server.url, { kind: "batch", batch: join(place.path, "batch.json") }),
  );
  assertEquals([second.status, second.metrics!.records], ["completed", 0]);
});

Deno.test("a batch file must be a batch, in an allowed folder", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path);
  for (const batch of ["/etc/hostname", "../batch.json", "quickstart"]) {
    const answer = await post(`${server.url}/tasks`, { kind: "batch", batch });
    const { error } = await answer.json();
    assertEquals(answer.status, 422);
    assertStringIncludes(error.message, "batch: ");
  }
});
