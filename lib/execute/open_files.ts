/** The limit of open files (`ulimit -n`), and whether it is enough for what is about to begin. */
import { readFileSync } from "node:fs";
import { InputError } from "../errors.ts";

/** Files that a run keeps open next to its connections: its own, the sampler's, the runtime's. */
export const OWN_FILES = 96;
/** Used if the limit cannot be read. */
const USUAL_LIMIT = 4096;

/** Returns the limit of open files of this process; Infinity for none. */
export function openFileLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\w+)/m.exec(readFileSync("/proc/self/limits", "utf8"))!;
    return soft === "unlimited" ? Infinity : Number(soft);
  } catch {
    return USUAL_LIMIT;
  }
}

/**
 * Checks that a number of files may be open at a time.
 *
 * @param what what needs them, for the message.
 * @throws {InputError} the limit is lower, with a command that raises it.
 */
export function checkOpenFiles(
  needed: number,
  what: string,
  limit: number = openFileLimit(),
): void {
  if (needed <= limit) return;
  const enough = 2 ** Math.ceil(Math.log2(2 * needed));
  throw new InputError(
    `${what}: ${needed} open files are needed, and this process may open ${limit}; raise the ` +
      `limit: ulimit -n ${enough} (for a service LimitNOFILE, for a container --ulimit nofile=${enough})`,
  );
}
