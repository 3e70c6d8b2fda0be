/** What dyno itself costs: its CPU and memory. A measuring client must show that it was idle enough. */
import process from "node:process";
import type { SampleSource } from "./source.ts";

/** `own_cpu` in percent of one core, `own_rss` in bytes. */
export function ownProcessSource(): SampleSource {
  let before_us = NaN;
  return {
    fields: [
      { name: "own_cpu", unit: "%", source: "getrusage" },
      { name: "own_rss", unit: "bytes", source: "/proc/self" },
    ],
    read(values, at, interval_s) {
      const { user, system } = process.cpuUsage();
      const now_us = user + system;
      values[at] = interval_s > 0 ? (now_us - before_us) / interval_s / 1e4 : NaN;
      values[at + 1] = process.memoryUsage().rss;
      before_us = now_us;
    },
    close() {},
  };
}
