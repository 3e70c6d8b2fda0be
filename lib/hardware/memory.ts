/** Memory of the host, from /proc/meminfo, and of the control group that limits us. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "@std/path";
import { SystemFile } from "./source.ts";
import type { SampleSource } from "./source.ts";

/** `memory_total`, `memory_available`, `memory_used` (total − available), bytes. */
export function memorySource(root: string): SampleSource {
  const file = new SystemFile(join(root, "proc/meminfo"));
  const source = "/proc/meminfo";
  return {
    fields: ["memory_total", "memory_available", "memory_used"].map((name) => ({
      name,
      unit: "bytes",
      source,
    })),
    read(values, at) {
      const text = file.text();
      const total = bytesOf(text, "MemTotal"), available = bytesOf(text, "MemAvailable");
      values[at] = total;
      values[at + 1] = available;
      values[at + 2] = total - available;
    },
    close: () => file.close(),
  };
}

function bytesOf(text: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text);
  return match ? Number(match[1]) * 1024 : NaN;
}

/** `cgroup_memory_used` and `cgroup_memory_limit`, bytes; null where cgroup v2 sets no limit. */
export function cgroupMemorySource(root: string): SampleSource | null {
  const folder = limitingGroup(root);
  if (folder === null) return null;
  const used = new SystemFile(join(folder, "memory.current"));
  const limit = new SystemFile(join(folder, "memory.max"));
  return {
    fields: [
      { name: "cgroup_memory_used", unit: "bytes", source: "memory.current" },
      { name: "cgroup_memory_limit", unit: "bytes", source: "memory.max" },
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
