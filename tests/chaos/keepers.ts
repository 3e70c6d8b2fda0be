/** Commands that change what earlier runs left, as victims of a kill. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { withRunIndex } from "../../lib/run/index.ts";
import { parseCsv } from "../../lib/formats/csv.ts";
import { runId, writeRun } from "../run/runs_fixture.ts";
import { jsonIn } from "../suite/fixture.ts";
import type { Scene, Victim } from "./victims.ts";

const FOREIGN = fileURLToPath(new URL("../fixtures/import", import.meta.url));
const RUNS = 6;

const names = (folder: string) => existsSync(folder) ? readdirSync(folder).sort() : [];
const runFolders = (folder: string) => names(folder).filter((name) => /^bench_/.test(name));
const kept = runId(RUNS);
const allRuns = Array.from({ length: RUNS }, (_, n) => runId(n));

/** Six runs in `runs`, and one that none of the commands is for. */
function someRuns(folder: string): string {
  const runs = join(folder, "runs");
  writeRun(runs, RUNS, { marks: "1", model: "kept" });
  for (let n = 0; n < RUNS; n++) writeRun(runs, n, { marks: "10x1", tags: ["old"] });
  return runs;
}

function victim(
  name: string,
  changes: number,
  scene: (runs: string, folder: string) => Omit<Scene, "finished"> & Partial<Scene>,
): Victim {
  return {
    name,
    changes,
    lasts_ms: 700,
    stage: (folder) => ({ finished: () => [], ...scene(someRuns(folder), folder) }),
  };
}

const importing: Victim = {
  name: "runs import",
  changes: 179,
  lasts_ms: 900,
  stage(folder) {
    const runs = join(folder, "runs");
    const from = ["koderz", "smi_bench", "vllm_bench"].map((form) => join(FOREIGN, form));
    const imported = () =>
      names(runs).filter((name) =>
        existsSync(join(runs, name, "run_metadata.json")) &&
        !name.startsWith(".")
      );
    return {
      args: () => ["runs", "import", ...from, "--runs", runs],
      finished: () =>
        imported().map((name) => {
          const { imported } = jsonIn(join(runs, name, "run_metadata.json"));
          return `${imported.form} ${imported.run_id} ${imported.run_sha256}`;
        }),
      check() {
        const forms = imported().map((name) =>
          jsonIn(join(runs, name, "run_metadata.json")).imported.form
        );
        assertEquals(new Set(forms), new Set(["koderz", "smi_bench", "vllm_bench"]));
        for (const name of imported()) jsonIn(join(runs, name, "results.json"));
      },
    };
  },
};

const indexing = victim("runs list (index)", 100, (runs) => ({
  args: () => ["runs", "list", "--runs", runs],
  async check() {
    const listed = await withRunIndex(runs, (index) => index.list(), (line) => {
      throw new Error(line);
    });
    assertEquals(listed.map(({ run_id }) => run_id).sort(), [...allRuns, kept]);
    assert(listed.every(({ status, warnings }) => status === "complete" && !warnings.length));
  },
}));

const archiving = victim("runs archive", 171, (runs) => ({
  nothingToDo: "fits --tag",
  args: () => ["runs", "archive", "--tag", "old", "--yes", "--runs", runs],
  // a run is in its folder, whole, or in its archive
  finished: () =>
    allRuns.filter((run) =>
      existsSync(join(runs, "archive", `${run}.tar.gz`)) || isWhole(join(runs, run))
    ),
  check() {
    assertEquals(runFolders(runs), [kept]);
    for (const run of allRuns) {
      const tar = ["-tzf", join(runs, "archive", `${run}.tar.gz`)];
      const { status, stdout } = spawnSync("tar", tar, { encoding: "utf8" });
      assertEquals([status, stdout.trim().split("\n").length], [0, 4]);
    }
  },
}));

const deleting = victim("runs delete", 141, (runs) => ({
  nothingToDo: "fits --tag",
  args: () => ["runs", "delete", "--tag", "old", "--yes", "--runs", runs],
  finished() {
    for (const run of runFolders(runs)) assert(isWhole(join(runs, run)), "half of a run is left");
    return [];
  },
  check: () => assertEquals(runFolders(runs), [kept]),
}));

const tagging = victim("runs tag", 135, (runs) => ({
  args: () => ["runs", "tag", "--tag", "old", "+new", "--runs", runs],
  check() {
    for (const run of allRuns) {
      assertEquals(jsonIn(join(runs, run, "run_metadata.json")).tags, ["old", "new"]);
    }
  },
}));

const exporting = victim("runs export", 110, (runs, folder) => ({
  args: () => [
    ...["runs", "export", "--tag", "old", "--format", "csv", "--runs", runs],
    ...["--out", join(folder, "all.csv")],
  ],
  check() {
    const rows = parseCsv("table", readFileSync(join(folder, "all.csv"), "utf8"));
    assertEquals(rows.length, 1 + RUNS);
  },
}));

export const keepers: Victim[] = [
  importing,
  indexing,
  archiving,
  deleting,
  tagging,
  exporting,
];

/** Whether a run's folder has all that it began with. */
function isWhole(path: string): boolean {
  return ["run_metadata.json", "events.jsonl", "results.json"].every((name) =>
    existsSync(join(path, name))
  );
}
