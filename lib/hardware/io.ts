/** Bytes read, written, received and sent: /proc/diskstats and /proc/net/dev. */
import { readdirSync } from "node:fs";
import { join } from "@std/path";
import { rate, SystemFile } from "./source.ts";
import type { SampleField, SampleSource } from "./source.ts";

const SECTOR_BYTES = 512; // of /proc/diskstats, whatever the device's own

/**
 * `disk_read` and `disk_write` over all whole devices. Partitions, loop, ram, zram and mapped devices
 * are left out, since their traffic is counted at the device below.
 */
export function diskSource(root: string): SampleSource {
  const file = new SystemFile(join(root, "proc/diskstats"));
  const devices = new Set(
    readdirSync(join(root, "sys/block")).filter((name) => !/^(loop|ram|zram|dm-|md|sr)/.test(name)),
  );
  return counters(file, "/proc/diskstats", ["disk_read", "disk_write"], (text) => {
    const sums = [0, 0];
    for (const line of text.split("\n")) {
      const fields = line.trim().split(/ +/);
      if (!devices.has(fields[2])) continue;
      sums[0] += Number(fields[5]) * SECTOR_BYTES;
      sums[1] += Number(fields[9]) * SECTOR_BYTES;
    }
    return sums;
  });
}

/**
 * `network_receive` and `network_send` over all interfaces but loopback, and `loopback` (each byte
 * once): endpoints are often local.
 */
export function networkSource(root: string): SampleSource {
  const file = new SystemFile(join(root, "proc/net/dev"));
  const names = ["network_receive", "network_send", "loopback"];
  return counters(file, "/proc/net/dev", names, (text) => {
    const sums = [0, 0, 0];
    for (const line of text.split("\n").slice(2)) {
      const [name, counts] = line.split(":");
      if (counts === undefined) continue;
      const fields = counts.trim().split(/ +/).map(Number);
      if (name.trim() === "lo") sums[2] += fields[0];
      else {
        sums[0] += fields[0];
        sums[1] += fields[8];
      }
    }
    return sums;
  });
}

/** Rates of counters that one file holds. */
function counters(
  file: SystemFile,
  source: string,
  names: string[],
  read: (text: string) => number[],
): SampleSource {
  let before: number[] = [];
  return {
    fields: names.map((name): SampleField => ({ name, unit: "bytes/s", source })),
    read(values, at, interval_s) {
      const now = read(file.text());
      now.forEach((count, i) => values[at + i] = rate(count, before[i] ?? NaN, interval_s));
      before = now;
    },
    close: () => file.close(),
  };
}
