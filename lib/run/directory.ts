/** Creates and finds the folder of a run, and gives its paths. */
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, isAbsolute, join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { isRunId, newRunId } from "./run_id.ts";
import { makeFolder, notWritten } from "../write.ts";

/** Paths in a run directory. */
export interface RunDirectory {
  /** The run's id, which is also the folder's name. */
  run_id: string;
  /** The folder. */
  path: string;
  /** run_metadata.json: what ran, where, and with which versions. */
  metadata: string;
  /** events.jsonl: what happened, and the authoritative record of every item. */
  journal: string;
  /** A copy of the suite as it was read. */
  suite: string;
  /** A copy of the request template, where there is one. */
  request_template: string;
  /** results.json: the figures, computed from the journal. */
  results: string;
  /** A folder with one file for each item. */
  items: string;
  /** The folder of the HTML report. */
  report: string;
  /** The lock that prevents two processes from writing to one run. */
  lock: string;
}

/** Returns the paths of the run at `path`; the folder's name is its run id. */
export function runDirectoryAt(path: string): RunDirectory {
  const whole = resolve(path);
  return {
    run_id: whole.slice(whole.lastIndexOf("/") + 1),
    path: whole,
    metadata: join(whole, "run_metadata.json"),
    journal: join(whole, "events.jsonl"),
    suite: join(whole, "suite.json"),
    request_template: join(whole, "request_template.json"),
    results: join(whole, "results.json"),
    items: join(whole, "items"),
    report: join(whole, "report", "index.html"),
    lock: join(whole, "run.lock"),
  };
}

/**
 * Creates the folder of a new run under `root`.
 *
 * @throws {InputError} the folder cannot be created or written to, or already contains a run.
 */
export function createRunDirectory(root: string, run_id = newRunId()): RunDirectory {
  const directory = runDirectoryAt(join(root, run_id));
  if (existsSync(directory.journal)) {
    throw new InputError(`${directory.path}: a run with this id exists already; give another id`);
  }
  makeFolder(directory.path);
  return directory;
}

/**
 * Checks that a run could be written under `root`. Creates nothing.
 *
 * @throws {InputError} the nearest existing folder is not writable, or is a file.
 */
export function checkWritable(root: string): void {
  let folder = resolve(root);
  while (!existsSync(folder)) folder = join(folder, "..");
  try {
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw notWritten(root, error);
  }
}

/**
 * Finds a run by its folder, or by its id under `root`.
 *
 * @throws {InputError} no such run, or its folder has no journal.
 */
export function findRun(run: string, root: string): RunDirectory {
  const path = isRunId(run) ? join(root, run) : isAbsolute(run) ? run : resolve(run);
  const directory = runDirectoryAt(path);
  if (existsSync(directory.journal)) return directory;
  if (existsSync(path)) {
    throw new InputError(`${path}: no run to resume here: events.jsonl is missing`);
  }
  const known = existsSync(root) ? readdirSync(root).filter(isRunId) : [];
  throw new InputError(`no run "${run}" in ${root}${didYouMean(run, known)}`);
}

/** Prefix of a run's folder while it is being removed; the index skips such folders. */
const REMOVING = ".removing_";

/**
 * Removes a run's folder; it vanishes from the folder of runs immediately.
 *
 * @throws the system's error.
 */
export function removeRunDirectory(path: string): void {
  const removed = join(path, "..", REMOVING + basename(path));
  renameSync(path, removed);
  removeTree(removed);
}

/** Removes the remains of runs whose removal was cut off. */
export function finishRemovals(root: string): void {
  for (const name of existsSync(root) ? readdirSync(root) : []) {
    if (name.startsWith(REMOVING)) removeTree(join(root, name));
  }
}

/** Removes a folder that another process may be removing too. */
function removeTree(path: string): void {
  while (existsSync(path)) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOENT") throw error;
    }
  }
}
