/** Runs are listed by several processes, from no index at all, while others remove, pack and tag the same ones. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { dyno } from "../e2e/dyno.ts";
import { runId, writeRun } from "../run/runs_fixture.ts";
import { jsonIn, temporaryFolder } from "../suite/fixture.ts";

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
    const remove = () => dyno(["runs", command, "--tag", "old", "--yes", "--runs", runs]);
    const [removed, also, ...lists] = await Promise.all([
      remove(),
      remove(),
      ...Array.from({ length: LISTERS }, list),
    ]);
    for (const { code, stderr } of [removed, also]) {
      assert(code === 0 || /error: no run/.test(stderr), stderr);
    }
    if (command === "archive") {
      const packed = readdirSync(join(runs, "archive"));
      assertEquals(packed.length, RUNS / 2, packed.join());
      for (const name of packed) gunzipSync(readFileSync(join(runs, "archive", name)));
    }
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

Deno.test("tags that several processes give at once are all kept", async () => {
  using place = temporaryFolder();
  const run = writeRun(join(place.path, "runs"), 0, { marks: "1" });
  const tags = ["a", "b", "c", "d"];
  for (
    const { code, stderr } of await Promise.all(
      tags.map((tag) => dyno(["runs", "tag", run, `+${tag}`])),
    )
  ) {
    assertEquals(code, 0, stderr);
  }
  assertEquals(jsonIn(join(run, "run_metadata.json")).tags.sort(), tags);
});
