/** Lists the files in a folder: a limited number, and not through links. */
import { realpathSync, statSync } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { noSuchFile } from "../text/no_such_file.ts";
import { InputError, messageOf } from "../errors.ts";

/** With more files than this, the folder is refused. */
const MOST_FILES = 100_000;

/** The files at a path; `single` if the path is a file. */
export interface ForeignFiles {
  files: string[];
  single: boolean;
}

/**
 * The files at or below a path, in order. Links below it are not followed.
 *
 * @param warn called for links and folders that cannot be read.
 * @throws {InputError} the path does not exist, or has more than 100,000 files.
 */
export async function foreignFiles(
  path: string,
  warn: (message: string) => void,
  most = MOST_FILES,
): Promise<ForeignFiles> {
  const root = await resolved(path);
  if (!(await stat(root)).isDirectory()) return { files: [root], single: true };
  const files: string[] = [], folders = [root];
  let links = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for await (const entry of await opendir(folder)) {
        const below = join(folder, entry.name);
        if (entry.isSymbolicLink()) links++;
        else if (entry.isDirectory()) folders.push(below);
        else if (entry.isFile() && !isTrace(below)) files.push(below);
        if (files.length > most) {
          throw new InputError(`${path}: more than ${most} files; import a part of the folder`);
        }
      }
    } catch (error) {
      if (error instanceof InputError || folder === root) throw unreadable(folder, error);
      warn(`${folder}: not read: ${messageOf(error)}`);
    }
  }
  if (links > 0) warn(`${path}: ${links} ${links === 1 ? "link" : "links"} not followed`);
  return { files: files.sort(), single: false };
}

/** Whether there is a file at a path, and neither it nor its folders are links. */
export function isOwnFile(path: string): boolean {
  try {
    return realpathSync(path) === path && statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Whether it is an event trace of the sweep's simulator: these are large and contain no results.
 */
function isTrace(path: string): boolean {
  return basename(path) === "trace.json" && basename(join(path, "..")) === "out";
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): InputError {
  if (error instanceof InputError) return error;
  const code = (error as { code?: string }).code;
  if (code === "ENOENT") return new InputError(noSuchFile(path, "file or folder"));
  return new InputError(`${path}: ${messageOf(error)}`);
}
