/** Processes that race for a lock whose owner is dead: one gets it, the others are told who has it. */
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { clockAnchor } from "../../lib/native/clock.ts";
import { isLocked } from "../../lib/run/lock.ts";
import { startDyno } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { shellSweep } from "../sweep/fixture.ts";
import { transientIn } from "./orphans.ts";
import { mockForVictims, writers } from "./victims.ts";
import { until } from "../until.ts";
import type { MockEndpoint } from "../../lib/mock/server.ts";
import type { Finished } from "../e2e/dyno.ts";

const PROGRAM = fileURLToPath(new URL("lock_program.ts", import.meta.url));
const LONG = Boolean(process.env.DYNO_TEST_LONG);
const PROCESSES = LONG ? 8 : 5;
const ROUNDS = LONG ? 1000 : 60;
/** Of whole commands, which take a second of a core each to start. */
const COMMANDS = LONG ? 8 : 3;

/** What the lock of a process that was killed looks like. */
function deadOwner(): string {
  const { pid } = spawnSync("true");
  const { boot_id } = clockAnchor();
  return JSON.stringify({ host: hostname(), boot_id, pid, start_ticks: "1" });
}

/** Starts one; what it was told at each lock, and its end. */
function racer(begin_unix_ms: number, paths: string[]) {
  const words = ["run", "-A", "--no-check", PROGRAM, String(begin_unix_ms), ...paths];
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] });
  let out = "";
  const said = new Promise<(string | null)[]>((resolve, reject) => {
    child.stdout.on("data", (bytes) => {
      out += bytes;
      if (out.endsWith("]")) resolve(JSON.parse(out));
    });
    child.once("close", () => reject(new Error(`it ended: ${out}`)));
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  return { pid: child.pid!, said, end: () => (child.stdin.end(), ended) };
}

for (
  const [what, ends] of [
    ["a lock", [""]],
    ["a lock and its guard", ["", ".takeover"]],
    ["a lock, its guard and the guard of that", ["", ".takeover", ".takeover.takeover"]],
  ] as const
) {
  if (!LONG && ends.length !== 2) continue;
  Deno.test(`${PROCESSES} processes at once: ${what}, of dead processes`, async () => {
    using folder = temporaryFolder();
    const dead = deadOwner();
    const paths = Array.from({ length: ROUNDS }, (_, n) => join(folder.path, `${n}.lock`));
    for (const path of paths) for (const end of ends) writeFileSync(path + end, dead);
    const begin_unix_ms = Date.now() + 2500;
    const racers = Array.from({ length: PROCESSES }, () => racer(begin_unix_ms, paths));
    try {
      const said = await Promise.all(racers.map(({ said }) => said));
      paths.forEach((path, round) => {
        const winners = racers.filter((_, n) => said[n][round] === null).map(({ pid }) => pid);
        assertEquals(winners, [JSON.parse(readFileSync(path, "utf8")).pid], path);
        for (const [n] of racers.entries()) {
          const line = said[n][round];
          if (line !== null) assertStringIncludes(line, `in use by process ${winners[0]} on`);
        }
      });
      assertEquals(readdirSync(folder.path).length, ROUNDS, "something is left beside the locks");
    } finally {
      await Promise.all(racers.map(({ end }) => end()));
    }
  });
}

/** A command that works until the test lets it end, by quick answers or otherwise. */
interface Holding {
  lock: RegExp;
  args(): string[];
  begun?(): boolean;
  letGo?(pid: number): void;
}

type Hold = (folder: string, mock: MockEndpoint) => Holding;

const asking = (name: string, lock: RegExp): Hold => (folder, mock) => {
  const scene = writers.find((writer) => writer.name === name)!.stage(folder, mock);
  return { lock, args: scene.args, begun: () => scene.finished().length > 0 };
};

const sweeping: Hold = (folder) => {
  const script = `until [ -e ${join(folder, "go")} ]; do sleep 0.05; done`;
  const file = join(folder, "sweep.json");
  writeFileSync(file, JSON.stringify({ ...shellSweep(script, 3), out_root: folder }));
  return {
    lock: /sweep\.lock$/,
    args: () => ["sweep", "--config", file, "--resume"],
    letGo: () => writeFileSync(join(folder, "go"), ""),
  };
};

const serving: Hold = (folder) => ({
  lock: /server\.lock$/,
  args: () => ["serve", "--port", "0", "--runs", join(folder, "runs")],
  letGo: (pid) => void process.kill(pid, "SIGTERM"),
});

const holdings: [string, Hold][] = [
  ["run", asking("run", /run\.lock$/)],
  ["sweep", sweeping],
  ["batch run", asking("batch run --speedup", /batch\.lock$/)],
  ["serve", serving],
];

for (const [name, hold] of LONG ? holdings : holdings.slice(0, 2)) {
  Deno.test(`${COMMANDS} times dyno ${name} at once where one was killed`, async () => {
    using place = temporaryFolder();
    await using mock = await mockForVictims();
    mock.configure({ delay_s: 0.3 });
    const { lock, args, begun, letGo } = hold(place.path, mock);
    const first = startDyno(args(), { cwd: place.path });
    const path = await until(() =>
      begun?.() !== false &&
      readdirSync(place.path, { recursive: true }).map(String).find((path) => lock.test(path))
    );
    first.kill("SIGKILL");
    await first.finished;
    assert(!isLocked(join(place.path, path)));

    mock.configure({ delay_s: 3 });
    const all = Array.from({ length: COMMANDS }, () => startDyno(args(), { cwd: place.path }));
    const told: Finished[] = [];
    for (const { finished } of all) finished.then((end) => told.push(end));
    await until(() => told.length >= COMMANDS - 1);
    const { pid } = JSON.parse(readFileSync(join(place.path, path), "utf8"));
    for (const { code, stderr } of told) {
      assertEquals(code, 2, stderr);
      assertMatch(stderr, new RegExp(`^error: .*(in use by|going on:) process ${pid}`, "m"));
    }
    mock.configure({});
    letGo?.(pid);
    const winner = await all.find((each) => each.pid === pid)!.finished;
    assertEquals(winner.code, 0, winner.stderr);
    assertEquals(transientIn(place.path), []);
  });
}
