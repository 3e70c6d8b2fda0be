/** Reads other programs' results: a file, or a folder with many runs in several formats. */
import { basename, dirname, join, sep } from "node:path";
import { InputError, messageOf } from "../errors.ts";
import { readBatchEval, readBatchEvalCsv } from "./batch_eval.ts";
import { foreignFiles, isOwnFile } from "./folder.ts";
import { readGuidellm } from "./guidellm.ts";
import { readInferencePerf } from "./inference_perf.ts";
import { readEvalArchive, readInspectLog } from "./inspect_ai.ts";
import { readKoderz } from "./koderz.ts";
import { readPromptfoo } from "./promptfoo.ts";
import {
  aiperfRuns,
  guidellmTables,
  lmEvalRuns,
  smiRuns,
  sweepRuns,
  sweepTables,
  testRuns,
} from "./several_files.ts";
import { type Part, type PartKind, partOf, vllmLines } from "./recognise.ts";
import { readSweepRuns } from "./agent_sched_sweep.ts";
import { readVllmBench } from "./vllm_bench.ts";
import { readdir } from "node:fs/promises";
import { samplesOf } from "./lm_eval.ts";
import type { ReadRun } from "../run/summary.ts";
import type { Collected, EachRun } from "./several_files.ts";

const FORM_NAMES = "smi-bench, koderz, BenchmarkTestRunner, batch_eval, agent_sched_sim sweeps, " +
  "vLLM bench serve, SGLang bench_serving, GuideLLM, AIPerf, inference-perf, inspect_ai, " +
  "lm-evaluation-harness, promptfoo";
const MOST_NAMED = 5;

/** The runs that were read, and what was skipped or could not be read. */
export interface ForeignRuns {
  runs: ReadRun[];
  /** The files that each run was read from. */
  files: ReadonlyMap<ReadRun, readonly string[]>;
  warnings: string[];
}

/**
 * Reads all runs at a path without changing anything there. Files that belong together (metadata,
 * results and events; statistics and requests) make one run; for a single file, the files next to
 * it are included.
 *
 * In a folder, a broken file only causes a warning.
 *
 * @throws {InputError} the path does not exist; a single file is broken or has an unknown format;
 * there are more than 100,000 files.
 */
export async function readForeign(path: string): Promise<ForeignRuns> {
  const warnings: string[] = [];
  const found = await foreignFiles(path, (message) => warnings.push(message));
  const collected = new Map<Part["kind"], string[]>();
  const files = new Map<ReadRun, readonly string[]>();
  const reading: Reading = {
    add: (run, from) => void files.set(run, from),
    collected,
    readJson: new Set(),
    warn: (message) => warnings.push(message),
    single: found.single,
  };
  const unknown: string[] = [];
  for (const file of await withoutOwnRuns(found.files, reading)) {
    await attempt(reading, async () => {
      const part = await partOf(file);
      if (part) await readPart(file, part, reading);
      else unknown.push(file);
    });
  }
  if (found.single && unknown.length > 0) throw notKnown(path);
  if (found.single) await collectSiblings(found.files[0], collected);
  for (const csv of collected.get("batch_eval_csv") ?? []) {
    if (reading.readJson.has(csv.replace(/\.csv$/i, ""))) continue;
    await attempt(reading, async () => addAll(reading, await readBatchEvalCsv(csv), csv));
  }
  const each: EachRun = (from, read) =>
    attempt(reading, async () => reading.add(await read(), from.filter((file) => file !== null)));
  const of: Collected = (kind) => collected.get(kind) ?? [];
  const only = found.single ? found.files[0] : null;
  await smiRuns(of, each);
  await aiperfRuns(of, each);
  await guidellmTables(of, only, each);
  await lmEvalRuns(of, each);
  await sweepRuns(of, each);
  await testRuns(of, only, each, reading.warn);
  for (const table of of("sweep_runs")) {
    await attempt(reading, () => addTable(table, [...files.keys()], reading));
  }
  const own = new Set(of("sweep_meta").flatMap(sweepTables));
  const strange = unknown.filter((file) => !own.has(file));
  if (strange.length > 0) warnings.push(listed(strange));
  if (files.size === 0) warnings.push(`${path}: no run in a known form (${FORM_NAMES})`);
  return { runs: [...files.keys()], files, warnings };
}

interface Reading {
  add(run: ReadRun, files: readonly string[]): void;
  collected: Map<Part["kind"], string[]>;
  /**
   * The batch evaluator's JSON files, without extension: a CSV file with the same name has the same
   * content.
   */
  readJson: Set<string>;
  warn(message: string): void;
  single: boolean;
}

/** Reads a file that contains one or more runs; a file that is a part of a run is only noted. */
async function readPart(file: string, { kind, value }: Part, reading: Reading): Promise<void> {
  if (kind === "koderz") addAll(reading, readKoderz(file, value), file);
  else if (kind === "guidellm") addAll(reading, readGuidellm(file, value), file);
  else if (kind === "inspect") addAll(reading, [readInspectLog(file, value)], file);
  else if (kind === "inspect_eval") addAll(reading, [await readEvalArchive(file)], file);
  else if (kind === "promptfoo") addAll(reading, readPromptfoo(file, value), file);
  else if (kind === "inference_perf") addAll(reading, [readInferencePerf(file, value)], file);
  else if (kind === "vllm" || kind === "sglang") {
    addAll(reading, [readVllmBench(file, value, null)], file);
  } else if (kind === "vllm_lines" || kind === "sglang_lines") {
    addAll(reading, await readVllmLines(file), file);
  } else if (kind === "batch_eval") {
    addAll(reading, readBatchEval(file, value), file);
    reading.readJson.add(file.replace(/\.json$/i, ""));
  } else if (kind === "dyno") {
    throw new InputError(
      `${dirname(file)}: a run of dyno already; copy its folder into the folder of runs`,
    );
  } else {
    const files = reading.collected.get(kind);
    if (files) files.push(file);
    else reading.collected.set(kind, [file]);
  }
}

function addAll(reading: Reading, runs: readonly ReadRun[], file: string): void {
  for (const run of runs) reading.add(run, [file]);
}

async function readVllmLines(path: string): Promise<ReadRun[]> {
  const runs: ReadRun[] = [];
  for await (const { value, line } of vllmLines(path)) runs.push(readVllmBench(path, value, line));
  if (runs.length === 1) runs[0].summary.run_id = runs[0].summary.run_id.replace(/#1$/, "");
  return runs;
}

/** Adds the rows of a merged table whose runs were not read from their own folders. */
async function addTable(
  path: string,
  runs: readonly ReadRun[],
  reading: Reading,
): Promise<void> {
  const known = new Set(runs.map(({ summary }) => `${summary.benchmark}/${summary.run_id}`));
  const rows = await readSweepRuns(path);
  const fresh = rows.filter(({ summary }) => !known.has(`${summary.benchmark}/${summary.run_id}`));
  addAll(reading, fresh, path);
}

/** For a single file: finds the files next to it that belong to the same run. */
async function collectSiblings(file: string, collected: Reading["collected"]): Promise<void> {
  const [kind] = collected.keys();
  if (kind === undefined) return;
  for (const sibling of await siblingsOf(file, kind)) {
    const part = await partOf(sibling).catch(() => null);
    if (!part) continue;
    collected.set(part.kind, [...(collected.get(part.kind) ?? []), sibling]);
  }
}

/** All files except those of dyno's own runs. */
async function withoutOwnRuns(files: string[], reading: Reading): Promise<string[]> {
  if (reading.single) return files;
  const own: string[] = [];
  for (const file of files.filter((file) => basename(file) === "run_metadata.json")) {
    const part = await partOf(file).catch(() => null);
    if (part?.kind !== "dyno") continue;
    own.push(dirname(file) + sep);
  }
  if (own.length > 0) {
    const more = own.length > 1 ? `, and ${own.length - 1} more` : "";
    reading.warn(`${own[0].slice(0, -1)}: a run of dyno already; left out${more}`);
  }
  if (own.length === 0) return files;
  return files.filter((file) => !own.some((folder) => file.startsWith(folder)));
}

/** In a folder, an invalid file causes a warning. */
async function attempt(reading: Reading, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (reading.single || !(error instanceof InputError)) throw error;
    reading.warn(messageOf(error));
  }
}

function notKnown(path: string): InputError {
  return new InputError(`${path}: in none of the known forms (${FORM_NAMES})`);
}

function listed(unknown: readonly string[]): string {
  const names = unknown.slice(0, MOST_NAMED).join(", ");
  const more = unknown.length > MOST_NAMED ? `, and ${unknown.length - MOST_NAMED} more` : "";
  return `in no known form: ${names}${more}`;
}

const MOST_RESULTS = 10_000;

/** Existing files that may be parts of the same run as `file`. */
async function siblingsOf(file: string, kind: PartKind): Promise<string[]> {
  return (await candidates(file, kind)).filter((path) => path !== file && isOwnFile(path));
}

async function candidates(file: string, kind: PartKind): Promise<string[]> {
  const folder = dirname(file), name = basename(file);
  if (kind === "smi_results") {
    const run = name.replace(/\.json$/, "");
    return [dirname(folder), dirname(dirname(folder))].flatMap((above) => {
      const log = join(above, "logs", run);
      return [join(log, "run_metadata.json"), join(log, "events.jsonl")];
    });
  }
  if (kind === "smi_metadata" || kind === "smi_events" || kind === "smi_packages") {
    const results = join(dirname(dirname(folder)), "results");
    return [
      join(folder, "run_metadata.json"),
      join(folder, "events.jsonl"),
      join(folder, "packages.jsonl"),
      join(results, `${basename(folder)}.json`),
      join(results, "a2a", `${basename(folder)}.json`),
    ];
  }
  if (kind === "aiperf") return [join(folder, name.replace(/(_aiperf)?\.json$/, ".jsonl"))];
  if (kind === "aiperf_csv") {
    const stem = name.replace(/(_aiperf)?\.csv$/i, "");
    return [`${stem}_aiperf.json`, `${stem}.json`, `${stem}.jsonl`].map((each) =>
      join(folder, each)
    );
  }
  if (kind === "aiperf_records") {
    return ["_aiperf.json", "_aiperf.csv"].map((end) =>
      join(folder, name.replace(/\.jsonl$/, end))
    );
  }
  if (kind === "lm_eval") {
    const date = name.replace(/^results_|\.json$/g, "");
    const names = (await readdir(folder)).filter((other) =>
      other.startsWith("samples_") && other.includes(date)
    );
    return names.sort().slice(0, MOST_RESULTS).map((other) => join(folder, other));
  }
  if (kind === "lm_eval_samples") {
    const { date } = samplesOf(file) ?? {};
    return date === undefined ? [] : [join(folder, `results_${date}.json`)];
  }
  if (kind !== "test_batch") return [];
  const names = (await readdir(folder)).filter((other) => other.endsWith("_result.json"));
  return names.sort().slice(0, MOST_RESULTS).map((other) => join(folder, other));
}
