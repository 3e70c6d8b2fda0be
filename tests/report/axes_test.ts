/** Axes of charts: ticks, units, and the time of a run without its pauses. */
import { assertEquals } from "@std/assert";
import {
  durationLabel,
  logTicks,
  rateUnit,
  timeLabel,
  timeStep,
} from "../../lib/report/charts/scales.ts";
import { onAxis, timeAxis } from "../../lib/report/charts/time_axis.ts";
import { busySeconds } from "../../lib/suite/spans.ts";
import type { ItemSpan } from "../../lib/report/charts/spans.ts";
import type { ResultItem } from "../../lib/suite/results.ts";

const spans = (...times: [start_s: number, end_s: number][]) =>
  times.map(([start_s, end_s]): ItemSpan => ({ item: {} as ResultItem, start_s, end_s }));

Deno.test("a time axis has the steps of a clock, and at most as many as there is room for", () => {
  assertEquals([0.9, 9, 40, 400, 5000, 90_000, 1e7].map((length_s) => timeStep(length_s, 10)), [
    0.1,
    1,
    5,
    60,
    600,
    10_800,
    12 * 86_400,
  ]);
  assertEquals([timeLabel(0.30000000000000004, 0.1), timeLabel(120, 60), timeLabel(7200, 3600)], [
    "0.3 s",
    "2 min",
    "2 h",
  ]);
});

Deno.test("a logarithmic axis has ticks at 1, 2 and 5 within its ends", () => {
  assertEquals(logTicks(18, 1100), [20, 50, 100, 200, 500, 1000]);
  assertEquals(logTicks(0.3, 0.9), [0.5]);
});

Deno.test("durations and rates have the unit that is read most easily", () => {
  assertEquals([0.25, 999, 1500, 180_000, 8 * 3600e3].map(durationLabel), [
    "0.25 ms",
    "999 ms",
    "1.5 s",
    "3 min",
    "8 h",
  ]);
  assertEquals([0, 2e6, 3e9].map((most) => rateUnit(most).name), ["kB/s", "MB/s", "GB/s"]);
});

Deno.test("only pauses that are long beside the run are left out", () => {
  const short = timeAxis(spans([0, 10], [5, 20], [50, 60]));
  assertEquals([short.stretches.length, short.length_s], [1, 60]);
  const run = spans([0, 10], [5, 20], [1000, 1010]);
  const axis = timeAxis(run);
  assertEquals(axis.stretches.map(({ at_s }) => at_s), [0, 20]);
  assertEquals([3, 20, 500, 1004].map((at_s) => onAxis(axis, at_s)), [3, 20, 20, 24]);
  assertEquals([busySeconds(run), axis.length_s], [30, 30]);
  assertEquals(timeAxis(spans([0, 1000], [1100, 1200])).stretches.length, 1); // a tenth of the run
});
