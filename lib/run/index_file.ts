/** Opens and creates the file of the run index, and replaces it when it is damaged or outdated. */
import { existsSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { type InputError, messageOf } from "../errors.ts";
import { inTurn, removeDeadLock } from "./lock.ts";
import { notWritten } from "../write.ts";

/** Increase with every change of the tables, or of what is read into them. */
const VERSION = 9;
const BUSY_MS = 20_000;
const TRIES = 50;

/** Rows of `runs` have the columns of RunSummary, and others that the index needs. */
const TABLES = `
CREATE TABLE runs (
  run_id TEXT PRIMARY KEY,
  stamp TEXT NOT NULL,
  settled INTEGER NOT NULL,
  source_form TEXT NOT NULL,
  kind TEXT NOT NULL,
  benchmark TEXT NOT NULL,
  mode TEXT,
  model TEXT NOT NULL,
  agent TEXT,
  status TEXT NOT NULL,
  started_at_unix_seconds REAL,
  duration_s REAL,
  items_total INTEGER NOT NULL,
  successful INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  timed_out INTEGER NOT NULL,
  passed INTEGER,
  requests INTEGER,
  requests_cut_off INTEGER,
  prompt_tokens INTEGER,
  cached_prompt_tokens INTEGER,
  cache_write_tokens INTEGER,
  completion_tokens INTEGER,
  reasoning_tokens INTEGER,
  requests_of_unknown_tokens INTEGER,
  cost_usd REAL,
  input_cost_usd REAL,
  output_cost_usd REAL,
  requests_of_unknown_cost INTEGER,
  by_model TEXT NOT NULL,
  output_tokens_per_s REAL,
  ttft_p50_ms REAL,
  ttft_p99_ms REAL,
  avg_hit_rate REAL,
  judged INTEGER NOT NULL,
  not_judged INTEGER NOT NULL,
  modes TEXT NOT NULL,
  shape TEXT,
  tags TEXT NOT NULL,
  warnings TEXT NOT NULL,
  crc INTEGER NOT NULL
);
CREATE INDEX runs_by_time ON runs (started_at_unix_seconds DESC, run_id DESC);
CREATE TABLE item_sets (hash TEXT PRIMARY KEY, items TEXT NOT NULL);
CREATE TABLE outcomes (run_id TEXT PRIMARY KEY, item_set TEXT NOT NULL, marks TEXT NOT NULL, crc INTEGER NOT NULL);
`;

/** Path of the index for a folder of runs. */
function indexPath(root: string): string {
  return join(root, "index.sqlite");
}

/**
 * Opens the index of `root`, creating it if necessary; in memory if the folder cannot be written
 * to.
 *
 * @param notice called when the index cannot be kept, or is rebuilt.
 */
export async function openIndexFile(
  root: string,
  notice: (line: string) => void,
): Promise<DatabaseSync> {
  const path = indexPath(root);
  if (!existsSync(root)) return inMemory();
  for (let attempt = 0;; attempt++) {
    try {
      if (existsSync(path)) {
        const database = opened(path);
        if (versionOf(database) === VERSION) {
          removeDeadLock(`${path}.lock`); // left by a process that was killed after creating the index
          return database;
        }
        database.close();
      }
      await alone(root, () => {
        using database = opened(path);
        if (versionOf(database) !== VERSION) make(database);
      });
    } catch (error) {
      if (attempt < TRIES && isBusy(error)) {
        await pause();
      } else if (attempt < TRIES && isDamaged(error)) {
        if (await removeIndex(root)) notice(`${path}: damaged; rebuilt from the runs`);
      } else {
        notice(`${path}: not kept (${messageOf(error)}); every run is read again each time`);
        return inMemory();
      }
    }
  }
}

/** Removes a damaged index; false if another process has just done so. */
export function removeIndex(root: string): Promise<boolean> {
  return alone(root, () => {
    if (isWell(root)) return false;
    for (const end of ["", "-wal", "-shm"]) rmSync(indexPath(root) + end, { force: true });
    return true;
  });
}

/**
 * Creates or removes the file while no other process does so: the write-ahead log of a removed
 * index must not be applied to a new one.
 *
 * @throws {InputError} the folder cannot be written to, or another process takes too long.
 */
function alone<T>(root: string, work: () => T): Promise<T> {
  return inTurn(`${indexPath(root)}.lock`, work);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10 + 20 * Math.random()));
}

/** Whether the index has its tables and all its pages can be read. */
function isWell(root: string): boolean {
  try {
    using database = opened(indexPath(root));
    // throws if a table is missing
    for (const table of TABLES.matchAll(/CREATE TABLE (\w+)/g)) {
      database.prepare(`SELECT * FROM ${table[1]} LIMIT 1`).get();
    }
    const row = database.prepare("PRAGMA quick_check(1)").get();
    return row !== undefined && Object.values(row)[0] === "ok";
  } catch (error) {
    return !isDamaged(error);
  }
}

function opened(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    versionOf(database); // throws if it is not a database
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens an index in memory, which is not kept. */
export function inMemory(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  make(database);
  return database;
}

function versionOf(database: DatabaseSync): number {
  return Number(Object.values(database.prepare("PRAGMA user_version").get() ?? {})[0]);
}

/** Creates the tables, and drops those of another version. */
function make(database: DatabaseSync): void {
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE");
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const { name } of tables) {
      if (!String(name).startsWith("sqlite_")) database.exec(`DROP TABLE "${name}"`);
    }
    database.exec(TABLES);
    database.exec(`PRAGMA user_version = ${VERSION}; COMMIT`);
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Rolls back a transaction; after some errors SQLite has already done so. */
export function rollBack(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch { /* there is nothing to undo */ }
}

/** Converts an SQLite error caused by the disk to an InputError; null for other errors. */
export function diskError(root: string, error: unknown): InputError | null {
  const codes: [RegExp, string][] = [
    [/disk I\/O error/i, "EIO"],
    [/disk is full/i, "ENOSPC"],
    [/readonly database/i, "EROFS"],
  ];
  const code = codes.find(([says]) => says.test(messageOf(error)))?.[1];
  return code === undefined ? null : notWritten(indexPath(root), { code });
}

/** Whether an SQLite error means that the file is damaged, or not an index. */
export function isDamaged(error: unknown): boolean {
  return /malformed|not a database|no such (table|column)|disk image/i.test(messageOf(error));
}

function isBusy(error: unknown): boolean {
  return /locked|busy/i.test(messageOf(error));
}
