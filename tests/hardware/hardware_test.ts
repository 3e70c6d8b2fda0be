/** Sampling on fixture hosts with known numbers, and on this one. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { cpuSource } from "../../lib/hardware/cpu.ts";
import { diskSource, networkSource } from "../../lib/hardware/io.ts";
import { cgroupMemorySource, memorySource } from "../../lib/hardware/memory.ts";
import { readSamples } from "../../lib/hardware/samples.ts";
import { startSampler } from "../../lib/hardware/sampler.ts";
import { frequencySource, temperatureSource } from "../../lib/hardware/sensors.ts";
import { SampleWindow } from "../../lib/hardware/window.ts";
import { nowNs } from "../../lib/native/clock.ts";
import type { SampleSource } from "../../lib/hardware/source.ts";

/** A host of files; `set` changes them. */
class FixtureHost implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "dyno-host-"));

  set(files: Record<string, string>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true });
      writeFileSync(join(this.root, path), text);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}

/** A source's values by field name. */
function values(source: SampleSource, interval_s: number): Record<string, number> {
  const read = new Float64Array(source.fields.length);
  source.read(read, 0, interval_s);
  return Object.fromEntries(source.fields.map((field, i) => [field.name, read[i]]));
}

Deno.test("CPU: busy share of the interval in all and by core; an offline core is unknown", () => {
  using host = new FixtureHost();
  host.set({
    "proc/stat":
      "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 50 0 50 400 0 0 0 0\ncpu1 50 0 50 400 0 0 0 0\nintr 1\n",
  });
  const source = cpuSource(host.root);
  assert(Number.isNaN(values(source, 0).cpu_total));
  host.set({ "proc/stat": "cpu  130 0 110 850 10 0 0 0 0 0\ncpu0 80 0 60 410 0 0 0 0\nintr 1\n" });
  const now = values(source, 1);
  assertEquals([now.cpu_total, now.cpu_0], [40, 80]);
  assert(Number.isNaN(now.cpu_1));
  source.close();
});

Deno.test("memory: used is total less available; the tightest control group counts", () => {
  using host = new FixtureHost();
  host.set({
    "proc/meminfo": "MemTotal:       1000 kB\nMemFree: 10 kB\nMemAvailable:    400 kB\n",
    "proc/self/cgroup": "0::/a/b\n",
    "sys/fs/cgroup/a/b/memory.max": "max\n",
    "sys/fs/cgroup/a/memory.max": "4096000\n",
    "sys/fs/cgroup/a/memory.current": "1024000\n",
  });
  const memory = memorySource(host.root);
  assertEquals(values(memory, 1), {
    memory_total: 1024000,
    memory_available: 409600,
    memory_used: 614400,
  });
  const group = cgroupMemorySource(host.root)!;
  assertEquals(values(group, 1), { cgroup_memory_used: 1024000, cgroup_memory_limit: 4096000 });
  memory.close();
  group.close();
  host.set({ "sys/fs/cgroup/a/memory.max": "max\n" });
  assertEquals(cgroupMemorySource(host.root), null);
});

Deno.test("disk: whole devices only; network: loopback apart; rates need two readings", () => {
  using host = new FixtureHost();
  const disks = (read: number, written: number) =>
    ["sda", "sda1", "loop0", "dm-0"].map((name, i) =>
      `   8  ${i} ${name} 1 0 ${read} 0 1 0 ${written} 0 0 0 0\n`
    ).join("");
  const net = (bytes: number) =>
    "Inter-|   Receive\n face |bytes\n" +
    ["lo", "eth0"].map((name) => `  ${name}: ${bytes} 1 0 0 0 0 0 0 ${2 * bytes} 1 0 0 0 0 0 0\n`)
      .join("");
  host.set({
    "sys/block/sda/dev": "",
    "sys/block/loop0/dev": "",
    "sys/block/dm-0/dev": "",
    "proc/diskstats": disks(100, 200),
    "proc/net/dev": net(1000),
  });
  const disk = diskSource(host.root), network = networkSource(host.root);
  assert(Object.values({ ...values(disk, 0), ...values(network, 0) }).every(Number.isNaN));
  host.set({ "proc/diskstats": disks(300, 600), "proc/net/dev": net(5000) });
  assertEquals(values(disk, 2), { disk_read: 200 * 512 / 2, disk_write: 400 * 512 / 2 });
  assertEquals(values(network, 2), { network_receive: 2000, network_send: 4000, loopback: 2000 });
  host.set({ "proc/net/dev": net(10) }); // a counter that was reset is not a negative rate
  assert(Number.isNaN(values(network, 2).loopback));
  disk.close();
  network.close();
});

Deno.test("temperatures with labels and NVMe, frequencies from cpufreq, else cpuinfo, else none", () => {
  using host = new FixtureHost();
  assertEquals([temperatureSource(host.root), frequencySource(host.root)], [null, null]);
  host.set({
    "sys/class/hwmon/hwmon0/name": "coretemp\n",
    "sys/class/hwmon/hwmon0/temp1_input": "45000\n",
    "sys/class/hwmon/hwmon0/temp1_label": "Package id 0\n",
    "sys/class/hwmon/hwmon1/name": "nvme\n",
    "sys/class/hwmon/hwmon1/temp1_input": "38850\n",
    "proc/cpuinfo": "processor\t: 0\ncpu MHz\t\t: 2100.5\n\nprocessor\t: 1\ncpu MHz\t\t: 2200.0\n",
  });
  const temperatures = temperatureSource(host.root)!;
  assertEquals(values(temperatures, 1), {
    temperature_coretemp_package_id_0: 45,
    temperature_nvme_temp1: 38.85,
  });
  const virtual = frequencySource(host.root)!;
  assertEquals(values(virtual, 1), { frequency_0: 2100.5, frequency_1: 2200 });
  host.set({ "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "3400000\n" });
  const real = frequencySource(host.root)!;
  assertEquals(values(real, 1), { frequency_0: 3400 });
  for (const source of [temperatures, virtual, real]) source.close();
});

Deno.test("a span's means are weighted by the overlap with each interval", () => {
  const window = new SampleWindow(["cpu_total", "memory_used", "memory_total", "temperature_x"]);
  const gb = 1024 ** 3;
  [[0, NaN, 1, 30], [100, 10, 1, 40], [200, 30, 3, 50], [300, 50, 5, 45]].forEach((
    [t, cpu, used, hot],
  ) => window.append(t, Float64Array.of(cpu, used * gb, 8 * gb, hot)));
  const over = (start: number, end: number) => window.metricsOver(start, end);
  assertEquals(over(100, 300).cpu_usage_percent, 40);
  assertAlmostEquals(over(150, 225).cpu_usage_percent!, (30 * 50 + 50 * 25) / 75, 1e-9);
  assertEquals(over(110, 130).cpu_usage_percent, 30); // within one interval
  assertEquals(over(150, 150).cpu_usage_percent, 30);
  assertEquals([over(0, 300).cpu_usage_percent_max, over(0, 300).samples], [50, 3]);
  assertEquals([over(100, 200).memory_used_gb, over(100, 200).memory_usage_percent], [3, 37.5]);
  assertEquals(over(0, 300).temperatures_celsius, { x: 50 });
  const outside = over(400, 500);
  assertEquals([outside.samples, outside.cpu_usage_percent, outside.cpu_per_core_percent], [
    0,
    null,
    null,
  ]);
});

Deno.test("this host: samples at a rate, on disk as described, on the clock of everything else", async () => {
  using host = new FixtureHost();
  const start_ns = nowNs();
  await using sampler = await startSampler({ directory: host.root, rate_hz: 50 });
  const wanted_ns = nowNs() + 0.3e9;
  await sampler.afterTick(wanted_ns);
  assert(nowNs() >= wanted_ns);
  const metrics = sampler.metricsOver(start_ns, nowNs());
  assert(metrics.samples >= 5 && metrics.cpu_usage_percent! <= 100 && metrics.memory_used_gb! > 0);
  assert(sampler.memoryPressure()! > 0 && sampler.memoryPressure()! < 1);
  await sampler.stop();
  const { description, t_ns, columns } = readSamples(host.root)!;
  assertEquals(
    statSync(join(host.root, "samples.bin")).size,
    t_ns.length * description.record_bytes,
  );
  assert(t_ns.every((t, i) => t >= start_ns && (i === 0 || t > t_ns[i - 1])));
  assert(columns.get("memory_total")!.every((bytes) => bytes > 1e6));
  assertStringIncludes(sampler.unavailable.join(), "GPU");
});

Deno.test("a resumed run goes on in samples.bin; a torn record is cut, another layout starts a new file", async () => {
  using host = new FixtureHost();
  const sample = async (root?: string) => {
    const sampler = await startSampler({ directory: host.root, rate_hz: 50, root });
    await sampler.stop();
  };
  await sample();
  const { description: { record_bytes } } = readSamples(host.root)!;
  appendFileSync(join(host.root, "samples.bin"), new Uint8Array(record_bytes - 3));
  await sample();
  const { t_ns } = readSamples(host.root)!;
  assertEquals([t_ns.length, statSync(join(host.root, "samples.bin")).size % record_bytes], [4, 0]);
  using other = new FixtureHost();
  other.set({ "proc/stat": "cpu  1 0 1 8 0 0 0 0\ncpu0 1 0 1 8 0 0 0 0\n" });
  await sample(other.root);
  assertEquals(readdirSync(host.root).sort(), [
    "samples.bin",
    "samples.json",
    "samples_2.bin",
    "samples_2.json",
  ]);
  assertEquals(readSamples(host.root, "samples_2")!.t_ns.length, 2);
});

Deno.test("a host without anything to read is sampled all the same, and says what is missing", async () => {
  using host = new FixtureHost();
  await using sampler = await startSampler({ directory: null, root: host.root });
  assertEquals(sampler.metricsOver(0, nowNs()).cpu_usage_percent, null);
  assertEquals(sampler.memoryPressure(), null);
  for (const what of ["CPU", "memory", "disk", "temperatures"]) {
    assert(sampler.unavailable.some((line) => line.startsWith(what)), what);
  }
});

Deno.test("a file that turns empty makes its values unknown; the others go on", async () => {
  using host = new FixtureHost();
  host.set({
    "proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 400 kB\n",
    "proc/stat": "cpu  1 0 1 8 0 0 0 0\n",
  });
  await using sampler = await startSampler({ directory: null, rate_hz: 100, root: host.root });
  host.set({ "proc/stat": "cpu  2 0 2 16 0 0 0 0\n", "proc/meminfo": "" });
  await sampler.afterTick(nowNs() + 1e8);
  const metrics = sampler.metricsOver(nowNs() - 2e8, nowNs());
  assertEquals(sampler.metricsOver(nowNs() - 1, nowNs()).memory_used_gb, null);
  assertEquals(metrics.cpu_usage_percent, 20);
});

Deno.test("a disk that cannot be written ends the file, not the sampling", async () => {
  await using sampler = await startSampler({ directory: "/proc/nowhere", rate_hz: 50 });
  await sampler.afterTick(nowNs() + 5e7);
  assert(sampler.unavailable.some((line) => line.startsWith("samples.bin: cannot be written")));
});
