/**
 * Kinds of cards and drivers, played by the fake NVML: what each refuses is NVIDIA's documentation of
 * nvml.h (fields 185 and 193 to 196, "supported on"), and reports of the drivers' users.
 */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Nvml } from "../../lib/native/nvml.ts";
import { NativeSampler, type NativeSamplerOptions } from "../../lib/native/sampler.ts";
import { until } from "../until.ts";
import { fieldOf, firstRecord, library, withFakeNvml } from "./fixtures.ts";

const native = await library();

const sample = (nvmlPath: string, options: NativeSamplerOptions = {}) =>
  new NativeSampler(native, { metrics: ["gpu"], nvmlPath, ...options });

/** `count` processes from pid 101 on, each with its own memory. */
const processes = (count: number, bytes: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => ({ pid: 101 + i, memory_bytes: bytes(i) }));
const scripted = (list: ReturnType<typeof processes>) =>
  list.map(({ pid, memory_bytes }) => `${pid}:${memory_bytes}`).join(",");

for (const driver of ["525.60.13", "535.43.02", "535.54.03", "535.86.10", "535.98", "580.65.06"]) {
  Deno.test(`driver ${driver}: every process, whatever form its records have`, async () => {
    for (const count of [1, 2, 3, 60, 64, 65, 300]) {
      // memory as small as a process id, none, and much: what one form's field reads as in the other
      for (const bytes of [(i: number) => 4096 + i, () => 0, (i: number) => (i + 1) * 2 ** 30]) {
        const list = processes(count, bytes);
        for (const clears of [0, 1]) {
          const script = `driver=${driver};processes=${scripted(list)};clears=${clears}`;
          await withFakeNvml(script, (path) => {
            using nvml = new Nvml(native, path);
            assertEquals(nvml.processes(0), list);
          });
        }
      }
    }
  });
}

Deno.test("power: whatever reading there is, and which kind it is", async () => {
  const script = "power_mw=250500";
  const kinds: [string, string[], number, string | null][] = [
    ["card=h100", [], 123, "average"], // field 185, which the fake sets at 123 W
    ["card=a100", [], 250.5, "instant"],
    ["card=a100", ["nvmlDeviceGetFieldValues"], 250.5, "instant"], // GA100 by its capability 8.0
    ["card=a10", ["nvmlDeviceGetFieldValues"], 250.5, "average"],
    ["card=h900", ["nvmlDeviceGetFieldValues", "nvmlDeviceGetArchitecture"], 250.5, null],
    ["card=h100;error=185:999", [], 250.5, "average"], // for now not told
  ];
  for (const [card, without, power_w, kind] of kinds) {
    await withFakeNvml(`${card};${script}`, async (path) => {
      using nvml = new Nvml(native, path);
      assertEquals([nvml.read(0).power_w, nvml.gpus[0].power_kind], [power_w, kind], card);
      using sampler = sample(path);
      assertEquals((await firstRecord(sampler))["gpu0.power_w"], power_w);
    }, without);
  }
  await withFakeNvml("card=vgpu", (path) => {
    using nvml = new Nvml(native, path);
    assertEquals([nvml.read(0).power_w, nvml.gpus[0].power_kind], [null, null]);
    assertEquals(nvml.gpus[0].absent.power_w, "Not Supported");
  });
});

Deno.test("the limit that is enforced and the one that was asked for are two", async () => {
  await withFakeNvml("card=h100", (path) => {
    using nvml = new Nvml(native, path);
    const { power_limit_w, power_requested_limit_w } = nvml.read(0);
    assertEquals([power_limit_w, power_requested_limit_w], [650, 700]);
  });
});

Deno.test("from when on a device slows down: temperatures, or margins on newer ones", async () => {
  const thresholds = async (card: string) => {
    let found: (number | null)[] = [];
    await withFakeNvml(`card=${card};temperature=60`, (path) => {
      using nvml = new Nvml(native, path);
      const [gpu] = nvml.gpus;
      found = [
        ...[gpu.slowdown_celsius, gpu.gpu_max_celsius, gpu.memory_max_celsius],
        ...[gpu.slowdown_margin_celsius, gpu.gpu_max_margin_celsius, gpu.memory_max_margin_celsius],
        nvml.read(0).temperature_margin_celsius,
      ];
    });
    return found;
  };
  assertEquals(await thresholds("a100"), [90, 85, 95, null, null, null, null]);
  assertEquals(await thresholds("h100"), [null, null, null, -2, 0, 0, 25]);
  assertEquals(await thresholds("vgpu"), [null, null, null, null, null, null, null]);
});

Deno.test("memory in use means the same in both versions of the call", async () => {
  const read = async (without: string[]) => {
    let reading: Record<string, number | null> = {};
    await withFakeNvml("memory_used_mb=2048", (path) => {
      using nvml = new Nvml(native, path);
      reading = nvml.read(0);
    }, without);
    return [reading.memory_total_bytes, reading.memory_free_bytes, reading.memory_used_bytes];
  };
  const used = 2 ** 31 + 2 ** 20; // with the megabyte that the driver keeps for itself
  const expected = [80 * 2 ** 30, 80 * 2 ** 30 - used, used];
  assertEquals(await read([]), expected);
  assertEquals(await read(["nvmlDeviceGetMemoryInfo_v2"]), expected);
});

for (const card of ["jetson", "gb10"]) {
  Deno.test(`${card}: memory that is the host's is unknown, not 0; the rest is read`, async () => {
    await withFakeNvml(`card=${card}`, async (path) => {
      using nvml = new Nvml(native, path);
      const reading = nvml.read(0);
      assertEquals([reading.memory_used_bytes, reading.memory_total_bytes], [null, null]);
      assertEquals(nvml.gpus[0].absent.memory_used_bytes, "Not Supported");
      assertEquals(reading.utilization_percent, 50);
      using sampler = sample(path);
      assert(!("gpu0.memory_used_bytes" in await firstRecord(sampler)));
    });
  });
}

/** Bytes a second by the sent counter over half a second; null where it is unknown, or began anew. */
async function pcieRate(script: string, gpuHz?: number): Promise<number | null> {
  let rate: number | null = null;
  await withFakeNvml(script, async (path) => {
    using sampler = sample(path, { gpuHz, rateHz: 200 });
    const sent = fieldOf(sampler, "gpu0.pcie_sent_bytes");
    const known: [t_ns: number, bytes: number][] = [];
    sampler.start();
    await until(() => {
      for (const batch of sampler.drainAll()) {
        for (let i = 0; i < batch.count; i++) {
          const bytes = batch.value(i, sent);
          if (bytes !== null && batch.fresh(i, sent)) known.push([batch.t_ns(i), bytes]);
        }
      }
      return sampler.status().elapsed_ns > 1.7e9;
    });
    // behind the first second, in which the counters are polled tightly
    const late = known.filter(([t_ns]) => t_ns > 1.15e9);
    // where it was read too late it begins anew: its rate over that is unknown
    if (late.length < 3 || late.some(([, bytes], i) => i > 0 && bytes < late[i - 1][1])) return;
    const [[from_ns, from], [to_ns, to]] = [late[0], late.at(-1)!];
    rate = (to - from) / (to_ns - from_ns) * 1e9;
  });
  return rate;
}

Deno.test("PCIe counters of 32 bits: the right rate, or unknown; never one that wrapped unseen", async () => {
  const script = "card=h100;pcie_bytes_per_ms=50000000"; // 50 GB/s: a wrap every 86 ms
  const [own, slow, wide] = await Promise.all([
    pcieRate(script),
    pcieRate(script, 10),
    pcieRate(`${script};pcie_bits=64`, 10),
  ].map((each) => each.catch(() => NaN)));
  // a wrap unseen would take 86 % off; a machine too busy to read in time knows nothing
  if (own !== null) assertAlmostEquals(own, 50e9, 10e9);
  assertEquals(slow, null);
  assertAlmostEquals(wide!, 50e9, 10e9);
});

Deno.test("a count that fails is told with NVML's name for it", async () => {
  for (
    const [code, name] of [[15, "GPU is lost (GPU_IS_LOST)"], [999, "Unknown Error (UNKNOWN)"]]
  ) {
    await withFakeNvml(`error=nvmlDeviceGetCount_v2:${code}`, (path) => {
      using nvml = new Nvml(native, path);
      assertEquals(nvml.gpus, []);
      assertEquals(nvml.description.error, `nvmlDeviceGetCount_v2: ${name}`);
      using sampler = sample(path);
      assertEquals(sampler.layout.sources[0].note, `nvmlDeviceGetCount_v2: ${name}`);
    });
  }
  await withFakeNvml("init=999", (path) => {
    assertThrows(() => new Nvml(native, path), Error, "nvmlInit_v2: Unknown Error (UNKNOWN)");
  });
});

Deno.test("one bad device among several is named; the others are sampled", async () => {
  await withFakeNvml("devices=3;bad_handle=1:15", async (path) => {
    using nvml = new Nvml(native, path);
    assertEquals(nvml.gpus.map(({ series }) => series), ["gpu0", "gpu2"]);
    assertEquals(nvml.description.failed, [
      { series: "gpu1", error: "nvmlDeviceGetHandleByIndex_v2: GPU is lost (GPU_IS_LOST)" },
    ]);
    using sampler = sample(path);
    const [source] = sampler.layout.sources;
    assert(source.available);
    assertMatch(source.note!, /^gpu1 cannot be used: .*GPU is lost \(GPU_IS_LOST\)$/);
    const record = await firstRecord(sampler);
    assertEquals([record["gpu0.power_w"], record["gpu2.power_w"]], [123, 123]);
  });
  await withFakeNvml("devices=1;bad_handle=0:999", (path) => {
    using sampler = sample(path);
    assertMatch(sampler.layout.sources[0].note!, /^gpu0 cannot be used: .*\(UNKNOWN\)$/);
  });
});

Deno.test("a MIG part has its own memory, and nothing that is the whole board's", async () => {
  await withFakeNvml("mig=1;board_on_parts=1", async (path) => {
    using nvml = new Nvml(native, path);
    const [board, part] = nvml.gpus;
    assertEquals([part.series, part.gpu_instance], ["gpu0.mig0", 1]);
    assertEquals([part.pci_bus_id, board.pci_bus_id], ["00000000:10:00.0", "00000000:10:00.0"]);
    const told = Object.entries(nvml.read(1)).filter(([, value]) => value !== null);
    const memory = ["total", "free", "used", "reserved"].map((kind) => `memory_${kind}_bytes`);
    assertEquals(told.map(([name]) => name).sort(), memory.sort());
    using sampler = sample(path);
    const record = await firstRecord(sampler);
    assert("gpu0.energy_j" in record && !("gpu0.mig0.energy_j" in record));
    assert(!("gpu0.mig0.power_w" in record));
  });
});
