import process from "node:process";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { InputError } from "../../lib/errors.ts";
import { NativeSampler, type NativeSamplerOptions } from "../../lib/native/sampler.ts";
import {
  fieldOf,
  firstRecord,
  HOST,
  HOST_VALUES,
  library,
  temporaryFolder,
  writeTree,
} from "./fixtures.ts";
import { until } from "../until.ts";

const native = await library();
const HOST_METRICS =
  "cpu,cores,memory,pressure,disk,network,process,cgroup,frequency,temperature,rapl"
    .split(",");

async function onHost(
  files: Record<string, string>,
  options: NativeSamplerOptions,
  test: (sampler: NativeSampler, root: string) => void | Promise<void>,
) {
  using folder = temporaryFolder();
  await writeTree(folder.path, files);
  using sampler = new NativeSampler(native, { root: folder.path, ...options });
  await test(sampler, folder.path);
}

const source = (sampler: NativeSampler, name: string) =>
  sampler.layout.sources.find((source) => source.name === name)!;

Deno.test("every number of a still host is read, and no other field is made up", async () => {
  await onHost(HOST, { metrics: HOST_METRICS, pids: [4242] }, async (sampler) => {
    const record = await firstRecord(sampler);
    assertEquals(Object.keys(record).sort(), Object.keys(HOST_VALUES).sort());
    for (const [name, value] of Object.entries(HOST_VALUES)) {
      assertAlmostEquals(record[name]!, value, Math.abs(value) * 1e-12, name);
    }
    for (const { name, available, note } of sampler.layout.sources) {
      assert(available && note === null, `${name}: ${note}`);
    }
  });
});

Deno.test("the first record is fresh, later ones of a still host are valid but not fresh", async () => {
  await onHost(HOST, { rateHz: 500, metrics: HOST_METRICS }, async (sampler) => {
    sampler.start();
    await until(() => sampler.status().records > 20);
    sampler.stop();
    const batch = sampler.drain();
    sampler.layout.fields.forEach(({ name }, field) => {
      assert(batch.fresh(0, field), name);
      for (let i = 1; i < batch.count; i++) {
        assert(batch.valid(i, field) && !batch.fresh(i, field), name);
      }
    });
  });
});

Deno.test("a counter that moves is fresh in that record only, and its changes are counted", async () => {
  await onHost(HOST, { rateHz: 200, metrics: ["memory"] }, async (sampler, root) => {
    const path = join(root, "proc/meminfo");
    sampler.start();
    const free = fieldOf(sampler, "memory.free_bytes");
    for (const kib of [410, 420, 430]) {
      // Same length, in place: the sampler keeps the file open.
      Deno.writeTextFileSync(path, HOST["proc/meminfo"].replace("400 kB", `${kib} kB`));
      const seen = sampler.status().records;
      await until(() => sampler.status().records > seen + 5);
    }
    sampler.stop();
    const batch = sampler.drain();
    const fresh = Array.from({ length: batch.count }, (_, i) => i).filter((i) =>
      batch.fresh(i, free)
    );
    assertEquals(fresh.slice(-3).map((i) => batch.value(i, free)! / 1024), [410, 420, 430]);
    assert(sampler.status().fields[free].changes >= 3);
    assertEquals(sampler.status().fields[fieldOf(sampler, "memory.total_bytes")].changes, 0);
    assertEquals(
      sampler.status().fields[fieldOf(sampler, "memory.total_bytes")].update_period_ns,
      null,
    );
  });
});

Deno.test("RAPL counts on across the wrap of its counter", async () => {
  await onHost(HOST, { metrics: ["rapl"] }, async (sampler, root) => {
    const counter = join(root, "sys/class/powercap/intel-rapl:0/energy_uj");
    const energy = fieldOf(sampler, "rapl.package-0.energy_j");
    sampler.start();
    Deno.writeTextFileSync(counter, "000000171150\n"); // 328,850 µJ to the top, then 171,150
    let joules: number | null = null;
    await until(() => {
      for (const batch of sampler.drainAll()) joules = batch.value(batch.count - 1, energy);
      return joules !== null && joules > 0;
    });
    assertAlmostEquals(joules!, 0.5, 1e-9);
  });
});

Deno.test("a cgroup's limits are the smallest on the way up; none is infinite", async () => {
  const free = {
    ...HOST,
    "sys/fs/cgroup/outer/cpu.max": "max 100000\n",
    "sys/fs/cgroup/outer/inner/memory.max": "max\n",
  };
  await onHost(free, { metrics: ["cgroup"] }, async (sampler) => {
    const record = await firstRecord(sampler);
    assertEquals(record["cgroup.cpu_limit_cores"], Infinity);
    assertEquals(record["cgroup.memory_limit_bytes"], Infinity);
  });
  const nested = { ...HOST, "sys/fs/cgroup/outer/inner/cpu.max": "50000 100000\n" };
  await onHost(nested, { metrics: ["cgroup"] }, async (sampler) => {
    assertEquals((await firstRecord(sampler))["cgroup.cpu_limit_cores"], 0.5);
  });
});

Deno.test("cgroup version 2 beside version 1 is found", async () => {
  const hybrid = Object.fromEntries(
    Object.entries(HOST).map(([path, text]) => [
      path.replace("sys/fs/cgroup/", "sys/fs/cgroup/unified/"),
      text,
    ]),
  );
  await onHost(hybrid, { metrics: ["cgroup"] }, async (sampler) => {
    assertEquals((await firstRecord(sampler))["cgroup.memory_bytes"], 5242880);
  });
});

Deno.test("a host that offers little is told so, source by source", async () => {
  await onHost(
    { "proc/stat": HOST["proc/stat"] },
    { pids: [4242], nvmlPath: "/nowhere" },
    async (sampler) => {
      for (const { name, available, note } of sampler.layout.sources) {
        assertEquals(available, name === "cpu", name);
        assertEquals(note === null, name === "cpu", name);
      }
      assert(source(sampler, "process").note!.includes("/proc/4242/statm"));
      assertEquals((await firstRecord(sampler))["cpu.idle_s"], 400);
    },
  );
});

Deno.test("cpufreq is preferred to cpuinfo", async () => {
  const files = { ...HOST, "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "3100000\n" };
  await onHost(files, { metrics: ["frequency"] }, async (sampler) => {
    assertEquals(await firstRecord(sampler), { "cpu0.frequency_mhz": 3100 });
  });
});

Deno.test("this host: records come at the rate, on rising ticks, with CPU time that grows", () => {
  using sampler = new NativeSampler(native, {
    rateHz: 200,
    metrics: ["cpu", "cores", "memory", "process"],
    pids: [Deno.pid],
  });
  sampler.start();
  const busy = fieldOf(sampler, "cpu.busy_s");
  const own = fieldOf(sampler, `process.${Deno.pid}.cpu_s`);
  const rss = fieldOf(sampler, `process.${Deno.pid}.rss_bytes`);
  const before = process.cpuUsage();
  const used_s = ({ user, system } = process.cpuUsage(before)) => (user + system) / 1e6;
  // on a busy machine half a second of time is less of its CPU
  for (const end = performance.now() + 500; performance.now() < end || used_s() < 0.2;);
  sampler.stop();
  let tick = -1, t_ns = -1, records = 0;
  const first: (number | null)[] = [], last: (number | null)[] = [];
  for (const batch of sampler.drainAll()) {
    for (let i = 0; i < batch.count; i++, records++) {
      assert(batch.tick(i) > tick && batch.t_ns(i) > t_ns);
      assert(batch.t_ns(i) >= batch.tick(i) * 5e6 - 1, "a tick never comes early");
      [tick, t_ns] = [batch.tick(i), batch.t_ns(i)];
      const now = [busy, own, rss].map((field) => batch.value(i, field));
      if (records === 0) first.push(...now);
      last.splice(0, 3, ...now);
    }
  }
  const status = sampler.status();
  assertEquals(records + status.missed_ticks, tick + 1);
  assert(tick >= 80, `${tick} ticks in half a second`);
  assertEquals([status.records, status.overruns], [records, 0]);
  assert(last[0]! > first[0]!, "the host was busy");
  assert(last[1]! - first[1]! > 0.1, "so was this process");
  assert(last[2]! > 1 << 20);
  assert(["fifo", "nice", "normal"].includes(status.scheduling!));
  assert(status.cpu_ns.fast > 0);
  assert(BigInt(status.start_ns) > 0n);
});

Deno.test("a process that ends, ends its series; the sampler goes on", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  using sampler = new NativeSampler(native, { metrics: ["process"], pids: [child.pid, Deno.pid] });
  const rss = fieldOf(sampler, `process.${child.pid}.rss_bytes`);
  assert((await firstRecord(sampler))[`process.${child.pid}.rss_bytes`]! > 0);
  child.kill("SIGKILL");
  await child.status;
  await until(() => sampler.status().ended.length > 0);
  const [{ series, reason }] = sampler.status().ended;
  assertEquals([series, reason], [`process.${child.pid}`, "the process ended"]);
  for (const _ of sampler.drainAll()); // what was sampled before
  await until(() => sampler.drain().count > 0);
  let batch = sampler.drain();
  await until(() => (batch = sampler.drain()).count > 0);
  assertEquals(batch.value(0, rss), null);
  assert(batch.valid(0, fieldOf(sampler, `process.${Deno.pid}.rss_bytes`)));
});

Deno.test("a ring that nobody drains loses the newest records and counts them", async () => {
  using sampler = new NativeSampler(native, {
    rateHz: 2000,
    metrics: ["memory"],
    ringRecords: 100,
  });
  assertEquals(sampler.layout.ring_records, 128);
  sampler.start();
  await until(() => sampler.status().overruns > 50);
  sampler.stop();
  const status = sampler.status();
  const batch = sampler.drain();
  assertEquals([batch.count, status.records], [128, 128]);
  assertEquals(status.overruns + 128, status.ticks);
  assertEquals(sampler.drain().count, 0);
});

Deno.test("a batch's bytes are records that read the same again", async () => {
  await onHost(HOST, { metrics: ["cpu"] }, async (sampler) => {
    sampler.start();
    await until(() => sampler.status().records > 3);
    const batch = sampler.drain();
    assertEquals(batch.bytes.length, batch.count * sampler.layout.record_bytes);
    const view = new DataView(batch.bytes.slice().buffer);
    const offset = sampler.layout.fields[fieldOf(sampler, "cpu.idle_s")].offset;
    assertEquals(view.getFloat64(offset, true), 400);
    assertEquals(view.getFloat64(sampler.layout.record_bytes, true), batch.t_ns(1));
  });
});

Deno.test("wrong options are named with what is expected", () => {
  const wrong: [NativeSamplerOptions, string][] = [
    [{ rateHz: 0 }, 'rate_hz: "0" is not a number from 1 to 10000'],
    [{ rateHz: 10001 }, 'rate_hz: "10001" is not a number from 1 to 10000'],
    [{ rateHz: NaN }, 'rate_hz: "NaN" is not a number'],
    [{ metrics: ["cpu", "gpus"] }, 'metrics: "gpus" is none of cpu cores'],
    [{ pids: [-1] }, 'pids: "-1" is not a number from 1'],
    [{ pids: Array.from({ length: 65 }, (_, i) => i + 1) }, "pids: more than 64 processes"],
    [{ gpuHz: 5000 }, 'gpu_hz: "5000" is not a number from 1 to 1000'],
    [{ root: "/" + "x".repeat(5000) }, "root: the path is longer"],
    [{ root: "/a\nrate_hz=1" }, "root holds a line break"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => new NativeSampler(native, options), InputError, message);
  }
});

Deno.test("calls in the wrong order are refused, never crash", () => {
  const sampler = new NativeSampler(native, { metrics: ["memory"] });
  assertEquals(sampler.drain().count, 0);
  sampler.stop();
  sampler.start();
  assertThrows(() => sampler.start(), Error, "started before");
  sampler.close();
  sampler.close();
  assertThrows(() => sampler.drain(), Error, "closed before");
  assertThrows(() => sampler.status(), Error, "closed before");
  assertThrows(() => sampler.start(), Error, "native error");
});

Deno.test("many samplers at once are refused with a reason, and make room again", () => {
  const open: NativeSampler[] = [];
  try {
    assertThrows(
      () => {
        for (let i = 0; i < 33; i++) open.push(new NativeSampler(native, { metrics: ["memory"] }));
      },
      Error,
      "32 are open",
    );
    assertEquals(open.length, 32);
  } finally {
    open.forEach((sampler) => sampler.close());
  }
  new NativeSampler(native, { metrics: ["memory"] }).close();
});
