/** dyno quickstart: everything once. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dyno } from "../e2e/dyno.ts";

Deno.test("quickstart: a suite, a load and a sweep, each with a report", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-quickstart-"));
  try {
    const { code, stdout, stderr } = await dyno(["quickstart", "--json"], { cwd: folder });
    assertEquals(code, 0, stderr);
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
