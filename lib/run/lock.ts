/** Locks a run directory, so that only one process writes to it. */
import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { basename, dirname, join } from "node:path";
import { InputError, messageOf } from "../errors.ts";
import { clockAnchor } from "../native/clock.ts";
import { notWritten } from "../write.ts";
import { plainText } from "./plain_file.ts";

interface Owner {
  host: string;
  boot_id: string | null;
  pid: number;
  /** The start of the process in clock ticks since boot, as a pid may be reused. */
  start_ticks: string | null;
}

/** How often to try a lock that other processes are taking over, and the pause between tries. */
const MOST_TRIES = 200;
const PAUSE_MS = 5;

/**
 * Takes the lock at `path` for this process; the returned function releases it. The lock of a
 * process that no longer exists is taken over, by one process only. Files of processes that were
 * killed while they took the lock are removed.
 *
 * @throws {InputError} another process holds it.
 */
export function takeLock(path: string): () => void {
  const draft = draftOf(path);
  try {
    removeDrafts(path);
    writeFileSync(draft, JSON.stringify(ownerHere()));
    for (let tries = 0; !linked(draft, path); tries++) {
      if (tries > MOST_TRIES) throw busy(path, readOwner(guardOf(path)));
      const owner = readOwner(path);
      if (owner === undefined) continue;
      if (isHeld(owner)) throw busy(path, owner);
      if (underGuard(path, draft, () => renameSync(draft, path))) break;
    }
  } catch (error) {
    throw notWritten(path, error);
  } finally {
    removed(draft);
  }
  removeDeadLock(guardOf(path));
  return () => removed(path);
}

/** Work under a lock is short: a process that holds it for longer is stuck. */
const PATIENCE_MS = 20_000;

/**
 * Does short work under a lock, after waiting for other processes to release it.
 *
 * @throws {InputError} the lock cannot be written, or another process takes too long.
 */
export async function inTurn<T>(path: string, work: () => T): Promise<T> {
  const deadline_ms = performance.now() + PATIENCE_MS;
  for (;;) {
    let unlock: () => void;
    try {
      unlock = takeLock(path);
    } catch (error) {
      if (!/is in use by/.test(messageOf(error)) || performance.now() > deadline_ms) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10 + 20 * Math.random()));
      continue;
    }
    try {
      return work();
    } finally {
      unlock();
    }
  }
}

/** Removes the lock of a process that no longer exists and whose work nobody will continue. */
export function removeDeadLock(path: string): void {
  if (!existsSync(path) || isLocked(path)) return;
  try {
    takeLock(path)();
  } catch {
    /* it is not ours to remove, or another process has just taken it */
  }
}

/**
 * Replaces the lock of a process that no longer exists. A guard, itself a lock, prevents two
 * processes that see the same dead lock from removing each other's. Returns false if the lock could
 * not be replaced now. A dead guard is removed in the same way.
 */
function underGuard(path: string, draft: string, change: () => void): boolean {
  const guard = guardOf(path);
  if (!linked(draft, guard)) {
    if (!isHeld(readOwner(guard))) underGuard(guard, draft, () => rmSync(guard));
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    return false;
  }
  try {
    const owner = readOwner(path); // it may have changed meanwhile
    if (owner === undefined || isHeld(owner)) return false;
    change();
    return true;
  } finally {
    removed(guard);
  }
}

/**
 * Removes a file. If the disk fails, the file stays, but the lock of a process that no longer
 * exists has no effect.
 */
function removed(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch { /* the next one removes it */ }
}

/** Removes files of this host's processes that were killed while they took the lock. */
function removeDrafts(path: string): void {
  const beginning = `${basename(path)}.${hostname()}.`;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(beginning)) continue;
    const pid = Number(name.slice(beginning.length));
    if (pid > 0 && isGone(pid)) rmSync(join(dirname(path), name), { force: true });
  }
}

/** Whether a running process holds the lock at `path`. */
export function isLocked(path: string): boolean {
  return isHeld(readOwner(path));
}

/** Whether a running process is the owner; a damaged lock has none. */
function isHeld(owner: Owner | null | undefined): boolean {
  return owner ? isAlive(owner) : false;
}

function ownerHere(): Owner {
  const { pid } = process;
  return { host: hostname(), boot_id: clockAnchor().boot_id, pid, start_ticks: startTicks(pid) };
}

const draftOf = (path: string) => `${path}.${hostname()}.${process.pid}`;
const guardOf = (path: string) => `${path}.takeover`;

/** Creates the complete lock in one step; false if it already exists. */
function linked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined: no lock; null: it is damaged, e.g. by a power cut. */
function readOwner(path: string): Owner | null | undefined {
  try {
    return JSON.parse(plainText(path));
  } catch (error) {
    return (error as { code?: string }).code === "ENOENT" ? undefined : null;
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return true; // unknown from here, so it counts as running
  if (owner.boot_id !== clockAnchor().boot_id || isGone(owner.pid)) return false;
  return owner.start_ticks === startTicks(owner.pid);
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code !== "EPERM";
  }
}

/**
 * Returns when a process started, in clock ticks since boot. Null where unknown, or where the
 * process has ended but its parent has not noticed.
 */
export function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : fields[19];
  } catch {
    return null;
  }
}

function busy(path: string, owner: Owner | null | undefined): InputError {
  const who = owner ? `process ${owner.pid} on ${owner.host}` : "another process";
  return new InputError(
    `${path}: the run is in use by ${who}; wait for it, or remove the file if that process is gone`,
  );
}
