/** Trends: intervals of coding runs with several answers to a problem. */
import { assert, assertEquals } from "@std/assert";
import { trendOf } from "../../lib/compare/trend.ts";
import { attemptsShare } from "../../lib/stats/pass_at_k.ts";
import { shareEstimate } from "../../lib/stats/interval.ts";
import { comparedRun } from "../run/runs_fixture.ts";
import type { IndexedRun, RunOutcomes } from "../../lib/run/index.ts";

/** Four problems of ten answers each: two always solved, two never. */
const MARKS = "1111111111".repeat(2) + "0000000000".repeat(2);

function indexed(mode: string | null): IndexedRun {
  const { summary } = comparedRun(MARKS);
  return {
    ...summary,
    mode,
    passed: 20,
    judged: 40,
    avg_hit_rate: 0.5,
    warnings: [],
  } as IndexedRun;
}

function outcomes(): RunOutcomes {
  const items = [...MARKS].map((_, i) => {
    const id = `p/${Math.floor(i / 10)} zero-shot #${i % 10 + 1}`;
    return [id, id] as const;
  });
  return { run_id: "bench_x", started_at_unix_seconds: 0, items, marks: MARKS };
}

Deno.test("of a sampled run the interval of the pass rate is one over problems", () => {
  const [point] = trendOf([indexed("zero-shot")], "pass_rate", [outcomes()]).points;
  const problems = [10, 10, 0, 0].map((c) => ({ n: 10, c }));
  assertEquals(point.value, 0.5);
  assertEquals(point.interval, attemptsShare(problems));
  const naive = shareEstimate(20, 40)!;
  assert(point.interval!.high - point.interval!.low > naive.high - naive.low);
});

Deno.test("a suite whose ids end like samples is no sampled run", () => {
  const [point] = trendOf([indexed(null)], "pass_rate", [outcomes()]).points;
  assertEquals(point.interval, shareEstimate(20, 40));
});

Deno.test("models and suites of runs without the metric are not counted together", () => {
  const other = { ...indexed(null), model: "b", benchmark: "load", passed: null };
  const { points, notes } = trendOf([indexed(null), other], "pass_rate");
  assertEquals([points.length, notes.filter((note) => note.includes("together"))], [1, []]);
});
