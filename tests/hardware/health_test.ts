/** Health alerts: given once when a threshold is passed, and again after it was well. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { HealthWatch } from "../../lib/hardware/health.ts";
import type { SampledGpu } from "../../lib/hardware/samples.ts";
import { seriesOf } from "./series_fixture.ts";

const S = 1e9;
const well = { memory: 0.5, finished: 20, failed: 0 };

Deno.test("hot sensors, throttling, memory and errors are told with value and threshold", () => {
  const series = seriesOf({
    "gpu0.temperature_celsius": [60, 91],
    "temperature.coretemp.Core_0_celsius": [60, 94],
    "gpu0.throttled_power_s": [0, 0.4],
    "gpu0.throttled_brake_s": [3, 3],
  }, [0, S]);
  const alerts = new HealthWatch().look(series, S, { memory: 0.93, finished: 20, failed: 5 });
  assertEquals(alerts.map(({ kind, device }) => [kind, device]), [
    ["memory", null],
    ["error_rate", null],
    ["temperature", "gpu0.temperature_celsius"],
    ["throttling", "gpu0.throttled_power_s"],
  ]);
  assertEquals([alerts[2].value, alerts[2].threshold], [91, 90]);
  assertStringIncludes(alerts[1].message, "5 of 20 tests without an answer (25 %), threshold 20");
});

Deno.test("an alert is given once, and again after it was well", () => {
  const watch = new HealthWatch({ memory_percent: 80 });
  const look = (memory: number) => watch.look(null, S, { ...well, memory }).length;
  assertEquals([look(0.7), look(0.85), look(0.9), look(0.7), look(0.85)], [0, 1, 0, 0, 1]);
});

Deno.test("a few failures at the start are no error rate", () => {
  assertEquals(new HealthWatch().look(null, S, { memory: null, finished: 5, failed: 5 }), []);
});

Deno.test("a GPU's own limits are asked: of its core, of its memory, or what margin is left", () => {
  const thresholds = { name: null, uuid: null, slowdown_celsius: 83, memory_max_celsius: 95 };
  const alerts = (celsius: Record<string, number>, gpu: Partial<SampledGpu>) => {
    const fields = Object.entries(celsius).map(([name, value]) => [`gpu0.${name}`, [value, value]]);
    const series = seriesOf(Object.fromEntries(fields), [0, S]);
    const gpus = [{ series: "gpu0", name: null, uuid: null, ...gpu }];
    return new HealthWatch().look(series, S, { ...well, gpus }).map((
      { device, value, threshold },
    ) => [
      device!.slice("gpu0.".length),
      value,
      threshold,
    ]);
  };
  const core = "temperature_celsius", memory = "memory_temperature_celsius";
  const margin = "temperature_margin_celsius";
  // 94 °C of memory is no fault where the device says 95, as nvidia-smi -q shows of an A100
  assertEquals(alerts({ [core]: 82, [memory]: 94 }, thresholds), []);
  assertEquals(alerts({ [core]: 84, [memory]: 96 }, thresholds), [[core, 84, 83], [
    memory,
    96,
    95,
  ]]);
  // Hopper: T.Limit temperatures; it slows down 2 below 0, however warm that is
  const newer = { slowdown_margin_celsius: -2 };
  assertEquals(alerts({ [core]: 93, [margin]: 1 }, newer), []);
  assertEquals(alerts({ [core]: 80, [margin]: -3 }, newer), [[margin, -3, -2]]);
  // where a device tells nothing, the thresholds that were given
  assertEquals(alerts({ [core]: 91, [memory]: 94 }, {}), [[core, 91, 90]]);
});
