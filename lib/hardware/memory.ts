/** Memory of the host, from /proc/meminfo or the runtime, and what control groups let us have of it. */
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

/** The same as the runtime tells it, where /proc/meminfo may not be read. */
export function runtimeMemorySource(): PortableSource {
  return {
    fields: [
      { name: "memory.total_bytes", unit: "bytes", kind: "gauge" },
      { name: "memory.available_bytes", unit: "bytes", kind: "gauge" },
    ],
    read(values, at) {
      values[at] = totalmem();
      values[at + 1] = freemem(); // what is available, not what is free
    },
    close() {},
  };
}

/**
 * The used share, in 0..1, of what the control groups on the way up allow (of the tightest one), in
 * both versions of groups. Files in the cache that nobody has read lately do not count, since the
 * kernel drops them first; null where there is no limit.
 *
 * @param root the folder that stands for `/`.
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
