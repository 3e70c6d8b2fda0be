/** Which run a person means to go on with. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { runToResume } from "../../lib/run/find_run.ts";
import { InputError } from "../../lib/errors.ts";
import { runId, temporary, writeRun } from "./runs_fixture.ts";

Deno.test("a run to go on with is named as in dyno runs: id, its start, latest, a folder", async () => {
  using folder = temporary();
  const paths = [1, 0x2a].map((n) => writeRun(folder.path, n, { marks: "1", cut_off: true }));
  const cases: [given: string, path: string][] = [
    ["latest", paths[1]],
    ["latest~1", paths[0]],
    [runId(1), paths[0]],
    ["bench_0000002", paths[1]],
    ["00000001", paths[0]],
    [paths[1], paths[1]],
  ];
  for (const [given, path] of cases) {
    assertEquals((await runToResume(given, folder.path)).path, path, given);
  }
  for (const [given, says] of [["latest~2", "only 2 runs"], ["bench_0", "more than one"]]) {
    const error = await assertRejects(() => runToResume(given, folder.path), InputError);
    assertStringIncludes(error.message, says);
  }
});

Deno.test("a run to go on with that is not there is told, also where no folder of runs is", async () => {
  using folder = temporary();
  for (const root of [folder.path, `${folder.path}/none`]) {
    for (const given of ["latest", runId(1), "nope"]) {
      const error = await assertRejects(() => runToResume(given, root), InputError);
      assertStringIncludes(error.message, `"${given}"`);
    }
  }
});
