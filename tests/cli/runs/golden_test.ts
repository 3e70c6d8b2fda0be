/** What the queries on past runs print. DYNO_GOLDEN=write writes the expected texts anew. */
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { runId, runs, temporary, writeRun } from "../../run/runs_fixture.ts";

const FOLDER = fileURLToPath(new URL("../../fixtures/runs_golden/", import.meta.url));

/** Runs of two models with a step in the pass rate, one cut off, one damaged, one dear. */
function writeFolder(root: string): void {
  const easy = "1111011110111101", hard = "1010010010100001";
  for (let n = 0; n < 10; n++) {
    const marks = n < 5 ? easy : hard;
    writeRun(root, n, { marks: marks.slice(n % 3) + marks.slice(0, n % 3), tags: ["nightly"] });
  }
  writeRun(root, 10, { marks: "11x0t11011", model: "my-model", mode: "zero-shot" });
  writeRun(root, 11, { marks: "110", model: "claude-3-5-sonnet", cut_off: true });
  truncateSync(join(writeRun(root, 12, { marks: "11", model: "gpt-4o" }), "results.json"), 99);
  writeRun(root, 13, { marks: "1-01", model: "gpt-4o", tokens: false, benchmark: "mbpp" });
}

/** Without what differs from place to place and from hour to hour. */
function normalised(text: string, root: string): string {
  return text
    .replaceAll(root, "RUNS")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d/g, "DATE       TIME")
    .replace(/\d\d:\d\d:\d\d {2}/g, "TIME      ")
    .replace(/(?<!bench_\S*|as of )\b20\d\d-\d\d-\d\d\b/g, "DATE      ");
}

const QUERIES: Record<string, string[]> = {
  list: ["list"],
  list_filtered: ["list", "--model", "GPT-4O", "--limit", "2"],
  list_json: ["list", "--model", "my-model", "--json"],
  list_none: ["list", "--model", "nobody"],
  show: ["show", runId(10)],
  show_json: ["show", "0000000b", "--json"],
  analyze: ["analyze", runId(10), "--top", "3"],
  analyze_json: ["analyze", runId(11), "--json"],
  compare: ["compare", runId(0), runId(6)],
  compare_several: ["compare", runId(0), runId(6), runId(10)],
  compare_json: ["compare", runId(0), runId(6), "--json"],
  cost: ["cost", runId(0), runId(10), runId(13)],
  cost_json: ["cost", runId(0), "--json"],
  cost_by_model: ["cost", "--by", "model"],
  failing: ["failing", runId(10)],
  failing_json: ["failing", runId(10), "--json"],
  difficulty: ["difficulty", "--tag", "nightly", "--below", "0.8"],
  difficulty_json: ["difficulty", "--tag", "nightly", "--limit", "2", "--json"],
  trend: ["trend", "--tag", "nightly"],
  trend_json: ["trend", "--tag", "nightly", "--metric", "cost_usd", "--json"],
  gate_pass: ["gate", "--baseline", runId(0), "--candidate", runId(3), "--max-drop", "25pp"],
  gate_regression: ["gate", "--baseline", runId(0), "--candidate", runId(6), "--max-drop", "2pp"],
  gate_underpowered: ["gate", "--baseline", runId(0), "--candidate", runId(1)],
  gate_json: ["gate", "--candidate", runId(0), "--min", "pass_rate=0.7", "--json"],
  gate_github: ["gate", "--candidate", runId(10), "--max", "latency_p99_ms=9", "--github"],
  watch: ["watch", runId(10)],
  export_csv: ["export", runId(10), "--format", "csv"],
  export_jsonl: ["export", runId(11), "--format", "jsonl"],
  export_json: ["export", runId(11), "--format", "json"],
  export_runs: ["export", "--format", "csv", "--suite", "mbpp", "--rows", "runs"],
  export_markdown: ["export", "--format", "markdown"],
  delete: ["delete", "--status", "failed"],
  archive: ["archive", runId(0)],
};

Deno.test("golden outputs", async (t) => {
  using folder = temporary();
  writeFolder(folder.path);
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, argv] of Object.entries(QUERIES)) {
    await t.step(name, async () => {
      const { code, out, said } = await runs(folder.path, ...argv);
      const text = normalised(`exit ${code}\n${out}\n--- said\n${said}\n`, folder.path);
      const path = join(FOLDER, `${name}.txt`);
      if (process.env.DYNO_GOLDEN === "write" || !existsSync(path)) writeFileSync(path, text);
      assertEquals(text, readFileSync(path, "utf8"));
    });
  }
});
