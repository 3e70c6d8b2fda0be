/** Collects all runs of a sweep in one table. */
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { createInterface } from "node:readline";
import { dirname } from "node:path";
import { throwIfAborted } from "../execute/scope.ts";
import { readJsonFile } from "../settings/json_file.ts";
import { notWritten, writeAll } from "../write.ts";
import { FoundColumns } from "./columns.ts";
import { isSimulatorSweep, sweepConfigOf } from "./config.ts";
import { csvLine } from "../formats/csv.ts";
import { type PlannedRun, plannedRuns } from "./plan.ts";
import { type RunRow, runRow } from "./run_row.ts";
import { startedSweepAt, type SweepTree } from "./tree.ts";
import type { SweepConfig } from "./sweep.ts";

/** Rows between two checks of the signal. */
const BATCH = 256;
const WRITE_BYTES = 1 << 20;

/** The result of collecting. */
export interface CollectSummary {
  /** Path of the table. */
  runs_csv: string;
  /** Rows of the table: one per run. */
  rows: number;
  /** Rows with a warning. */
  warnings: number;
}

/**
 * Writes runs.csv: a row for each run that was planned or has a folder, in the plan's order. Only
 * the names of the runs' folders are all in memory at one time.
 *
 * @param onWarning called with each row that has a warning.
 * @throws {InputError} the folder is not a sweep's, or the table cannot be written.
 */
export async function collectSweep(
  exp_dir: string,
  { out_csv, onWarning, signal }: {
    out_csv?: string;
    onWarning?: (run_id: string, warning: string) => void;
    signal?: AbortSignal;
  } = {},
): Promise<CollectSummary> {
  const tree = startedSweepAt(exp_dir);
  const runs_csv = out_csv ?? tree.runs_csv;
  const rowsPath = `${runs_csv}.rows`;
  const config = await configAt(tree);
  const found = new FoundColumns(config === null || isSimulatorSweep(config));
  const summary = { runs_csv, rows: 0, warnings: 0 };
  try {
    mkdirSync(dirname(runs_csv), { recursive: true });
    const rows = new BufferedFile(rowsPath);
    try {
      for (const { run_id, planned } of runsOf(tree, config)) {
        const row = runRow(tree, run_id, planned, found);
        rows.write(JSON.stringify(row) + "\n");
        summary.rows++;
        if (row.warning !== null) {
          summary.warnings++;
          onWarning?.(run_id, String(row.warning));
        }
        if (summary.rows % BATCH === 0) {
          await new Promise((resolve) => setImmediate(resolve));
          if (signal) throwIfAborted(signal);
        }
      }
    } finally {
      rows[Symbol.dispose]();
    }
    await writeTable(rowsPath, runs_csv, found.columns());
  } catch (error) {
    if (error instanceof Error && "code" in error) throw notWritten(runs_csv, error);
    throw error;
  } finally {
    rmSync(rowsPath, { force: true });
  }
  return summary;
}

/** The sweep file of a tree; null if there is none (an older runner's tree) or it is broken. */
async function configAt(tree: SweepTree): Promise<SweepConfig | null> {
  if (!existsSync(tree.experiment)) return null;
  try {
    return sweepConfigOf(await readJsonFile(tree.experiment));
  } catch {
    return null;
  }
}

/** The planned runs in order, then folders that no plan explains. */
function* runsOf(tree: SweepTree, config: SweepConfig | null): Generator<{
  run_id: string;
  planned: PlannedRun | null;
}> {
  const folders = new Set(readdirSync(tree.runs).filter((name) => !name.startsWith(".")));
  if (config !== null) {
    for (const planned of plannedRuns(config)) {
      folders.delete(planned.run_id);
      yield { run_id: planned.run_id, planned };
    }
  }
  for (const run_id of [...folders].sort()) yield { run_id, planned: null };
}

/** Turns rows of named values into a table, once all columns are known. */
async function writeTable(rowsPath: string, path: string, columns: string[]): Promise<void> {
  const draft = `${path}.tmp`;
  const file = new BufferedFile(draft);
  try {
    file.write(csvLine(columns));
    for await (const line of createInterface({ input: createReadStream(rowsPath) })) {
      const row: RunRow = JSON.parse(line);
      file.write(csvLine(columns.map((name) => row[name] ?? null)));
    }
  } finally {
    file[Symbol.dispose]();
  }
  rmSync(rowsPath); // removed before the table exists: with a table nobody would collect again
  renameSync(draft, path);
}

/** Appends text to a file in large pieces. */
class BufferedFile implements Disposable {
  readonly #fd: number;
  #text = "";

  constructor(path: string) {
    this.#fd = openSync(path, "w");
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= WRITE_BYTES) this.#flush();
  }

  [Symbol.dispose](): void {
    try {
      this.#flush();
    } finally {
      closeSync(this.#fd);
    }
  }

  #flush(): void {
    writeAll(this.#fd, this.#text);
    this.#text = "";
  }
}
