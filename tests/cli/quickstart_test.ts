/** scripts/quickstart.sh: everything once. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../e2e/docs_pages.ts";

Deno.test("quickstart: a suite, a load and a sweep, each with a report", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-quickstart-"));
  try {
    const lock = () => JSON.parse(readFileSync(join(ROOT, "quickstart.lock"), "utf8")).npm;
    const before = lock();
    const ran = await new Deno.Command("sh", {
      args: [join(ROOT, "scripts/quickstart.sh"), "--json", "--out", join(folder, "runs")],
      env: { NO_COLOR: "1", PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}` },
    }).output();
    const [stdout, stderr] = [ran.stdout, ran.stderr].map((bytes) =>
      new TextDecoder().decode(bytes)
    );
    assertEquals(ran.code, 0, stderr);
    assertStringIncludes(stderr.split("\n")[0], "on the built-in mock endpoint");
    // Deno fetches all that a lock file names; one that lacks something is completed by the run
    assertEquals(lock(), before, "quickstart.lock was not complete; it is now: commit it");
    const [suite, load] = stdout.trim().split("\n").map((line) => JSON.parse(line).runs[0]);
    assertEquals([suite.aggregate.tests, suite.aggregate.passed], [16, 14]);
    assertEquals([load.stages.length, load.total.error_rate], [2, 0]);
    for (const { report } of [suite, load]) assert(existsSync(report), report);
    assert(existsSync(join(folder, "runs", "sweeps", "smoke", "report", "index.html")));
    assertStringIncludes(stderr, "8 of 8 simulator runs");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
