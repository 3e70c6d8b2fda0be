/** Finds the files of a folder that no process is still writing. */
import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { isLocked } from "../run/lock.ts";

/** A file to upload. */
export interface ClosedFile {
  /** Its path in the folder, with slashes. */
  name: string;
  path: string;
  size_bytes: number;
  mtime_ms: number;
}

export interface ClosedFiles {
  /** Sorted by name. */
  files: ClosedFile[];
  /** Skipped: folders that a running process writes to. */
  in_use: string[];
  /** Skipped: links out of the folder or to folders, and everything that is not a regular file. */
  no_files: string[];
}

/** Locks, files that are renamed when complete, and the index, which is a cache. */
const PASSING_INDEX = /^index\.sqlite/;
const PASSING = /\.lock(\.\d+)?$|\.tmp$|^index\.sqlite/;

/**
 * Everything in a folder except what is in use, temporary or not a regular file. A link is followed
 * if it leads to a file in the folder.
 *
 * @throws {InputError} the folder does not exist, or a process writes to it.
 */
export function closedFiles(folder: string): ClosedFiles {
  const found: ClosedFiles = { files: [], in_use: [], no_files: [] };
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InputError(`${folder}: no folder; expected a run, a sweep's folder or another one`);
  }
  if (inUse(folder)) {
    throw new InputError(
      `${folder}: is in use by a running process; upload it when that is done`,
    );
  }
  gather(realpathSync(folder), "", found);
  found.files.sort((a, b) => a.name < b.name ? -1 : 1);
  return found;
}

function gather(root: string, below: string, found: ClosedFiles): void {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const name = below ? `${below}/${entry.name}` : entry.name;
    const path = join(root, name);
    if (entry.isDirectory()) {
      if (inUse(path)) found.in_use.push(name);
      else gather(root, name, found);
    } else if (!PASSING.test(entry.name)) {
      const whole = entry.isSymbolicLink() ? targetWithin(root, path) : path;
      const status = whole && lstatSync(whole, { throwIfNoEntry: false });
      if (!status || !status.isFile()) {
        found.no_files.push(name);
        continue;
      }
      found.files.push({ name, path: whole, size_bytes: status.size, mtime_ms: status.mtimeMs });
    }
  }
}

function inUse(folder: string): boolean {
  return readdirSync(folder).some((name) =>
    name.endsWith(".lock") && !PASSING_INDEX.test(name) && isLocked(join(folder, name))
  );
}

/** The target of a link, if it is within the folder. */
function targetWithin(root: string, link: string): string | null {
  try {
    const target = realpathSync(link);
    return target.startsWith(`${resolve(root)}/`) ? target : null;
  } catch {
    return null; // it leads nowhere, or to itself
  }
}
