/** Callbacks that are delivered through failures, restarts and refusals. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { endPayload } from "../../lib/notify/payload.ts";
import { CallbackQueue } from "../../lib/notify/queue.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { expectedSignature, receiver } from "./receiver.ts";

const SECRET = "s3cret of the tests";
const patience = () => AbortSignal.timeout(60_000);

const payload = (task_id: string | null = null) =>
  endPayload({
    task_id,
    status: "completed",
    duration_seconds: 1.5,
    run_id: "bench_00000000_20260101_000000",
    agent: "mock",
    metrics: { avg_hit_rate: 0.75, note: "ü\n" },
    error_summary: Array.from({ length: 20 }, (_, i) => `error ${i}`),
  });

function open(path: string, more: object = {}) {
  return CallbackQueue.open(path, {
    secret: SECRET,
    allow_private: true,
    onNotice: () => {},
    first_wait_s: 0.02,
    ...more,
  });
}

const logged = (path: string): { event: string; [field: string]: unknown }[] =>
  readFileSync(join(path, "callbacks", "log.jsonl"), "utf8").trim().split("\n")
    .map((line) => JSON.parse(line));

const filesIn = (path: string, folder: "pending" | "failed") =>
  readdirSync(join(path, "callbacks", folder));

Deno.test("a callback is delivered with a payload, a signature and a timestamp", async () => {
  using place = temporaryFolder();
  await using hook = await receiver();
  await using queue = await open(place.path);
  queue.add(`${hook.url}/hook?x=1`, payload("task_1"));
  assertEquals(await queue.settled(patience()), 0);
  const [got] = hook.received;
  assertEquals(got.path, "/hook?x=1");
  assertEquals(got.headers["content-type"], "application/json");
  assertEquals(got.headers["x-dyno-signature"], expectedSignature(SECRET, got));
  assert(Math.abs(Number(got.headers["x-dyno-timestamp"]) - Date.now() / 1000) < 60);
  const said = JSON.parse(got.body);
  assertEquals(Object.keys(said), [
    "event",
    "task_id",
    "status",
    "duration_seconds",
    "run_id",
    "agent",
    "simulation_mode",
    "metrics",
    "error_summary",
    "timestamp",
  ]);
  assertEquals([said.task_id, said.simulation_mode], ["task_1", "mock"]);
  assertEquals(said.error_summary.length, 10);
  assertEquals(filesIn(place.path, "pending"), []);
});

Deno.test("a receiver that fails is asked again, with the same body and delivery", async () => {
  using place = temporaryFolder();
  const statuses = [500, 503, 404, 302, 429];
  await using elsewhere = await receiver();
  await using hook = await receiver((n) => ({
    status: statuses[n] ?? 200,
    headers: n === 3 ? { location: elsewhere.url } : undefined,
  }));
  await using queue = await open(place.path);
  queue.add(hook.url, payload());
  assertEquals(await queue.settled(patience()), 0);
  assertEquals(hook.received.length, statuses.length + 1);
  assertEquals(elsewhere.received, [], "a redirect is not followed");
  assertEquals(new Set(hook.received.map(({ body }) => body)).size, 1);
  assertEquals(new Set(hook.received.map(({ headers }) => headers["x-dyno-delivery"])).size, 1);
  for (const got of hook.received) {
    assertEquals(got.headers["x-dyno-signature"], expectedSignature(SECRET, got));
  }
  const events = logged(place.path).map(({ event }) => event);
  assertEquals(events, [
    "callback_queued",
    ...statuses.map(() => "callback_attempt"),
    "callback_delivered",
  ]);
});

Deno.test("what a process could not deliver, the next one does", async () => {
  using place = temporaryFolder();
  let up = false;
  await using hook = await receiver(() => ({ status: up ? 200 : 500 }));
  {
    await using queue = await open(place.path);
    queue.add(hook.url, payload(), "first");
    queue.add(hook.url, payload(), "second");
    assertEquals(await queue.settled(AbortSignal.timeout(300)), 2);
  }
  assertEquals(filesIn(place.path, "pending").sort(), ["first.json", "second.json"]);
  up = true;
  await using queue = await open(place.path);
  assert(queue.knows("first") && queue.knows("second") && !queue.knows("third"));
  await queue.settled(patience());
  const delivered = logged(place.path).filter(({ event }) => event === "callback_delivered");
  assertEquals(delivered.map(({ id }) => id).sort(), ["first", "second"]);
  assertEquals(filesIn(place.path, "pending"), []);
  assert(queue.knows("first"));
});

Deno.test("a callback that waits belongs to one process", async () => {
  using place = temporaryFolder();
  await using hook = await receiver(() => ({ status: 500 }));
  await using first = await open(place.path, { first_wait_s: 100 });
  first.add(hook.url, payload(), "one");
  while (hook.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await using second = await open(place.path);
  assertEquals(await second.settled(AbortSignal.timeout(500)), 0);
  assertEquals(hook.received.length, 1);
});

Deno.test("private addresses are refused when it is sent, and kept as failed", async () => {
  using place = temporaryFolder();
  await using hook = await receiver();
  const said: string[] = [];
  const onNotice = (line: string) => void said.push(line);
  await using queue = await open(place.path, { allow_private: false, onNotice });
  const port = new URL(hook.url).port;
  queue.add(`http://localhost:${port}/`, payload(), "name");
  queue.add(`http://127.0.0.1:${port}/`, payload(), "address");
  await queue.settled(patience());
  assertEquals(hook.received, []);
  assertEquals(filesIn(place.path, "failed").sort(), ["address.json", "name.json"]);
  assertStringIncludes(said.join("\n"), "private, loopback or link-local");
});

Deno.test("a receiver that is gone for good is not asked again", async () => {
  using place = temporaryFolder();
  await using hook = await receiver(() => ({ status: 410 }));
  await using queue = await open(place.path);
  queue.add(hook.url, payload());
  await queue.settled(patience());
  assertEquals(hook.received.length, 1);
  assertEquals(filesIn(place.path, "failed").length, 1);
});

Deno.test("without a secret callbacks are unsigned; the secret is never on disk", async () => {
  using place = temporaryFolder();
  await using hook = await receiver((n) => ({ status: n === 0 ? 500 : 200 }));
  await using queue = await open(place.path, { secret: null });
  queue.add(hook.url, payload());
  await queue.settled(patience());
  for (const { headers } of hook.received) assertEquals(headers["x-dyno-signature"], undefined);
  const signed = await open(place.path);
  signed.add(hook.url, payload());
  await signed.settled(patience());
  await signed[Symbol.asyncDispose]();
  const log = readFileSync(join(place.path, "callbacks", "log.jsonl"), "utf8");
  assert(!log.includes(SECRET) && process.env.DYNO_WEBHOOK_SECRET === undefined);
});
