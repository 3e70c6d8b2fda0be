/** Health alerts: given once when a threshold is passed, and again after it was well. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { HealthWatch } from "../../lib/hardware/health.ts";
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
