/** Energy over the hosts of a load's shards: sensors whose true power is known. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { shardEnergy } from "../../lib/load/load_energy.ts";
import { runDirectoryAt } from "../../lib/run/directory.ts";
import { batchOf } from "../hardware/series_fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import type { ShardFacts } from "../../lib/run/request_record.ts";

const S = 1e9;

interface Host {
  host: string;
  boot_id: string;
  /** Its clock lies so far behind the run's. */
  behind_s: number;
  /** Watts by the sensor's name; a GPU's UUID is in `uuid`. */
  power_w: Record<string, number>;
  uuid?: string;
  /** Seconds of samples. */
  until_s?: number;
}

Deno.test("each device of each host counts once, on the run's clock; a host without one is named", () => {
  using folder = temporaryFolder();
  const hosts: Host[] = [
    {
      host: "n1",
      boot_id: "A",
      behind_s: 0,
      power_w: { "rapl.package-0": 50, gpu0: 300 },
      uuid: "G1",
    },
    {
      host: "n1",
      boot_id: "A",
      behind_s: 0,
      power_w: { "rapl.package-0": 50, gpu0: 300 },
      uuid: "G1",
    },
    // another machine, on whose clock it is 1,000 s earlier
    { host: "n2", boot_id: "B", behind_s: 1000, power_w: { gpu0: 100 }, uuid: "G2" },
    // a container on the first machine with a GPU of its own
    { host: "pod-7", boot_id: "A", behind_s: 0, power_w: { gpu0: 200 }, uuid: "G3" },
    { host: "n3", boot_id: "C", behind_s: 0, power_w: {} },
    // its samples end within the window
    { host: "n4", boot_id: "D", behind_s: 0, power_w: { gpu0: 700 }, uuid: "G4", until_s: 5 },
  ];
  const shards = hosts.map((host, shard): ShardFacts => {
    writeSamples(join(folder.path, "shards", `shard-${shard}`), host);
    const clock = { offset_ns: host.behind_s * S, error_ns: 0, drift_ns: 0, drift_error_ns: 0 };
    return { shard, host: host.host, ...clock, late_ns: 0, lost: null, verdict: null };
  });
  shards.push({ ...shards[0], shard: hosts.length }); // without samples, on a host that another has read
  const over = shardEnergy(runDirectoryAt(folder.path), shards);
  const { devices, unknown } = over(2 * S, 8 * S);
  const told = devices.map(({ device, energy_j, error_j }) => {
    const watts = Math.round(energy_j / 6);
    assert(Math.abs(energy_j - watts * 6) <= error_j + 1e-6);
    return `${device} ${watts}`;
  });
  assertEquals(told.sort(), [
    "n1: gpu0 300",
    "n1: rapl.package-0 50",
    "n2: gpu0 100",
    "pod-7: gpu0 200",
  ]);
  assertEquals(unknown, ["n3", "n4"]);
  // a clock that nobody measured: its samples lie anywhere
  const lost = shards.map((facts) => facts.shard === 2 ? { ...facts, offset_ns: null } : facts);
  assertEquals(shardEnergy(runDirectoryAt(folder.path), lost)(2 * S, 8 * S).unknown, [
    "n2",
    "n3",
    "n4",
  ]);
});

/** Ten samples a second of counters that grow evenly. */
function writeSamples(
  folder: string,
  { boot_id, behind_s, power_w, uuid, until_s = 10 }: Host,
): void {
  const t_ns = Array.from({ length: until_s * 10 + 1 }, (_, i) => i * 0.1 * S);
  const fields = Object.fromEntries([
    ["cpu.busy_s", t_ns],
    ...Object.entries(power_w).map(([device, watts]) => [
      `${device}.energy_j`,
      t_ns.map((t) => watts * t / S),
    ]),
  ]);
  const { layout, bytes } = batchOf(fields, t_ns);
  const gpus = uuid ? [{ series: "gpu0", name: "GPU", uuid }] : [];
  mkdirSync(folder, { recursive: true });
  const start_ns = String(-behind_s * S);
  writeFileSync(
    join(folder, "samples.json"),
    JSON.stringify({ ...layout, boot_id, start_ns, gpus }),
  );
  writeFileSync(join(folder, "samples.bin"), bytes);
}
