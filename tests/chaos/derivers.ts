/** Commands that write what can be derived again or asked again, as victims of a kill. */
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseCsv } from "../../lib/formats/csv.ts";
import { recordsIn, writeBatch } from "../schedule/fixture.ts";
import { runId, writeRun } from "../run/runs_fixture.ts";
import { smallSweep, Workplace } from "../sweep/fixture.ts";
import { askingBatch, eventsOf } from "./victims.ts";
import type { Victim } from "./victims.ts";

const page = (path: string) => assertMatch(readFileSync(path, "utf8"), /<\/html>\s*$/);

/** A folder with a finished sweep of the simulator. */
export async function sweptFolder(): Promise<Workplace> {
  const place = new Workplace();
  place.write("sweep.json", smallSweep());
  assertEquals((await place.dyno("sweep", "--config", "sweep.json")).code, 0);
  return place;
}

const reporting = (swept: Workplace): Victim => ({
  name: "report (with collect)",
  changes: 60,
  lasts_ms: 2500,
  stage(folder) {
    const tree = join(folder, "small");
    cpSync(join(swept.path, "bench_runs", "small"), tree, { recursive: true });
    return {
      args: () => ["report", "--exp_dir", tree],
      finished: () => [],
      check() {
        assertEquals(readdirSync(join(tree, "aggregate")), ["runs.csv"]);
        assertEquals(
          parseCsv("table", readFileSync(join(tree, "aggregate", "runs.csv"), "utf8")).length,
          1 + 8,
        );
        page(join(tree, "report", "index.html"));
        const text = readFileSync(join(tree, "report", "report.md"), "utf8");
        const pictures = readdirSync(join(tree, "report", "assets"));
        assert(pictures.length > 0);
        for (const name of pictures) {
          assert(text.includes(name), name);
          const bytes = readFileSync(join(tree, "report", "assets", name));
          assertEquals(bytes.subarray(-8, -4).toString(), "IEND", `half of ${name}`);
        }
      },
    };
  },
});

const comparing: Victim = {
  name: "runs report",
  changes: 60,
  lasts_ms: 900,
  stage(folder) {
    const runs = join(folder, "runs");
    for (const n of [0, 1]) writeRun(runs, n, { marks: n ? "1101" : "1011" });
    const out = join(folder, "compared.html");
    return {
      args: () => ["runs", "report", runId(0), runId(1), "--runs", runs, "--output", out],
      finished: () => [],
      check: () => page(out),
    };
  },
};

const copying: Victim = {
  name: "report --dashboard",
  changes: 120,
  lasts_ms: 1100,
  stage(folder) {
    const runs = join(folder, "runs");
    for (const n of [0, 1, 2]) writeRun(runs, n, { marks: "1x01" });
    const out = join(folder, "copy");
    return {
      args: () => ["report", "--dashboard", "--runs", runs, "--batches", folder, "--out", out],
      finished: () => [],
      check() {
        page(join(out, "index.html"));
        const start = readFileSync(join(out, "data", "copy.js"), "utf8");
        const { files } = JSON.parse(start.slice(start.indexOf("{"), start.lastIndexOf("}") + 1));
        const names = Object.values<string>(files);
        assert(names.length > 3);
        for (const name of names) assert(existsSync(join(out, name)), name);
      },
    };
  },
};

/** The endpoint refuses all while the batch runs, and answers what is asked again. */
const retrying: Victim = {
  name: "batch retry",
  changes: 300,
  lasts_ms: 1500,
  stage(folder, mock) {
    const schedule = { evaluations: 1, period_h: 1, on_missed: "run_now" };
    const file = writeBatch(folder, schedule);
    const batches = join(folder, "batches");
    const state = join(batches, "small-rehearsal");
    const on = ["--endpoint", `${mock.url}/v1`, "--batches", batches];
    const events = (name: string) =>
      eventsOf(join(state, "events.jsonl")).filter(({ event }) => event === name);
    let retries = false;
    return {
      args() {
        retries = events("slot_finished").length > 0;
        mock.configure(retries ? {} : { status_code: 400 });
        return retries
          ? ["batch", "retry", file, "--rehearsal", ...on]
          : ["batch", "run", file, "--speedup", "20000", ...on];
      },
      goesOn: () => !retries,
      finished: () => events("run_finished").map(({ run_id }) => `${run_id}`),
      asking: { ...askingBatch(join(state, "runs")), each: 2 },
      check() {
        const records = recordsIn(state);
        assertEquals([records.length, records.every(({ success }) => success)], [6, true]);
      },
    };
  },
};

export const derivers = (swept: Workplace): Victim[] => [
  reporting(swept),
  comparing,
  copying,
  retrying,
];
