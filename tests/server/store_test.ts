/** The journal of tasks does not grow without end; a start that fails leaves no lock. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { isLocked } from "../../lib/run/lock.ts";
import { TaskStore } from "../../lib/server/tasks/store.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { serving } from "./fixture.ts";
import type { TaskRequest } from "../../lib/server/tasks/request.ts";

const request: TaskRequest = { kind: "suite", suite: "quickstart" };
const open = (path: string, tasks: number) => TaskStore.open(path, () => {}, { tasks });

Deno.test("tasks that ended long ago are forgotten at a start, others are as they were", async () => {
  using place = temporaryFolder();
  const journal = join(place.path, "server", "tasks.jsonl");
  const ids: string[] = [];
  {
    using store = await open(place.path, 3);
    for (let i = 0; i < 8; i++) {
      const task = store.submit(request, `key ${i}`);
      ids.push(task.task_id);
      mkdirSync(store.folderOf(task), { recursive: true });
      store.starting(task, `bench_${i}`);
      store.started(task, { pid: 1, start_ticks: "1" });
      if (i === 2 || i === 7) continue; // one of them waits again
      if (i === 6) store.requeue(task, "stopped");
      else store.end(task, "completed", { exit_code: 0, metrics: { requests: i } });
    }
    store.requeue(store.tasks.get(ids[2])!, "stopped");
  }
  const size = readFileSync(journal, "utf8").length;
  {
    using store = await open(place.path, 3);
    assertEquals([...store.tasks.keys()], ids.slice(2));
    assertEquals(store.queued().map(({ task_id }) => task_id), [ids[2], ids[6]]);
    const running = store.tasks.get(ids[7])!;
    assertEquals([running.status, running.process?.pid], ["running", 1]);
    const ended = store.tasks.get(ids[5])!;
    assertEquals(ended.metrics, { requests: 5 });
    assertEquals(ended.changes.map(({ status }) => status), ["queued", "running", "completed"]);
    assertEquals(store.submittedBefore("key 5", request)?.task_id, ids[5]);
    assertEquals(store.submittedBefore("key 0", request), null);
    assert(!existsSync(join(store.folder, "tasks", ids[0])));
    assert(existsSync(store.folderOf(ended)));
  }
  const text = readFileSync(journal, "utf8");
  assert(text.length < size);
  {
    using store = await open(place.path, 3);
    assertEquals(store.tasks.size, 6);
  }
  assertEquals(readFileSync(journal, "utf8"), text, "nothing is left to leave out");
});

Deno.test("of many keys the newest are known, and no more tasks and requests than are said", async () => {
  using place = temporaryFolder();
  const kept = { tasks: 100, request_length: 1 << 20 };
  using store = await TaskStore.open(place.path, () => {}, kept);
  const ended = (n: number, notes = "") => {
    const task = store.submit({ ...request, notes } as TaskRequest, `key ${n}`);
    mkdirSync(store.folderOf(task), { recursive: true });
    store.end(task, "cancelled");
    return task;
  };
  const first = ended(0);
  for (let n = 1; n < 300; n++) ended(n);
  assertEquals(store.tasks.size, kept.tasks);
  const known = (n: number, notes = "") =>
    store.submittedBefore(`key ${n}`, { ...request, notes } as TaskRequest) !== null;
  assertEquals([known(0), known(199), known(200), known(299)], [false, false, true, true]);
  assert(!existsSync(store.folderOf(first)));
  const long = "x".repeat(400_000);
  for (let n = 0; n < 4; n++) ended(1000 + n, long);
  assertEquals([0, 1, 2, 3].map((n) => known(1000 + n, long)), [false, false, true, true]);
});

Deno.test("the journal of a running server is shortened once half of it is not needed", async () => {
  using place = temporaryFolder();
  const journal = join(place.path, "server", "tasks.jsonl");
  const size = () => readFileSync(journal).length;
  const kept = { tasks: 50, journal_bytes: 20_000 };
  let ids: string[];
  {
    using store = await TaskStore.open(place.path, () => {}, kept);
    const waiting = store.submit(request, "waits");
    let most = 0, last = 0, shortened = 0;
    for (let n = 0; n < 1000; n++) {
      const task = store.submit(request, `key ${n}`);
      store.starting(task, `bench_${n}`);
      store.started(task, { pid: 1, start_ticks: "1" });
      store.end(task, "completed", { exit_code: 0, metrics: { requests: n } });
      await new Promise((resolve) => setImmediate(resolve)); // as between two requests to a server
      if (size() < last) shortened++;
      last = size();
      most = Math.max(most, last);
    }
    // 50 tasks of about 600 bytes are needed: some 30 kB, of 700 kB that were written
    assert(shortened >= 3 && most < 150_000, `${shortened} times, at most ${most} bytes`);
    ids = [...store.tasks.keys()];
    assertEquals([ids.length, ids[0]], [51, waiting.task_id]);
  }
  // a start finds the same tasks
  using store = await TaskStore.open(place.path, (line) => assertEquals(line, ""), kept);
  assertEquals([...store.tasks.keys()], ids);
  assertEquals(store.queued().map(({ task_id }) => task_id), [ids[0]]);
  assertEquals(store.tasks.get(ids[50])!.metrics, { requests: 999 });
});

Deno.test("a server whose callbacks cannot be kept does not start, and leaves no lock", async () => {
  using place = temporaryFolder();
  mkdirSync(join(place.path, "runs"));
  writeFileSync(join(place.path, "runs", "callbacks"), "in the way");
  await assertRejects(() => serving(place.path), InputError, "callbacks");
  assert(!isLocked(join(place.path, "runs", "server", "server.lock")));
});

Deno.test("a server says at its start how many callbacks were given up", async () => {
  using place = temporaryFolder();
  const failed = join(place.path, "runs", "callbacks", "failed");
  mkdirSync(failed, { recursive: true });
  for (const id of ["a", "b"]) writeFileSync(join(failed, `${id}.json`), "{}");
  const notices: string[] = [];
  {
    await using _ = await serving(place.path, { onNotice: (line) => notices.push(line) });
  }
  assertEquals(notices.length, 1);
  assertEquals(notices[0], `2 callbacks were given up; they are in ${failed}`);
});
