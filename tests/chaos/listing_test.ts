/** Runs are listed by several processes, from no index at all, while another one removes and packs some. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { dyno } from "../e2e/dyno.ts";
import { runId, writeRun } from "../run/runs_fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";

const RUNS = 40;
const LISTERS = 4;

for (const command of ["delete", "archive"]) {
  Deno.test(`dyno runs list in ${LISTERS} processes beside dyno runs ${command}`, async () => {
    using place = temporaryFolder();
    const runs = join(place.path, "runs");
    for (let n = 0; n < RUNS; n++) {
      writeRun(runs, n, { marks: "10x1", tags: n % 2 ? ["old"] : [] });
    }
    const kept = Array.from({ length: RUNS / 2 }, (_, n) => runId(2 * n)).sort();
    rmSync(join(runs, "index.sqlite"), { force: true });
    const list = () => dyno(["runs", "list", "--json", "--limit", "100", "--runs", runs]);
    const idsOf = (stdout: string) =>
      JSON.parse(stdout).map(({ run_id }: { run_id: string }) => run_id).sort();
    const [removed, ...lists] = await Promise.all([
      dyno(["runs", command, "--tag", "old", "--yes", "--runs", runs]),
      ...Array.from({ length: LISTERS }, list),
    ]);
    assertEquals(removed.code, 0, removed.stderr);
    for (const { code, stdout, stderr } of lists) {
      assertEquals(code, 0, stderr);
      assert(!/bug in dyno|damaged|not kept/.test(stderr), stderr);
      const ids: string[] = idsOf(stdout);
      assertEquals(kept.filter((id) => !ids.includes(id)), [], "a run that stays is not listed");
      assertEquals(new Set(ids).size, ids.length);
    }
    assertEquals(idsOf((await list()).stdout), kept);
  });
}
