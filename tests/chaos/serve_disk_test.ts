/** A server whose disk is full or fails: tasks fail plainly, the server stays, and goes on when it is well. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { WriteError } from "../../lib/errors.ts";
import { readJournal } from "../../lib/run/fold.ts";
import { Journal } from "../../lib/run/journal.ts";
import { Redactor } from "../../lib/run/redact.ts";
import { getJson, post, serveProcess, taskOver } from "../server/fixture.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";
import { canFault, FaultyDisk } from "./faulty_disk.ts";
import { eventsOf, mockForVictims } from "./victims.ts";
import { until } from "../until.ts";
import type { TaskView } from "../../lib/server/tasks/task.ts";

const mayMount = process.getuid?.() === 0 && existsSync("/bin/mount");
const EIO = 5;

/** A body for a suite of a few tests, whose file is not on the disk that fails. */
function bodyIn(folder: string, url: string) {
  const suite = join(folder, "suite.json");
  writeFileSync(suite, JSON.stringify({ test_suite_id: "disk", tests: promptTests(12) }));
  return { kind: "suite", suite, endpoint: `${url}/v1`, model: "mock", sample_rate_hz: 0 };
}

/** Each task has one beginning, and one end at most. */
function assertJournal(path: string): void {
  const events = eventsOf(path);
  for (const event of ["task_queued", "task_ended"]) {
    const ids = events.filter((each) => each.event === event).map(({ task_id }) => task_id);
    assertEquals(new Set(ids).size, ids.length, event);
  }
}

Deno.test({
  name: "serve on a full disk: the task fails plainly, the next one after there is room completes",
  ignore: !mayMount,
  fn: async () => {
    await using mock = await mockForVictims();
    mock.configure({ default_response: "long answer ".repeat(600) });
    using place = temporaryFolder();
    const disk = join(place.path, "disk");
    mkdirSync(disk);
    assertEquals(
      spawnSync("mount", ["-t", "tmpfs", "-o", "size=160k", "tmpfs", disk]).status,
      0,
    );
    try {
      const runs = join(disk, "runs");
      const body = bodyIn(place.path, mock.url);
      const { url, process: server } = await serveProcess(place.path, [
        ...["--runs", runs, "--allow", place.path],
      ]);
      const first: TaskView = await (await post(`${url}/tasks`, body)).json();
      const failed = await taskOver(url, first);
      assertEquals(failed.status, "failed");
      assertMatch(String(failed.error), /no space left/);

      // there is no room for another task either: it is refused, not lost
      writeFileSync(join(place.path, "fill.sh"), `cat /dev/zero > ${join(disk, "fill")}`);
      spawnSync("sh", [join(place.path, "fill.sh")]);
      const refused = await post(`${url}/tasks`, body);
      const said = await refused.text();
      if (!refused.ok) {
        assertEquals(refused.status, 507, said);
        assertMatch(said, /no space left/);
        assert(!/fault|\n\s+at /.test(said), said);
      }
      assertEquals((await fetch(`${url}/health`)).status, 200);

      assertEquals(spawnSync("mount", ["-o", "remount,size=64m", disk]).status, 0);
      const next: TaskView = await (await post(`${url}/tasks`, body)).json();
      assertEquals((await taskOver(url, next)).status, "completed");
      server.kill("SIGTERM");
      const { code, stderr } = await server.finished;
      assertEquals(code, 0, stderr);
      assert(!/bug in dyno|\n\s+at /.test(stderr), stderr);
      assertJournal(join(runs, "server", "tasks.jsonl"));
      const again = await serveProcess(place.path, ["--runs", runs, "--allow", place.path]);
      const known = await getJson<TaskView>(`${again.url}/tasks/${next.task_id}`);
      assertEquals(known.status, "completed");
      again.process.kill("SIGTERM");
      await again.process.finished;
    } finally {
      spawnSync("umount", [disk]);
    }
  },
});

for (const from of [20, 30]) {
  Deno.test({
    name:
      `serve on a disk that fails from its change ${from} on: plain, and it goes on when restarted`,
    ignore: !canFault,
    fn: async () => {
      await using mock = await mockForVictims();
      using disk = new FaultyDisk();
      using place = temporaryFolder();
      const runs = join(place.path, "runs");
      const body = bodyIn(place.path, mock.url);
      const { env } = disk.under(runs, { errno: EIO, errno_from: from });
      const args = ["--runs", runs, "--allow", place.path];
      const { url, process: server } = await serveProcess(place.path, args, env);
      let over = false;
      server.finished.then(() => over = true);
      const answer = await post(`${url}/tasks`, body).catch(() => null);
      const text = answer === null ? "" : await answer.text();
      if (answer?.ok) {
        const { task_id } = JSON.parse(text);
        await until(async () => {
          if (over) return true;
          const view = await getJson<TaskView>(`${url}/tasks/${task_id}`).catch(() => null);
          return view === null || view.status === "failed" || view.status === "completed" ||
            /the disk reports an error/.test(server.said());
        });
      } else if (answer) assertMatch(text, /the disk reports an error/);
      if (!over) server.kill("SIGTERM");
      const { stderr } = await server.finished;
      assert(!/bug in dyno|panicked|\n\s+at /.test(stderr), stderr);

      const again = await serveProcess(place.path, args);
      const next: TaskView = await (await post(`${again.url}/tasks`, body)).json();
      assertEquals((await taskOver(again.url, next)).status, "completed");
      const all = await getJson<{ tasks: TaskView[] }>(`${again.url}/tasks`);
      await until(async () =>
        (await Promise.all(
          all.tasks.map(({ task_id }) => getJson<TaskView>(`${again.url}/tasks/${task_id}`)),
        )).every(({ status }) => ["completed", "failed"].includes(status))
      );
      again.process.kill("SIGTERM");
      assertEquals((await again.process.finished).code, 0);
      assertJournal(join(runs, "server", "tasks.jsonl"));
    },
  });
}

Deno.test({
  name: "a journal that goes on after a full disk loses no later event",
  ignore: !mayMount,
  fn: async () => {
    using place = temporaryFolder();
    assertEquals(
      spawnSync("mount", ["-t", "tmpfs", "-o", "size=8k", "tmpfs", place.path]).status,
      0,
    );
    try {
      const path = join(place.path, "events.jsonl");
      {
        using journal = new Journal(path, new Redactor());
        journal.append({ event: "listener_failed", error: "first" });
        const large = { event: "listener_failed", error: "x".repeat(20_000) } as const;
        assertThrows(() => journal.append(large), WriteError);
        assertEquals(spawnSync("mount", ["-o", "remount,size=1m", place.path]).status, 0);
        journal.append({ event: "listener_failed", error: "second" });
        journal.append({ event: "listener_failed", error: "third" });
      }
      const errors: unknown[] = [];
      const { damaged } = await readJournal(path, "run", ({ event }) => {
        if (event?.event === "listener_failed") errors.push(event.error);
      });
      assertEquals([errors, damaged.map(({ line }) => line)], [["first", "second", "third"], [2]]);
    } finally {
      spawnSync("umount", [place.path]);
    }
  },
});
