/** CPU time in total and by core, from /proc/stat, or from the runtime if that is not readable. */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { type PortableField, type PortableSource, SystemFile } from "./source.ts";

const TICKS_PER_S = 100; // USER_HZ, which is 100 on every Linux that Deno and Node run on
const ALL = ["busy", "user", "system", "idle", "iowait", "steal"] as const;
const CORE = ["busy", "idle"] as const;

/** Seconds by mode. */
type Times = Record<typeof ALL[number], number>;

/**
 * `cpu.busy_s` and its parts for the whole host, `cpu0.busy_s` and `cpu0.idle_s` for each core:
 * counters. Time that the hypervisor stole is neither busy nor idle, because it was not ours. For a
 * core, waiting for a disk is idle. A core that is offline is NaN; one that exists but does not run
 * yet has its fields.
 */
export function cpuSource(root: string): PortableSource {
  const file = new SystemFile(join(root, "proc/stat"));
  const running = [...parse(file.text()).keys()].filter((name) => name !== "cpu");
  const cores = [...new Set([...running, ...presentCores(root)])];
  return source(cores, () => parse(file.text()), () => file.close());
}

/** CPU time as the runtime reports it; missing modes are NaN. */
export function runtimeCpuSource(): PortableSource {
  const read = () => {
    const all: Times = { busy: 0, user: 0, system: 0, idle: 0, iowait: NaN, steal: NaN };
    const times = new Map<string, Times>([["cpu", all]]);
    cpus().forEach(({ times: { user, nice, sys, idle, irq } }, i) => {
      const core = { ...all, user: (user + nice) / 1e3, system: (sys + irq) / 1e3 };
      core.idle = idle / 1e3;
      core.busy = core.user + core.system;
      times.set(`cpu${i}`, core);
    });
    for (const mode of ["busy", "user", "system", "idle"] as const) {
      all[mode] = [...times].reduce(
        (sum, [name, core]) => name === "cpu" ? sum : sum + core[mode],
        0,
      );
    }
    return times;
  };
  const cores = [...read().keys()].filter((name) => name !== "cpu");
  if (cores.length === 0) throw new Error("the runtime reports nothing about the CPU");
  return source(cores, read, () => {});
}

/** CPU time of a process, seconds, in steps of 10 ms. */
interface ProcessCpu {
  own_s: number;
  /** Of the children that it waited for, and of theirs. */
  waited_s: number;
}

/** From /proc/PID/stat; null where that cannot be read, such as after the process's end. */
export function processCpu(pid: number): ProcessCpu | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // utime, stime, cutime and cstime are columns 14 to 17; the name in 2 may have blanks and brackets
  const columns = text.slice(text.lastIndexOf(")") + 2).split(" ").slice(11, 15).map(Number);
  const [user, system, waitedUser, waitedSystem] = columns;
  return {
    own_s: (user + system) / TICKS_PER_S,
    waited_s: (waitedUser + waitedSystem) / TICKS_PER_S,
  };
}

function source(
  cores: string[],
  read: () => Map<string, Times>,
  close: () => void,
): PortableSource {
  const series = (name: string, modes: readonly string[]) =>
    modes.map((mode): PortableField => ({ name: `${name}.${mode}_s`, unit: "s", kind: "counter" }));
  return {
    fields: [...series("cpu", ALL), ...cores.flatMap((core) => series(core, CORE))],
    read(values, at) {
      const now = read();
      for (const mode of ALL) values[at++] = now.get("cpu")?.[mode] ?? NaN;
      for (const core of cores) {
        const times = now.get(core);
        values[at++] = times?.busy ?? NaN;
        values[at++] = times ? times.idle + (times.iowait || 0) : NaN;
      }
    },
    close,
  };
}

/** The existing cores, running or not: "0-3,8" in /sys. */
function presentCores(root: string): string[] {
  let text: string;
  try {
    text = readFileSync(join(root, "sys/devices/system/cpu/present"), "utf8").trim();
  } catch {
    return [];
  }
  return text.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    if (!(last >= first)) return [];
    return Array.from({ length: last - first + 1 }, (_, i) => `cpu${first + i}`);
  });
}

function parse(text: string): Map<string, Times> {
  const times = new Map<string, Times>();
  for (const line of text.split("\n")) {
    if (!line.startsWith("cpu")) break;
    const [name, ...fields] = line.split(/ +/);
    // guest times, the next columns, are part of user and nice
    const [user, nice, system, idle, iowait = 0, irq = 0, softirq = 0, steal = 0] = fields.map((
      field,
    ) => Number(field) / TICKS_PER_S);
    const ours = { user: user + nice, system: system + irq + softirq };
    times.set(name, { ...ours, busy: ours.user + ours.system, idle, iowait, steal });
  }
  return times;
}
