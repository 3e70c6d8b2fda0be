/** Finds the files that make up one run, for formats with several files. */
import { existsSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { InputError, messageOf } from "../errors.ts";
import type { ReadRun } from "../run/summary.ts";
import { readSweepRun } from "./agent_sched_sweep.ts";
import { aiperfTable, readAiperf } from "./aiperf.ts";
import { readTestBatch, readTestResults } from "./benchmark_test_runner.ts";
import { isOwnFile } from "./folder.ts";
import { readForeignJson } from "./foreign_file.ts";
import { harnessTasks, readLmEval, samplesOf } from "./lm_eval.ts";
import type { PartKind } from "./recognise.ts";
import { readSmiRun } from "./smi_bench.ts";
import { isJsonObject } from "../json_fields.ts";

/** The files of a kind that were found. */
export type Collected = (kind: PartKind) => readonly string[];

/** Reads one run from its files; an error in one run does not affect the others. */
export type EachRun = (
  files: readonly (string | null)[],
  read: () => Promise<ReadRun>,
) => Promise<void>;

/** The files of an smi-bench run in one folder. */
interface Log {
  metadata: string | null;
  events: string | null;
  packages: string | null;
}

/** smi-bench: results, metadata and events are matched by the run's name, nearest first. */
export async function smiRuns(files: Collected, each: EachRun): Promise<void> {
  const logs = new Map<string, Log>();
  const logAt = (folder: string): Log => {
    const log = logs.get(folder) ?? { metadata: null, events: null, packages: null };
    logs.set(folder, log);
    return log;
  };
  for (const path of files("smi_metadata")) logAt(dirname(path)).metadata = path;
  for (const path of files("smi_events")) logAt(dirname(path)).events = path;
  const lone: string[] = [];
  for (const path of files("smi_packages")) {
    if (basename(path) === "packages.jsonl") logAt(dirname(path)).packages = path;
    else lone.push(path);
  }
  const named = Map.groupBy(logs.keys(), (folder) => basename(folder));
  const used = new Set<string>();
  for (const results of files("smi_results")) {
    const run_id = basename(results).replace(/\.json$/, "");
    const folder = (named.get(run_id) ?? []).sort((a, b) =>
      commonParts(b, results) - commonParts(a, results)
    )[0];
    if (folder !== undefined) {
      used.add(folder);
    }
    const log = folder === undefined ? null : logs.get(folder);
    const { metadata = null, events = null } = log ?? {};
    await each([results, metadata, events], async () =>
      await readSmiRun({
        run_id,
        results: await loaded(results),
        metadata: await loaded(metadata),
        events,
        packages: null,
      }));
  }
  for (const [folder, { metadata, events, packages }] of logs) {
    if (used.has(folder)) continue;
    const run_id = basename(folder);
    await each([metadata, events, packages], async () =>
      await readSmiRun({
        run_id,
        results: null,
        metadata: await loaded(metadata),
        events,
        packages,
      }));
  }
  for (const packages of lone) {
    const run_id = basename(packages).replace(/(_packages)?\.jsonl(\.gz)?$/, "");
    const alone = { run_id, results: null, metadata: null, events: null, packages };
    await each([packages], async () => await readSmiRun(alone));
  }
}

/**
 * AIPerf: `X_aiperf.json`, or else `X_aiperf.csv`, with `X.jsonl`, or the only two files of a
 * folder.
 */
export async function aiperfRuns(files: Collected, each: EachRun): Promise<void> {
  const records = new Set(files("aiperf_records"));
  const json = files("aiperf");
  // the CSV file has the same values, rounded
  const lone = files("aiperf_csv").filter((csv) => !json.includes(csv.replace(/\.csv$/i, ".json")));
  const recordsIn = Map.groupBy(records, dirname);
  const statisticsIn = Map.groupBy([...json, ...lone], dirname);
  for (const path of [...json, ...lone]) {
    const beside = recordsIn.get(dirname(path)) ?? [];
    const named = path.replace(/(_aiperf)?\.(json|csv)$/, ".jsonl");
    const alone = statisticsIn.get(dirname(path))?.length === 1;
    const record = records.has(named) ? named : alone && beside.length === 1 ? beside[0] : null;
    if (record !== null) records.delete(record);
    await each([path, record], async () => {
      const table = lone.includes(path) ? { path, value: await aiperfTable(path) } : null;
      return await readAiperf(table ?? await loaded(path), record);
    });
  }
  for (const record of records) await each([record], async () => await readAiperf(null, record));
}

/**
 * GuideLLM's CSV contains no requests: it is skipped if its report is there, else refused with a
 * message.
 */
export async function guidellmTables(
  files: Collected,
  only: string | null,
  each: EachRun,
): Promise<void> {
  for (const path of files("guidellm_csv")) {
    const report = path.replace(/\.csv$/i, ".json"), beside = existsSync(report);
    if (beside && path !== only) continue;
    const hint = beside
      ? `import ${report}`
      : "let GuideLLM write benchmarks.json, too, and import that";
    await each([path], () => {
      throw new InputError(
        `${path}: GuideLLM's CSV, which has no requests; expected its report in JSON: ${hint}`,
      );
    });
  }
}

/** lm-evaluation-harness: each task of the results, with the samples of its name and date. */
export async function lmEvalRuns(files: Collected, each: EachRun): Promise<void> {
  const samples = new Set(files("lm_eval_samples"));
  for (const path of files("lm_eval")) {
    const value = await readForeignJson(path);
    for (const task of harnessTasks(value)) {
      const own = [...samples].find((file) =>
        dirname(file) === dirname(path) && samplesOf(file)?.task === task &&
        basename(path).includes(samplesOf(file)!.date)
      ) ?? null;
      if (own !== null) {
        samples.delete(own);
      }
      await each([path, own], async () =>
        await readLmEval(task, { path, value }, own));
    }
  }
  for (const path of samples) {
    const task = samplesOf(path)?.task ?? basename(path).replace(/\.jsonl(\.gz)?$/, "");
    await each([path], async () => await readLmEval(task, null, path));
  }
}

/** Sweeps: the CSV files next to `meta.json` or in its `out` folder. */
export async function sweepRuns(files: Collected, each: EachRun): Promise<void> {
  for (const path of files("sweep_meta")) {
    const tables = sweepTables(path);
    const table = (name: string) =>
      tables.find((table) => basename(table) === name && isOwnFile(table)) ?? null;
    const [summary, tiers, workflows] = ["summary.csv", "tiers.csv", "workflows.csv"].map(table);
    await each(
      [path, summary, tiers, workflows],
      async () => await readSweepRun({ meta: await loaded(path), summary, tiers, workflows }),
    );
  }
}

/** Possible locations of the CSV files of a sweep's run. */
export function sweepTables(meta: string): string[] {
  const names = ["summary.csv", "tiers.csv", "workflows.csv"];
  return ["out", ""].flatMap((folder) => names.map((name) => join(dirname(meta), folder, name)));
}

/**
 * BenchmarkTestRunner: a batch contains its results, or they are in the files next to it; results
 * without a batch make a separate run.
 *
 * @param only the single requested file, if there is one.
 */
export async function testRuns(
  files: Collected,
  only: string | null,
  each: EachRun,
  warn: (message: string) => void,
): Promise<void> {
  const batchesIn = Map.groupBy(files("test_batch"), dirname);
  const resultsIn = Map.groupBy(files("test_result"), dirname);
  for (const folder of new Set([...batchesIn.keys(), ...resultsIn.keys()])) {
    const singles = await readSingles(resultsIn.get(folder) ?? [], warn);
    const claimed = new Set<string>();
    for (const path of batchesIn.get(folder) ?? []) {
      await each([path, ...singles.map((single) => single.path)], async () => {
        const values = singles.map(({ value }) => value);
        const run = readTestBatch(path, await readForeignJson(path), values);
        for (const item of run.items) claimed.add(item.item_id);
        return run;
      });
    }
    const left = singles.filter(({ id }) => !claimed.has(id));
    if (left.length === 0 || (only !== null && left.every(({ path }) => path !== only))) continue;
    const at = left.length === 1 ? left[0].path : folder;
    await each(left.map(({ path }) => path), () => Promise.resolve(readTestResults(at, left)));
  }
}

async function readSingles(paths: readonly string[], warn: (message: string) => void) {
  const singles: { path: string; value: unknown; id: string }[] = [];
  for (const path of paths) {
    try {
      const value = await readForeignJson(path);
      singles.push({ path, value, id: isJsonObject(value) ? String(value.test_id) : "" });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      warn(messageOf(error));
    }
  }
  return singles;
}

async function loaded(path: string): Promise<{ path: string; value: unknown }>;
async function loaded(path: string | null): Promise<{ path: string; value: unknown } | null>;
async function loaded(path: string | null): Promise<{ path: string; value: unknown } | null> {
  return path === null ? null : { path, value: await readForeignJson(path) };
}

function commonParts(a: string, b: string): number {
  const [left, right] = [a.split(sep), b.split(sep)];
  const differs = left.findIndex((part, i) => part !== right[i]);
  return differs < 0 ? left.length : differs;
}
