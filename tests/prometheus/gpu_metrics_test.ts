/**
 * GPUs as NVIDIA's dcgm-exporter tells them. The names, types and labels are those of its default
 * counters (etc/dcp-metrics-included.csv) and of its template of a line, in which a MIG part has the
 * GPU's number and UUID and adds GPU_I_PROFILE and GPU_I_ID.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { readSamples } from "../../lib/hardware/samples.ts";
import { startSampler } from "../../lib/hardware/sampler.ts";
import { parseExposition } from "../../lib/load/server/prometheus_text.ts";
import { Families } from "../../lib/prometheus/families.ts";
import { HostMetrics } from "../../lib/prometheus/host_metrics.ts";
import { temporaryFolder, withFakeNvml } from "../native/fixtures.ts";
import { until } from "../until.ts";

/** What is told of the GPUs that a fake NVML plays. */
async function told(script: string, without: string[] = []) {
  using folder = temporaryFolder();
  let unavailable: string[] = [];
  await withFakeNvml(script, async (path) => {
    Deno.env.set("DYNO_NVML", path);
    try {
      await using sampler = await startSampler({ directory: folder.path, metrics: ["gpu"] });
      await until(() => sampler.series.length > 2);
      await sampler.stop();
      unavailable = sampler.unavailable();
    } finally {
      Deno.env.delete("DYNO_NVML");
    }
  }, without);
  const families = await Families.open("dyno");
  new HostMetrics(families).tell(readSamples(folder.path));
  const text = await families.text();
  const samples = parseExposition(text).samples.map(({ name, labels, value }) => {
    const { Hostname, ...rest } = labels;
    assertEquals(Hostname, Deno.hostname(), name);
    return { name, labels: rest, value };
  });
  const of = (name: string) => samples.filter((sample) => sample.name === name);
  return { text, of, unavailable };
}

const GPU0 = { gpu: "0", UUID: "GPU-0-0", pci_bus_id: "00000000:10:00.0", device: "nvidia0" };

Deno.test("the limit in force, the limit asked for, the energy's type, the memory in use", async () => {
  const { text, of } = await told("card=h100;memory_used_mb=2048");
  assertEquals(of("DCGM_FI_DEV_POWER_MGMT_LIMIT"), [
    { name: "DCGM_FI_DEV_POWER_MGMT_LIMIT", labels: GPU0, value: 700 },
  ]);
  assertEquals(of("DCGM_FI_DEV_ENFORCED_POWER_LIMIT")[0].value, 650);
  assertMatch(text, /^# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter$/m);
  assertMatch(text, /^# TYPE DCGM_FI_DEV_POWER_USAGE gauge$/m);
  assertEquals(of("DCGM_FI_DEV_FB_USED")[0].value, 2048); // what the driver keeps is apart
  assertEquals(of("DCGM_FI_DEV_FB_RESERVED")[0].value, 1);
});

Deno.test("power is told on every card that has any, and which kind it is", async () => {
  const kinds: [string, number, string][] = [
    ["card=h100;power_mw=250500", 123, "average"],
    ["card=a100;power_mw=250500", 250.5, "instant"],
  ];
  for (const [script, watts, kind] of kinds) {
    const { of } = await told(script);
    assertEquals(of("DCGM_FI_DEV_POWER_USAGE").map(({ value }) => value), [watts]);
    assertEquals(of("dyno_gpu_info")[0].labels.power, kind);
  }
});

Deno.test("a MIG part has its device's labels, its profile and its instance", async () => {
  const { of, unavailable } = await told("card=a100;mig=1;board_on_parts=1;memory_used_mb=2048");
  assertEquals(of("DCGM_FI_DEV_FB_USED").map(({ labels, value }) => [labels, value]), [
    [GPU0, 2048],
    [{ ...GPU0, GPU_I_PROFILE: "1g.10gb", GPU_I_ID: "1" }, 1024],
    [{ ...GPU0, GPU_I_PROFILE: "2g.20gb", GPU_I_ID: "2" }, 1024],
  ]);
  assertEquals(of("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION").map(({ labels }) => labels), [GPU0]);
  assertMatch(unavailable.join("\n"), /^gpu0: split by MIG, its energy/m);
});

Deno.test("a device that cannot be opened is named among what is not sampled", async () => {
  const { of, unavailable } = await told("devices=2;bad_handle=0:15");
  assertEquals(of("DCGM_FI_DEV_POWER_USAGE").map(({ labels }) => labels.gpu), ["1"]);
  assertMatch(unavailable.join("\n"), /^gpu0: not sampled, .*GPU is lost \(GPU_IS_LOST\)/m);
});

Deno.test("a device that is lost meanwhile is named too", async () => {
  const { unavailable } = await told("devices=2;lost=1@0");
  assertMatch(unavailable.join("\n"), /^gpu1: no longer sampled, GPU is lost/m);
});
