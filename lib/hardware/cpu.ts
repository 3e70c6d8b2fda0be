/** CPU time in all and by core, from /proc/stat. */
import { join } from "node:path";
import { SystemFile } from "./source.ts";
import type { PortableSource } from "./source.ts";

const TICKS_PER_S = 100; // USER_HZ, which is 100 on every Linux that Deno and Node run on

/**
 * `cpu.busy_s`, `cpu.idle_s` and the same of `cpu0` …, counters. Steal counts as busy, since the machine did not
 * have it; waiting for a disk as idle. A core that is offline is NaN.
 */
export function cpuSource(root: string): PortableSource {
  const file = new SystemFile(join(root, "proc/stat"));
  const names = [...parse(file.text()).keys()];
  return {
    fields: names.flatMap((name) => [
      { name: `${name}.busy_s`, unit: "s", kind: "counter" },
      { name: `${name}.idle_s`, unit: "s", kind: "counter" },
    ]),
    read(values, at) {
      const now = parse(file.text());
      names.forEach((name, i) => {
        const [busy_s, idle_s] = now.get(name) ?? [NaN, NaN];
        values[at + 2 * i] = busy_s;
        values[at + 2 * i + 1] = idle_s;
      });
    },
    close: () => file.close(),
  };
}

function parse(text: string): Map<string, [busy_s: number, idle_s: number]> {
  const times = new Map<string, [number, number]>();
  for (const line of text.split("\n")) {
    if (!line.startsWith("cpu")) break;
    const [name, ...fields] = line.split(/ +/);
    // user nice system idle iowait irq softirq steal; guest times are within user and nice
    const ticks = fields.slice(0, 8).map(Number);
    const all = ticks.reduce((sum, value) => sum + value, 0);
    const idle = ticks[3] + (ticks[4] ?? 0);
    times.set(name, [(all - idle) / TICKS_PER_S, idle / TICKS_PER_S]);
  }
  return times;
}
