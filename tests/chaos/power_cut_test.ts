/**
 * Power cuts at random moments: the disk keeps what was synced, and of the rest what it likes. What was on
 * the disk for certain is not lost, no file is unreadable, the same command comes to its end, and once a
 * command has ended all that it said is there.
 *
 * DYNO_TEST_LONG=1: 200 cuts. DYNO_CUT_SEED=N: that seed.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../lib/stats/random.ts";
import { startDyno } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { canFault } from "./faulty_disk.ts";
import {
  afterCut,
  builtRecorder,
  changesIn,
  putTree,
  recorded,
  timesOf,
  treeOf,
} from "./power_cut.ts";
import { keepers } from "./keepers.ts";
import { mockForVictims, toItsEnd, writers } from "./victims.ts";
import type { Tree } from "./power_cut.ts";
import type { Scene } from "./victims.ts";

const long = process.env.DYNO_TEST_LONG !== undefined;
const CUTS = long ? 200 : 20;
const seed = Number(process.env.DYNO_CUT_SEED ?? (long ? Date.now() % 1e9 : 4_711));

const victims = [...writers, ...keepers];

for (const [number, victim] of victims.entries()) {
  const cuts = Math.ceil(CUTS / victims.length);
  Deno.test({
    name: `${cuts} power cuts of ${victim.name} lose nothing that was on the disk (seed ${seed})`,
    ignore: !canFault,
    fn: async () => {
      using tools = temporaryFolder();
      using place = temporaryFolder();
      await using mock = await mockForVictims();
      const recorder = builtRecorder(tools.path);
      const log = join(tools.path, "log");
      const temporary = join(tools.path, "tmp");
      mkdirSync(temporary);
      const folder = place.path;
      let scene = victim.stage(folder, mock);
      const once = async (env: Record<string, string>) => {
        const running = startDyno(scene.args(), {
          cwd: folder,
          env: { ...scene.env, ...env, TMPDIR: temporary },
        });
        const [end] = await Promise.all([running.finished, scene.drive?.(running)]);
        return end;
      };
      const before = treeOf(folder);
      const times = timesOf(before);
      const end = await once(recorded(recorder, folder, log));
      assertEquals(end.code, 0, end.stderr);
      const changes = changesIn(log);
      const finishedIn = (tree: Tree, scene: Scene): string[] => {
        putTree(folder, tree, times);
        return scene.finished();
      };
      const all = scene.finished();
      // it has ended: all is on the disk, or made again of what is
      assertEquals(finishedIn(afterCut(folder, before, changes, null), scene), all);
      mock.clearRequests();
      const rest = await toItsEnd(scene, () => once({}));
      assertEquals(rest.code, 0, rest.stderr);
      const now = scene.finished();
      assertEquals(all.filter((item) => !now.includes(item)), []);
      await scene.check();
      const random = seededRandom(seed + number);
      for (let cut = 0; cut < cuts; cut++) {
        const upTo = changes.slice(0, 1 + Math.floor(random() * changes.length));
        // who sends tasks anew knows those that it sends now
        if (scene.drive !== undefined) scene = victim.stage(folder, mock);
        const told = `cut ${cut} behind change ${upTo.length} of ${changes.length}`;
        const certain = finishedIn(afterCut(folder, before, upTo, null), scene);
        const found = finishedIn(afterCut(folder, before, upTo, random), scene);
        assertEquals(certain.filter((item) => !found.includes(item)), [], told);
        mock.clearRequests();
        const again = await toItsEnd(scene, () => once({}));
        const isDone = again.code === 0 || again.stderr.includes(scene.nothingToDo ?? "\n\n");
        assert(isDone, `${told}: ${again.stderr}`);
        const last = scene.finished();
        assertEquals(found.filter((item) => !last.includes(item)), [], told);
        await scene.check();
      }
      rmSync(log);
    },
  });
}
