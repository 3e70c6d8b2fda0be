/**
 * The index of a folder of runs. Lists and queries read it instead of thousands of result files. It
 * is a cache: if it is deleted, damaged or of another version, it is rebuilt from the run
 * directories.
 */
import { statSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { DatabaseSync } from "node:sqlite";
import { join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { folderNames } from "../native/folder_names.ts";
import { runDirectoryAt } from "./directory.ts";
import { FIGURES } from "./imported.ts";
import {
  diskError,
  inMemory,
  isDamaged,
  openIndexFile,
  removeIndex,
  rollBack,
} from "./index_file.ts";
import { type RunFilter, whereOf } from "./index_filter.ts";
import { isUnjudged, markOf, meanScore, type ModeFigures, modesOf } from "./problems.ts";
import { looksLikeRun, readRunDirectory, type RunReading } from "./read_run.ts";
import { isRunId } from "./run_id.ts";
import type { RunSummary } from "./summary.ts";

/** A run in the index. */
export interface IndexedRun extends RunSummary {
  /** Mean over problems of the mean score of their judged answers, 0 to 1. */
  avg_hit_rate: number | null;
  /** Figures by mode of asking: one entry for a run with one mode, none for loads. */
  modes: ModeFigures[];
  /** What a load sends, in words, as `16 in flight`; null for other runs, where unknown, and where the name says it. */
  shape: string | null;
  /** Items that were judged, or that have no answer. */
  judged: number;
  /** Items that should have been judged, but whose evaluator failed. They do not count as passed. */
  not_judged: number;
  /** Problems with its files. */
  warnings: string[];
}

/** An item, with the problem that it answers; `mode` is null where the run has only one. */
export type OutcomeItem = readonly [
  item_id: string,
  name: string,
  problem_id: string,
  mode: string | null,
];

/** The outcomes of a run's items. */
export interface RunOutcomes {
  /** The run's id. */
  run_id: string;
  /** When it started; null where unknown. */
  started_at_unix_seconds: number | null;
  /** The items. Runs with the same items share one array. */
  items: readonly OutcomeItem[];
  /** One character per item: "1" right, "0" wrong or without an answer, "-" not judged. */
  marks: string;
}

/** How often a damaged index is rebuilt, as other processes may still have it open. */
const TRIES = 3;
/** How many runs are read before they are written in one transaction. */
const BATCH = 200;

type Row = Record<string, string | number | null>;

const COLUMNS = [
  "run_id",
  "source_form",
  "kind",
  "benchmark",
  "mode",
  "model",
  "agent",
  "status",
  "started_at_unix_seconds",
  ...FIGURES,
  "avg_hit_rate",
  "judged",
  "not_judged",
  "by_model",
  "modes",
  "shape",
  "tags",
  "warnings",
] as const;

/**
 * Opens the index of a folder, updates it, and passes it to `work`. If the index turns out to be
 * damaged, it is rebuilt and `work` is called again.
 *
 * @param notice called when the index cannot be kept, or is rebuilt.
 * @param refresh false skips the update.
 * @throws {InputError} the folder cannot be read, or the disk fails while `work` writes.
 */
export async function withRunIndex<T>(
  root: string,
  work: (index: RunIndex) => T | Promise<T>,
  notice: (line: string) => void = () => {},
  { refresh = true } = {},
): Promise<T> {
  let kept = true;
  for (let attempt = 0;; attempt++) {
    let at_work = false;
    try {
      using index = new RunIndex(root, kept ? await openIndexFile(root, notice) : inMemory());
      if (refresh || !kept) await index.refresh();
      at_work = true;
      return await work(index);
    } catch (error) {
      const disk = diskError(root, error);
      if (disk && (at_work || !kept)) throw disk;
      if (disk) {
        notice(`${disk.message}; every run is read again each time`);
        kept = false;
        continue;
      }
      if (attempt >= TRIES || error instanceof InputError || !isDamaged(error)) throw error;
      if (await removeIndex(root)) {
        notice(`${root}: the index was damaged; it is rebuilt from the runs`);
      }
    }
  }
}

/** An open index, for use through {@linkcode withRunIndex}. */
export class RunIndex implements Disposable {
  /** The folder of runs. */
  readonly root: string;
  /** How many runs were read from their files since the index was opened. */
  runs_read = 0;
  readonly #database: DatabaseSync;

  /** Called by {@linkcode withRunIndex}, which opens and closes the database. */
  constructor(root: string, database: DatabaseSync) {
    this.root = resolve(root);
    this.#database = database;
  }

  /**
   * Adds new runs, updates unfinished ones, and removes those that no longer exist. A finished run
   * is checked only when a query returns it, so that thousands of them cost nothing here.
   */
  async refresh(): Promise<void> {
    const open = this.#database.prepare("SELECT run_id, stamp FROM runs WHERE NOT settled").all();
    const gone = new Set(this.#names("SELECT group_concat(run_id, '/') AS names FROM runs"));
    // reads the folder after the rows, so that a row without a folder belongs to a removed run
    const unknown = this.#folder().filter((name) => !gone.delete(name));
    if (gone.size) this.#drop([...gone]);
    const changed = open.filter(({ run_id, stamp }) => {
      const path = join(this.root, String(run_id));
      return isFolder(path) && stampOf(path, false) !== stamp;
    });
    const fresh = unknown.filter((name) => this.#isRun(name));
    await this.read([...fresh, ...changed.map(({ run_id }) => String(run_id))]);
  }

  /** Returns the matching runs, newest first. Those that have changed are read again first. */
  async list(filter: RunFilter = {}): Promise<IndexedRun[]> {
    const { where, values } = whereOf(filter);
    const { limit: most, offset = 0 } = filter;
    const limit = most === undefined ? "" : ` LIMIT ${most} OFFSET ${offset}`;
    const query = this.#database.prepare(
      `SELECT ${COLUMNS.join(", ")}, stamp, settled, crc FROM runs${where}` +
        ` ORDER BY started_at_unix_seconds DESC, run_id DESC${limit}`,
    );
    let rows = query.all(...values) as Row[];
    const stale = rows.filter((row) =>
      row.settled && stampOf(join(this.root, String(row.run_id)), true) !== row.stamp ||
      row.crc !== checksumOf(COLUMNS.map((column) => row[column]))
    );
    if (stale.length) {
      await this.read(stale.map(({ run_id }) => String(run_id)));
      rows = query.all(...values) as Row[];
    }
    return rows.map((row) => this.#runOf(row));
  }

  /** Returns how many runs match a filter, ignoring its limit. */
  count(filter: RunFilter = {}): number {
    const { where, values } = whereOf(filter);
    const row = this.#database.prepare(`SELECT count(*) AS n FROM runs${where}`).get(...values);
    return Number(row?.n);
  }

  /** Returns the values of a column with the number of runs of each, most frequent first. */
  values(column: "model" | "benchmark" | "kind" | "status"): { value: string; runs: number }[] {
    return this.#database.prepare(
      `SELECT ${column} AS value, count(*) AS runs FROM runs GROUP BY ${column}` +
        ` ORDER BY runs DESC, value`,
    ).all() as { value: string; runs: number }[];
  }

  /** Returns the outcomes of the items of runs, oldest run first. */
  async outcomes(filter: RunFilter = {}): Promise<RunOutcomes[]> {
    const runs = (await this.list(filter)).reverse();
    const read = this.#database.prepare(
      "SELECT item_set, marks, crc FROM outcomes WHERE run_id = ?",
    );
    const marksOf = (run_id: string) => {
      const { item_set, marks, crc } = read.get(run_id) ?? {};
      const row = [run_id, String(item_set), String(marks)] as const;
      return { row, isKept: item_set !== undefined, isIntact: checksumOf(row) === crc };
    };
    const spoilt = runs.map(({ run_id }) => marksOf(run_id))
      .flatMap(({ row: [run_id], isKept, isIntact }) => isKept && !isIntact ? run_id : []);
    if (spoilt.length) await this.read(spoilt);
    const sets = new Map<string, RunOutcomes["items"]>();
    const outcomes: RunOutcomes[] = [];
    for (const { run_id, started_at_unix_seconds } of runs) {
      const { row: [, hash, marks], isKept } = marksOf(run_id);
      if (!isKept) continue;
      if (!sets.has(hash)) sets.set(hash, await this.#itemsOf(hash, run_id));
      outcomes.push({ run_id, started_at_unix_seconds, items: sets.get(hash)!, marks });
    }
    return outcomes;
  }

  /** Returns the run ids that begin with a prefix, with or without `bench_`; at most ten. */
  idsWithPrefix(prefix: string): string[] {
    return this.#database.prepare(
      "SELECT run_id FROM runs WHERE substr(run_id, 1, ?) = ? OR substr(run_id, 7, ?) = ? " +
        "ORDER BY started_at_unix_seconds DESC, run_id DESC LIMIT 10",
    ).all(prefix.length, prefix, prefix.length, prefix).map(({ run_id }) => String(run_id));
  }

  /** Reads runs again, whether or not their files have changed. */
  async read(names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += BATCH) {
      const batch: { name: string; stamp: string; run: RunReading }[] = [];
      for (const name of names.slice(at, at + BATCH)) {
        const path = join(this.root, name);
        // taken before reading, so that a later change to the files makes it differ and the run is
        // read again
        const [settled, open] = [stampOf(path, true), stampOf(path, false)];
        const run = await readRunDirectory(path, { items: false });
        batch.push({ name, stamp: run.settled ? settled : open, run });
      }
      await this.#write(batch);
      this.runs_read += batch.length;
    }
  }

  /** Closes the database. */
  [Symbol.dispose](): void {
    this.#database.close();
  }

  #names(sql: string): string[] {
    const names = this.#database.prepare(sql).get()?.names;
    return typeof names === "string" ? names.split("/") : [];
  }

  #folder(): string[] {
    try {
      return folderNames(this.root);
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return [];
      throw new InputError(`${this.root}: cannot be read; give the folder of runs with --runs DIR`);
    }
  }

  #isRun(name: string): boolean {
    // a name with a leading dot belongs to an import in progress
    if (/^(\.|index\.sqlite)/.test(name)) return false;
    return isRunId(name) ? isFolder(join(this.root, name)) : looksLikeRun(join(this.root, name));
  }

  async #write(batch: readonly { name: string; stamp: string; run: RunReading }[]): Promise<void> {
    const hashOf = await itemsHash();
    const put = this.#database.prepare(
      `INSERT OR REPLACE INTO runs (${COLUMNS.join(", ")}, stamp, settled, crc) VALUES (${
        COLUMNS.map(() => "?").join(", ")
      }, ?, ?, ?)`,
    );
    const putSet = this.#database.prepare("INSERT OR IGNORE INTO item_sets VALUES (?, ?)");
    const putMarks = this.#database.prepare("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?)");
    const dropMarks = this.#database.prepare("DELETE FROM outcomes WHERE run_id = ?");
    this.#together(() => {
      for (const { name, stamp, run } of batch) {
        const row = rowOf(run);
        const values = COLUMNS.map((column) => row[column]);
        put.run(...values, stamp, run.settled ? 1 : 0, checksumOf(values));
        if (run.summary.kind === "load" || run.items.length === 0) {
          dropMarks.run(name);
          continue;
        }
        const items = JSON.stringify(
          run.items.map(({ item_id, name, problem_id, mode }) => [item_id, name, problem_id, mode]),
        );
        const hash = hashOf(items);
        putSet.run(hash, items);
        const marks = run.items.map(markOf).join("");
        putMarks.run(name, hash, marks, checksumOf([name, hash, marks]));
      }
    });
  }

  /** A set of items. If the stored one does not match its hash, the items are read from the run's files. */
  async #itemsOf(hash: string, run_id: string): Promise<RunOutcomes["items"]> {
    const read = this.#database.prepare("SELECT items FROM item_sets WHERE hash = ?");
    const kept = String(read.get(hash)?.items ?? "");
    if ((await itemsHash())(kept) === hash) return JSON.parse(kept);
    this.#database.prepare("DELETE FROM item_sets WHERE hash = ?").run(hash);
    await this.read([run_id]);
    return JSON.parse(String(read.get(hash)?.items ?? "[]"));
  }

  #drop(names: readonly string[]): void {
    const [run, marks] = ["runs", "outcomes"].map((table) =>
      this.#database.prepare(`DELETE FROM ${table} WHERE run_id = ?`)
    );
    this.#together(() => {
      for (const name of names) {
        run.run(name);
        marks.run(name);
      }
    });
  }

  #together(write: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      write();
      this.#database.exec("COMMIT");
    } catch (error) {
      rollBack(this.#database);
      throw error;
    }
  }

  #runOf({ stamp: _stamp, settled: _settled, crc: _crc, ...row }: Row): IndexedRun {
    const parsed = {
      ...row,
      path: join(this.root, String(row.run_id)),
      by_model: JSON.parse(String(row.by_model)),
      modes: JSON.parse(String(row.modes)),
      tags: JSON.parse(String(row.tags)),
      warnings: JSON.parse(String(row.warnings)),
    };
    return parsed as unknown as IndexedRun; // rowOf writes the columns of an IndexedRun
  }
}

/** Returns the hash function for sets of items, loaded only when a run is read. */
async function itemsHash(): Promise<(items: string) => string> {
  const { createHash } = await import("node:crypto");
  return (items) => createHash("sha256").update(items).digest("hex").slice(0, 32);
}

/** Checksum of the values in a row, which detects bits that flipped on disk. */
function checksumOf(values: readonly Row[string][]): number {
  return crc32(JSON.stringify(values));
}

function rowOf({ summary, items, shape, warnings, stated }: RunReading): Row {
  const { path: _path, tags, ...columns } = summary;
  return {
    ...columns,
    avg_hit_rate: stated?.figures.avg_hit_rate ??
      meanScore(items),
    judged: items.filter((item) => markOf(item) !== "-").length,
    not_judged: items.filter(isUnjudged).length,
    by_model: JSON.stringify(summary.by_model),
    modes: JSON.stringify(summary.kind === "load" ? [] : modesOf(items)),
    shape,
    tags: JSON.stringify(tags),
    warnings: JSON.stringify(warnings),
  };
}

/**
 * A stamp that shows whether a run's files have changed; for a settled run, all files except its
 * journal.
 */
function stampOf(path: string, settled: boolean): string {
  const { results, journal, metadata } = runDirectoryAt(path);
  return (settled ? [results, metadata] : [results, journal, metadata]).map(fileStamp).join(" ");
}

function fileStamp(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.mtimeMs}:${found.size}` : "-";
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
