import { spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { checkWritable, createRunDirectory, findRun } from "../../lib/run/directory.ts";
import { safeFileName, uniqueFileNames } from "../../lib/run/file_names.ts";
import { readJournal } from "../../lib/run/fold.ts";
import { dropTornEnd, Journal } from "../../lib/run/journal.ts";
import { takeLock } from "../../lib/run/lock.ts";
import { Redactor } from "../../lib/run/redact.ts";
import { compactTime, isRunId, newRunId } from "../../lib/run/run_id.ts";
import { writeFileAtomic } from "../../lib/write.ts";

/** A folder that is gone when the test is over. */
function temporary(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "dyno-run-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

async function eventsIn(path: string) {
  // deno-lint-ignore no-explicit-any
  const events: any[] = [];
  const { torn_bytes, damaged } = await readJournal(
    path,
    "run",
    ({ text }) => events.push(JSON.parse(text)),
  );
  return { events, torn_bytes, damaged_lines: damaged.map(({ line }) => line) };
}

Deno.test("a run id is bench, 8 hex digits, local date and time", () => {
  assertMatch(newRunId(), /^bench_[0-9a-f]{8}_\d{8}_\d{6}$/);
  assert(isRunId(newRunId()) && !isRunId("bench_xyz") && newRunId() !== newRunId());
  assertEquals(compactTime(new Date(2026, 0, 5, 7, 8, 9)), "20260105_070809");
});

Deno.test("journal lines are on disk when append returns, in order, with both clocks", async () => {
  using folder = temporary();
  const path = join(folder.path, "events.jsonl");
  using journal = new Journal(path, new Redactor());
  for (let i = 0; i < 100; i++) {
    journal.append({ event: "workers_changed", workers: i, reason: "ä\n" });
  }
  const { events, torn_bytes, damaged_lines } = await eventsIn(path);
  assertEquals(events.map((event) => event.workers), [...Array(100).keys()]);
  assertEquals([torn_bytes, damaged_lines], [0, []]);
  assert(events[1].mono_ns > events[0].mono_ns && Math.abs(events[0].t - Date.now() / 1000) < 60);
});

Deno.test("a torn last line is dropped, cut at every byte", async () => {
  using folder = temporary();
  const path = join(folder.path, "events.jsonl");
  const whole = '{"t":1,"mono_ns":1,"event":"a","text":"ä🙂"}\n';
  const last = '{"t":2,"mono_ns":2,"event":"b","text":"ä🙂"}\n';
  const bytes = new TextEncoder().encode(last);
  for (let cut = 1; cut < bytes.length; cut++) {
    writeFileSync(path, whole);
    appendFileSync(path, bytes.subarray(0, cut));
    const reading = await eventsIn(path);
    assertEquals([reading.events.length, reading.torn_bytes], [1, cut]);
    dropTornEnd(path, statSync(path).size, reading);
    assertEquals(readFileSync(path, "utf8"), whole);
  }
});

Deno.test("a damaged line in the middle is named, the others are read", async () => {
  using folder = temporary();
  const path = join(folder.path, "events.jsonl");
  writeFileSync(path, '{"event":"a"}\n\0\0\0\n[1]\n{"event":"b"}\n');
  const { events, damaged_lines } = await eventsIn(path);
  assertEquals([events.map((event) => event.event), damaged_lines], [["a", "b"], [2, 3]]);
});

Deno.test("lines longer than a read chunk are whole", async () => {
  using folder = temporary();
  const path = join(folder.path, "events.jsonl");
  using journal = new Journal(path, new Redactor());
  journal.append({ event: "listener_failed", error: "x".repeat(300_000) });
  journal.append({ event: "agent_effective_config", config: null });
  const { events } = await eventsIn(path);
  assertEquals(events.map((event) => [event.event, String(event.error ?? "").length]), [
    ["listener_failed", 300_000],
    ["agent_effective_config", 0],
  ]);
});

Deno.test("a secret never reaches the journal, escaped or not", () => {
  using folder = temporary();
  const path = join(folder.path, "events.jsonl");
  const redactor = new Redactor();
  redactor.learn('sk-live "quoted" 123');
  redactor.learnHeaders({ Authorization: "Bearer abcdef123456", accept: "application/json" });
  using journal = new Journal(path, redactor);
  const error = 'key sk-live "quoted" 123 or Bearer abcdef123456 is wrong';
  journal.append({ event: "listener_failed", error });
  const text = readFileSync(path, "utf8");
  assert(!text.includes("abcdef123456") && !text.includes("quoted") && text.includes("***"));
  assertEquals(redactor.redact("application/json"), "application/json");
});

Deno.test("a full device is one plain error, and the journal stays readable", () => {
  const journal = new Journal("/dev/full", new Redactor());
  try {
    assertThrows(
      () => journal.append({ event: "listener_failed", error: null }),
      InputError,
      "no space left",
    );
  } finally {
    try {
      journal[Symbol.dispose]();
    } catch { /* the device cannot be synced */ }
  }
});

Deno.test("an atomic write leaves the old file or the new one, and no temporary", () => {
  using folder = temporary();
  const path = join(folder.path, "results.json");
  writeFileAtomic(path, ["on", "e"]);
  writeFileAtomic(path, "two");
  assertEquals(readFileSync(path, "utf8"), "two");
  const failing = function* () {
    yield "thr";
    throw new Error("in the middle");
  };
  assertThrows(() => writeFileAtomic(path, failing()), InputError, "in the middle");
  assertEquals([readFileSync(path, "utf8"), existsSync(`${path}.tmp`)], ["two", false]);
});

Deno.test("file names are safe, and no two tests share one", () => {
  assertEquals(safeFileName("Sum: 2 + 2?"), "Sum_2_2");
  assertEquals(safeFileName("../../etc/passwd"), "etc_passwd");
  assertEquals(safeFileName("?!"), "unnamed");
  assertEquals(safeFileName("größe 温度"), "größe_温度");
  assertEquals(safeFileName("x".repeat(500)).length, 160);
  assertEquals(safeFileName("温".repeat(500)).length, 53); // 3 bytes each
  const names = uniqueFileNames([
    { id: "a", name: "Sum" },
    { id: "b", name: "sum" },
    { id: "c", name: "Sum_b" },
    { id: "b", name: "SUM" },
  ]);
  assertEquals(new Set(names.map((name) => name.toLowerCase())).size, 4);
  assertEquals(names[0], "Sum");
});

Deno.test("a lock is held against others, given back, and taken over from a dead process", async () => {
  using folder = temporary();
  const path = join(folder.path, "run.lock");
  const unlock = takeLock(path);
  assertThrows(() => takeLock(path), InputError, `process ${process.pid}`);
  unlock();
  takeLock(path)();
  assert(!existsSync(path));
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await new Promise((resolve) => child.on("exit", resolve));
  const unlockOwn = takeLock(path);
  const owner = JSON.parse(readFileSync(path, "utf8"));
  unlockOwn();
  writeFileSync(path, JSON.stringify({ ...owner, pid: child.pid }));
  takeLock(path)();
  writeFileSync(path, JSON.stringify({ ...owner, start_ticks: "1" })); // the pid was used again
  takeLock(path)();
  writeFileSync(path, JSON.stringify({ ...owner, host: "elsewhere", pid: child.pid }));
  assertThrows(() => takeLock(path), InputError, "elsewhere");
});

Deno.test("runs are found by id and by folder; others are named plainly", () => {
  using folder = temporary();
  const made = createRunDirectory(join(folder.path, "deep", "runs"));
  const root = join(folder.path, "deep", "runs");
  assertThrows(() => findRun(made.run_id, root), InputError, "events.jsonl is missing");
  writeFileSync(made.journal, "");
  assertEquals(findRun(made.run_id, root).path, made.path);
  assertEquals(findRun(made.path, "elsewhere").run_id, made.run_id);
  const close = made.run_id.slice(0, -1) + "x";
  assertThrows(() => findRun(close, root), InputError, `did you mean "${made.run_id}"`);
  assertThrows(() => findRun("bench_0", join(folder.path, "none")), InputError, "no run");
});

Deno.test("a folder that cannot be written is refused before anything is made", () => {
  using folder = temporary();
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  assertThrows(() => checkWritable(join(file, "runs")), InputError, "not a folder");
  assertThrows(() => checkWritable("/proc/runs"), InputError, "/proc/runs: cannot write");
  checkWritable(join(folder.path, "a", "b"));
  assert(!existsSync(join(folder.path, "a")));
});
