/** Reading other programs' results: a file, or a folder with many runs in several forms. */
import { basename, dirname, sep } from "node:path";
import { InputError, messageOf } from "../../errors.ts";
import type { ReadRun } from "../summary.ts";
import { readBatchEval, readBatchEvalCsv } from "./batch_eval.ts";
import { foreignFiles } from "./folder.ts";
import { readGuidellm } from "./guidellm.ts";
import { readInspectLog } from "./inspect_ai.ts";
import { readKoderz } from "./koderz.ts";
import { siblingsOf } from "./siblings.ts";
import { aiperfRuns, smiRuns, sweepRuns, sweepTables, testRuns } from "./several_files.ts";
import type { Collected } from "./several_files.ts";
import { partOf, vllmLines } from "./recognise.ts";
import type { Part } from "./recognise.ts";
import { readSweepRuns } from "./agent_sched_sweep.ts";
import { readVllmBench } from "./vllm_bench.ts";

const FORM_NAMES = "smi-bench, koderz, BenchmarkTestRunner, batch_eval, agent_sched_sim sweeps, " +
  "vLLM bench serve, GuideLLM, AIPerf, inspect_ai (JSON)";
const MOST_NAMED = 5;

/** The runs that were read, and what was left out or could not be read. */
export interface ForeignRuns {
  runs: ReadRun[];
  warnings: string[];
}

/**
 * Reads all runs at a path and changes nothing there. Files that belong together (metadata, results
 * and events; statistics and requests) make one run; of a single file, those beside it are found.
 *
 * In a folder a broken file is a warning and the others are read.
 *
 * @throws {InputError} no such path; a single file that is broken or in no known form; more than
 * 100,000 files.
 */
export async function readForeign(path: string): Promise<ForeignRuns> {
  const warnings: string[] = [];
  const found = await foreignFiles(path, (message) => warnings.push(message));
  const collected = new Map<Part["kind"], string[]>();
  const reading: Reading = {
    runs: [],
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
    await attempt(reading, async () => void reading.runs.push(...await readBatchEvalCsv(csv)));
  }
  const each = async (run: () => Promise<ReadRun | null>) => {
    await attempt(reading, async () => {
      const read = await run();
      if (read) reading.runs.push(read);
    });
  };
  const files: Collected = (kind) => collected.get(kind) ?? [];
  const only = found.single ? found.files[0] : null;
  await smiRuns(files, each);
  await aiperfRuns(files, each);
  await sweepRuns(files, each);
  await testRuns(files, only, each, reading.warn);
  for (const table of files("sweep_runs")) await attempt(reading, () => addTable(table, reading));
  const own = new Set(files("sweep_meta").flatMap(sweepTables));
  const strange = unknown.filter((file) => !own.has(file));
  if (strange.length > 0) warnings.push(listed(strange));
  if (reading.runs.length === 0) warnings.push(`${path}: no run in a known form (${FORM_NAMES})`);
  return { runs: reading.runs, warnings };
}

interface Reading {
  runs: ReadRun[];
  collected: Map<Part["kind"], string[]>;
  /** The batch evaluator's JSON files, without their ending: the CSV beside one holds the same. */
  readJson: Set<string>;
  warn(message: string): void;
  single: boolean;
}

/** Reads a file that is a run, or runs; a part of a run is only noted. */
async function readPart(file: string, { kind, value }: Part, reading: Reading): Promise<void> {
  const { runs } = reading;
  if (kind === "koderz") runs.push(readKoderz(file, value));
  else if (kind === "guidellm") runs.push(...readGuidellm(file, value));
  else if (kind === "inspect") runs.push(readInspectLog(file, value));
  else if (kind === "vllm") runs.push(readVllmBench(file, value, null));
  else if (kind === "vllm_lines") runs.push(...await readVllmLines(file));
  else if (kind === "batch_eval") {
    runs.push(...readBatchEval(file, value));
    reading.readJson.add(file.replace(/\.json$/i, ""));
  } else if (kind === "dyno") {
    throw new InputError(`${dirname(file)}: a run of dyno already; nothing to import`);
  } else {
    const files = reading.collected.get(kind);
    if (files) files.push(file);
    else reading.collected.set(kind, [file]);
  }
}

async function readVllmLines(path: string): Promise<ReadRun[]> {
  const runs: ReadRun[] = [];
  for await (const { value, line } of vllmLines(path)) runs.push(readVllmBench(path, value, line));
  if (runs.length === 1) runs[0].summary.run_id = runs[0].summary.run_id.replace(/#1$/, "");
  return runs;
}

/** The rows of a merged table whose runs were not read from their own folders. */
async function addTable(path: string, { runs }: Reading): Promise<void> {
  const known = new Set(runs.map(({ summary }) => `${summary.benchmark}/${summary.run_id}`));
  const rows = await readSweepRuns(path);
  const fresh = rows.filter(({ summary }) => !known.has(`${summary.benchmark}/${summary.run_id}`));
  runs.push(...fresh);
}

/** Of a single file: the files beside it that belong to the same run. */
async function collectSiblings(file: string, collected: Reading["collected"]): Promise<void> {
  const [kind] = collected.keys();
  if (kind === undefined) return;
  for (const sibling of await siblingsOf(file, kind)) {
    const part = await partOf(sibling).catch(() => null);
    if (!part) continue;
    collected.set(part.kind, [...(collected.get(part.kind) ?? []), sibling]);
  }
}

/** All files but those of dyno's own runs. */
async function withoutOwnRuns(files: string[], reading: Reading): Promise<string[]> {
  if (reading.single) return files;
  const own: string[] = [];
  for (const file of files.filter((file) => basename(file) === "run_metadata.json")) {
    const part = await partOf(file).catch(() => null);
    if (part?.kind !== "dyno") continue;
    own.push(dirname(file) + sep);
    reading.warn(`${dirname(file)}: a run of dyno already; left out`);
  }
  if (own.length === 0) return files;
  return files.filter((file) => !own.some((folder) => file.startsWith(folder)));
}

/** In a folder, a file at fault is a warning. */
async function attempt(reading: Reading, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (reading.single || !(error instanceof InputError)) throw error;
    reading.warn(messageOf(error));
  }
}

function notKnown(path: string): InputError {
  const hint = /\.eval$/i.test(path)
    ? "an inspect_ai log in its archive form; convert it: inspect log convert --to json"
    : `in none of the known forms (${FORM_NAMES})`;
  return new InputError(`${path}: ${hint}`);
}

function listed(unknown: readonly string[]): string {
  const names = unknown.slice(0, MOST_NAMED).join(", ");
  const more = unknown.length > MOST_NAMED ? `, and ${unknown.length - MOST_NAMED} more` : "";
  return `in no known form: ${names}${more}`;
}
