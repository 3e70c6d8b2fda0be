/** Energy against counters and powers whose true values are known. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  aboveIdle,
  energiesOver,
  energyDevices,
  energyOver,
  idlePower,
  shareEnergy,
} from "../../lib/hardware/energy.ts";
import { seriesOf } from "./series_fixture.ts";

const S = 1e9;

/** A device at constant power, sampled at 50 Hz for 10 s, whose counter moves only every `step_s`. */
function steady(power_w: number, step_s: number) {
  const t_ns = Array.from({ length: 501 }, (_, i) => i * 0.02 * S);
  const energy = t_ns.map((t) => 1000 + power_w * Math.floor(t / S / step_s + 1e-9) * step_s);
  return seriesOf({ "gpu0.energy_j": energy, "gpu0.power_w": t_ns.map(() => power_w) }, t_ns);
}

Deno.test("a stepping counter: the truth lies within the stated error, for any window", () => {
  const series = steady(300, 0.1);
  for (let from_s = 1; from_s < 4; from_s += 0.137) {
    for (const span_s of [0.05, 0.5, 3, 5]) {
      const energy = energyOver(series, "gpu0", from_s * S, (from_s + span_s) * S)!;
      assertEquals(energy.method, "counter");
      assert(
        Math.abs(energy.energy_j - 300 * span_s) <= energy.error_j + 1e-6,
        `${from_s} ${span_s}: ${energy.energy_j}`,
      );
      assert(energy.error_j <= 300 * 0.1 + 1e-6, `error ${energy.error_j} J is more than a step`);
    }
  }
});

Deno.test("without a counter, power is integrated", () => {
  const t_ns = Array.from({ length: 101 }, (_, i) => i * 0.1 * S);
  const series = seriesOf({ "gpu0.power_w": t_ns.map((t) => t < 5 * S ? 100 : 300) }, t_ns);
  const energy = energyOver(series, "gpu0", 2 * S, 8 * S)!;
  assertEquals(energy.method, "integrated power");
  assert(Math.abs(energy.energy_j - (3 * 100 + 3 * 300)) <= energy.error_j);
  assertAlmostEquals(energy.power_w, energy.energy_j / 6, 1e-9);
});

Deno.test("a span that is not covered by samples has no energy", () => {
  const series = steady(300, 0.1);
  assertEquals(energyOver(series, "gpu0", -S, 5 * S), null);
  assertEquals(energyOver(series, "gpu0", 5 * S, 11 * S), null);
  assertEquals(energyOver(series, "gpu1", 1 * S, 5 * S), null);
  assertEquals(energyOver(series, "gpu0", 5 * S, 5 * S), null);
});

Deno.test("packages count, their parts do not; idle is taken off apart", () => {
  const t_ns = Array.from({ length: 101 }, (_, i) => i * 0.1 * S);
  const series = seriesOf({
    "rapl.package-0.energy_j": t_ns.map((t) => 50 * t / S),
    "rapl.core.energy_j": t_ns.map((t) => 20 * t / S),
    "rapl.dram.energy_j": t_ns.map((t) => 5 * t / S),
  }, t_ns);
  assertEquals(energyDevices(series), ["rapl.package-0", "rapl.dram"]);
  const idle = idlePower(series, 0, 2 * S);
  assertAlmostEquals(idle["rapl.package-0"], 50, 1e-6);
  const [pkg] = energiesOver(series, 2 * S, 8 * S);
  assertAlmostEquals(aboveIdle(pkg, { "rapl.package-0": 30 }, 6)!, 120, 1e-6);
  assertEquals(aboveIdle(pkg, {}, 6), null);
});

Deno.test("requests share a device's energy by the tokens they produce at each moment", () => {
  const series = steady(100, 0.02);
  const [alone, half, fast] = shareEnergy(series, "gpu0", [
    { start_ns: 1 * S, end_ns: 3 * S, tokens: 20 }, // alone for a second, then beside the next
    { start_ns: 2 * S, end_ns: 4 * S, tokens: 20 },
    { start_ns: 5 * S, end_ns: 6 * S, tokens: 7 },
  ]);
  assertAlmostEquals(alone, 150, 3);
  assertAlmostEquals(half, 150, 3);
  assertAlmostEquals(fast, 100, 3);
  const shares = shareEnergy(series, "gpu0", [
    { start_ns: 1 * S, end_ns: 2 * S, tokens: 30 },
    { start_ns: 1 * S, end_ns: 2 * S, tokens: 10 },
    { start_ns: 1 * S, end_ns: 2 * S, tokens: 0 },
  ]);
  assertAlmostEquals(shares[0] / shares[1], 3, 1e-9);
  assertAlmostEquals(shares[0] + shares[1], 100, 3);
  assertEquals(shares[2], 0);
});

Deno.test("a board that is split by MIG is booked on nobody; any power there is counts", () => {
  const t_ns = [0, 1e9, 2e9];
  const split = seriesOf({
    "gpu0.energy_j": [0, 100, 200],
    "gpu0.mig0.memory_used_bytes": [1, 1, 1],
    "gpu1.energy_j": [0, 50, 100],
    "gpu2.power_average_w": [40, 40, 40],
    "gpu3.power_w": [30, 30, 30],
  }, t_ns);
  assertEquals(
    energiesOver(split, 0, 2e9).map(({ device, energy_j }) => [device, energy_j]),
    [["gpu1", 100], ["gpu2", 80], ["gpu3", 60]],
  );
});

Deno.test("a platform's counter holds its packages, a package its cores: each joule once", () => {
  const counter = [0, 10];
  const series = seriesOf({
    "rapl.psys.energy_j": counter,
    "rapl.package-0.energy_j": counter,
    "rapl.package-0.core.energy_j": counter,
    "rapl.package-0.uncore.energy_j": counter,
    "rapl.package-0.dram.energy_j": counter,
  }, [0, 1e9]);
  assertEquals(energyDevices(series), ["rapl.package-0", "rapl.package-0.dram"]);
});

Deno.test("a counter that is no longer read does not pass for a device that took nothing", () => {
  // 200 W for 4 s; under heavy load the driver was asked for the last time after 3 s
  const t_ns = Array.from({ length: 401 }, (_, i) => i * 0.01 * S);
  const read = t_ns.map((t) => 200 * Math.min(3, Math.floor(t / S / 0.1 + 1e-9) * 0.1));
  const series = seriesOf({ "gpu0.energy_j": read }, t_ns);
  const late = energyOver(series, "gpu0", 1 * S, 4 * S)!;
  assert(Math.abs(late.energy_j - 600) <= late.error_j, `${late.energy_j} ± ${late.error_j} J`);
  assertEquals(energyOver(series, "gpu0", 3.2 * S, 4 * S), null);
  const known = energyOver(series, "gpu0", 1 * S, 2.5 * S)!;
  assert(known.error_j <= 20, `${known.error_j} J`); // one step
});

Deno.test("a counter that moves no more is known to its last step, however small those before were", () => {
  // 10 W for 5 s, then 300 W; the counter moves every second, and was asked for the last time after 6 s
  const t_ns = Array.from({ length: 701 }, (_, i) => i * 0.01 * S);
  const joules = (s: number) => 10 * Math.min(s, 5) + 300 * Math.max(0, s - 5);
  const read = t_ns.map((t) => joules(Math.min(6, Math.floor(t / S + 1e-9))));
  const series = seriesOf({ "gpu0.energy_j": read }, t_ns);
  for (const from_s of [0.5, 2.3, 4.1]) {
    for (const to_s of [6.02, 6.3, 6.5]) {
      const { energy_j, error_j } = energyOver(series, "gpu0", from_s * S, to_s * S)!;
      const off = Math.abs(energy_j - (joules(to_s) - joules(from_s)));
      assert(off <= error_j, `${from_s} to ${to_s} s: off by ${off} of ${error_j} J`);
      assert(error_j >= 150, `${error_j} J`); // half of 300
    }
  }
});
