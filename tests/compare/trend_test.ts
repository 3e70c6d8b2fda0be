/** Trends: intervals over problems, and each mode of a comparative run by itself. */
import { assert, assertEquals } from "@std/assert";
import { isTrendMetric, readTrendValues, trendOf } from "../../lib/compare/trend.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { builtinPrices } from "../../lib/run/prices.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { load } from "../load/fixture.ts";
import { modesOf } from "../../lib/run/problems.ts";
import { attemptsShare } from "../../lib/stats/pass_at_k.ts";
import { shareEstimate } from "../../lib/stats/interval.ts";
import { comparedRun } from "../run/runs_fixture.ts";
import type { IndexedRun } from "../../lib/run/index.ts";
import type { RunItem } from "../../lib/run/summary.ts";

/** Four problems of ten answers each: two always solved, two never. */
const MARKS = "1111111111".repeat(2) + "0000000000".repeat(2);

function indexed(change: (item: RunItem, i: number) => void, marks = MARKS): IndexedRun {
  const { summary, items } = comparedRun(marks, change);
  const judged = items.length;
  return {
    ...summary,
    judged,
    not_judged: 0,
    avg_hit_rate: 0.5,
    warnings: [],
    modes: modesOf(items),
    shape: null,
  };
}

const sampled = (item: RunItem, i: number) => item.problem_id = `p${Math.floor(i / 10)}`;

Deno.test("of a sampled run the interval of the pass rate is one over problems", () => {
  const [point] = trendOf([indexed(sampled)], "pass_rate").points;
  const problems = [10, 10, 0, 0].map((c) => ({ n: 10, c }));
  assertEquals(point.value, 0.5);
  assertEquals(point.interval, attemptsShare(problems));
  const naive = shareEstimate(20, 40)!;
  assert(point.interval!.high - point.interval!.low > naive.high - naive.low);
});

Deno.test("a suite whose ids end like samples is no sampled run", () => {
  const [point] = trendOf([indexed((item, i) => item.item_id = `a #${i}`)], "pass_rate").points;
  assertEquals(point.interval, shareEstimate(20, 40));
});

Deno.test("the modes of a comparative run are two series, each with its steps", () => {
  const both = (item: RunItem, i: number) => {
    item.problem_id = `p${i % 2}`;
    item.mode = i < 2 ? "zero-shot" : "iterative";
  };
  const runs = Array.from({ length: 8 }, (_, i) => ({
    ...indexed(both, i < 4 ? "0011" : "0000"),
    run_id: `r${i}`,
    started_at_unix_seconds: 100 - i, // the index gives the newest first
  }));
  const { points, steps } = trendOf(runs.toReversed(), "pass_rate");
  assertEquals(points.map(({ mode }) => mode), [
    ...Array(8).fill("zero-shot"),
    ...Array(8).fill("iterative"),
  ]);
  assertEquals(points.map(({ value }) => value), [
    ...Array(8).fill(0),
    ...[0, 0, 0, 0, 1, 1, 1, 1],
  ]);
  assertEquals(steps.map(({ at, before, after }) => [at, before, after]), [[12, 0, 1]]);
});

Deno.test("models and suites of runs without the metric are not counted together", () => {
  const plain = indexed(() => {});
  const unjudged = indexed((item) => item.passed = null);
  const other = { ...unjudged, model: "b", benchmark: "load", passed: null };
  const { points, notes } = trendOf([plain, other], "pass_rate");
  assertEquals([points.length, notes.filter((note) => note.includes("together"))], [1, []]);
});

Deno.test("a run whose items nobody knows has the figures that its source tells", () => {
  const run = { ...indexed(() => {}), modes: [] };
  const [point] = trendOf([run], "answer_rate").points;
  assertEquals(point.interval, shareEstimate(40, 40));
});

Deno.test("any quantile of a latency is followed: what the index lacks is read from the runs", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
  using first = await load({ endpoint: mock.url, concurrency: 2, requests: 12 });
  using second = await load({ endpoint: mock.url, concurrency: 4, requests: 12 });
  const runs = await Promise.all([first, second].map(async ({ directory }, i) => {
    const { summary } = await readRunDirectory(directory.path);
    const of_loads = {
      avg_hit_rate: null,
      modes: [],
      shape: null,
      judged: 0,
      not_judged: 0,
      warnings: [],
    };
    return { ...summary, ...of_loads, started_at_unix_seconds: i };
  }));
  for (const [metric, key] of [["e2e_p95_ms", "p95"], ["e2e_p99_9_ms", "p99_9"]] as const) {
    assert(isTrendMetric(metric));
    const told = await readTrendValues(runs, metric, builtinPrices());
    const { points } = trendOf(runs, metric, told);
    assertEquals(
      points.map(({ value }) => value),
      [first, second].map(({ results }) => results.total.metrics.e2e_ms![key]),
    );
  }
  assertEquals(await readTrendValues(runs, "ttft_p50_ms", builtinPrices()), null);
  assertEquals(["e2e_p100_ms", "tokens", "ttft"].filter(isTrendMetric), []);
});
