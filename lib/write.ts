/** Writing files so that a reader sees the old or the new one, never half of one. */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Buffer } from "node:buffer";
import { InputError, messageOf, WriteError } from "./errors.ts";

/**
 * Writes to a temporary name beside `path`, syncs, renames. `sync: false` leaves out the sync, for
 * files that are rebuilt from the journal if a power cut takes them.
 *
 * @param content the text, or its parts (text or bytes) one after the other (so that a large file need not be one
 * string).
 * @throws {InputError} what stands in the way, e.g. a full disk.
 */
export function writeFileAtomic(
  path: string,
  content: string | Iterable<string | Uint8Array>,
  { sync = true } = {},
): void {
  const temporary = `${path}.tmp`;
  try {
    let fd = drafted(temporary);
    try {
      for (const part of typeof content === "string" ? [content] : content) writeAll(fd, part);
      if (sync) fsyncSync(fd);
      while (!isPut(fd, temporary, path)) {
        const lost = fd;
        fd = drafted(temporary);
        try {
          copyAll(lost, fd);
        } finally {
          closeSync(lost);
        }
        if (sync) fsyncSync(fd);
      }
    } finally {
      closeSync(fd);
    }
    if (sync) syncFolder(dirname(path));
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch { /* no such folder: the first error says why */ }
    throw notWritten(path, error);
  }
}

/** A new file: what a killed writer left there goes, and so does a link that would lead elsewhere. */
function drafted(path: string): number {
  for (;;) {
    try {
      return openSync(path, "wx+");
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
      rmSync(path, { force: true });
    }
  }
}

/** Renames a draft; false where another process that writes the same file has put its own in its place. */
function isPut(fd: number, draft: string, path: string): boolean {
  if (lstatSync(draft, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino) return false;
  try {
    renameSync(draft, path);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT" && existsSync(dirname(path))) return false;
    throw error;
  }
}

function copyAll(from: number, to: number): void {
  const block = Buffer.alloc(1 << 16);
  for (let at = 0, count = 1; count > 0; at += count) {
    count = readSync(from, block, 0, block.length, at);
    writeAll(to, block.subarray(0, count));
  }
}

/**
 * Makes the names in a folder outlive a power cut: without it a new or renamed file may be gone, synced or
 * not. Where a folder cannot be opened or synced (Windows, some network disks), it does nothing.
 */
export function syncFolder(path: string): void {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    fsyncSync(fd);
  } catch {
    /* the file's own sync has told what is wrong with the disk */
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Makes what another program wrote outlive a power cut: a file, or all in a folder. What is not there, or no plain file, is passed over. */
export async function syncTree(path: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (found.isDirectory()) {
      for (const name of await readdir(path)) await syncTree(join(path, name));
    } else if (!found.isFile()) return;
    const file = await open(path);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  } catch { /* whoever reads it is told what is wrong with it */ }
}

/**
 * Makes a folder and those above it that are missing, so that they outlive a power cut.
 *
 * @throws {InputError} it cannot be made.
 */
export function makeFolder(path: string): void {
  const whole = resolve(path);
  let first: string | undefined;
  try {
    first = mkdirSync(whole, { recursive: true });
  } catch (error) {
    throw notWritten(path, error);
  }
  if (first === undefined) return;
  const above = dirname(resolve(first));
  for (let folder = dirname(whole); folder.length >= above.length; folder = dirname(folder)) {
    syncFolder(folder);
    if (folder === dirname(folder)) return;
  }
}

/** Removes what a killed writer left in a folder under a temporary name. For who has its lock. */
export function removeDrafts(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".tmp"))) {
    rmSync(join(folder, name), { force: true });
  }
}

/** Writes all of a text or of bytes to an open file. @throws the system's error, e.g. ENOSPC. */
export function writeAll(fd: number, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done);
  }
}

/** Errors that Deno names by number only. */
const NUMBERED: Record<string, string> = { "27": "EFBIG", "122": "EDQUOT" };

/** A failed write as a plain error. */
export function notWritten(path: string, error: unknown): InputError {
  if (error instanceof InputError) return error;
  const number = /\(os error (\d+)\)/.exec(messageOf(error))?.[1] ?? "";
  const code = NUMBERED[number] ?? (error as { code?: string }).code ?? "";
  const why: Record<string, string> = {
    ENOSPC: "no space left on the device; free some or give another --out",
    ENXIO: "a pipe or a socket, no plain file; remove it",
    EDQUOT: "the disk quota is used up; free some or give another --out",
    EACCES: "permission denied; give a folder that you may write to with --out",
    EPERM: "not permitted; give a folder that you may write to with --out",
    EIO: "the disk reports an error (see dmesg); mend it, or give another --out",
    EROFS: "the file system is read-only; give another --out",
    ENOENT: "its folder is not there; make it first",
    ENOTDIR: "a part of the path is a file, not a folder",
    EFBIG: "the file-size limit is reached (ulimit -f)",
    EMFILE: "too many open files (ulimit -n)",
  };
  return new WriteError(`${path}: cannot write: ${why[code] ?? messageOf(error)}`);
}
