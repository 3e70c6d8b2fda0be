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
import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../lib/stats/random.ts";
import { startDyno } from "../e2e/dyno.ts";
import { Bucket } from "../upload/fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { noSlurm, SlurmCluster } from "../sweep/slurm_cluster.ts";
import { assertNoneAskedAgain } from "./asked_again.ts";
import { derivers, sweptFolder } from "./derivers.ts";
import { canFault, FaultyDisk } from "./faulty_disk.ts";
import { keepers } from "./keepers.ts";
import { Orphans, transientIn } from "./orphans.ts";
import { sweepOnSlurm, uploading } from "./remote_victims.ts";
import { mockForVictims, toItsEnd, writers } from "./victims.ts";
import type { MockEndpoint } from "../../lib/mock/server.ts";
import type { Finished } from "../e2e/dyno.ts";
import type { Scene, Victim } from "./victims.ts";

const long = process.env.DYNO_TEST_LONG !== undefined;
/** At least; in the short form each command is killed in its chain. */
const KILLS = long ? 500 : 18;
/** Chains of kills, side by side. */
const LANES = 2;
/** Kills of one folder before its command may come to its end. */
const MOST_IN_A_ROW = long ? 3 : 2;
/** The short form kills at the same moments each time: new ones are looked for in the long one. */
const seed = Number(process.env.DYNO_KILL_SEED ?? (long ? Date.now() % 1e9 : 1_638_298));

const only = process.env.DYNO_KILL_ONLY ?? "";
const slurmIsMissing = noSlurm();
if (slurmIsMissing !== null) {
  process.stderr.write(`sweeps on Slurm are not killed: ${slurmIsMissing}\n`);
}

interface Ground {
  disk: FaultyDisk;
  orphans: Orphans;
}

/** A victim at its place. */
interface Stage {
  scene: Scene;
  folder: string;
  mock: MockEndpoint;
  leavesWorkers: boolean;
  /** Requests for what the scene knows. */
  asked: number;
}

/** The command once, killed or not. */
async function once(
  stage: Stage,
  { disk, orphans }: Ground,
  moment: { kill_at?: number; after_ms?: number } = {},
): Promise<Finished> {
  const { scene, folder, mock, leavesWorkers } = stage;
  mock.clearRequests();
  const kill_at = moment.kill_at;
  const { env } = disk.under(folder, kill_at === undefined ? {} : { kill_at });
  const place = { cwd: folder, env: { ...env, ...scene.env, TMPDIR: join(folder, "tmp") } };
  const running = startDyno(scene.args(), place);
  orphans.expect(running.pid);
  const timer = moment.after_ms === undefined
    ? undefined
    : setTimeout(() => running.kill("SIGKILL"), moment.after_ms);
  const [end] = await Promise.all([running.finished, scene.drive?.(running)]);
  clearTimeout(timer);
  if (scene.asking) {
    stage.asked += assertNoneAskedAgain(scene.asking, mock.requests, leavesWorkers);
  }
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
  await using mock = await mockForVictims();
  const folder = place.path;
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  const scene = victim.stage(folder, mock);
  const leavesWorkers = victim.leavesWorkers ?? false;
  const stage = { scene, folder, mock, leavesWorkers, asked: 0 };
  const wanted = 1 + Math.floor(random() * MOST_IN_A_ROW);
  let finished: string[] = [];
  let kills = 0;
  for (let attempt = 0; attempt < wanted; attempt++) {
    const moment = random() < 0.5
      ? { kill_at: 1 + Math.floor(random() * victim.changes) }
      : { after_ms: random() * victim.lasts_ms };
    const end = await once(stage, ground, moment);
    if (!leavesWorkers) await ground.orphans.gone();
    finished = finishedNow(scene, finished);
    if (end.signal === "SIGKILL") kills++;
    else if (!scene.goesOn?.(end)) {
      assertDone(end, scene);
      break; // it was done before
    }
  }
  assertDone(await toItsEnd(scene, () => once(stage, ground)), scene);
  await ground.orphans.gone();
  finishedNow(scene, finished);
  await scene.check();
  assert(!scene.asking || stage.asked > 0, "its requests are not known again");
  const left = transientIn(folder).filter((path) => !scene.mayLeave?.(path));
  assertEquals([...left, ...readdirSync(temporary)], []);
  return kills;
}

Deno.test({
  name: `${KILLS} kills or more lose nothing, double nothing and leave nothing (seed ${seed})`,
  ignore: !canFault,
  fn: async () => {
    using disk = new FaultyDisk();
    using storage = temporaryFolder();
    await using bucket = await Bucket.start(storage.path);
    await using cluster = slurmIsMissing === null
      ? await SlurmCluster.start({ largest_array: 3 })
      : null;
    using swept = await sweptFolder();
    const remote = [uploading(bucket), ...(cluster ? [sweepOnSlurm(cluster)] : [])];
    const victims = [...writers, ...keepers, ...derivers(swept), ...remote].filter(({ name }) =>
      name.includes(only)
    );
    using orphans = new Orphans();
    const ground = { disk, orphans };
    const counts = new Map(victims.map(({ name }) => [name, 0]));
    const tried = new Set<string>();
    let killed = 0, next = 0;
    const failures: string[] = [];
    await Promise.all(Array.from({ length: LANES }, async () => {
      while ((killed < KILLS || next < victims.length) && failures.length === 0) {
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
