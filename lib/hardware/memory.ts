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
