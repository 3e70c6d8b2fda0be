/** No runs, no tokens, no price: each says what to check. */
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { importRuns } from "../../../lib/formats/import_runs.ts";
import { fixture } from "../../formats/fixtures.ts";
import { runId, runs, temporary, writeRun } from "../../run/runs_fixture.ts";

Deno.test("no runs found: what the folder is, and what to do", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs");
  const said = async (at: string, ...filter: string[]) => {
    const { code, said } = await runs(at, "list", ...filter);
    assertEquals(code, 0);
    return said;
  };
  assertStringIncludes(await said(root), "does not exist; make a run with dyno run");
  mkdirSync(root);
  assertStringIncludes(await said(root), "check that it holds run directories");
  const path = writeRun(root, 0, { marks: "1" });
  assertStringIncludes(await said(path), "it is a run itself");
  assertStringIncludes(await said(folder.path), `${root} holds some; give it with --runs DIR`);
  assertStringIncludes(await said(root, "--tag", "none"), "none of the 1 in");
  const other = join(folder.path, "smi");
  cpSync(fixture("smi_bench"), other, { recursive: true });
  assertStringIncludes(await said(other), `dyno runs import ${other}`);
});

Deno.test("token counts missing, cost unknown: why, and what to check", async () => {
  using folder = temporary();
  const root = folder.path;
  writeRun(root, 0, { marks: "11", tokens: false });
  writeRun(root, 1, { marks: "11", model: "nobody's" });
  writeRun(root, 2, { marks: "xx" });
  await importRuns([fixture("smi_bench"), fixture("agent_sched_sweep")], root);
  const said = async (...argv: string[]) => (await runs(root, ...argv)).said;
  for (const query of ["cost", "analyze", "show"]) {
    assertStringIncludes(await said(query, runId(0)), 'came without "usage"', query);
    const imported = await said(query, "phase2_1234567999");
    assertStringIncludes(imported, "--agent real-openai-compatible", query);
  }
  for (const query of ["cost", "analyze"]) {
    const line = `has no price for model "nobody's"; add a row for it`;
    assertStringIncludes(await said(query, runId(1)), line, query);
    assertStringIncludes(await said(query, runId(2)), "no item was answered", query);
  }
  assertStringIncludes(await said("analyze", "phase2_1234567890"), "has none for some answers");
  assertStringIncludes(await said("cost", "full_baseline_s1"), "a simulated run has none");
});
