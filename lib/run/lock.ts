/** One writer for a run directory. */
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { InputError } from "../errors.ts";
import { clockAnchor } from "../native/clock.ts";
import { notWritten } from "./write.ts";

interface Owner {
  host: string;
  boot_id: string | null;
  pid: number;
  /** The process's start in clock ticks since boot: a pid may be used again. */
  start_ticks: string | null;
}

/**
 * Takes `path` as a lock for this process; the returned function gives it back. A lock whose process
 * is gone is taken over.
 *
 * @throws {InputError} another process holds it.
 */
export function takeLock(path: string): () => void {
  const own: Owner = {
    host: hostname(),
    boot_id: clockAnchor().boot_id,
    pid: process.pid,
    start_ticks: startTicks(process.pid),
  };
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, JSON.stringify(own));
    for (let tries = 0; !linked(draft, path); tries++) {
      const owner = readOwner(path);
      if (tries > 3 || (owner && isAlive(owner, own))) throw busy(path, owner);
      rmSync(path, { force: true });
    }
  } catch (error) {
    throw notWritten(path, error);
  } finally {
    rmSync(draft, { force: true });
  }
  return () => rmSync(path, { force: true });
}

/** Whether a living process holds the lock at `path`. */
export function isLocked(path: string): boolean {
  const owner = readOwner(path);
  if (owner === null) return false;
  const own = { host: hostname(), boot_id: clockAnchor().boot_id };
  return isAlive(owner, { ...own, pid: process.pid, start_ticks: null });
}

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

function readOwner(path: string): Owner | null {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

function isAlive(owner: Owner, own: Owner): boolean {
  if (owner.host !== own.host) return true; // cannot be told from here
  if (owner.boot_id !== own.boot_id) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
  return owner.start_ticks === startTicks(owner.pid);
}

/**
 * When a process started, in clock ticks since boot; null where it cannot be told, or where the process
 * is over and only its parent has not noticed.
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

function busy(path: string, owner: Owner | null): InputError {
  const who = owner ? `process ${owner.pid} on ${owner.host}` : "another process";
  return new InputError(
    `${path}: the run is in use by ${who}; wait for it, or remove the file if that process is gone`,
  );
}
