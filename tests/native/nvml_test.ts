import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Nvml } from "../../lib/native/nvml.ts";
import { NativeSampler, type NativeSamplerOptions } from "../../lib/native/sampler.ts";
import { fieldOf, firstRecord, library, withFakeNvml as withFake } from "./fixtures.ts";
import { until } from "../until.ts";

const native = await library();

const sample = (nvmlPath: string, options: NativeSamplerOptions = {}) =>
  new NativeSampler(native, { metrics: ["gpu"], nvmlPath, ...options });

const READING = {
  utilization_percent: 50,
  memory_utilization_percent: 7,
  power_instant_w: 250.5,
  power_average_w: 123,
  sm_clock_mhz: 1980,
  memory_clock_mhz: 2619,
  throttle_reasons: 4,
  memory_total_bytes: 80 * 2 ** 30,
  memory_free_bytes: 78 * 2 ** 30 - 2 ** 20,
  memory_used_bytes: 2 ** 31 + 2 ** 20, // the driver's own included
  memory_reserved_bytes: 2 ** 20,
  temperature_celsius: 55,
  memory_temperature_celsius: 61,
  graphics_clock_mhz: 1980,
  video_clock_mhz: 1980,
  power_w: 123, // as nvmlDeviceGetPowerUsage: the mean, where there is one
  power_limit_w: 650,
  power_requested_limit_w: 700,
  temperature_margin_celsius: 30,
  fan_percent: 30,
  throttled_power_s: 2.5,
  nvlink_sent_bytes: 4096,
};

Deno.test("Nvml: devices, driver and a reading with every unit right", async () => {
  await withFake("devices=2;power_mw=250500;memory_used_mb=2048", (path) => {
    using nvml = new Nvml(native, path);
    const { driver_version, nvml_version } = nvml.description;
    assertEquals([driver_version, nvml_version], ["999.1", "13.999.1"]);
    assertEquals(nvml.description.path, path);
    assertEquals(nvml.gpus.map(({ series, name, uuid, mig }) => ({ series, name, uuid, mig })), [
      { series: "gpu0", name: 'Fake "H900" 0', uuid: "GPU-0-0", mig: false },
      { series: "gpu1", name: 'Fake "H900" 1', uuid: "GPU-1-0", mig: false },
    ]);
    assertEquals(nvml.gpus[0].slowdown_celsius, 90);
    const reading = nvml.read(1);
    for (const [name, value] of Object.entries(READING)) assertEquals(reading[name], value, name);
    assert(reading.energy_j! >= 1000);
    assertEquals(reading.nvlink_received_bytes, null);
    assertEquals(nvml.gpus[0].power_kind, "average");
    assertEquals(nvml.gpus[1].absent.nvlink_received_bytes, "Not Supported");
    assertEquals(nvml.refusals(1).nvlink_received_bytes, "Not Supported");
    assertThrows(() => nvml.read(2), Error, "no device 2; devices are 0 to 1");
  });
});

Deno.test("Nvml: processes, also more than the driver was first given room for", async () => {
  await withFake("processes=12:1048576,34:-1", (path) => {
    using nvml = new Nvml(native, path);
    assertEquals(nvml.processes(0), [
      { pid: 12, memory_bytes: 1048576 },
      { pid: 34, memory_bytes: null },
    ]);
  });
  const many = Array.from({ length: 100 }, (_, i) => `${i + 1}:${i * 1000}`).join(",");
  await withFake(`processes=${many}`, (path) => {
    using nvml = new Nvml(native, path);
    const processes = nvml.processes(0);
    assertEquals(processes.length, 100);
    assertEquals(processes[99], { pid: 100, memory_bytes: 99_000 });
  });
  await withFake("error=nvmlDeviceGetComputeRunningProcesses_v3:4", (path) => {
    using nvml = new Nvml(native, path);
    assertThrows(() => nvml.processes(0), Error, "processes of device 0: Insufficient Permissions");
  });
});

Deno.test("no NVML: one sentence says why, for the class and for the sampler", async () => {
  assertThrows(() => new Nvml(native, "/nowhere/libnvidia-ml.so.1"), Error, "/nowhere");
  using sampler = sample("/nowhere/libnvidia-ml.so.1");
  assertEquals(sampler.layout.fields, []);
  assert(sampler.layout.sources[0].note!.includes("/nowhere"));
  await withFake("init=9", (path) => {
    assertThrows(() => new Nvml(native, path), Error, "NVML: nvmlInit_v2: Driver Not Loaded");
  });
  await withFake("devices=0", (path) => {
    using empty = sample(path);
    assertEquals(empty.layout.sources[0].note, "NVML knows no device here");
    using nvml = new Nvml(native, path);
    assertEquals(nvml.gpus.length, 0);
  });
});

Deno.test("DYNO_NVML names the library where no path is given", async () => {
  await withFake("devices=3", (path) => {
    Deno.env.set("DYNO_NVML", path);
    try {
      using nvml = new Nvml(native);
      assertEquals(nvml.gpus.length, 3);
    } finally {
      Deno.env.delete("DYNO_NVML");
    }
  });
});

Deno.test("an older driver: missing symbols and fields fall back to older calls", async () => {
  const without = [
    "nvmlDeviceGetMemoryInfo_v2",
    "nvmlDeviceGetTemperatureV",
    "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetFieldValues",
    "nvmlDeviceGetFanSpeed",
    "nvmlGpmQueryDeviceSupport",
  ];
  await withFake("power_mw=250500;memory_used_mb=2048", (path) => {
    using nvml = new Nvml(native, path);
    const reading = nvml.read(0);
    assertEquals(reading.memory_used_bytes, 2 ** 31 + 2 ** 20);
    assertEquals(reading.temperature_celsius, 55);
    assertEquals(reading.throttle_reasons, 5);
    assertEquals([reading.power_w, reading.power_instant_w], [250.5, null]);
    assert(reading.energy_j! >= 1000);
    assertEquals(nvml.gpus[0].absent.fan_percent, "Function Not Found");
    using sampler = sample(path, { metrics: ["gpu", "gpm"] });
    const names = sampler.layout.fields.map((field) => field.name);
    assert(names.includes("gpu0.power_w") && names.includes("gpu0.energy_j"));
    assert(!names.includes("gpu0.fan_percent") && !names.some((name) => name.includes("gpm")));
    assert(sampler.layout.sources.find(({ name }) => name === "gpm")!.note!.includes("no device"));
  }, without);
});

Deno.test("a library with nothing but its start offers no device and does not crash", async () => {
  const sources = ["fake_nvml.c", "fake_gpm.h"].map((name) =>
    Deno.readTextFileSync(new URL(name, import.meta.url))
  );
  const all = sources.join("\n").match(/^nvmlReturn_t nvml\w+|^const char \*nvml\w+/gm)!
    .map((line) => line.split(/[ *]/).at(-1)!);
  const without = all.filter((symbol) => symbol !== "nvmlInit_v2");
  assert(without.length > 30);
  await withFake("", (path) => {
    using nvml = new Nvml(native, path);
    assertEquals(nvml.description.driver_version, null);
    assertEquals(nvml.gpus, []);
  }, without);
});

Deno.test("structures of another version are asked for in the older way", async () => {
  const script = "error=nvmlDeviceGetMemoryInfo_v2:25,nvmlDeviceGetTemperatureV:25,186:3";
  await withFake(`${script};memory_used_mb=10`, (path) => {
    using nvml = new Nvml(native, path);
    const reading = nvml.read(0);
    assertEquals(reading.memory_used_bytes, 11 * 2 ** 20);
    assertEquals(reading.temperature_celsius, 55);
    assertEquals(reading.power_w, 123);
  });
});

Deno.test("sampler: the GPU's values are in the records, per process too", async () => {
  await withFake(
    "devices=2;power_mw=250500;memory_used_mb=2048;processes=77:4096",
    async (path) => {
      using sampler = sample(path, { metrics: ["gpu", "memory"], pids: [77] });
      const record = await firstRecord(sampler);
      for (const [name, value] of Object.entries(READING)) {
        assertEquals(record[`gpu1.${name}`], value, name);
      }
      assertEquals(record["gpu0.process.77.memory_bytes"], 4096);
      assert(record["memory.total_bytes"]! > 0);
    },
  );
});

Deno.test("a GPU that is lost ends its series by name; the other goes on", async () => {
  await withFake("devices=2;lost=1@0.3", async (path) => {
    using sampler = sample(path);
    sampler.start();
    await until(() => sampler.status().ended.length > 0);
    const [{ series, reason, t_ns }] = sampler.status().ended;
    assertEquals([series, reason], ["gpu1", "GPU is lost"]);
    assert(t_ns >= 0 && t_ns < 5e9);
    for (const _ of sampler.drainAll()); // up to the loss
    let batch = sampler.drain();
    await until(() => (batch = sampler.drain()).count > 0);
    const last = batch.count - 1;
    assertEquals(batch.value(last, fieldOf(sampler, "gpu1.energy_j")), null);
    assertEquals(batch.value(last, fieldOf(sampler, "gpu1.memory_used_bytes")), null);
    assert(batch.valid(last, fieldOf(sampler, "gpu0.energy_j")));
    assertEquals(sampler.status().ended.length, 1);
  });
});

Deno.test("an error that passes leaves a gap, not an end", async () => {
  const script = "error=nvmlDeviceGetClockInfo:999;error_after_s=0.3";
  await withFake(script, async (path) => {
    using sampler = sample(path);
    const clock = fieldOf(sampler, "gpu0.sm_clock_mhz");
    sampler.start();
    let known = false, gap = false;
    await until(() => {
      for (const batch of sampler.drainAll()) {
        for (let i = 0; i < batch.count; i++) {
          known ||= batch.value(i, clock) === 1980;
          gap ||= !batch.valid(i, clock) && batch.valid(i, fieldOf(sampler, "gpu0.power_limit_w"));
        }
      }
      return known && gap;
    });
    assertEquals(sampler.status().ended, []);
  });
});

Deno.test("the PCIe counters grow on across their 32 bits", async () => {
  await withFake("pcie_start=4294900000", async (path) => {
    using sampler = sample(path, { rateHz: 500 });
    const sent = fieldOf(sampler, "gpu0.pcie_sent_bytes");
    sampler.start();
    let last = 0;
    await until(() => {
      for (const batch of sampler.drainAll()) {
        for (let i = 0; i < batch.count; i++) {
          const bytes = batch.value(i, sent)!;
          assert(bytes >= last, `${bytes} after ${last}`);
          last = bytes;
        }
      }
      return last > 2 ** 32 + 100_000;
    });
    assert(last < 2 ** 32 + 100_000_000);
  });
});

Deno.test("MIG: what the parts offer is read from them, and the layout says so", async () => {
  await withFake("devices=2;mig=1;memory_used_mb=2048", async (path) => {
    using nvml = new Nvml(native, path);
    assertEquals(nvml.gpus.map((gpu) => gpu.series), [
      "gpu0",
      "gpu0.mig0",
      "gpu0.mig1",
      "gpu1",
    ]);
    assertEquals(nvml.read(0).utilization_percent, null);
    assertEquals(nvml.gpus[0].absent.utilization_percent, "Not Supported");
    using sampler = sample(path, { metrics: ["gpu", "gpm"] });
    assert(sampler.layout.sources[0].note!.startsWith("gpu0 is in MIG mode: no utilisation"));
    const record = await firstRecord(sampler);
    assertEquals(record["gpu0.mig1.memory_used_bytes"], 2 ** 30);
    assertEquals(record["gpu0.power_instant_w"], 100);
    assertEquals(record["gpu1.utilization_percent"], 50);
    assert(!("gpu0.utilization_percent" in record) && !("gpu0.mig0.energy_j" in record));
    const sm = fieldOf(sampler, "gpu0.mig1.gpm_sm_percent");
    let value: number | null = null;
    await until(() => {
      for (const batch of sampler.drainAll()) value = batch.value(batch.count - 1, sm) ?? value;
      return value !== null;
    });
    assertEquals(value, 202, "metric 2 of GPU instance 2");
  });
});

Deno.test("GPM is read only where it is asked for, from samples 100 ms apart", async () => {
  await withFake("", async (path) => {
    using plain = sample(path);
    assert(!plain.layout.fields.some((field) => field.source === "gpm"));
    using sampler = sample(path, { metrics: ["gpm"] });
    assert(sampler.layout.fields.every((field) => field.source === "gpm"));
    sampler.start();
    const place = (name: string) => fieldOf(sampler, `gpu0.gpm_${name}`);
    let record: (number | null)[] = [];
    await until(() => {
      for (const batch of sampler.drainAll()) {
        record = sampler.layout.fields.map((_, i) => batch.value(batch.count - 1, i));
      }
      return record[place("sm_percent")] != null;
    });
    assertEquals(record[place("tensor_percent")], 5);
    assertEquals(record[place("dram_percent")], 10);
    assertEquals(record[place("pcie_sent_bytes_per_s")], 20 * 2 ** 20);
    assertEquals(record[place("nvlink_sent_bytes_per_s")], null, "the driver refused this one");
  });
});

/** Scenarios that take seconds, all at once: each opens its sampler as soon as its fake is told. */
const OVER_TIME: Record<string, () => Promise<void>> = {
  "update periods are found: 20 ms energy, 100 ms power; records tell NVML's time": async () => {
    await withFake("power_mw=100000,300000/100;energy_step_ms=20", async (path) => {
      using sampler = sample(path, { rateHz: 200 });
      sampler.start();
      await until(() => sampler.status().elapsed_ns > 1.4e9);
      const polls = sampler.status().sources[0].reads;
      await until(() => sampler.status().elapsed_ns > 2.4e9);
      sampler.stop();
      const status = sampler.status();
      const period = (name: string) =>
        status.fields[fieldOf(sampler, name)].update_period_ns! / 1e6;
      assertAlmostEquals(period("gpu0.energy_j"), 20, 8);
      assertAlmostEquals(period("gpu0.power_instant_w"), 100, 40);
      assertEquals(status.fields[fieldOf(sampler, "gpu0.power_average_w")].update_period_ns, null);
      assert(status.sources[0].reads - polls <= 60, "after the probe 50 polls a second at most");
      const power = fieldOf(sampler, "gpu0.power_instant_w");
      let nvml_ns = 0, records = 0, fresh = 0;
      for (const batch of sampler.drainAll()) {
        for (let i = 0; i < batch.count; i++, records++) {
          nvml_ns += batch.nvml_ns(i);
          fresh += Number(batch.fresh(i, power));
        }
      }
      assert(nvml_ns > 0 && nvml_ns <= status.nvml_ns);
      assert(fresh < 40 && records > 200, `${fresh} of ${records} records carry a new power`);
      assert(fresh >= 10);
    });
  },
  "energy over a second is the script's power, within a step": async () => {
    await withFake("power_mw=100000,300000/100;energy_step_ms=20", async (path) => {
      using sampler = sample(path, { rateHz: 500 });
      const energy = fieldOf(sampler, "gpu0.energy_j");
      sampler.start();
      const steps: { t_ns: number; joules: number }[] = [];
      await until(() => {
        for (const batch of sampler.drainAll()) {
          for (let i = 0; i < batch.count; i++) {
            if (!batch.fresh(i, energy)) continue;
            steps.push({ t_ns: batch.t_ns(i), joules: batch.value(i, energy)! });
          }
        }
        return (steps.at(-1)?.t_ns ?? 0) > 1.2e9;
      });
      const from = steps[1], to = steps.at(-1)!;
      const watts = (to.joules - from.joules) / (to.t_ns - from.t_ns) * 1e9;
      assertAlmostEquals(watts, 200, 20);
    });
  },
  "a GPU that was lost and comes back stays ended: its counters began anew": async () => {
    await withFake("lost=0@0.2-0.4", async (path) => {
      using sampler = sample(path);
      const energy = fieldOf(sampler, "gpu0.energy_j");
      sampler.start();
      await until(() => sampler.status().elapsed_ns > 0.8e9);
      assertEquals(sampler.status().ended.length, 1);
      let batch = sampler.drain();
      await until(() => (batch = sampler.drain()).count > 0);
      assertEquals(batch.value(batch.count - 1, energy), null);
    });
  },
  "a counter that seldom moves is polled ten times a second": async () => {
    await withFake("energy_step_ms=420", async (path) => {
      const RATE_HZ = 200;
      using sampler = sample(path, { rateHz: RATE_HZ });
      sampler.start();
      await until(() => sampler.status().elapsed_ns > 1.3e9);
      const before = sampler.status();
      await until(() => sampler.status().elapsed_ns > 2.3e9);
      const after = sampler.status();
      // a busy machine may look late, and leaves the sampler fewer ticks to read at
      const seconds = (after.elapsed_ns - before.elapsed_ns) / 1e9;
      const share = (after.ticks - before.ticks) / (RATE_HZ * seconds);
      const reads = after.sources[0].reads - before.sources[0].reads;
      assert(
        reads >= 7 * share * seconds && reads <= 13 * seconds,
        `${reads} reads in ${seconds} s, at ${share} of its ticks`,
      );
    });
  },
  "slow calls: after the first second NVML stays under 1 % of the wall's time": async () => {
    await withFake("devices=2;call_us=200", async (path) => {
      const RATE_HZ = 500;
      using sampler = sample(path, { gpuHz: 100, rateHz: RATE_HZ });
      sampler.start();
      await until(() => sampler.status().elapsed_ns > 1.3e9);
      const before = sampler.status();
      await until(() => sampler.status().elapsed_ns > 4.3e9);
      // a call in which a busy machine did something else is made up for in the seconds after it
      const after = await until(() => {
        const now = sampler.status();
        const spent_ns = now.nvml_ns - before.nvml_ns;
        const round_ns = now.nvml_ns / now.sources[0].reads;
        const allowed_ns = (now.elapsed_ns - before.elapsed_ns) / 100;
        const credit_ns = 2.5e6; // a quarter of a second's
        return spent_ns <= allowed_ns + credit_ns + 2 * round_ns ? now : undefined;
      }, "less than 1 % of the time in NVML");
      assert(after.nvml_backoffs > before.nvml_backoffs);
      assert(after.sources[0].reads > before.sources[0].reads, "it still polls");
      assert(after.ticks > 250, "records come on, whatever NVML does");
    });
  },
  "cheap calls: the GPU is polled at the rate that was asked for": async () => {
    await withFake("", async (path) => {
      const RATE_HZ = 500;
      using sampler = sample(path, { gpuHz: 100, rateHz: RATE_HZ });
      sampler.start();
      await until(() => sampler.status().elapsed_ns > 1.2e9);
      const before = sampler.status();
      await until(() => sampler.status().elapsed_ns > 2e9);
      const after = sampler.status();
      const polls = after.sources[0].reads - before.sources[0].reads;
      const seconds = (after.elapsed_ns - before.elapsed_ns) / 1e9;
      // a busy machine takes ticks from the sampler: the polls are a share of those that it got
      const got = (after.ticks - before.ticks) / (seconds * RATE_HZ);
      assertAlmostEquals(polls / seconds, 100 * Math.min(1, got), 25);
    });
  },
};

Deno.test("over time", async (t) => {
  const together = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
  await Promise.all(
    Object.entries(OVER_TIME).map(([name, fn]) => t.step({ name, fn, ...together })),
  );
});
