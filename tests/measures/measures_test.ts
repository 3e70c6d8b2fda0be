/** The list of measures: what reads it agrees with it, and names of quantiles are read right. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { PAIRED_METRICS } from "../../lib/compare/compare.ts";
import { isLimitMetric } from "../../lib/compare/gate_limits.ts";
import { isLoadMetric } from "../../lib/compare/compare_load.ts";
import { TREND_METRICS } from "../../lib/compare/trend.ts";
import { performanceOver } from "../../lib/hardware/performance.ts";
import { Series } from "../../lib/hardware/series.ts";
import { isDistribution } from "../../lib/load/results.ts";
import {
  describeDelta,
  describeValue,
  headingOf,
  isHigherBetter,
} from "../../lib/measures/describe.ts";
import { latenciesOf, measureNamed, MEASURES, quantileName } from "../../lib/measures/measures.ts";
import { Families } from "../../lib/prometheus/families.ts";
import { RequestMetrics } from "../../lib/prometheus/request_metrics.ts";
import { HOST_FIGURES } from "../../lib/sweep/columns.ts";
import type { SamplerLayout } from "../../lib/native/sample_batch.ts";

Deno.test("each measure has one name, and all that a reader needs", () => {
  assertEquals(new Set(MEASURES.map(({ name }) => name)).size, MEASURES.length);
  for (const { name, term, definition, needs, kind } of MEASURES) {
    for (const words of [term, definition, needs]) assert(words.length > 1, name);
    assert(!definition.includes("|"), `${name}: it stands in a table`);
    // a latency's name tells its unit, which its quantiles' names take over
    assertEquals(kind === "latency", name.endsWith("_ms"), name);
  }
});

Deno.test("whatever is compared, followed or shown is on the list", () => {
  for (const name of [...PAIRED_METRICS, ...TREND_METRICS]) assert(measureNamed(name), name);
  for (const measure of latenciesOf("load")) {
    assert(isDistribution(measure.name), measure.name);
    for (const q of [0.5, 0.75, 0.9, 0.99, 0.999]) {
      const name = quantileName(measure, q);
      assertEquals(measureNamed(name)?.measure, measure);
      assert(Math.abs(measureNamed(name)!.quantile! - q) < 1e-12, name);
      assert(isLoadMetric(name) && isLimitMetric(name), name);
    }
  }
});

Deno.test("what the host tells is on the list, and tables name it by that", () => {
  const samples = new Set(["samples", "cpu_per_core_percent"]); // a count, and a list of one that is
  const fields = performanceOver(new Series({ fields: [] } as unknown as SamplerLayout, 64), 0, 1);
  for (const name of Object.keys(fields)) {
    if (!samples.has(name)) assert(measureNamed(name), name);
  }
  for (const name of HOST_FIGURES) assert(measureNamed(name.replace(/^host_/, "")), name);
  assertEquals(headingOf("gap_ms", "p99"), "gap (ITL) p99, ms");
  assertEquals(headingOf("gpu_memory_used_gb"), "GPU memory, GiB");
  assertThrows(() => headingOf("nothing_ms"), RangeError, "nothing_ms");
});

Deno.test("the help of a Prometheus family is the definition of what it measures", async () => {
  const families = await Families.open("dyno");
  new RequestMetrics(families);
  const text = await families.text();
  const told: [family: string, name: string][] = [
    ["time_to_first_token_seconds", "ttft_ms"],
    ["inter_token_latency_seconds", "gap_ms"],
    ["time_per_output_token_seconds", "tpot_ms"],
    ["e2e_request_latency_seconds", "e2e_ms"],
    ["request_lateness_seconds", "lateness_ms"],
    ["goodput_requests_per_second", "goodput_requests_per_s"],
    ["prompt_tokens_total", "prompt_tokens"],
    ["completion_tokens_total", "completion_tokens"],
    ["cost_usd_total", "cost_usd"],
  ];
  for (const [family, name] of told) {
    const { term, definition } = measureNamed(name)!.measure;
    const [, help] = new RegExp(`^# HELP dyno_${family} (.*)$`, "m").exec(text)!;
    assert(help.startsWith(`${term}: ${definition.replaceAll("`", "")}`), help);
  }
});

Deno.test("names of quantiles: any of a latency, and no other name", () => {
  assertEquals(measureNamed("ttft_p99_9_ms")?.quantile, 0.999);
  assertEquals(measureNamed("gap_p5_ms")?.quantile, 0.05);
  const none = [
    "ttft_p0_ms",
    "ttft_p100_ms",
    "ttft_p_ms",
    "nothing_p50_ms",
    "pass_p50_rate",
    "ttft",
  ];
  for (const name of [...none, "requests_p50_ms", "__proto__", "ttft_p99_s", ""]) {
    assertEquals([name, measureNamed(name)], [name, null]);
  }
  assertEquals([isLoadMetric("pass_rate"), isLoadMetric("latency_p50_ms")], [false, false]);
});

Deno.test("values are written by their kind, and a name outside the list is a bare number", () => {
  const cases: [name: string, value: number, written: string][] = [
    ["gap_p95_ms", 12.3456, "12.35 ms"],
    ["goodput_requests_per_s", 2.5, "2.500/s"],
    ["error_rate", 0.031, "3.1 %"],
    ["duration_s", 12, "12.0 s"],
    ["completion_tokens", 12345, "12,345"],
    ["energy_j", 1.5, "1.500 J"],
    ["tool_ms", 3.25, "3.250"],
  ];
  for (const [name, value, written] of cases) assertEquals(describeValue(name, value), written);
  assertEquals(describeDelta("error_rate", 0.02, true), "+2.0 pp");
  const higher = MEASURES.filter(({ name }) => isHigherBetter(name)).map(({ name }) => name);
  assert(higher.includes("score") && higher.includes("prompt_tokens_per_s"));
  assertEquals([isHigherBetter("ttft_p50_ms"), isHigherBetter("error_rate")], [false, false]);
});
