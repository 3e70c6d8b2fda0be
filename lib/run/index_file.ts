/** The file behind the index of runs: opened, made, and made again when it is damaged or of old. */
import { existsSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { type InputError, messageOf } from "../errors.ts";
import { inTurn, removeDeadLock } from "./lock.ts";
import { notWritten } from "../write.ts";

/** Raised with every change of the tables or of what is read into them. */
const VERSION = 7;
const BUSY_MS = 20_000;
const TRIES = 50;

/** Rows of `runs` are RunSummary by column, with what the index needs to know beside it. */
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
  tags TEXT NOT NULL,
  warnings TEXT NOT NULL,
  crc INTEGER NOT NULL
);
CREATE INDEX runs_by_time ON runs (started_at_unix_seconds DESC, run_id DESC);
CREATE TABLE item_sets (hash TEXT PRIMARY KEY, items TEXT NOT NULL);
CREATE TABLE outcomes (run_id TEXT PRIMARY KEY, item_set TEXT NOT NULL, marks TEXT NOT NULL, crc INTEGER NOT NULL);
`;

/** Where the index of a folder of runs lies. */
function indexPath(root: string): string {
  return join(root, "index.sqlite");
}

/**
 * Opens the index of `root`, making it if need be. In memory where the folder cannot be written.
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
          removeDeadLock(`${path}.lock`); // of one that was killed when it had made it
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
        notice(`${path}: not kept (${messageOf(error)}); every run is read each time`);
        return inMemory();
      }
    }
  }
}

/** Removes a damaged index; false where another process has just done so. */
export function removeIndex(root: string): Promise<boolean> {
  return alone(root, () => {
    if (isWell(root)) return false;
    for (const end of ["", "-wal", "-shm"]) rmSync(indexPath(root) + end, { force: true });
    return true;
  });
}

/**
 * Does what makes or removes the file, and no other process at the same time: the write-ahead log of
 * an index that is removed must not meet a new one.
 *
 * @throws {InputError} the folder cannot be written, or another process does not come to its end.
 */
function alone<T>(root: string, work: () => T): Promise<T> {
  return inTurn(`${indexPath(root)}.lock`, work);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10 + 20 * Math.random()));
}

/** Whether the index has its tables and can be read from its first to its last page. */
function isWell(root: string): boolean {
  try {
    using database = opened(indexPath(root));
    // all of ours are there, or this throws
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
    versionOf(database); // throws where it is not a database
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** An index that is not kept. */
export function inMemory(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  make(database);
  return database;
}

function versionOf(database: DatabaseSync): number {
  return Number(Object.values(database.prepare("PRAGMA user_version").get() ?? {})[0]);
}

/** Makes the tables; those of another version go. */
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

/** Undoes what was begun; after some errors SQLite has done so itself. */
export function rollBack(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch { /* there is nothing to undo */ }
}

/** An error of SQLite that the disk made, as a plain one; null for others. */
export function diskError(root: string, error: unknown): InputError | null {
  const codes: [RegExp, string][] = [
    [/disk I\/O error/i, "EIO"],
    [/disk is full/i, "ENOSPC"],
    [/readonly database/i, "EROFS"],
  ];
  const code = codes.find(([says]) => says.test(messageOf(error)))?.[1];
  return code === undefined ? null : notWritten(indexPath(root), { code });
}

/** Whether an error of SQLite means that the file is damaged, or is not an index at all. */
export function isDamaged(error: unknown): boolean {
  return /malformed|not a database|no such (table|column)|disk image/i.test(messageOf(error));
}

function isBusy(error: unknown): boolean {
  return /locked|busy/i.test(messageOf(error));
}
