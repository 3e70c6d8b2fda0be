/**
 * kill -9 at random moments, half of them in place of an exact change of the disk (half a write is
 * written then), of every command that writes. What was finished stays, nothing is there twice, the
 * same command comes to its end, and no process, lock, socket or temporary file is left.
 *
 * DYNO_TEST_LONG=1: 500 kills. DYNO_KILL_SEED=N: that seed. DYNO_KILL_ONLY=NAME: that command.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assertEquals } from "@std/assert";
import { seededRandom } from "../../lib/stats/random.ts";
import { startDyno } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { canFault, FaultyDisk } from "./faulty_disk.ts";
import { keepers } from "./keepers.ts";
import { Orphans, transientIn } from "./orphans.ts";
import { mockForVictims, writers } from "./victims.ts";
import type { MockEndpoint } from "../../lib/mock/server.ts";
import type { Finished } from "../e2e/dyno.ts";
import type { Scene, Victim } from "./victims.ts";

const long = process.env.DYNO_TEST_LONG !== undefined;
const KILLS = long ? 500 : 30;
/** Chains of kills, side by side. */
const LANES = 2;
/** Kills of one folder before its command may come to its end. */
const MOST_IN_A_ROW = 3;
/** The short form kills at the same moments each time: new ones are looked for in the long one. */
const seed = Number(process.env.DYNO_KILL_SEED ?? (long ? Date.now() % 1e9 : 266_043_825));

const victims = [...writers, ...keepers].filter(({ name }) =>
  name.includes(process.env.DYNO_KILL_ONLY ?? "")
);

interface Ground {
  disk: FaultyDisk;
  orphans: Orphans;
  mock: MockEndpoint;
}

/** The command once, killed or not. */
async function once(
  scene: Scene,
  folder: string,
  { disk, orphans }: Ground,
  moment: { kill_at?: number; after_ms?: number },
): Promise<Finished> {
  const kill_at = moment.kill_at;
  const { env } = disk.under(folder, kill_at === undefined ? {} : { kill_at });
  const place = { cwd: folder, env: { ...env, TMPDIR: join(folder, "tmp") } };
  const running = startDyno(scene.args(), place);
  orphans.expect(running.pid);
  const timer = moment.after_ms === undefined
    ? undefined
    : setTimeout(() => running.kill("SIGKILL"), moment.after_ms);
  const [end] = await Promise.all([running.finished, scene.drive?.(running)]);
  clearTimeout(timer);
  return end;
}

/** Each once, and none of the earlier ones missing. */
function finishedNow(scene: Scene, before: readonly string[]): string[] {
  const found = scene.finished();
  assertEquals(new Set(found).size, found.length, `something is there twice: ${found}`);
  assertEquals(before.filter((item) => !found.includes(item)), [], "finished, and lost");
  return found;
}

function assertDone({ code, stderr }: Finished, { nothingToDo }: Scene): void {
  if (nothingToDo === undefined || !stderr.includes(nothingToDo)) assertEquals(code, 0, stderr);
}

/** Kills a command some times in one folder, then lets it come to its end. Gives the kills. */
async function chain(victim: Victim, random: () => number, ground: Ground): Promise<number> {
  using place = temporaryFolder();
  const temporary = join(place.path, "tmp");
  mkdirSync(temporary);
  const scene = victim.stage(place.path, ground.mock);
  const wanted = 1 + Math.floor(random() * MOST_IN_A_ROW);
  let finished: string[] = [];
  let kills = 0;
  for (let attempt = 0; attempt < wanted; attempt++) {
    const moment = random() < 0.5
      ? { kill_at: 1 + Math.floor(random() * victim.changes) }
      : { after_ms: random() * victim.lasts_ms };
    const end = await once(scene, place.path, ground, moment);
    if (!victim.leavesWorkers) await ground.orphans.gone();
    finished = finishedNow(scene, finished);
    if (end.signal !== "SIGKILL") {
      assertDone(end, scene);
      break; // it was done before
    }
    kills++;
  }
  assertDone(await once(scene, place.path, ground, {}), scene);
  await ground.orphans.gone();
  finishedNow(scene, finished);
  await scene.check();
  const left = transientIn(place.path).filter((path) => !scene.mayLeave?.(path));
  assertEquals([...left, ...readdirSync(temporary)], []);
  return kills;
}

Deno.test({
  name: `${KILLS} kills lose nothing, double nothing and leave nothing (seed ${seed})`,
  ignore: !canFault,
  fn: async () => {
    using disk = new FaultyDisk();
    using orphans = new Orphans();
    await using mock = await mockForVictims();
    const ground = { disk, orphans, mock };
    const counts = new Map(victims.map(({ name }) => [name, 0]));
    const tried = new Set<string>();
    let killed = 0, next = 0;
    const failures: string[] = [];
    await Promise.all(Array.from({ length: LANES }, async () => {
      while (killed < KILLS && failures.length === 0) {
        const number = next++;
        const victim = victims[number % victims.length];
        try {
          const kills = await chain(victim, seededRandom(seed + number), ground);
          killed += kills;
          tried.add(victim.name);
          counts.set(victim.name, counts.get(victim.name)! + kills);
        } catch (error) {
          failures.push(`DYNO_KILL_SEED=${seed} chain ${number}, ${victim.name}: ${error}`);
        }
      }
    }));
    assertEquals(failures, []);
    assertEquals(tried.size, victims.length);
    const told = [...counts].map(([name, kills]) => `${name} ${kills}`).join(", ");
    process.stderr.write(`\n${killed} kills (seed ${seed}): ${told}\n`);
  },
});
