/** Sampling on fixture hosts with known numbers, and on this one, natively and by the portable sampler. */
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
import process from "node:process";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { cgroupSource } from "../../lib/hardware/cgroup.ts";
import { cpuSource } from "../../lib/hardware/cpu.ts";
import { diskSource, networkSource } from "../../lib/hardware/io.ts";
import { groupPressure, memorySource } from "../../lib/hardware/memory.ts";
import { performanceOver } from "../../lib/hardware/performance.ts";
import { PortableSampler } from "../../lib/hardware/portable_sampler.ts";
import { readSamples } from "../../lib/hardware/samples.ts";
import { startSampler } from "../../lib/hardware/sampler.ts";
import { frequencySource, temperatureSource } from "../../lib/hardware/sensors.ts";
import { Series } from "../../lib/hardware/series.ts";
import { nativeLibrary } from "../../lib/native/library.ts";
import { NativeSampler } from "../../lib/native/sampler.ts";
import { nowNs } from "../../lib/native/clock.ts";
import { seriesOf } from "./series_fixture.ts";
import type { SampleBatch, SamplerLayout } from "../../lib/native/sample_batch.ts";
import type { PortableSource } from "../../lib/hardware/source.ts";

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
function values(source: PortableSource): Record<string, number> {
  const read = new Float64Array(source.fields.length);
  source.read(read, 0);
  return Object.fromEntries(source.fields.map((field, i) => [field.name, read[i]]));
}

/** A laptop: two cores, a disk with a partition, two interfaces, sensors. */
const LAPTOP = {
  "proc/stat":
    "cpu  100 0 100 800 20 0 0 0 0 0\ncpu0 50 0 50 400 10 0 0 0\ncpu1 50 0 50 400 10 0 0 0\nintr 1\n",
  "proc/meminfo": "MemTotal:       1000 kB\nMemFree: 10 kB\nMemAvailable:    400 kB\n",
  "proc/diskstats": ["sda", "sda1", "loop0", "dm-0"].map((name, i) =>
    `   8  ${i} ${name} 1 0 100 0 1 0 200 0 0 0 0\n`
  ).join(""),
  "proc/net/dev": "Inter-|   Receive\n face |bytes\n" +
    ["lo", "eth0"].map((name) => `  ${name}: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n`).join(""),
  "sys/block/sda/dev": "",
  "sys/block/loop0/dev": "",
  "sys/block/dm-0/dev": "",
  "sys/class/hwmon/hwmon0/name": "coretemp\n",
  "sys/class/hwmon/hwmon0/temp1_input": "45000\n",
  "sys/class/hwmon/hwmon0/temp1_label": "Package id 0\n",
  "sys/class/hwmon/hwmon1/name": "nvme\n",
  "sys/class/hwmon/hwmon1/temp1_input": "38850\n",
  "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "3400000\n",
};

Deno.test("CPU: busy and idle time in all and by core; an offline core is unknown", () => {
  using host = new FixtureHost();
  host.set(LAPTOP);
  const source = cpuSource(host.root);
  const now = values(source);
  assertEquals([now["cpu.busy_s"], now["cpu.idle_s"], now["cpu1.busy_s"]], [2, 8, 1]);
  assertEquals([now["cpu.iowait_s"], now["cpu1.idle_s"]], [0.2, 4.1]);
  host.set({ "proc/stat": "cpu  130 0 110 850 10 0 0 0 0 0\ncpu0 80 0 60 410 0 0 0 0\nintr 1\n" });
  assert(Number.isNaN(values(source)["cpu1.busy_s"]));
  source.close();
});

Deno.test("memory; of nested control groups the use and the limit of the one that limits", () => {
  using host = new FixtureHost();
  host.set({
    ...LAPTOP,
    "proc/self/cgroup": "0::/a/b\n",
    "sys/fs/cgroup/a/b/memory.max": "max\n",
    "sys/fs/cgroup/a/memory.max": "4096000\n",
    "sys/fs/cgroup/a/memory.current": "1024000\n",
  });
  const memory = memorySource(host.root);
  assertEquals(values(memory), { "memory.total_bytes": 1024000, "memory.available_bytes": 409600 });
  const group = cgroupSource(host.root)!;
  const limits = { "cgroup.cpu_limit_cores": Infinity, "cgroup.memory_limit_bytes": 4096000 };
  assertEquals(values(group), { "cgroup.memory_bytes": 1024000, ...limits });
  memory.close();
  group.close();
  host.set({ "sys/fs/cgroup/a/memory.max": "max\n" });
  assertEquals(values(cgroupSource(host.root)!)["cgroup.memory_limit_bytes"], Infinity);
});

Deno.test("pressure in control groups: the tightest on the way up, without what the cache can drop", () => {
  using host = new FixtureHost();
  host.set({
    "proc/self/cgroup": "0::/a/b\n",
    "sys/fs/cgroup/a/b/memory.max": "1000\n",
    "sys/fs/cgroup/a/b/memory.current": "960\n",
    "sys/fs/cgroup/a/b/memory.stat": "anon 200\ninactive_file 700\nactive_file 60\n",
    "sys/fs/cgroup/a/memory.max": "2000\n",
    "sys/fs/cgroup/a/memory.current": "1000\n",
  });
  assertEquals(groupPressure(host.root), 0.5); // /a/b alone has 0.26
  host.set({ "sys/fs/cgroup/a/memory.max": "max\n" });
  assertEquals(groupPressure(host.root), 0.26);
  host.set({
    "proc/self/cgroup": "4:cpu,memory:/docker/x\n1:cpu:/y\n0::/\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "1000\n", // a container sees its own at the top
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "990\n",
    "sys/fs/cgroup/memory/memory.stat": "inactive_file 0\ntotal_inactive_file 40\n",
  });
  assertEquals(groupPressure(host.root), 0.95);
  host.set({ "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n" });
  assertEquals(groupPressure(host.root), null);
});

Deno.test("the host's figure first, then every whole disk and every interface by its name", () => {
  using host = new FixtureHost();
  host.set(LAPTOP);
  const disk = diskSource(host.root), network = networkSource(host.root);
  const each = { read_bytes: 51200, written_bytes: 102400 };
  assertEquals(
    values(disk),
    Object.fromEntries(
      ["disk", "disk.sda", "disk.dm-0"].flatMap((name) =>
        Object.entries(each).map(([what, bytes]) => [`${name}.${what}`, bytes])
      ),
    ),
  );
  assertEquals(values(network), {
    "network.received_bytes": 1000,
    "network.sent_bytes": 2000,
    "network.lo.received_bytes": 1000,
    "network.lo.sent_bytes": 2000,
    "network.eth0.received_bytes": 1000,
    "network.eth0.sent_bytes": 2000,
  });
  disk.close();
  network.close();
});

Deno.test("temperatures with labels and NVMe, frequencies from cpufreq, else cpuinfo, else none", () => {
  using bare = new FixtureHost();
  assertEquals([temperatureSource(bare.root), frequencySource(bare.root)], [null, null]);
  bare.set({ "proc/cpuinfo": "cpu MHz\t\t: 2100.5\n\ncpu MHz\t\t: 2200.0\n" });
  using host = new FixtureHost();
  host.set(LAPTOP);
  const sources = [
    temperatureSource(host.root)!,
    frequencySource(bare.root)!,
    frequencySource(host.root)!,
  ];
  assertEquals(sources.map(values), [
    { "temperature.coretemp.Package_id_0_celsius": 45, "temperature.nvme.temp1_celsius": 38.85 },
    { "cpu0.frequency_mhz": 2100.5, "cpu1.frequency_mhz": 2200 },
    { "cpu0.frequency_mhz": 3400 },
  ]);
  sources.forEach((source) => source.close());
});

Deno.test("the portable sampler's records say what the native sampler's say", async () => {
  const { library } = await nativeLibrary();
  if (library === null) return; // no compiler here: there is nothing to compare with
  using host = new FixtureHost();
  host.set(LAPTOP);
  const portable = new PortableSampler(10, host.root);
  using native = new NativeSampler(library, { rateHz: 10, root: host.root, pids: [process.pid] });
  native.start();
  portable.start();
  await new Promise((resolve) => setTimeout(resolve, 250));
  native.stop();
  portable.stop();
  const last = (batches: Iterable<SampleBatch>, layout: SamplerLayout) => {
    const series = new Series(layout, 1000);
    for (const batch of batches) series.append(batch, 0);
    return (name: string) => series.latest(name);
  };
  const theirs = last(native.drainAll(), native.layout),
    ours = last(portable.drainAll(), portable.layout);
  portable.close();
  const names = portable.layout.fields.map((field) => field.name).filter((name) =>
    !name.startsWith("process.")
  );
  assert(names.length > 15);
  for (const name of names) {
    assertEquals(ours(name), theirs(name), name);
  }
  assertEquals(native.layout.header, portable.layout.header);
});

const MS = 1e6;

Deno.test("counters grow linearly between records, gauges are weighted by their intervals", () => {
  const series = seriesOf({ c: [0, 10, 40, 40], g: [1, 1, 3, 5] }, [0, 100, 200, 300]);
  assertEquals([series.growth("c", 0, 200), series.growth("c", 50, 150)], [40, 20]);
  assertEquals([series.growth("c", 250, 900), series.growth("none", 0, 100)], [0, null]);
  assertEquals(series.mean("g", 100, 300), 4);
  assertAlmostEquals(series.mean("g", 150, 225)!, (3 * 50 + 5 * 25) / 75, 1e-9);
  assertEquals([series.max("g", 0, 150), series.mean("g", 400, 500)], [3, null]);
  const back = seriesOf({ c: [5, 1] }, [0, 100]);
  assertEquals(back.growth("c", 0, 100), null); // a counter that went back is not a negative amount
  const anew = seriesOf({ c: [5, NaN, 1, 9] }, [0, 100, 200, 300]);
  assertEquals([anew.growth("c", 0, 300), anew.growth("c", 200, 300)], [null, 8]);
});

Deno.test("a long series keeps what is recent, and its counters stay exact", () => {
  const t_ns = Array.from({ length: 100 }, (_, i) => i * 10);
  const series = seriesOf({ c: t_ns.map((t) => t * 3) }, t_ns, 64);
  assertEquals(series.length, 75);
  assertEquals([series.growth("c", 0, 990), series.growth("c", 985, 990)], [2970, 15]);
});

Deno.test("a span's performance, computed by hand", () => {
  const gb = 1024 ** 3;
  const series = seriesOf({
    "cpu.busy_s": [0, 0.02, 0.1, 0.1],
    "cpu.idle_s": [0, 0.18, 0.3, 0.5],
    "memory.total_bytes": [8 * gb, 8 * gb, 8 * gb, 8 * gb],
    "memory.available_bytes": [7 * gb, 7 * gb, 5 * gb, 5 * gb],
    "disk.sda.read_bytes": [0, 1e6, 3e6, 3e6],
    "temperature.x_celsius": [30, 40, 50, 45],
    "gpu0.power_instant_w": [NaN, 100, 300, 300],
    "gpu1.power_instant_w": [NaN, 50, 50, 50],
  }, [0, 100 * MS, 200 * MS, 300 * MS]);
  const all = performanceOver(series, 0, 200 * MS);
  assertAlmostEquals(all.cpu_usage_percent!, 100 * 0.1 / 0.4, 1e-9);
  assertAlmostEquals(all.cpu_usage_percent_max!, 100 * 0.08 / 0.2, 1e-9);
  assertEquals([all.samples, all.memory_used_gb, all.memory_usage_percent], [2, 2, 25]);
  assertAlmostEquals(all.disk_read_mb_per_s!, 15, 1e-9);
  assertEquals([all.temperatures_celsius, all.gpu_power_watts], [{ x: 50 }, 250]);
  const short = performanceOver(series, 110 * MS, 112 * MS); // within one interval
  assertAlmostEquals(short.cpu_usage_percent!, 40, 1e-9);
  const outside = performanceOver(series, 900 * MS, 950 * MS);
  assertEquals([outside.samples, outside.cpu_usage_percent, outside.cpu_per_core_percent], [
    0,
    null,
    null,
  ]);
});

for (const portable of [true, false]) {
  const kind = portable ? "portable" : "native where it can be";
  Deno.test(`this host, ${kind}: on disk as described, on the clock of everything else`, async () => {
    using host = new FixtureHost();
    const start_ns = nowNs();
    await using sampler = await startSampler({ directory: host.root, rate_hz: 50, portable });
    const wanted_ns = nowNs() + 0.3e9;
    await sampler.afterTick(wanted_ns);
    assert(nowNs() >= wanted_ns);
    const metrics = sampler.metricsOver(start_ns, nowNs());
    assert(
      metrics.samples >= 5 && metrics.cpu_usage_percent! <= 100 && metrics.memory_used_gb! > 0,
    );
    assert(sampler.memoryPressure()! > 0 && sampler.memoryPressure()! < 1);
    await sampler.stop();
    const [{ description, batch }] = readSamples(host.root);
    assertEquals(
      statSync(join(host.root, "samples.bin")).size,
      batch.count * description.record_bytes,
    );
    const origin_ns = Number(description.start_ns);
    for (let i = 0; i < batch.count; i++) {
      assert(
        origin_ns + batch.t_ns(i) >= start_ns && (i === 0 || batch.t_ns(i) > batch.t_ns(i - 1)),
      );
    }
    if (portable) assertStringIncludes(sampler.unavailable().join(), "gpu: needs libdyno");
    else {
      const gpu = description.sources.find(({ name }) => name === "gpu")!; // here, or said to be missing
      assertEquals(sampler.unavailable().some((line) => line.startsWith("gpu:")), !gpu.available);
      assertEquals(description.sampler, (await nativeLibrary()).library ? "native" : "portable");
    }
  });
}

Deno.test("a resumed run starts a file of its own; a torn record is left out; a long file is thinned", async () => {
  using host = new FixtureHost();
  for (let session = 0; session < 2; session++) {
    const sampler = await startSampler({ directory: host.root, rate_hz: 50, portable: true });
    await sampler.afterTick(nowNs() + 2e8);
    await sampler.stop();
  }
  appendFileSync(join(host.root, "samples.bin"), new Uint8Array(5));
  assertEquals(readdirSync(host.root).sort(), [
    "samples.bin",
    "samples.json",
    "samples_2.bin",
    "samples_2.json",
  ]);
  const [first, second] = readSamples(host.root);
  assert(first.batch.count > 4 && second.batch.count > 4);
  const [thin] = readSamples(host.root, 3);
  assert(thin.batch.count <= 3);
  assertEquals(thin.batch.t_ns(0), first.batch.t_ns(0));
});

Deno.test("a host without anything to read is sampled all the same, and says what is missing", async () => {
  using host = new FixtureHost();
  await using sampler = await startSampler({ directory: null, root: host.root, portable: true });
  assertEquals([sampler.metricsOver(0, nowNs()).cpu_usage_percent, sampler.memoryPressure()], [
    null,
    null,
  ]);
  for (const what of ["cpu", "memory", "disk", "temperature"]) {
    assert(sampler.unavailable().some((line) => line.startsWith(`${what}:`)), what);
  }
});

Deno.test("a file that turns empty makes its values unknown; the others go on", async () => {
  using host = new FixtureHost();
  host.set(LAPTOP);
  await using sampler = await startSampler({
    directory: null,
    rate_hz: 100,
    root: host.root,
    portable: true,
  });
  host.set({ "proc/stat": "cpu  200 0 100 1600 20 0 0 0\n", "proc/meminfo": "" });
  await sampler.afterTick(nowNs() + 1e8);
  assertEquals(sampler.series.latest("memory.available_bytes"), null);
  assertEquals(sampler.series.latest("cpu.busy_s"), 3);
});

Deno.test("a disk that cannot be written ends the file, not the sampling", async () => {
  await using sampler = await startSampler({ directory: "/proc/nowhere", rate_hz: 50 });
  await sampler.afterTick(nowNs() + 5e7);
  assert(sampler.unavailable().some((line) => line.startsWith("samples.bin: cannot be written")));
});
