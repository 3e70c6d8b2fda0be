/**
 * The control groups of this process, versions 2 and 1: what a container may use, and uses.
 * native/sample/cgroup.c has the same rules in C.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { nowNs } from "../native/clock.ts";
import { type PortableField, type PortableSource, SystemFile } from "./source.ts";

/** Larger values mean no limit: version 1 writes the largest number of pages. */
const NO_LIMIT_BYTES = 2 ** 60;
/** Limits rarely change. */
const LIMITS_PERIOD_NS = 1e9;

/** Our group or one of its parents. A limit that is not set is Infinity; a missing use is NaN. */
export interface ControlGroup {
  memory_limit(): number;
  memory_used(): number;
  /** Cached files that were not read recently: the kernel drops them first. */
  inactive(): number;
  cpu_limit(): number;
  close(): void;
}

/** The file names in a group's folder, by version. */
interface Version {
  controller: string;
  mounts: string[];
  limit: string;
  used: string;
  inactive: RegExp;
}

/** A folder without any of these is ignored: a container does not see the groups around its own. */
const FILES = [
  ...["memory.max", "memory.current", "cpu.max", "cpu.stat"],
  ...["memory.limit_in_bytes", "memory.usage_in_bytes", "cpu.cfs_quota_us", "cpuacct.usage"],
];

const VERSIONS: Version[] = [
  {
    controller: "",
    mounts: ["sys/fs/cgroup", "sys/fs/cgroup/unified"],
    limit: "memory.max",
    used: "memory.current",
    inactive: /^inactive_file (\d+)$/m,
  },
  {
    controller: "memory",
    mounts: ["sys/fs/cgroup/memory"],
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    inactive: /^total_inactive_file (\d+)$/m,
  },
  { controller: "cpu", mounts: ["sys/fs/cgroup/cpu"], limit: "", used: "", inactive: /^$/ },
];

/** The groups from our own up to the top, for every mounted version. */
export function groupsOf(root: string): ControlGroup[] {
  const own = once(join(root, "proc/self/cgroup"));
  return VERSIONS.flatMap((version) =>
    foldersUp(root, own, version.controller, version.mounts).map((folder) => {
      const files = new Map<string, SystemFile | null>();
      const text = (name: string) => {
        if (!files.has(name)) files.set(name, opened(join(folder, name)));
        return textOf(files.get(name)!);
      };
      return {
        memory_limit() {
          if (version.limit === "") return Infinity;
          const bytes = Number.parseFloat(text(version.limit)); // "max" is NaN
          return bytes < NO_LIMIT_BYTES ? bytes : Infinity;
        },
        memory_used: () => version.used === "" ? NaN : Number.parseFloat(text(version.used)),
        inactive() {
          if (version.used === "") return NaN;
          return Number(version.inactive.exec(text("memory.stat"))?.[1] ?? NaN);
        },
        cpu_limit() {
          const quota = version.controller === "cpu"
            ? `${text("cpu.cfs_quota_us")} ${text("cpu.cfs_period_us")}`
            : text("cpu.max");
          const [, allowed, period] = /^(\d+) (\d+)$/.exec(quota) ?? [];
          return Number(period) > 0 ? Number(allowed) / Number(period) : Infinity;
        },
        close() {
          for (const file of files.values()) file?.close();
        },
      };
    })
  );
}

/**
 * `cgroup.cpu_s`, `cgroup.throttled_s`; `cgroup.cpu_limit_cores`, `cgroup.memory_limit_bytes`: the
 * smallest limit of our group and its parents; `cgroup.memory_bytes` and its
 * `_inactive_file_bytes`: those of the group that sets the memory limit, else of our own. Null if
 * no group is mounted.
 */
export function cgroupSource(root: string): PortableSource | null {
  const groups = groupsOf(root);
  if (groups.length === 0) return null;
  const cpu = cpuTimes(root);
  const known = (pick: (group: ControlGroup) => number) =>
    groups.some((group) => !Number.isNaN(pick(group)));
  const used = known((group) => group.memory_used());
  const cached = used && known((group) => group.inactive());
  const field = (name: string, unit: PortableField["unit"], kind: PortableField["kind"]) => [
    { name: `cgroup.${name}`, unit, kind },
  ];
  let looked_ns = -Infinity, memory_limit = Infinity, cpu_limit = Infinity;
  let group: ControlGroup | undefined;
  return {
    fields: [
      ...(cpu.used ? field("cpu_s", "s", "counter") : []),
      ...(cpu.throttled ? field("throttled_s", "s", "counter") : []),
      ...(used ? field("memory_bytes", "bytes", "gauge") : []),
      ...(cached ? field("memory_inactive_file_bytes", "bytes", "gauge") : []),
      ...field("cpu_limit_cores", "cores", "gauge"),
      ...field("memory_limit_bytes", "bytes", "gauge"),
    ],
    read(values, at) {
      if (nowNs() - looked_ns > LIMITS_PERIOD_NS) {
        looked_ns = nowNs();
        const limits = groups.map((group) => group.memory_limit());
        memory_limit = Math.min(...limits);
        cpu_limit = Math.min(...groups.map((each) => each.cpu_limit()));
        const from = memory_limit < Infinity ? limits.indexOf(memory_limit) : 0;
        group = groups.slice(from).find((each) => !Number.isNaN(each.memory_used()));
      }
      if (cpu.used) values[at++] = cpu.used();
      if (cpu.throttled) values[at++] = cpu.throttled();
      if (used) values[at++] = group?.memory_used() ?? NaN;
      if (cached) values[at++] = group?.inactive() ?? NaN;
      values[at++] = cpu_limit;
      values[at++] = memory_limit;
    },
    close() {
      for (const each of groups) each.close();
      cpu.close();
    },
  };
}

/** Readers for the group's CPU time and the time in which its limit throttled it, seconds. */
function cpuTimes(root: string) {
  const own = once(join(root, "proc/self/cgroup"));
  const first = (controller: string, mounts: string[], name: string) => {
    for (const folder of foldersUp(root, own, controller, mounts)) {
      const file = opened(join(folder, name));
      if (file !== null) return file;
    }
    return null;
  };
  const reader = (file: SystemFile | null, pattern: RegExp, scale: number) =>
    file && (() => Number(pattern.exec(textOf(file))?.[1] ?? NaN) * scale);
  const stat = first("", VERSIONS[0].mounts, "cpu.stat");
  if (stat !== null) {
    return {
      used: reader(stat, /^usage_usec (\d+)$/m, 1e-6),
      throttled: reader(stat, /^throttled_usec (\d+)$/m, 1e-6),
      close: () => stat.close(),
    };
  }
  const usage = first("cpuacct", ["sys/fs/cgroup/cpuacct"], "cpuacct.usage");
  const throttling = first("cpu", VERSIONS[2].mounts, "cpu.stat");
  return {
    used: reader(usage, /^(\d+)$/, 1e-9),
    throttled: reader(throttling, /^throttled_time (\d+)$/m, 1e-9),
    close() {
      usage?.close();
      throttling?.close();
    },
  };
}

/** The folders of our group and its parents; empty if the version is not mounted. */
function foldersUp(root: string, own: string, controller: string, mounts: string[]): string[] {
  const line = own.split("\n").map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line))
    .find((match) => match !== null && match[1].split(",").includes(controller));
  if (!line) return [];
  const there = mounts.map((each) => join(root, each)).filter(existsSync);
  const mount = there.find((each) => existsSync(join(each, "cgroup.controllers"))) ?? there[0];
  if (mount === undefined) return [];
  const folders: string[] = [];
  for (let group = line[2];; group = join(group, "..")) {
    const folder = join(mount, group);
    if (FILES.some((name) => existsSync(join(folder, name)))) folders.push(folder);
    if (group === "/") return folders;
  }
}

/** A file that stays open; null if it does not exist or is not readable. */
function opened(path: string): SystemFile | null {
  try {
    return new SystemFile(path);
  } catch {
    return null;
  }
}

/** A small file's text; empty if it cannot be read. */
function textOf(file: SystemFile | null): string {
  try {
    return file?.text().trim() ?? "";
  } catch {
    return "";
  }
}

function once(path: string): string {
  const file = opened(path);
  const text = textOf(file);
  file?.close();
  return text;
}
