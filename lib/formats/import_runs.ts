/** Imports other programs' results into a folder of runs; the originals are not changed. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { InputError, messageOf } from "../errors.ts";
import { CancelledError } from "../execute/scope.ts";
import { withRunIndex } from "../run/index.ts";
import { type ImportRecord, readImportRecord } from "../run/imported.ts";
import { takeLock } from "../run/lock.ts";
import { makeFolder } from "../write.ts";
import { readForeign } from "./read_foreign.ts";
import { differences } from "./stated.ts";
import { unmappedNames } from "./unmapped_names.ts";
import { checksumOf, freeName, rewriteImported, writeImported } from "./write_imported.ts";
import type { ReadRun, RunSummary, SourceForm } from "../run/summary.ts";

/** What an import did with a run, or would do in a dry run. */
export interface ImportedRun {
  /** The name of its folder. */
  run_id: string;
  /** new: written; changed: it exists, but its source has changed; there: nothing to do. */
  outcome: "new" | "changed" | "there";
  /** Its source: the format, its id there, and the file or folder. */
  source: { form: SourceForm; run_id: string; path: string };
  /** The run as shown in lists. */
  summary: RunSummary;
  /** Names of the source's fields that have no equivalent; they are kept with the run. */
  unmapped: string[];
}

/** The result of an import. */
export interface ImportReport {
  /** Every run that was found. */
  runs: ImportedRun[];
  /** What was skipped or could not be read. */
  warnings: string[];
}

/** Options of an import. */
export interface ImportOptions {
  /** Only reports what would be done. */
  dry_run?: boolean;
  /** Aborting it ends the import before the next run. */
  signal?: AbortSignal;
  /** Called with each path before it is read. */
  onPath?: (path: string) => void;
  /** Called with each finished run, and the total number. */
  onRun?: (run: ImportedRun, runs: number) => void;
}

/** Runs that were imported before: by content, and by location. */
interface Known {
  bySum: Map<string, string>;
  bySource: Map<string, { name: string; tags: string[] }>;
}

/**
 * Imports all runs at the paths into `root`. A run that already exists is not added again; if its
 * source has changed, it is rewritten in its folder and keeps its tags.
 *
 * @throws {InputError} the only path does not exist, or its file has an unknown format (with
 * several paths this is a warning); or the folder is not writable, or another import is using it.
 * @throws {CancelledError} the signal was aborted; runs imported before that are kept.
 */
export async function importRuns(
  paths: readonly string[],
  root: string,
  { dry_run = false, signal, onPath = () => {}, onRun = () => {} }: ImportOptions = {},
): Promise<ImportReport> {
  const report: ImportReport = { runs: [], warnings: [] };
  const read: [ReadRun, readonly string[]][] = [];
  for (const path of paths) {
    if (signal?.aborted) throw new CancelledError("interrupted");
    onPath(path);
    const { files, warnings } = await readForeign(path).catch((error) => {
      if (paths.length === 1 || !(error instanceof InputError)) throw error;
      return { files: new Map<ReadRun, string[]>(), warnings: [error.message] };
    });
    read.push(...files);
    report.warnings.push(...warnings);
  }
  if (read.length === 0) return report;
  const unlock = dry_run ? () => {} : begin(root);
  try {
    const known = await knownRuns(root);
    const taken = new Set<string>(), sums = new Map<string, ImportRecord["files"][number]>();
    for (const [run, from] of read) {
      if (signal?.aborted) throw new CancelledError("interrupted");
      const done = await importRun(run, from, { root, dry_run, known, taken, sums });
      report.runs.push(done);
      if (done.outcome !== "there") report.warnings.push(...differences(done.run_id, run.stated));
      onRun(done, read.length);
    }
    return report;
  } finally {
    unlock();
  }
}

interface Import {
  root: string;
  dry_run: boolean;
  known: Known;
  /** Names used in this import: two runs of one source are never merged. */
  taken: Set<string>;
  sums: Map<string, ImportRecord["files"][number]>;
}

async function importRun(
  run: ReadRun,
  from: readonly string[],
  { root, dry_run, known, taken, sums }: Import,
): Promise<ImportedRun> {
  const { summary } = run;
  const source = {
    form: summary.source_form as ImportRecord["form"],
    run_id: summary.run_id,
    path: resolve(summary.path),
  };
  const unmapped = unmappedNames(run.unmapped);
  const told = (run_id: string, outcome: ImportedRun["outcome"]): ImportedRun => {
    taken.add(run_id);
    return { run_id, outcome, source, summary, unmapped };
  };
  const run_sha256 = checksumOf(run);
  const same = known.bySum.get(run_sha256);
  if (same !== undefined) return told(same, "there");
  const earlier = known.bySource.get(sourceKey(source));
  const again = earlier !== undefined && !taken.has(earlier.name);
  const name = again
    ? earlier.name
    : freeName(summary, (name) => taken.has(name) || existsSync(join(root, name)));
  known.bySum.set(run_sha256, name);
  if (!dry_run) {
    const record = {
      ...source,
      files: await Promise.all(from.map((path) => fileSum(path, sums))),
      run_sha256,
      imported_at_unix_seconds: Math.round(Date.now() / 1000),
    };
    if (again) await rewriteImported(join(root, name), run, record, earlier.tags);
    else await writeImported(root, name, run, record);
  }
  return told(name, again ? "changed" : "new");
}

/** Allows only one import at a time, so existing drafts must be from imports that were killed. */
function begin(root: string): () => void {
  makeFolder(root);
  let unlock: () => void;
  try {
    unlock = takeLock(join(root, "import.lock"));
  } catch (error) {
    if (error instanceof InputError && /is in use by/.test(error.message)) {
      throw new InputError(error.message.replace("the run is in use by", "an import is going on:"));
    }
    throw error;
  }
  for (const name of readdirSync(root)) {
    if (name.startsWith(".import_")) rmSync(join(root, name), { recursive: true, force: true });
  }
  return unlock;
}

async function knownRuns(root: string): Promise<Known> {
  const known: Known = { bySum: new Map(), bySource: new Map() };
  const runs = existsSync(root) ? await withRunIndex(root, (index) => index.list()) : [];
  for (const { run_id, path, source_form, tags, warnings } of runs) {
    const record = source_form === "dyno" ? null : readImportRecord(path);
    if (record === null) continue;
    // a run with damaged files is written again
    if (warnings.length === 0) known.bySum.set(record.run_sha256, run_id);
    known.bySource.set(sourceKey(record), { name: run_id, tags });
  }
  return known;
}

function sourceKey({ form, run_id, path }: ImportedRun["source"]): string {
  return JSON.stringify([form, run_id, path]);
}

async function fileSum(path: string, sums: Import["sums"]): Promise<ImportRecord["files"][number]> {
  const known = sums.get(path);
  if (known) return known;
  const hash = createHash("sha256");
  let size_bytes = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk);
      size_bytes += chunk.length;
    }
  } catch (error) {
    throw new InputError(`${path}: cannot be read any more: ${messageOf(error)}`);
  }
  const sum = { path, size_bytes, sha256: hash.digest("hex") };
  sums.set(path, sum);
  return sum;
}
