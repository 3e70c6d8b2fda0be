/** What dyno itself costs: a measuring client must show that it was idle enough. */
import process from "node:process";
import type { PortableSource } from "./source.ts";

/** `process.PID.cpu_s` and `process.PID.rss_bytes` of this process. */
export function ownProcessSource(): PortableSource {
  const series = `process.${process.pid}`;
  return {
    fields: [
      { name: `${series}.cpu_s`, unit: "s", kind: "counter" },
      { name: `${series}.rss_bytes`, unit: "bytes", kind: "gauge" },
    ],
    read(values, at) {
      const { user, system } = process.cpuUsage();
      values[at] = (user + system) / 1e6;
      values[at + 1] = process.memoryUsage().rss;
    },
    close() {},
  };
}
