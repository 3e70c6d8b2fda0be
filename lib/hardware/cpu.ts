/** CPU time in all and by core, from /proc/stat. */
import { join } from "@std/path";
import { SystemFile } from "./source.ts";
import type { SampleSource } from "./source.ts";

interface Times {
  busy: number;
  all: number;
}

/**
 * `cpu_total` and `cpu_0` … in percent of the interval: every time but idle and iowait. Steal counts
 * as busy: the machine did not have it. A core that is offline is NaN.
 */
export function cpuSource(root: string): SampleSource {
  const file = new SystemFile(join(root, "proc/stat"));
  const source = "/proc/stat";
  const cores = [...parse(file.text()).keys()].filter((name) => name !== "cpu");
  const names = ["cpu", ...cores];
  let before = new Map<string, Times>();
  return {
    fields: names.map((name) => ({
      name: name === "cpu" ? "cpu_total" : name.replace("cpu", "cpu_"),
      unit: "%",
      source,
    })),
    read(values, at) {
      const now = parse(file.text());
      names.forEach((name, i) => values[at + i] = share(now.get(name), before.get(name)));
      before = now;
    },
    close: () => file.close(),
  };
}

function parse(text: string): Map<string, Times> {
  const times = new Map<string, Times>();
  for (const line of text.split("\n")) {
    if (!line.startsWith("cpu")) break;
    const [name, ...fields] = line.split(/ +/);
    // user nice system idle iowait irq softirq steal; guest times are within user and nice
    const ticks = fields.slice(0, 8).map(Number);
    const all = ticks.reduce((sum, value) => sum + value, 0);
    times.set(name, { all, busy: all - ticks[3] - (ticks[4] ?? 0) });
  }
  return times;
}

function share(now: Times | undefined, before: Times | undefined): number {
  if (!now || !before || now.all <= before.all) return NaN;
  return Math.min(100, Math.max(0, 100 * (now.busy - before.busy) / (now.all - before.all)));
}
