/**
 * Memory of the host, from /proc/meminfo or the runtime, and how much of it control groups allow.
 */
import { freemem, totalmem } from "node:os";
import { join } from "node:path";
import { groupsOf } from "./cgroup.ts";
import { type PortableSource, SystemFile } from "./source.ts";

/** `memory.total_bytes` and `memory.available_bytes`. */
export function memorySource(root: string): PortableSource {
  const file = new SystemFile(join(root, "proc/meminfo"));
  return {
    fields: [
      { name: "memory.total_bytes", unit: "bytes", kind: "gauge" },
      { name: "memory.available_bytes", unit: "bytes", kind: "gauge" },
    ],
    read(values, at) {
      const text = file.text();
      values[at] = bytesOf(text, "MemTotal");
      values[at + 1] = bytesOf(text, "MemAvailable");
    },
    close: () => file.close(),
  };
}

function bytesOf(text: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text);
  return match ? Number(match[1]) * 1024 : NaN;
}

/** The same from the runtime, if /proc/meminfo is not readable. */
export function runtimeMemorySource(): PortableSource {
  return {
    fields: [
      { name: "memory.total_bytes", unit: "bytes", kind: "gauge" },
      { name: "memory.available_bytes", unit: "bytes", kind: "gauge" },
    ],
    read(values, at) {
      values[at] = totalmem();
      values[at + 1] = freemem(); // this is available memory, not free memory
    },
    close() {},
  };
}

/**
 * The used share, in 0..1, of what the tightest of our control groups and their parents allows, for
 * both versions. Cached files that were not read recently do not count, because the kernel drops
 * them first. Null if there is no limit.
 *
 * @param root the folder that replaces `/`.
 */
export function groupPressure(root: string): number | null {
  const shares = groupsOf(root).flatMap((group) => {
    const limit_bytes = group.memory_limit();
    const used = group.memory_used() - (group.inactive() || 0);
    group.close();
    return limit_bytes < Infinity ? [used / limit_bytes] : [];
  });
  return shares.length ? Math.max(0, ...shares) : null;
}
