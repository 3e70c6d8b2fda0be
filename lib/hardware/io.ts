/** Bytes read, written, received and sent: /proc/diskstats and /proc/net/dev. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { SystemFile } from "./source.ts";
import type { PortableSource } from "./source.ts";

const SECTOR_BYTES = 512; // of /proc/diskstats, whatever the device's own

/** Traffic of these is that of the device below. */
const NOT_DISKS = /^(loop|ram|zram|dm-|md)/;

/** `disk.X.read_bytes` and `disk.X.written_bytes` of every whole disk. */
export function diskSource(root: string): PortableSource {
  const disks = readdirSync(join(root, "sys/block")).filter((name) => !NOT_DISKS.test(name));
  const file = new SystemFile(join(root, "proc/diskstats"));
  return counters(file, "disk", disks, ["read_bytes", "written_bytes"], (line) => {
    const fields = line.trim().split(/ +/);
    return [fields[2], Number(fields[5]) * SECTOR_BYTES, Number(fields[9]) * SECTOR_BYTES];
  });
}

/** `network.X.received_bytes` and `network.X.sent_bytes` of every interface, `lo` among them. */
export function networkSource(root: string): PortableSource {
  const file = new SystemFile(join(root, "proc/net/dev"));
  const names = [...file.text().matchAll(/^ *([^ :]+):/gm)].map((match) => match[1])
    .filter((name) => !/^(veth|ifb)/.test(name)); // a container's end is counted again on the bridge
  return counters(file, "network", names, ["received_bytes", "sent_bytes"], (line) => {
    const [name, counts = ""] = line.split(":");
    const fields = counts.trim().split(/ +/).map(Number);
    return [name.trim(), fields[0], fields[8]];
  });
}

/** Two counters of each of several devices, a line each in one file. */
function counters(
  file: SystemFile,
  kind: string,
  devices: string[],
  names: [string, string],
  parse: (line: string) => [name: string, first: number, second: number],
): PortableSource {
  const place = new Map(devices.map((device, i) => [device, 2 * i]));
  return {
    fields: devices.flatMap((device) =>
      names.map((name) => ({ name: `${kind}.${device}.${name}`, unit: "bytes", kind: "counter" }))
    ),
    read(values, at) {
      values.fill(NaN, at, at + 2 * devices.length);
      for (const line of file.text().split("\n")) {
        const [name, first, second] = parse(line);
        const offset = place.get(name);
        if (offset === undefined) continue;
        values[at + offset] = first;
        values[at + offset + 1] = second;
      }
    },
    close: () => file.close(),
  };
}
