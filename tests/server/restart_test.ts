/** Tasks outlive the server: killed, stopped, started again. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { receiver } from "../notify/receiver.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";
import { followed, getJson, serveProcess, submit, taskOver, taskWhen } from "./fixture.ts";
import { until } from "../until.ts";
import type { TaskView } from "../../lib/server/tasks/task.ts";

function writeSuite(path: string, name: string, tests: number): void {
  const suite = { test_suite_id: name, tests: promptTests(tests) };
  writeFileSync(join(path, `${name}.json`), JSON.stringify(suite));
}

/** Finished tests in the journals of all runs, by run and test: each must be there once. */
function finishedTests(path: string): string[] {
  const runs = readdirSync(join(path, "runs")).filter((name) => name.startsWith("bench_"));
  return runs.flatMap((run) =>
    readFileSync(join(path, "runs", run, "events.jsonl"), "utf8").trim().split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === "package_finished")
      .map(({ package_id }) => `${run} ${package_id}`)
  );
}

/** Processes whose command line names a folder. */
function processesOf(path: string): string[] {
  const { stdout } = spawnSync("ps", ["-eo", "stat,pid,args"], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line.includes(path) && !line.startsWith("Z"));
}

Deno.test("a server is killed with tasks running and queued: the next one ends them all", async () => {
  using place = temporaryFolder();
  writeSuite(place.path, "slow", 12);
  writeSuite(place.path, "quick", 3);
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.2 } });
  await using hook = await receiver();
  const args = ["--allow-private-callbacks"];
  const endpoint = `${mock.url}/v1`;
  const first = await serveProcess(place.path, args);
  const slow = await submit(first.url, {
    kind: "suite",
    suite: "slow.json",
    endpoint,
    workers: 1,
    sample_rate_hz: 0,
    callback_url: hook.url,
  });
  const queued: TaskView[] = [];
  for (let i = 0; i < 2; i++) {
    queued.push(
      await submit(first.url, { kind: "suite", suite: "quick.json", endpoint, sample_rate_hz: 0 }),
    );
  }
  await until(async () =>
    Number((await getJson(`${first.url}/tasks/${slow.task_id}`)).metrics?.finished ?? 0) >= 2
  );
  first.process.kill("SIGKILL");
  await first.process.finished;

  const second = await serveProcess(place.path, args);
  const over = await taskOver(second.url, slow);
  assertEquals([over.status, over.error], ["completed", null]);
  assertEquals(over.run_id, (await getJson(`${second.url}/tasks/${slow.task_id}`)).run_id);
  assertEquals([over.metrics?.finished, over.metrics?.errors], [12, 0]);
  for (const task of queued) assertEquals((await taskOver(second.url, task)).status, "completed");
  const tests = finishedTests(place.path);
  assertEquals(new Set(tests).size, tests.length, "a test ran twice");
  assertEquals(tests.length, 12 + 2 * 3);
  const events = await followed(`${second.url}/tasks/${slow.task_id}/events`);
  assertEquals(
    events.filter(({ event }) => event === "task").map(({ data }) => data.status),
    ["queued", "running", "queued", "running", "completed"],
  );
  await until(() => hook.received.length > 0);
  assertEquals(hook.received.map(({ body }) => JSON.parse(body).task_id), [slow.task_id]);
  second.process.kill("SIGTERM");
  assertEquals((await second.process.finished).code, 0);
});

Deno.test("a server that is stopped leaves no process, and its task goes on in the next", async () => {
  using place = temporaryFolder();
  writeSuite(place.path, "slow", 8);
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.4 } });
  const endpoint = `${mock.url}/v1`;
  const first = await serveProcess(place.path);
  const task = await submit(first.url, {
    kind: "suite",
    suite: join(place.path, "slow.json"),
    endpoint,
    workers: 1,
    sample_rate_hz: 0,
  });
  await until(async () =>
    Number((await getJson(`${first.url}/tasks/${task.task_id}`)).metrics?.finished ?? 0) >= 1
  );
  assert(processesOf(place.path).length > 0);
  const first_event = Promise.withResolvers<void>();
  const follower = followed(`${first.url}/tasks/${task.task_id}/events`, {
    enough: () => (first_event.resolve(), false),
  });
  await first_event.promise; // a server that is stopping takes no new follower
  first.process.kill("SIGINT");
  assertEquals((await first.process.finished).code, 0);
  assertEquals(processesOf(place.path), []);
  const seen = await follower;
  const last = seen.findLast(({ id }) => id !== null)!.id!;

  const second = await serveProcess(place.path);
  const rest = await followed(`${second.url}/tasks/${task.task_id}/events`, {
    headers: { "last-event-id": last },
  });
  const names = [...seen, ...rest].flatMap(({ data }) =>
    data.event === "package_finished" ? [data.package_id] : []
  );
  assertEquals(names.sort(), Array.from({ length: 8 }, (_, i) => `t${i}`));
  assertEquals(rest.findLast(({ event }) => event === "task")?.data.status, "completed");
  second.process.kill("SIGTERM");
  assertEquals((await second.process.finished).code, 0);
});

Deno.test("running and queued tasks are cancelled", async () => {
  using place = temporaryFolder();
  writeSuite(place.path, "slow", 50);
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.5 } });
  const body = { kind: "suite", suite: "slow.json", endpoint: `${mock.url}/v1`, workers: 1 };
  const server = await serveProcess(place.path);
  const running = await submit(server.url, body);
  const queued = await submit(server.url, body);
  await taskWhen(server.url, running, "running");
  await until(() => processesOf(place.path).length > 0);
  const remove = (task: TaskView) =>
    fetch(`${server.url}/tasks/${task.task_id}`, { method: "DELETE" });
  const gone = await remove(queued);
  assertEquals([gone.status, (await gone.json()).status], [200, "cancelled"]);
  const going = await remove(running);
  assertEquals([going.status, (await going.json()).cancelling], [202, true]);
  const over = await taskOver(server.url, running);
  assertEquals(over.status, "cancelled");
  assertEquals(processesOf(place.path), []);
  assertEquals((await remove(running)).status, 200);
  server.process.kill("SIGTERM");
  await server.process.finished;
});

Deno.test("one server for a folder of runs", async () => {
  using place = temporaryFolder();
  const first = await serveProcess(place.path);
  let said = "";
  await serveProcess(place.path).catch((error) => said = error.message);
  assert(said.includes("in use by process"), said);
  first.process.kill("SIGTERM");
  await first.process.finished;
});
