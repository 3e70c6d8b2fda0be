import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { checkOpenFiles } from "../../lib/execute/open_files.ts";
import { runPool, WorkerLimit } from "../../lib/execute/pool.ts";
import { CancelledError, Scope } from "../../lib/execute/scope.ts";
import { sleep } from "../../lib/execute/sleep.ts";

const never = new AbortController().signal;

Deno.test("leaving a scope cancels its tasks and waits for them", async () => {
  const ended: string[] = [];
  {
    await using scope = new Scope();
    scope.spawn(async (signal) => {
      await sleep(60_000, signal).catch(() => {});
      ended.push("first");
    });
    scope.spawn(async (signal) => {
      await sleep(60_000, signal).catch(() => {});
      await sleep(5, never);
      ended.push("second");
    });
  }
  assertEquals(ended, ["first", "second"]);
});

Deno.test("the first failure cancels the others and is thrown by join", async () => {
  await using scope = new Scope();
  let cancelled = false;
  scope.spawn(async (signal) => {
    await sleep(60_000, signal).catch(() => cancelled = true);
  });
  scope.spawn(() => Promise.reject(new Error("broken")));
  await assertRejects(() => scope.join(), Error, "broken");
  assert(cancelled);
});

Deno.test("a parent's abort reaches a scope's tasks", async () => {
  const parent = new AbortController();
  await using scope = new Scope(parent.signal);
  scope.spawn((signal) => sleep(60_000, signal));
  parent.abort(new CancelledError("stop"));
  await assertRejects(() => scope.join(), CancelledError, "stop");
});

Deno.test("sleep ends with its signal and leaves no timer", async () => {
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort();
  await assertRejects(() => sleeping, CancelledError);
});

Deno.test("a pool keeps to its limit and finishes every item", async () => {
  const limit = new WorkerLimit(3);
  let running = 0, most = 0;
  const done: number[] = [];
  await runPool([...Array(20).keys()], limit, never, async (item) => {
    most = Math.max(most, ++running);
    await sleep(item % 3, never);
    running--;
    done.push(item);
  });
  assertEquals(most, 3);
  assertEquals(done.toSorted((a, b) => a - b), [...Array(20).keys()]);
});

Deno.test("a pool follows its limit up at once and down as items finish", async () => {
  const limit = new WorkerLimit(1);
  let running = 0;
  const seen: number[] = [];
  await runPool([...Array(12).keys()], limit, never, async (item) => {
    running++;
    if (item === 1) limit.set(4);
    if (item === 6) limit.set(2);
    await sleep(5, never);
    seen.push(running);
    running--;
  });
  assertEquals(Math.max(...seen), 4);
  assert(seen.at(-1)! <= 2);
});

Deno.test("a pool stops at an item's failure, and at an abort", async () => {
  let started = 0;
  const failing = runPool([...Array(100).keys()], new WorkerLimit(2), never, async (item) => {
    started++;
    await sleep(1, never);
    if (item === 3) throw new Error("item 3");
  });
  await assertRejects(() => failing, Error, "item 3");
  assert(started < 10);
  const controller = new AbortController();
  const aborted = runPool(
    [1, 2, 3],
    new WorkerLimit(1),
    controller.signal,
    async (_item, signal) => {
      controller.abort(new CancelledError("enough"));
      await sleep(1, signal);
    },
  );
  await assertRejects(() => aborted, CancelledError);
});

Deno.test("a limit of open files that is too low is told with a command that raises it", () => {
  checkOpenFiles(100, "a load", 100);
  checkOpenFiles(1e9, "a load", Infinity);
  const { message } = assertThrows(() => checkOpenFiles(101, "a load", 100), InputError);
  assertMatch(message, /^a load: 101 open files are needed, .* may open 100; .* ulimit -n 256 /);
});
