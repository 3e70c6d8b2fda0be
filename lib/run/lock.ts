/** One writer for a run directory. */
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
  /** The process's start in clock ticks since boot: a pid may be used again. */
  start_ticks: string | null;
}

/** Tries at a lock that others are taking over, and the pause between two. */
const MOST_TRIES = 200;
const PAUSE_MS = 5;

/**
 * Takes `path` as a lock for this process; the returned function gives it back. A lock whose process
 * is gone is taken over, by one process only; what is left of processes that were killed while they
 * took it is removed.
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

/** What is done under a lock is short: whoever holds it so long stands still. */
const PATIENCE_MS = 20_000;

/**
 * Does short work under a lock, once no other process does its own.
 *
 * @throws {InputError} the lock cannot be written, or another process does not come to its end.
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

/** Removes a lock whose process is gone, where nobody will continue its work. */
export function removeDeadLock(path: string): void {
  if (!existsSync(path) || isLocked(path)) return;
  try {
    takeLock(path)();
  } catch {
    /* it is not ours to remove, or another has just taken it */
  }
}

/**
 * Changes a lock whose process is gone, under its own lock, so that two who see the same dead
 * lock do not remove each other's; false when the moment was not right. The lock above it may be
 * dead, too, and then is removed in the same way.
 */
function underGuard(path: string, draft: string, change: () => void): boolean {
  const guard = guardOf(path);
  if (!linked(draft, guard)) {
    if (!isHeld(readOwner(guard))) underGuard(guard, draft, () => rmSync(guard));
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    return false;
  }
  try {
    const owner = readOwner(path); // it may be another by now
    if (owner === undefined || isHeld(owner)) return false;
    change();
    return true;
  } finally {
    removed(guard);
  }
}

/** On a disk that fails the file stays: of a process that is gone it locks nothing. */
function removed(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch { /* the next one removes it */ }
}

/** Removes what processes of this host left that were killed on their way to the lock. */
function removeDrafts(path: string): void {
  const beginning = `${basename(path)}.${hostname()}.`;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(beginning)) continue;
    const pid = Number(name.slice(beginning.length));
    if (pid > 0 && isGone(pid)) rmSync(join(dirname(path), name), { force: true });
  }
}

/** Whether a living process holds the lock at `path`. */
export function isLocked(path: string): boolean {
  return isHeld(readOwner(path));
}

/** A damaged lock is of nobody. */
function isHeld(owner: Owner | null | undefined): boolean {
  return owner ? isAlive(owner) : false;
}

function ownerHere(): Owner {
  const { pid } = process;
  return { host: hostname(), boot_id: clockAnchor().boot_id, pid, start_ticks: startTicks(pid) };
}

const draftOf = (path: string) => `${path}.${hostname()}.${process.pid}`;
const guardOf = (path: string) => `${path}.takeover`;

/** Makes the lock appear whole; false when there is one already. */
function linked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined: there is no such lock; null: it is damaged, as by a power cut. */
function readOwner(path: string): Owner | null | undefined {
  try {
    return JSON.parse(plainText(path));
  } catch (error) {
    return (error as { code?: string }).code === "ENOENT" ? undefined : null;
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return true; // cannot be told from here
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
 * When a process started, in clock ticks since boot; null where it cannot be told, or where the process
 * has ended and only its parent has not noticed.
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
