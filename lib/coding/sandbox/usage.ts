/** CPU time and memory of a process and everything below it, as the kernel counts them. */
import { readFileSync } from "node:fs";

/** CPU time so far, current and peak resident memory; null is unknown. */
export interface Usage {
  cpu_s: number;
  rss_bytes: number;
  max_rss_bytes: number;
}

const TICKS_PER_S = 100; // Linux reports 100 to user programs on every architecture
const MOST_PROCESSES = 256;

function text(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // it has ended meanwhile
  }
}

/** Process ids of the children of a process's first thread. */
export function childrenOf(pid: number): number[] {
  return text(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

/**
 * The process ids below a process, without itself. In a pid namespace, orphans are children of its init.
 */
export function descendantsOf(pid: number): number[] {
  const found: number[] = [];
  const queue = [pid];
  while (queue.length > 0 && found.length < MOST_PROCESSES) {
    const children = childrenOf(queue.shift()!);
    found.push(...children);
    queue.push(...children);
  }
  return found;
}

/**
 * The sum over the processes below a process; null when there are none.
 * @param own whether the process itself counts too.
 */
export function usageBelow(pid: number, own = false): Usage | null {
  const total: Usage = { cpu_s: 0, rss_bytes: 0, max_rss_bytes: 0 };
  let seen = 0;
  for (const each of [...(own ? [pid] : []), ...descendantsOf(pid)]) {
    const stat = text(`/proc/${each}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields.length < 20) continue;
    // utime, stime, and those of its children that have ended
    const ticks = Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
    const status = text(`/proc/${each}/status`);
    total.cpu_s += ticks / TICKS_PER_S;
    total.rss_bytes += kilobytes(status, "VmRSS");
    total.max_rss_bytes += kilobytes(status, "VmHWM");
    seen++;
  }
  return seen > 0 ? total : null;
}

function kilobytes(status: string, name: string): number {
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
}
