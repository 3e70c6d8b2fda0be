/** Memory of the host, from /proc/meminfo, and of the control group that limits us. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SystemFile } from "./source.ts";
import type { PortableSource } from "./source.ts";

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

/** `cgroup.memory_bytes` and `cgroup.memory_limit_bytes`; null where cgroup v2 sets no limit. */
export function cgroupMemorySource(root: string): PortableSource | null {
  const folder = limitingGroup(root);
  if (folder === null) return null;
  const used = new SystemFile(join(folder, "memory.current"));
  const limit = new SystemFile(join(folder, "memory.max"));
  return {
    fields: [
      { name: "cgroup.memory_bytes", unit: "bytes", kind: "gauge" },
      { name: "cgroup.memory_limit_bytes", unit: "bytes", kind: "gauge" },
    ],
    read(values, at) {
      values[at] = Number(used.text());
      values[at + 1] = Number(limit.text()); // "max", after the limit was lifted, is NaN
    },
    close() {
      used.close();
      limit.close();
    },
  };
}

/** The nearest group, from our own upwards, with a memory limit. */
function limitingGroup(root: string): string | null {
  const own = /^0::(\/.*)$/m.exec(readFileSync(join(root, "proc/self/cgroup"), "utf8"))?.[1];
  if (own === undefined) return null;
  for (let group = own;; group = join(group, "..")) {
    const folder = join(root, "sys/fs/cgroup", group);
    const max = join(folder, "memory.max");
    if (existsSync(max) && readFileSync(max, "utf8").trim() !== "max") return folder;
    if (group === "/") return null;
  }
}

/** Limits above this are none: version 1 writes the largest number of pages. */
const NO_LIMIT_BYTES = 2 ** 60;

/** By version of control groups: its line in /proc/self/cgroup, where it is mounted, its files. */
const VERSIONS = [
  {
    line: /^0::(\/.*)$/m,
    mounts: ["sys/fs/cgroup", "sys/fs/cgroup/unified"],
    limit: "memory.max",
    used: "memory.current",
    idle: /^inactive_file (\d+)$/m,
  },
  {
    line: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m,
    mounts: ["sys/fs/cgroup/memory"],
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    idle: /^total_inactive_file (\d+)$/m,
  },
];

/**
 * The used share, in 0..1, of what the control groups on the way up allow (of the tightest one), in
 * both versions of groups. Files in the cache that nobody has read lately do not count, since the
 * kernel drops them first; null where there is no limit.
 *
 * @param root the folder that stands for `/`.
 */
export function groupPressure(root: string): number | null {
  const groups = textOf(join(root, "proc/self/cgroup"));
  const shares: number[] = [];
  for (const { line, mounts, limit, used, idle } of VERSIONS) {
    const own = line.exec(groups)?.[1];
    if (own === undefined) continue;
    for (const mount of mounts) {
      for (let group = own;; group = join(group, "..")) {
        const folder = join(root, mount, group);
        const limit_bytes = Number(textOf(join(folder, limit)) || NaN); // "max" is NaN
        if (limit_bytes < NO_LIMIT_BYTES) {
          const idle_bytes = Number(idle.exec(textOf(join(folder, "memory.stat")))?.[1] ?? 0);
          shares.push((Number(textOf(join(folder, used))) - idle_bytes) / limit_bytes);
        }
        if (group === "/") break;
      }
    }
  }
  return shares.length ? Math.max(0, ...shares) : null;
}

/** A small file's text; empty where it cannot be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
