/**
 * Disks that fail: full, read-only, at a limit of file size, slow to sync, with errors of the device;
 * a folder that goes away; two processes at one place. One plain line each, a journal that is whole,
 * and the same command goes on once the disk is well.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dyno, startDyno } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { canFault, FaultyDisk } from "./faulty_disk.ts";
import { keepers } from "./keepers.ts";
import { transientIn } from "./orphans.ts";
import { mockForVictims, toItsEnd, writers } from "./victims.ts";
import { until } from "../until.ts";
import type { Finished } from "../e2e/dyno.ts";
import type { Faults } from "./faulty_disk.ts";
import type { MockEndpoint } from "../../lib/mock/server.ts";
import type { Scene, Victim } from "./victims.ts";

const long = process.env.DYNO_TEST_LONG !== undefined;
const mayMount = process.getuid?.() === 0 && existsSync("/bin/mount");
const EIO = 5, ENOSPC = 28, EROFS = 30;

/** The index is a cache, and a server goes on. */
const OTHERS = ["serve", "runs list (index)"];
const all = [...writers, ...keepers].filter(({ name }) => !OTHERS.includes(name));
const only = (...names: string[]) => names.map((name) => all.find((one) => one.name === name)!);
const named = (...names: string[]) => long ? all : only(...names);
/** Who meets what all meet in the long form. */
const some = (given: string[], more: string[]) => only(...given, ...long ? more : []);

/** One line for people that says what is wrong and where, and none of ours behind it. */
function assertPlain({ code, stderr }: Finished, what: RegExp, folder: string): void {
  assertEquals(code, 2, stderr);
  const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
  assertEquals(errors.length, 1, stderr);
  assertMatch(errors[0], what);
  assert(errors[0].includes(folder), `it names no file: ${errors[0]}`);
  assert(!/bug in dyno|\n\s+at /.test(stderr), stderr);
}

/** The command comes to its end on a disk that is well; nothing of before is lost. */
async function goesOn(
  scene: Scene,
  before: string[],
  cwd: string,
  mock: MockEndpoint,
): Promise<void> {
  const end = await toItsEnd(scene, () => {
    mock.clearRequests();
    return dyno(scene.args(), { cwd });
  });
  if (!scene.nothingToDo || !end.stderr.includes(scene.nothingToDo)) {
    assertEquals(end.code, 0, end.stderr);
  }
  const finished = scene.finished();
  assertEquals(new Set(finished).size, finished.length);
  assertEquals(before.filter((item) => !finished.includes(item)), []);
  await scene.check();
  assertEquals(transientIn(cwd).filter((path) => !scene.mayLeave?.(path)), []);
}

const disks: [string, Victim[], (victim: Victim) => Faults, RegExp][] = [
  [
    "the device fails in the middle",
    named("load", "sweep", "runs import", "runs archive"),
    ({ changes }) => ({ errno: EIO, errno_from: Math.ceil(changes / 2) }),
    /the disk reports an error/,
  ],
  [
    "the disk is full from the middle on",
    named("run --mode iterative", "runs tag", "runs export"),
    ({ changes }) => ({ errno: ENOSPC, errno_from: Math.ceil(changes / 2), errno_in: "write" }),
    /no space left/,
  ],
  [
    "the disk turns read-only from the middle on",
    named("runs delete", "runs import"),
    ({ changes }) => ({ errno: EROFS, errno_from: Math.ceil(changes / 2) }),
    /read-only/,
  ],
];

for (const [what, victims, faults, says] of disks) {
  for (const victim of victims) {
    Deno.test({
      name: `${victim.name}: ${what}`,
      ignore: !canFault,
      fn: async () => {
        using disk = new FaultyDisk();
        await using mock = await mockForVictims();
        using place = temporaryFolder();
        const scene = victim.stage(place.path, mock);
        const { env } = disk.under(place.path, faults(victim));
        const end = await dyno(scene.args(), { cwd: place.path, env });
        assertPlain(end, says, place.path);
        await goesOn(scene, scene.finished(), place.path, mock);
      },
    });
  }
}

Deno.test({
  name: "runs delete: a full disk; removing needs no room",
  ignore: !canFault,
  fn: async () => {
    using disk = new FaultyDisk();
    await using mock = await mockForVictims();
    for (const victim of named("runs delete")) {
      using place = temporaryFolder();
      const scene = victim.stage(place.path, mock);
      const { env } = disk.under(place.path, { errno: ENOSPC, errno_from: 1, errno_in: "write" });
      const end = await dyno(scene.args(), { cwd: place.path, env });
      assertEquals(end.code, 0, end.stderr);
      await scene.check();
    }
  },
});

Deno.test({
  name: "a full file system: runs can still be listed, and go on once there is room",
  ignore: !mayMount,
  fn: async () => {
    await using mock = await mockForVictims();
    mock.configure({ default_response: "long answer ".repeat(600) });
    using place = temporaryFolder();
    const disk = join(place.path, "disk");
    mkdirSync(disk);
    const tmpfs = ["-t", "tmpfs", "-o", "size=160k", "tmpfs", disk];
    assertEquals(spawnSync("mount", tmpfs).status, 0);
    try {
      for (const victim of some(["run", "batch run --speedup"], ["load"])) {
        const folder = join(disk, "d");
        mkdirSync(folder);
        const scene = victim.stage(folder, mock);
        assertPlain(await dyno(scene.args(), { cwd: folder }), /no space left/, folder);
        const before = scene.finished();
        const listed = await dyno(["runs", "list", "--runs", join(folder, "runs")]);
        assert(victim.name.startsWith("batch") || listed.code === 0, listed.stderr);
        assertEquals(spawnSync("mount", ["-o", "remount,size=64m", disk]).status, 0);
        await dyno(["runs", "list", "--runs", join(folder, "runs")]); // its index, too, has room again
        await goesOn(scene, before, folder, mock);
        rmSync(folder, { recursive: true });
        assertEquals(spawnSync("mount", ["-o", "remount,size=160k", disk]).status, 0);
      }
    } finally {
      spawnSync("umount", [disk]);
    }
  },
});

Deno.test("a limit of file size (ulimit -f): a plain error, not SIGXFSZ", async () => {
  await using mock = await mockForVictims();
  mock.configure({ default_response: "long answer ".repeat(600) });
  for (const victim of some(["run"], ["load"])) {
    using place = temporaryFolder();
    const scene = victim.stage(place.path, mock);
    const running = startDyno(scene.args(), { cwd: place.path });
    await until(() => scene.finished().length > 0);
    const limit = spawnSync("prlimit", ["--pid", String(running.pid), "--fsize=20000"]);
    assertEquals(limit.status, 0, String(limit.stderr));
    const end = await running.finished;
    assertEquals(end.signal, null);
    assertPlain(end, /file-size limit is reached \(ulimit -f\)/, place.path);
    await goesOn(scene, scene.finished(), place.path, mock);
  }
});

Deno.test({
  name: "syncs that take 400 ms each, or fail, lose no event",
  ignore: !canFault,
  fn: async () => {
    using disk = new FaultyDisk();
    await using mock = await mockForVictims();
    const [run] = only("run");
    {
      using place = temporaryFolder();
      const scene = run.stage(place.path, mock);
      const { env } = disk.under(place.path, { sync_ms: 400 });
      const { code, stderr } = await dyno(scene.args(), { cwd: place.path, env });
      assertEquals(code, 0, stderr);
      scene.check();
    }
    using place = temporaryFolder();
    const scene = run.stage(place.path, mock);
    const failing = { errno: EIO, errno_from: 40, errno_in: "sync" as const };
    const { env } = disk.under(place.path, failing);
    assertPlain(
      await dyno(scene.args(), { cwd: place.path, env }),
      /the disk reports an error/,
      place.path,
    );
    await goesOn(scene, scene.finished(), place.path, mock);
  },
});

/** Removes a folder into which something is written meanwhile. */
function removeBusy(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOTEMPTY") throw error;
    removeBusy(path);
  }
}

for (const victim of some(["run", "sweep"], ["load"])) {
  Deno.test(`${victim.name}: its folder is deleted in mid-run`, async () => {
    await using mock = await mockForVictims();
    mock.configure({ delay_s: 0.2 });
    using place = temporaryFolder();
    const scene = victim.stage(place.path, mock);
    const running = startDyno(scene.args(), { cwd: place.path });
    await until(() => scene.finished().length > 0);
    for (const name of ["runs", "batches", "shell"]) removeBusy(join(place.path, name));
    const end = await running.finished;
    assertPlain(end, /its folder is not there|was it removed/, place.path);
    mock.configure({});
    await goesOn(scene, [], place.path, mock);
  });
}

for (const victim of only("run", "sweep", "batch run --speedup", "runs import")) {
  Deno.test(`${victim.name}: a second process at the same place is told who is there`, async () => {
    await using mock = await mockForVictims();
    using place = temporaryFolder();
    const scene = victim.stage(place.path, mock);
    const first = startDyno(scene.args(), { cwd: place.path });
    const locked = () =>
      readdirSync(place.path, { recursive: true })
        .some((name) => /(run|sweep|batch|import)\.lock$/.test(String(name)));
    while (!locked()) await new Promise((resolve) => setTimeout(resolve, 1));
    process.kill(first.pid, "SIGSTOP"); // it is quick
    const second = await dyno(scene.args(), { cwd: place.path });
    process.kill(first.pid, "SIGCONT");
    assertPlain(second, new RegExp(`(in use by|going on:) process ${first.pid}`), place.path);
    const { code, stderr } = await first.finished;
    assertEquals(code, 0, stderr);
    await scene.check();
    assertEquals(transientIn(place.path), []);
  });
}
