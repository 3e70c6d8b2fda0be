/** What the native tests share: the built library, the fake NVML, a frozen /proc and /sys. */
import { dirname, fromFileUrl, join } from "@std/path";
import type { NativeLibrary } from "../../lib/native/ffi.ts";
import { nativeLibrary } from "../../lib/native/library.ts";
import { until } from "../until.ts";
import type { NativeSampler } from "../../lib/native/sampler.ts";

export const NATIVE_FOLDER = fromFileUrl(new URL("../../native/", import.meta.url));
export const TESTS_FOLDER = fromFileUrl(new URL("./", import.meta.url));

/** libdyno, built once into the user's cache. */
export async function library(): Promise<NativeLibrary> {
  const found = await nativeLibrary();
  if (!found.library) throw new Error(found.reason);
  return found.library;
}

/** A folder that is gone after the test. */
export function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = Deno.makeTempDirSync();
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** Writes files below a folder, by path. */
export async function writeTree(root: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(join(root, dirname(path)), { recursive: true });
    await Deno.writeTextFile(join(root, path), text);
  }
}

/** Runs a program to its end in native/; throws with what it said when it fails. */
export function run(program: string, ...parameters: string[]): Promise<string> {
  return runWith({}, program, ...parameters);
}

/** As {@linkcode run}, with more environment. */
export async function runWith(
  env: Record<string, string>,
  program: string,
  ...parameters: string[]
): Promise<string> {
  const command = new Deno.Command(program, { args: parameters, cwd: NATIVE_FOLDER, env });
  const { success, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${program} ${parameters.join(" ")}: ${decode(stderr)}`);
  return decode(stdout);
}

/** Its bytes by the symbols that it does not offer. */
const fakes = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

async function compileFakeNvml(without: string[]): Promise<Uint8Array<ArrayBuffer>> {
  using folder = temporaryFolder();
  const path = join(folder.path, "fake.so");
  const versions = join(folder.path, "symbols.map");
  const hidden = without.map((symbol) => `${symbol};`).join(" ");
  await Deno.writeTextFile(versions, `{ global: nvml*; local: ${hidden} *; };\n`);
  const flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC"];
  const link = ["-shared", "-pthread", `-Wl,--version-script=${versions}`, "-o", path];
  await run("cc", ...flags, ...link, join(TESTS_FOLDER, "fake_nvml.c"));
  return await Deno.readFile(path);
}

/**
 * Puts the fake libnvidia-ml.so.1 into a folder: a file of its own, so that it has a state of its own.
 * `without` are symbols it does not offer.
 */
export async function buildFakeNvml(folder: string, without: string[] = []): Promise<string> {
  const key = without.join();
  if (!fakes.has(key)) fakes.set(key, compileFakeNvml(without));
  const path = join(folder, "libnvidia-ml.so.1");
  await Deno.writeFile(path, await fakes.get(key)!);
  return path;
}

/** Runs a test with the fake NVML told what to be. */
export async function withFakeNvml(
  script: string,
  test: (path: string) => void | Promise<void>,
  without: string[] = [],
) {
  using folder = temporaryFolder();
  const path = await buildFakeNvml(folder.path, without);
  Deno.env.set("DYNO_FAKE_NVML", script);
  try {
    await test(path);
  } finally {
    Deno.env.delete("DYNO_FAKE_NVML");
  }
}

/** The place of a field in a sampler's records. */
export function fieldOf(sampler: NativeSampler, name: string): number {
  const place = sampler.layout.fields.findIndex((field) => field.name === name);
  if (place < 0) throw new Error(`no field ${name}`);
  return place;
}

/** Starts a sampler, waits for its first record and gives it by field name. */
export async function firstRecord(sampler: NativeSampler): Promise<Record<string, number | null>> {
  sampler.start();
  let batch = sampler.drain();
  await until(() => (batch = batch.count ? batch : sampler.drain()).count > 0);
  return Object.fromEntries(
    sampler.layout.fields.map((field, i) => [field.name, batch.value(0, i)]),
  );
}

const MEMINFO = `MemTotal:       1000 kB
MemFree:         400 kB
MemAvailable:    700 kB
Buffers:          10 kB
Cached:          200 kB
SwapCached:        5 kB
SwapTotal:       300 kB
SwapFree:        250 kB
`;
const NETWORK = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop
    lo:    1000      10    0    0    0     0          0         0     1000      10    0    0
  eth0:123456789012 345    1    2    0     0          0         0   987654     321    3    4
veth12:      77       1    0    0    0     0          0         0       88       2    0    0
`;
const DISKS = ` 259       0 nvme0n1 100 1 2000 5 50 2 4000 7 0 1500 12 0 0 0 0 0 0
 259       1 nvme0n1p1 90 1 1900 5 40 2 3900 7 0 1400 12 0 0 0 0 0 0
   7       0 loop0 9 0 9 9 9 0 9 9 0 9 9 0 0 0 0 0 0
`;

/** A small host that stands still: two cores, a disk, a card, sensors, RAPL, a container. */
export const HOST: Record<string, string> = {
  "proc/stat": "cpu  1000 20 300 40000 50 6 7 80 9 0\n" +
    "cpu0 600 10 200 19000 30 3 4 40 5 0\ncpu1 400 10 100 21000 20 3 3 40 4 0\n" +
    "intr 1 2 3\nctxt 5\n",
  "proc/meminfo": MEMINFO,
  "proc/pressure/cpu": "some avg10=0.10 avg60=0.20 avg300=0.30 total=1500000\n",
  "proc/pressure/memory":
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n",
  "proc/diskstats": DISKS,
  "proc/net/dev": NETWORK,
  "proc/cpuinfo": "processor : 0\ncpu MHz\t\t: 2400.125\nprocessor : 1\ncpu MHz\t\t: 1800.5\n",
  "proc/self/cgroup": "1:cpu:/elsewhere\n0::/outer/inner\n",
  "proc/4242/stat": "4242 (a (b) c) S 1 4242 4242 0 -1 0 0 0 0 0 250 150 9 9 20 0 1 0 5 6 7\n",
  "proc/4242/statm": "5000 1000 300 1 0 900 0\n",
  "sys/block/nvme0n1/size": "1\n",
  "sys/class/hwmon/hwmon0/name": "coretemp\n",
  "sys/class/hwmon/hwmon0/temp1_input": "61500\n",
  "sys/class/hwmon/hwmon0/temp1_label": "Package id 0\n",
  "sys/class/hwmon/hwmon0/temp2_input": "-2000\n",
  "sys/class/hwmon/hwmon1/name": "nvme\n",
  "sys/class/hwmon/hwmon1/temp1_input": "38850\n",
  "sys/class/hwmon/hwmon1/temp1_label": "Composite\n",
  "sys/class/hwmon/hwmon2/name": "nvme\n",
  "sys/class/hwmon/hwmon2/temp1_input": "40000\n",
  "sys/class/hwmon/hwmon2/temp1_label": "Composite\n",
  "sys/class/powercap/intel-rapl:0/name": "package-0\n",
  "sys/class/powercap/intel-rapl:0/energy_uj": "262143000000\n",
  "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "262143328850\n",
  "sys/class/powercap/intel-rapl:0:0/name": "dram\n",
  "sys/class/powercap/intel-rapl:0:0/energy_uj": "1000000\n",
  "sys/class/powercap/intel-rapl:0:0/max_energy_range_uj": "65712999613\n",
  "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
  "sys/fs/cgroup/outer/cpu.max": "150000 100000\n",
  "sys/fs/cgroup/outer/memory.max": "max\n",
  "sys/fs/cgroup/outer/inner/cpu.max": "max 100000\n",
  "sys/fs/cgroup/outer/inner/memory.max": "1073741824\n",
  "sys/fs/cgroup/outer/inner/memory.current": "5242880\n",
  "sys/fs/cgroup/outer/inner/cpu.stat":
    "usage_usec 7500000\nuser_usec 1\nsystem_usec 2\nnr_throttled 3\nthrottled_usec 250000\n",
};

/** The numbers of {@linkcode HOST}, by field: what any runtime must read. */
export const HOST_VALUES: Record<string, number> = {
  "cpu.busy_s": 13.33,
  "cpu.user_s": 10.2,
  "cpu.system_s": 3.13,
  "cpu.idle_s": 400,
  "cpu.iowait_s": 0.5,
  "cpu.steal_s": 0.8,
  "cpu0.busy_s": 8.17,
  "cpu0.idle_s": 190.3,
  "cpu1.busy_s": 5.16,
  "cpu1.idle_s": 210.2,
  "memory.total_bytes": 1024000,
  "memory.free_bytes": 409600,
  "memory.available_bytes": 716800,
  "memory.buffers_bytes": 10240,
  "memory.cached_bytes": 204800,
  "memory.swap_total_bytes": 307200,
  "memory.swap_free_bytes": 256000,
  "pressure.cpu_some_s": 1.5,
  "pressure.memory_some_s": 2.5,
  "pressure.memory_full_s": 0.5,
  "disk.read_bytes": 1024000,
  "disk.written_bytes": 2048000,
  "disk.nvme0n1.read_bytes": 1024000,
  "disk.nvme0n1.written_bytes": 2048000,
  "disk.nvme0n1.reads": 100,
  "disk.nvme0n1.writes": 50,
  "disk.nvme0n1.busy_s": 1.5,
  "network.received_bytes": 123456789012,
  "network.sent_bytes": 987654,
  "network.veth12.received_bytes": 77,
  "network.veth12.sent_bytes": 88,
  "network.veth12.received_packets": 1,
  "network.veth12.sent_packets": 2,
  "network.lo.received_bytes": 1000,
  "network.lo.sent_bytes": 1000,
  "network.lo.received_packets": 10,
  "network.lo.sent_packets": 10,
  "network.eth0.received_bytes": 123456789012,
  "network.eth0.sent_bytes": 987654,
  "network.eth0.received_packets": 345,
  "network.eth0.sent_packets": 321,
  "process.4242.cpu_s": 4,
  "process.4242.rss_bytes": 4096000,
  "cgroup.cpu_s": 7.5,
  "cgroup.throttled_s": 0.25,
  "cgroup.memory_bytes": 5242880,
  "cgroup.cpu_limit_cores": 1.5,
  "cgroup.memory_limit_bytes": 1073741824,
  "cpu0.frequency_mhz": 2400.125,
  "cpu1.frequency_mhz": 1800.5,
  "temperature.coretemp.Package_id_0_celsius": 61.5,
  "temperature.coretemp.temp2_celsius": -2,
  "temperature.nvme.Composite_celsius": 38.85,
  "temperature.nvme.Composite_celsius.2": 40,
  "rapl.package-0.energy_j": 0,
  "rapl.package-0.dram.energy_j": 0,
};
