import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { compareRuns, compareTwo } from "../../lib/compare/compare.ts";
import { compareLoads, differenceOfEstimates, loadValue } from "../../lib/compare/compare_load.ts";
import { sampleOf } from "../../lib/compare/load_sample.ts";
import { spreadsheetRow } from "../../lib/formats/csv.ts";
import { localDay, priceRun, totalCosts } from "../../lib/compare/cost.ts";
import { difficulties } from "../../lib/compare/difficulty.ts";
import { findSteps } from "../../lib/compare/trend.ts";
import { isKoderz, readKoderz } from "../../lib/formats/koderz.ts";
import { koderzDocument } from "../../lib/formats/koderz_document.ts";
import { builtinPrices, PriceTable } from "../../lib/run/prices.ts";
import { textWidth } from "../../lib/text/width.ts";
import { openRandom, seededRandom, standardNormal } from "../../lib/stats/random.ts";
import stringWidth from "string-width";
import { record } from "../load/fixture.ts";
import { comparedRun } from "../run/runs_fixture.ts";
import { entryOf, type LedgerEntry, UNKNOWN_TOKENS } from "../../lib/run/ledger_entry.ts";
import type { StageResults } from "../../lib/load/results.ts";
import type { RunSummary } from "../../lib/run/summary.ts";

Deno.test("runs are compared item by item", () => {
  const [comparison] = compareRuns([comparedRun("1100x1"), comparedRun("101011")]);
  assertEquals(comparison.flips, { gained: ["p2", "p4"], lost: ["p1"] });
  const rate = comparison.metrics.find(({ metric }) => metric === "pass_rate")!;
  assertEquals([rate.first, rate.items], [3 / 6, 6]);
  assertAlmostEquals(rate.p, 1);
  assertAlmostEquals(rate.difference!.value, 1 / 6);
  const answered = comparison.metrics.find(({ metric }) => metric === "latency_ms")!;
  assertEquals(answered.items, 5); // of one there is no answer
});

Deno.test("p-values are Holm-adjusted over the comparisons of a metric", () => {
  const base = comparedRun("1".repeat(40));
  const worse = comparedRun("0".repeat(8) + "1".repeat(32));
  const comparisons = compareRuns([base, worse, base, base]);
  const [first] = comparisons.map(({ metrics }) => metrics.find((m) => m.metric === "pass_rate")!);
  assertAlmostEquals(first.p, 2 / 256);
  assertAlmostEquals(first.p_holm, 6 / 256);
});

Deno.test("runs without a judge are compared by their answers", () => {
  const { metrics, flips } = compareTwo(comparedRun("--x-"), comparedRun("----"));
  assert(!metrics.some(({ metric }) => metric === "pass_rate"));
  assertEquals(metrics.find(({ metric }) => metric === "answer_rate")!.second, 1);
  assertEquals(flips, { gained: [], lost: [] });
});

Deno.test("costs, tokens and latencies that are 0 or 1 are no shares", () => {
  const same = comparedRun("1".repeat(20), (item) => {
    Object.assign(item, { cost_usd: 0, completion_tokens: 1, prompt_tokens: 9, latency_ms: 1 });
  });
  const { metrics } = compareTwo(same, same);
  for (const metric of ["cost_usd", "completion_tokens", "latency_ms"]) {
    const { value, low, high } = metrics.find((found) => found.metric === metric)!.difference!;
    assertEquals([value, low, high], [0, 0, 0], metric); // nothing varies: not ±0.126, as of 20 rights
  }
  // what was kept or given has no length to compare
  const kept = comparedRun("1".repeat(20), (item) => {
    Object.assign(item, { completion_tokens: 0, prompt_tokens: 0, latency_ms: null });
  });
  const names = compareTwo(same, kept).metrics.map(({ metric }) => metric);
  assertEquals(names.filter((name) => /tokens|latency/.test(name)), []);
});

Deno.test("many items: normal theory agrees with resampling", () => {
  const random = seededRandom(5);
  const noise = Array.from({ length: 2400 }, () => random() * 100 - 48);
  const pairOf = (n: number) =>
    compareTwo(
      comparedRun("1".repeat(n)),
      comparedRun("1".repeat(n), (item, i) => item.latency_ms = 1000 + noise[i]),
    ).metrics.find(({ metric }) => metric === "latency_ms")!;
  const [resampled, normal] = [pairOf(1990), pairOf(2400)];
  assertEquals(resampled.difference!.method, "sign flips");
  assertEquals(normal.difference!.method, "cluster-robust t");
  const width = (metric: typeof normal) => metric.difference!.high - metric.difference!.low;
  assertAlmostEquals(width(resampled) * Math.sqrt(1990 / 2400), width(normal), 0.25);
  assert(normal.p < 0.05 === (normal.difference!.low > 0));
});

Deno.test("difficulty: unjudged items count nowhere, missing answers as not solved", () => {
  const items = [["a", "A", "a", null], ["b", "B", "b", null], ["c", "C", "c", null]] as const;
  let runs = 0;
  const run = (marks: string) => ({
    run_id: `r${runs++}`,
    started_at_unix_seconds: 0,
    items,
    marks,
  });
  const found = difficulties([run("10-"), run("11-"), run("00-")]);
  assertEquals(found.map(({ problem_id, runs, successes }) => [problem_id, runs, successes]), [
    ["b", 3, 1],
    ["a", 3, 2],
  ]);
  assertEquals(found[0].success_rate.method, "wilson");
});

Deno.test("steps: found where they are, and seldom where there are none", () => {
  const normal = standardNormal(openRandom(4));
  const level = (n: number, height: number) => Array.from({ length: n }, () => height + normal());
  const steps = findSteps([...level(30, 0), ...level(30, 4), ...level(30, 1)]);
  assertEquals(steps.length, 2);
  assert(Math.abs(steps[0].at - 30) <= 2 && Math.abs(steps[1].at - 60) <= 2);
  assertAlmostEquals(steps[0].after, 4, 0.6);
  let found = 0;
  for (let i = 0; i < 60; i++) found += findSteps(level(40, 0)).length > 0 ? 1 : 0;
  assert(found <= 8, `${found} of 60 series without a step`);
  assertEquals(findSteps([1, 1, 1, 1, 1, 1, 1]), []);
  assertEquals(findSteps([1, 2, 3]), []);
});

const emptyEntry = entryOf("test", null, UNKNOWN_TOKENS, null);

function run(fields: Partial<RunSummary>): RunSummary {
  const base = comparedRun("1").summary;
  return { ...base, run_id: "r", cost_usd: null, successful: 1, agent: null, ...fields };
}

Deno.test("costs: the documented example, and every way not to know", () => {
  const tokens = { prompt_tokens: 12543, completion_tokens: 3421 };
  const { cost, problem } = priceRun(run({ model: "gpt-4o-mini", ...tokens }), builtinPrices());
  assertEquals(Object.keys(cost), [
    "run_id",
    "model",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_cost_usd",
    "output_cost_usd",
    "total_cost_usd",
    "cached_prompt_tokens",
    "requests_of_unknown_cost",
    "requests_cut_off",
  ]);
  assertEquals([cost.total_tokens, problem], [15964, null]);
  assertAlmostEquals(cost.total_cost_usd!, 0.003934, 5e-7);
  const unknown = priceRun(run({ model: "my-model", ...tokens }), builtinPrices());
  assertEquals(unknown.cost.total_cost_usd, null);
  assertMatch(unknown.problem!, /no price for model "my-model".*--prices FILE/);
  const missing = { prompt_tokens: null, completion_tokens: null };
  const silent = priceRun(run({ model: "gpt-4o", ...missing }), builtinPrices());
  assertEquals(silent.cost.total_cost_usd, null);
  assertMatch(silent.problem!, /token counts missing.*usage/);
  const recorded = run({ model: "gpt-4o", cost_usd: 7, ...tokens });
  assertEquals(priceRun(recorded, builtinPrices()).cost.total_cost_usd, 7);
  assert(priceRun(recorded, builtinPrices(), { again: true }).cost.total_cost_usd! < 1);
});

Deno.test("sums of tokens have a price with tiers only where no prompt can have reached one", () => {
  const model = "gemini-2.5-pro";
  const of = (prompt_tokens: number, requests: number | null) =>
    priceRun(run({ model, prompt_tokens, completion_tokens: 0, requests }), builtinPrices());
  assertEquals(of(200_000, 3).cost.total_cost_usd, 0.25); // 200,000 at $1.25
  assertEquals(of(400_000, 1).cost.total_cost_usd, 1); // 400,000 at $2.50
  for (const requests of [2, null]) {
    assertEquals(of(200_001, requests).cost.total_cost_usd, null);
    assertMatch(
      of(200_001, requests).problem!,
      /the price of "gemini-2.5-pro" depends on the size/,
    );
  }
  const entry = (prompt_tokens: number): LedgerEntry => ({
    ...emptyEntry,
    model,
    prompt_tokens,
    completion_tokens: 0,
  });
  const sums = run({ model, prompt_tokens: 300_001, completion_tokens: 0, requests: 2 });
  const entries = [entry(100_000), entry(200_001)];
  const { cost, problem } = priceRun(sums, builtinPrices(), { entries });
  assertEquals([cost.total_cost_usd, problem], [0.125 + 0.5000025, null]);
});

Deno.test("price patterns: whole names, a provider in front, the first that fits", () => {
  const prices = builtinPrices();
  assertEquals(prices.priceOf("gpt-4o-mini")?.input, 0.15);
  assertEquals(prices.priceOf("openai/GPT-4o-2024-08-06")?.input, 2.5);
  assertEquals(prices.priceOf("gpt-4o-audio-preview"), null);
  assertEquals(prices.priceOf("not-gpt-4o"), null);
  const common = { output: 1, date: "2025-01-01", source: "https://example.org" };
  const own = new PriceTable("own", [
    { model: "a.b*", input: 1, ...common },
    { model: "*", input: 2, ...common },
  ]);
  assertEquals([own.priceOf("a.bc")?.input, own.priceOf("axbc")?.input], [1, 2]);
});

Deno.test("totals keep what is unknown apart", () => {
  const priced = [1, null, 2].map((total, i) => {
    const summary = run({ model: i < 2 ? "a" : "b", started_at_unix_seconds: 1e9 + i });
    return {
      run: summary,
      cost: { ...priceRun(summary, builtinPrices()).cost, total_cost_usd: total },
    };
  });
  const totals = totalCosts(priced, "model");
  assertEquals(totals.map((t) => [t.group, t.runs, t.runs_of_unknown_cost, t.total_cost_usd]), [
    ["a", 2, 1, 1],
    ["b", 1, 0, 2],
  ]);
  assertEquals(totalCosts(priced, "day")[0].group, localDay(1e9));
});

Deno.test("a cell is no formula, and stays one cell", () => {
  assertEquals(spreadsheetRow(["a", 1, null, true, -1.5]), "a,1,,true,-1.5\r\n");
  assertEquals(
    spreadsheetRow(["=1+1", "@x", "+1", "-1", "\t=1", " =1", "|x"]),
    `'=1+1,'@x,'+1,'-1,'\t=1,' =1,'|x\r\n`,
  );
  assertEquals(
    spreadsheetRow(['a,"b"\n', '=HYPERLINK("x",1)']),
    '"a,""b""\n","\'=HYPERLINK(""x"",1)"\r\n',
  );
});

Deno.test("an exported run is read back to the same items", () => {
  const run = comparedRun("10x-");
  const exported = JSON.parse(JSON.stringify(koderzDocument(run)));
  assertEquals(exported.summary.successes, 2);
  assertEquals(readKoderz("x", exported)[0].items, run.items);
  assertEquals([{ results: [] }, []].map(isKoderz), [false, false]);
});

/** A load of n requests, 20 a second, with a latency around `ms` and 50 tokens each. */
function loadOf(run_id: string, n: number, ms: number, seed: number) {
  const random = seededRandom(seed);
  const records = Array.from({ length: n }, (_, i) => {
    const e2e_ms = ms * (0.8 + 0.4 * random());
    return record({
      request: i,
      at_ms: i * 50,
      ttft_ms: e2e_ms / 4,
      e2e_ms,
      completion_tokens: 50,
    });
  });
  const window = { start_ns: 0, end_ns: n * 50e6, counts: "turn" as const, rule: "" };
  return sampleOf(
    run_id,
    records,
    [{ window } as StageResults],
    (read) => read(() => new Float32Array()),
    null,
  );
}

Deno.test("loads: a difference is found, and none where there is none", () => {
  const [same, slower] = compareLoads([
    loadOf("a", 1000, 200, 1),
    loadOf("b", 1000, 200, 2),
    loadOf("c", 1000, 260, 3),
  ]);
  const of = (metrics: typeof same.metrics, name: string) =>
    metrics.find(({ metric }) => metric === name)!;
  for (const name of ["ttft_p50_ms", "e2e_p50_ms", "e2e_p99_ms"]) {
    assertEquals([name, of(same.metrics, name).differs], [name, false]);
    assertEquals([name, of(slower.metrics, name).differs], [name, true]);
  }
  const tokens = of(same.metrics, "output_tokens_per_s");
  assertAlmostEquals(tokens.first, 1000, 10);
  assertEquals(tokens.differs, false);
});

Deno.test("a load's rate is that of its own results: the request that ends the window counts", () => {
  const records = [0, 1, 2, 3].map((i) =>
    record({ request: i, at_ms: i * 500, ttft_ms: 100, e2e_ms: 500, completion_tokens: 5 })
  );
  const { t_end_ns } = records[3];
  for (const counts of ["end", "turn"] as const) {
    const window = { start_ns: 0, end_ns: t_end_ns, counts, rule: "" };
    const sample = sampleOf(
      "r",
      records,
      [{ window } as StageResults],
      (read) => read(() => new Float32Array()),
      null,
    );
    assertAlmostEquals(loadValue(sample, "requests_per_s")!, 2, 1e-9, counts);
  }
});

Deno.test("the interval of a difference of estimates", () => {
  const estimate = (value: number, half: number) =>
    ({ value, low: value - half, high: value + half, n: 5, method: "bootstrap" }) as const;
  const found = differenceOfEstimates(estimate(10, 3), estimate(20, 4))!;
  assertEquals([found.value, found.low, found.high], [10, 5, 15]);
  assertEquals(differenceOfEstimates(null, estimate(1, 1)), null);
});

Deno.test("widths of texts are those of the library", () => {
  const texts = [
    "plain",
    "–…é 95 %",
    "日本語 run",
    "한국어",
    "🙂 emoji",
    "e\u0301",
    "ｆｕｌｌ",
    "a\u200bb",
    "\x1b[31mred\x1b[39m",
    "👩‍👩‍👧",
    "→ ≥ ×",
    "ไทย",
    "naïve",
    "❤️",
  ];
  assertEquals(texts.map(textWidth), texts.map((text) => stringWidth(text)));
});
