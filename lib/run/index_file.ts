/** The file behind the index of runs: opened, made, and made again when it is damaged or of old. */
import { existsSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "@std/path";
import { messageOf } from "../errors.ts";
import { takeLock } from "./lock.ts";

/** Raised with every change of the tables or of what is read into them. */
const VERSION = 1;
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
  prompt_tokens INTEGER,
  completion_tokens INTEGER,
  cost_usd REAL,
  output_tokens_per_s REAL,
  ttft_p50_ms REAL,
  ttft_p99_ms REAL,
  avg_hit_rate REAL,
  judged INTEGER NOT NULL,
  tags TEXT NOT NULL,
  warnings TEXT NOT NULL
);
CREATE INDEX runs_by_time ON runs (started_at_unix_seconds DESC, run_id DESC);
CREATE TABLE item_sets (hash TEXT PRIMARY KEY, items TEXT NOT NULL);
CREATE TABLE outcomes (run_id TEXT PRIMARY KEY, item_set TEXT NOT NULL, marks TEXT NOT NULL);
`;

/** Where the index of a folder of runs lies. */
export function indexPath(root: string): string {
  return join(root, "index.sqlite");
}

/**
 * Opens the index of `root`, making it if need be. In memory where the folder cannot be written.
 *
 * @param notice is told when the index cannot be kept, or is made anew.
 */
export async function openIndexFile(
  root: string,
  notice: (line: string) => void,
): Promise<DatabaseSync> {
  if (!existsSync(root)) return opened(":memory:");
  for (let attempt = 0;; attempt++) {
    try {
      return opened(indexPath(root));
    } catch (error) {
      if (attempt < TRIES && isBusy(error)) {
        await new Promise((resolve) => setTimeout(resolve, 20 + 20 * Math.random()));
      } else if (attempt < TRIES && isDamaged(error)) {
        await removeIndex(root);
        notice(`${indexPath(root)}: damaged; made anew from the runs`);
      } else {
        notice(`${indexPath(root)}: not kept (${messageOf(error)}); every run is read each time`);
        return opened(":memory:");
      }
    }
  }
}

/** Removes a damaged index, unless another process has just done so. */
export async function removeIndex(root: string): Promise<void> {
  const lock = `${indexPath(root)}.lock`;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    let unlock: () => void;
    try {
      unlock = takeLock(lock);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    try {
      if (isWell(root)) return;
      for (const end of ["", "-wal", "-shm"]) rmSync(indexPath(root) + end, { force: true });
      return;
    } finally {
      unlock();
    }
  }
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
    if (versionOf(database) !== VERSION) make(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(Object.values(database.prepare("PRAGMA user_version").get() ?? {})[0]);
}

/** Makes the tables; those of another version go. Another process may have been faster. */
function make(database: DatabaseSync, path: string): void {
  if (path !== ":memory:") database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  database.exec("BEGIN IMMEDIATE");
  try {
    if (versionOf(database) !== VERSION) {
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
      for (const { name } of tables) {
        if (!String(name).startsWith("sqlite_")) database.exec(`DROP TABLE "${name}"`);
      }
      database.exec(TABLES);
      database.exec(`PRAGMA user_version = ${VERSION}`);
    }
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** Whether an error of SQLite means that the file is damaged, or is no index at all. */
export function isDamaged(error: unknown): boolean {
  return /malformed|not a database|no such (table|column)|disk image/i.test(messageOf(error));
}

function isBusy(error: unknown): boolean {
  return /locked|busy/i.test(messageOf(error));
}
