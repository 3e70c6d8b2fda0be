/**
 * Bytes read, written, received and sent, from /proc/diskstats and /proc/net/dev: one set per
 * device, and a total for the host in which each byte counts once (once.ts).
 */
import { join } from "node:path";
import { diskCounts, diskIsShown, interfaceRank } from "./once.ts";
import { type PortableSource, SystemFile } from "./source.ts";

const SECTOR_BYTES = 512; // the unit of /proc/diskstats, whatever the device's sector size

/** A device's line: its name and its two counters; null for other lines. */
type Line = [name: string, first: number, second: number] | null;

interface Device {
  /** The position of its values; null: it appeared after the start, or is not shown. */
  place: number | null;
  /** 0: not part of the host's total; of the others only the best rank present counts. */
  rank: number;
  last: [number, number];
}

/** `disk.read_bytes` and `disk.written_bytes` for the host, `disk.X.…` for every whole disk. */
export function diskSource(root: string): PortableSource {
  const names: [string, string] = ["read_bytes", "written_bytes"];
  const rank = (name: string) => Number(diskCounts(root, name));
  const file = new SystemFile(join(root, "proc/diskstats"));
  return counters(file, "disk", names, rank, (name) => diskIsShown(root, name), (line) => {
    const fields = line.trim().split(/ +/);
    if (fields.length < 10) return null;
    return [fields[2], Number(fields[5]) * SECTOR_BYTES, Number(fields[9]) * SECTOR_BYTES];
  });
}

/**
 * `network.received_bytes` and `network.sent_bytes` for the host, `network.X.…` for every
 * interface.
 */
export function networkSource(root: string): PortableSource {
  const names: [string, string] = ["received_bytes", "sent_bytes"];
  const rank = (name: string) => interfaceRank(root, name);
  const file = new SystemFile(join(root, "proc/net/dev"));
  return counters(file, "network", names, rank, () => true, (line) => {
    const [name, counts] = line.split(":");
    if (counts === undefined) return null;
    const fields = counts.trim().split(/ +/).map(Number);
    return [name.trim(), fields[0], fields[8]];
  });
}

/** Two counters for each of several devices, one line per device in a file. */
function counters(
  file: SystemFile,
  kind: string,
  names: [string, string],
  rankOf: (name: string) => number,
  isShown: (name: string) => boolean,
  parse: (line: string) => Line,
): PortableSource {
  const devices = new Map<string, Device>();
  const lines = () => file.text().split("\n").flatMap((line) => line === "" ? [] : [parse(line)]);
  const shown = lines().flatMap((line) => line !== null && isShown(line[0]) ? [line[0]] : []);
  const prefixes = [kind, ...shown.map((name) => `${kind}.${name}`)];
  const sums: [number, number] = [0, 0];
  const deviceOf = (name: string) => {
    let device = devices.get(name);
    if (device === undefined) {
      const place = shown.indexOf(name);
      device = { place: place < 0 ? null : 2 + 2 * place, rank: rankOf(name), last: [0, 0] };
      devices.set(name, device);
    }
    return device;
  };
  for (const line of lines()) if (line !== null) deviceOf(line[0]);
  let best = 0;
  return {
    fields: prefixes.flatMap((prefix) =>
      names.map((name) => ({ name: `${prefix}.${name}`, unit: "bytes", kind: "counter" }))
    ),
    read(values, at) {
      values.fill(NaN, at, at + 2 * prefixes.length);
      const seen = new Set<Device>();
      const now = lines().filter((line) => line !== null);
      for (const [name] of now) best = Math.max(best, deviceOf(name).rank);
      for (const [name, ...counts] of now) {
        const device = deviceOf(name);
        seen.add(device);
        counts.forEach((count, i) => {
          if (device.place !== null) values[at + device.place + i] = count;
          // a counter that went down has restarted
          const grown = count >= device.last[i] ? count - device.last[i] : count;
          if (device.rank > 0 && device.rank === best) sums[i] += grown;
          device.last[i] = count;
        });
      }
      // a new device may reuse a name, so forget the old counters; an empty file says nothing
      for (const device of devices.values()) {
        if (seen.size > 0 && !seen.has(device)) device.last = [0, 0];
      }
      if (best > 0) values.set(sums, at);
    },
    close: () => file.close(),
  };
}
