/**
 * Each figure that is taken from another program is its own statement: read from its file by other
 * means, or as the program printed it. The files of guidellm 0.8.1, aiperf 0.13.0, inspect_ai 0.3.285,
 * sglang 0.4.6, inference-perf 0.7.0 and promptfoo 0.121.20 are their output against `dyno mock`,
 * shortened, and so is a generation task of lm-evaluation-harness 0.4.13; its choice task is its output with
 * its own dummy model.
 */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { readForeign } from "../../lib/formats/read_foreign.ts";
import { runs as command } from "../run/runs_fixture.ts";
import { copyFixture, fixture, runNamed, temporary, write } from "./fixtures.ts";

type Json = Record<string, unknown>;

/** Python writes Infinity, which JSON has not. */
const json = (name: string) =>
  JSON.parse(readFileSync(fixture(name), "utf8").replaceAll(/: Infinity\b/g, ": null"));

async function only(path: string) {
  const { runs, warnings } = await readForeign(fixture(path));
  assertEquals([runs.length, warnings], [1, []]);
  return { ...runs[0], figures: runs[0].stated?.figures ?? {} };
}

/** Says that figures are those of an object of statistics. */
function same(
  figures: Record<string, number>,
  of: string,
  told: Record<string, number>,
  scale = 1,
  names: Record<string, string> = {},
): void {
  for (const name of ["mean", "p50", "p90", "p95", "p99"]) {
    const value = told[names[name] ?? name];
    assertAlmostEquals(figures[`${of}_${name}_ms`], value * scale, 1e-9, `${of} ${name}`);
  }
}

Deno.test("GuideLLM: tokens, rate and the distributions are the report's", async () => {
  const { summary, figures, stated, items } = await only("guidellm/v0_8.json");
  const [{ metrics, duration }] = json("guidellm/v0_8.json").benchmarks;
  const of = (name: string) => {
    const { percentiles, mean } = metrics[name].successful;
    return { ...percentiles, mean };
  };
  same(figures, "ttft", of("time_to_first_token_ms"));
  same(figures, "itl", of("inter_token_latency_ms"));
  same(figures, "tpot", of("time_per_output_token_ms"));
  same(figures, "e2e", of("request_latency"), 1000);
  assertEquals(summary.output_tokens_per_s, metrics.output_tokens_per_second.successful.mean);
  assertEquals(figures.requests_per_s, metrics.requests_per_second.successful.mean);
  assertEquals([summary.duration_s, summary.model], [duration, "mock-8b"]);
  // its table: 29 and 48 tokens, TTFT 44.6 mean and 43.1 median, ITL 4.9, TPOT 8.2 and 8.3, 218.1 tok/s
  assertEquals([summary.prompt_tokens, summary.completion_tokens], [29, 48]);
  assertEquals([figures.ttft_mean_ms.toFixed(1), figures.ttft_p50_ms.toFixed(1)], ["44.6", "43.1"]);
  assertEquals([figures.itl_mean_ms.toFixed(1), figures.tpot_mean_ms.toFixed(1)], ["4.9", "8.2"]);
  assertEquals(items.map(({ success }) => success), [true, true, true, true]);
  assertEquals(stated!.differs, []);
});

Deno.test("AIPerf: JSON and CSV give the same figures, and its records bear them out", async () => {
  const { summary, figures, stated, items } = await only("aiperf/v0_13");
  const told = json("aiperf/v0_13/profile_export_aiperf.json");
  same(figures, "ttft", told.time_to_first_token, 1, { mean: "avg" });
  same(figures, "itl", told.inter_token_latency, 1, { mean: "avg" });
  same(figures, "e2e", told.request_latency, 1, { mean: "avg" });
  assertEquals(summary.output_tokens_per_s, told.output_token_throughput.avg);
  assertEquals([summary.prompt_tokens, summary.completion_tokens], [46, 72]);
  assertEquals([items.length, stated!.differs], [6, []]);
  const table = await only("aiperf/table");
  for (const [name, value] of Object.entries(table.figures)) {
    assertAlmostEquals(value, figures[name], 0.005001, name); // it has two decimals
  }
  assertEquals(Object.keys(table.figures).sort(), Object.keys(figures).sort());
  // as its lines have it
  assertEquals(
    ["ttft_p50_ms", "itl_p99_ms", "e2e_p95_ms"].map((name) => table.figures[name]),
    [44.15, 5.12, 104.82],
  );
  assertEquals(
    [table.summary.items_total, table.summary.prompt_tokens, table.summary.completion_tokens],
    [6, 46, 72],
  );
  assertEquals(table.summary.output_tokens_per_s, 214.6);
});

Deno.test("inspect_ai's archive: scores, tokens, and the model's own time", async () => {
  const { summary, figures, stated, items } = await only("inspect_ai/numbers.eval");
  // as inspect's read_eval_log tells of the file
  assertEquals(figures, {
    includes_accuracy: 0.6666666666666666,
    includes_stderr: 0.33333333333333337,
  });
  assertEquals(stated!.differs, []);
  assertEquals([summary.prompt_tokens, summary.completion_tokens], [18, 72]);
  assertEquals([summary.model, summary.benchmark, summary.passed], [
    "openai/mock-8b",
    "numbers",
    4,
  ]);
  assertEquals(items.map(({ problem_id, passed }) => [problem_id, passed]).slice(0, 3), [
    ["n0", true],
    ["n1", false],
    ["n2", true],
  ]);
  // the endpoint took about 0.1 s; total_time of the samples, which wait for each other, is up to 1 s
  for (const { latency_ms } of items) assert(latency_ms! > 90 && latency_ms! < 200);
});

Deno.test("inspect_ai: cached tokens are prompt tokens; waiting is no latency", async () => {
  using folder = temporary();
  const usage = {
    input_tokens: 85,
    input_tokens_cache_read: 213,
    output_tokens: 40,
    total_tokens: 338,
  };
  const sample = (more: Json) => ({
    id: "a",
    epoch: 1,
    scores: { s: { value: "C" } },
    model_usage: { m: usage },
    total_time: 2.1,
    working_time: 0.4,
    ...more,
  });
  const event = (time: number) => ({ event: "model", working_time: time + 5, output: { time } });
  for (
    const [more, expected] of [
      [{ events: [event(0.2), { event: "score" }, event(0.15)] }, 350],
      [{ output: { time: 0.35 } }, 350],
      [{}, 400],
    ] as const
  ) {
    const log = {
      status: "success",
      eval: { task: "t", model: "m", eval_id: "e" },
      stats: { model_usage: { m: usage } },
      samples: [sample(more)],
    };
    write(folder.path, { "log.json": JSON.stringify(log) });
    const { runs: [{ summary, items, stated }] } = await readForeign(join(folder.path, "log.json"));
    assertEquals([summary.prompt_tokens, items[0].prompt_tokens], [298, 298]);
    assertAlmostEquals(items[0].latency_ms!, expected, 1e-6);
    assertEquals(stated, undefined);
  }
});

Deno.test("SGLang's bench_serving: as it printed them", async () => {
  const { summary, figures } = await only("sglang_bench/random.jsonl");
  const printed = {
    ttft_mean_ms: "30.30",
    ttft_p50_ms: "26.99",
    ttft_p99_ms: "66.82",
    e2e_p50_ms: "85.75",
    itl_mean_ms: "5.41",
    itl_p50_ms: "4.72",
    itl_p95_ms: "10.89",
    itl_p99_ms: "11.71",
  };
  for (const [name, value] of Object.entries(printed)) {
    assertEquals(figures[name].toFixed(2), value, name);
  }
  const told = json("sglang_bench/random.jsonl");
  assertEquals(
    [summary.prompt_tokens, summary.completion_tokens, summary.output_tokens_per_s],
    [told.total_input_tokens, told.total_output_tokens, told.output_throughput],
  );
  assertEquals([summary.successful, summary.duration_s], [told.completed, told.duration]);
  assertEquals([summary.agent, summary.benchmark], ["sglang-oai", "random-ids"]);
});

Deno.test("lm-evaluation-harness: a run a task, without the group that is made of them", async () => {
  const { runs, warnings } = await readForeign(fixture("lm_eval/choices"));
  const told = json("lm_eval/choices/results_2026-11-30T17-27-40.100722.json");
  assertEquals([runs.length, warnings], [2, []]);
  // the table that the tool printed: acc 0.3333 and 0.3333, acc_norm 0.3333 and 0.6667; 3 of 4 asked
  for (const { summary, items, stated } of runs) {
    const scores = told.results[summary.benchmark];
    assertEquals(stated, {
      figures: {
        acc: scores["acc,none"],
        acc_stderr: scores["acc_stderr,none"],
        acc_norm: scores["acc_norm,none"],
        acc_norm_stderr: scores["acc_norm_stderr,none"],
      },
      differs: [],
    });
    assertEquals([summary.items_total, summary.passed, summary.model], [3, 1, told.model_name]);
    assertEquals(summary.duration_s, Number(told.total_evaluation_time_seconds));
    assertEquals(summary.started_at_unix_seconds, told.date);
    const alone = await readForeign(
      fixture(`lm_eval/choices/samples_${summary.benchmark}_2026-11-30T17-27-40.100722.jsonl`),
    );
    assertEquals(runNamed(alone.runs, summary.run_id).items, items);
  }
});

Deno.test("lm-evaluation-harness 0.4.13, run on the mock: what it states, and its samples", async () => {
  // its own files, but for the paths of the tasks and what it says of the machine
  const { runs, warnings } = await readForeign(fixture("lm_eval/v0_4_13"));
  const told = json("lm_eval/v0_4_13/results_2026-11-30T14-51-23.453565.json");
  assertEquals([runs.length, warnings], [1, []]);
  const [{ summary, items, stated }] = runs;
  const scores = told.results.arith;
  assertEquals(stated, {
    figures: {
      "exact_match_strict-match": scores["exact_match,strict-match"],
      "exact_match_stderr_strict-match": scores["exact_match_stderr,strict-match"],
      "exact_match_flexible-extract": scores["exact_match,flexible-extract"],
      "exact_match_stderr_flexible-extract": scores["exact_match_stderr,flexible-extract"],
    },
    differs: [],
  });
  // the table that the tool printed: strict-match 0.50, flexible-extract 0.75
  assertEquals(items.map(({ item_id, passed }) => [item_id, passed]), [
    ["0", true],
    ["1", false],
    ["2", true],
    ["3", false],
  ]);
  assertEquals(
    [summary.model, summary.agent, summary.items_total, summary.passed],
    [told.model_name, told.config.model, told["n-samples"].arith.effective, 2],
  );
  assertEquals(summary.started_at_unix_seconds, told.date);
  assertEquals(summary.duration_s, Number(told.total_evaluation_time_seconds));
});

/** As promptfoo 0.121.20 printed at the end of the eval: a known model, two settings of one, one away. */
const PROMPTFOO = { passed: 6, failed: 6, errors: 4, prompt: 46, completion: 30 };

Deno.test("promptfoo: a run a provider, with what its file states of each", async () => {
  const { runs, warnings } = await readForeign(fixture("promptfoo/results.json"));
  const { results: { prompts, results } } = json("promptfoo/results.json");
  assertEquals(warnings, []);
  const model = "openai:chat:mock-8b";
  assertEquals(runs.map(({ summary }) => summary.model).sort(), [
    ...["openai:chat:away", "openai:chat:gpt-4o-mini", model, model],
  ]);
  const sums = { passed: 0, failed: 0, errors: 0, prompt: 0, completion: 0 };
  for (const { summary, items, stated } of runs) {
    // one prompt, so that each provider's is its own
    const place = prompts.findIndex(({ provider }: Json) =>
      summary.run_id.endsWith(`_${provider}`)
    );
    const { provider, metrics } = prompts[place];
    const wrong = items.filter(({ success, passed }) => success && passed === false).length;
    assertEquals([summary.passed ?? 0, wrong, summary.failed, summary.status], [
      ...[metrics.testPassCount, metrics.testFailCount, metrics.testErrorCount, "complete"],
    ], provider);
    const { tokenUsage, cost, score } = metrics;
    assertEquals([summary.prompt_tokens, summary.completion_tokens], [
      ...[tokenUsage.prompt, tokenUsage.completion],
    ]);
    assertEquals(stated?.differs ?? [], []);
    // it writes 0 of a model that it has no price for
    assertEquals(summary.cost_usd, cost === 0 ? null : cost);
    const own = items.flatMap(({ score }) => score ?? []);
    assertAlmostEquals(own.reduce((a, b) => a + b, 0), score, 1e-12);
    sums.passed += summary.passed ?? 0;
    sums.failed += wrong;
    sums.errors += summary.failed;
    sums.prompt += summary.prompt_tokens!;
    sums.completion += summary.completion_tokens!;
    // two tests, each asked twice: --repeat numbers them 0 to 3
    assertEquals(items.map(({ problem_id }) => problem_id).sort(), [
      ...["test 1", "test 1", "test 3", "test 3"],
    ]);
    for (const { item_id, latency_ms, prompt_tokens } of items) {
      const { response, latencyMs } = results.find(({ testIdx, promptIdx }: Json) =>
        `test ${Number(testIdx) + 1}` === item_id && promptIdx === place
      );
      const cached = response?.cached === true;
      assertEquals(latency_ms, cached ? null : latencyMs, "what came from its cache took no time");
      if (response?.output) assertEquals(prompt_tokens, response.tokenUsage.prompt ?? null);
    }
  }
  assertEquals(sums, PROMPTFOO);
});

Deno.test("promptfoo: an eval that was aborted is incomplete; a time-out is one", async () => {
  using folder = temporary();
  const file = json("promptfoo/results.json");
  // as 0.121.20 leaves an eval that it stops at a 404: the last result is not counted
  file.results.results.length = 5;
  file.results.stats = { ...file.results.stats, successes: 4, failures: 0, errors: 0 };
  file.results.results[0].error = "API call error: Request timed out after 300000 ms";
  write(folder.path, { "aborted.json": JSON.stringify(file) });
  const { runs } = await readForeign(join(folder.path, "aborted.json"));
  const away = runs.find(({ summary }) => summary.model.endsWith("away"))!;
  assertEquals([away.summary.status, away.summary.timed_out], ["incomplete", 1]);
  const [differs] = away.stated!.differs;
  assertEquals([differs.figure, differs.stated], ["test_error_count", 4]);
});

Deno.test("inference-perf: counts, tokens and the distributions, in ms", async () => {
  const { summary, figures } = await only("inference_perf/summary_lifecycle_metrics.json");
  const told = json("inference_perf/summary_lifecycle_metrics.json");
  const { latency, throughput, count } = told.successes;
  for (
    const [of, name] of [
      ["ttft", "time_to_first_token"],
      ["tpot", "time_per_output_token"],
      ["itl", "inter_token_latency"],
      ["e2e", "request_latency"],
    ]
  ) same(figures, of, latency[name], 1000, { p50: "median" });
  assertEquals([summary.successful, summary.failed], [count, told.failures.count]);
  assertEquals(
    [summary.output_tokens_per_s, figures.requests_per_s],
    [throughput.output_tokens_per_sec, throughput.requests_per_sec],
  );
  const { prompt_tokens, output_tokens } = told.successes;
  assertEquals(
    [summary.prompt_tokens, summary.completion_tokens],
    [prompt_tokens.total, output_tokens.total],
  );
  assertEquals(summary.duration_s, told.benchmark_time_seconds);
  assertEquals(summary.items_total, 16); // 8 in each of the two stages, as it printed
  const stage = await only("inference_perf/stage_1_lifecycle_metrics.json");
  assertEquals([stage.summary.items_total, stage.figures.requested_rate], [8, 8]);
});

Deno.test("vLLM: ITL, TPOT and e2e are kept beside the first token's time", async () => {
  const { figures } = await only("vllm_bench/serve.json");
  const told = json("vllm_bench/serve.json");
  let n = 0;
  for (const [key, value] of Object.entries(told)) {
    const [, statistic, of] = /^(mean|median|p99)_(ttft|tpot|itl|e2el)_ms$/.exec(key) ?? [];
    if (statistic === undefined) continue;
    const name = `${of === "e2el" ? "e2e" : of}_${statistic === "median" ? "p50" : statistic}_ms`;
    assertEquals(figures[name], value, key);
    n++;
  }
  assert(n > 2);
});

Deno.test("what a file states is its figure; what its packages give is told beside it", async () => {
  using folder = temporary();
  const copy = copyFixture("smi_bench", folder.path);
  const path = join(copy, "results/phase2_1234567890.json");
  const results = JSON.parse(readFileSync(path, "utf8"));
  Object.assign(results, { agent: "its-own", seed: 42, started_at_unix_seconds: 1234567000 });
  Object.assign(results.aggregate, { avg_hit_rate: 0.5, errors: 0 });
  writeFileSync(path, JSON.stringify(results));
  const root = join(folder.path, "runs");
  const told = JSON.parse((await command(root, "import", copy, "--json")).out);
  assertEquals(told.warnings, [
    "phase2_1234567890: avg_hit_rate: the file says 0.5, its items give 0.25; the file's counts",
    "phase2_1234567890: errors: the file says 0, its items give 1; the file's counts",
  ]);
  const listed = JSON.parse((await command(root, "list", "--json")).out);
  const [run] = listed.filter(({ run_id }: Json) => run_id === "phase2_1234567890");
  assertEquals([run.avg_hit_rate, run.agent], [0.5, "its-own"]);
  assertEquals(run.started_at_unix_seconds, 1234567000);
  const shown = JSON.parse((await command(root, "show", run.run_id, "--json")).out);
  assertEquals([shown.results.aggregate.avg_hit_rate, shown.results.aggregate.errors], [0.5, 0]);
  assertEquals(shown.metadata.seed, 42);
  assertStringIncludes((await command(root, "show", run.run_id)).out, "the file says 0.5");
  // and out again as it came
  const out = join(folder.path, "out");
  await command(root, "export", run.run_id, "--format", "smi_bench", "--out", out);
  const again = JSON.parse(readFileSync(join(out, "results/phase2_1234567890.json"), "utf8"));
  assertEquals([again.aggregate.avg_hit_rate, again.aggregate.errors], [0.5, 0]);
  assertEquals(again.packages.map(({ score }: Json) => score), [
    { targets: 4, created_hits: 3, hit_rate: 0.75 },
    { targets: 5, created_hits: 0, hit_rate: 0 },
    { targets: 2, created_hits: 0, hit_rate: 0 },
  ]);
});

Deno.test("smi-bench's packages.jsonl is the run where there are no results", async () => {
  using folder = temporary();
  const { packages } = json("smi_bench/results/phase2_1234567890.json");
  cpSync(fixture("smi_bench/logs/phase2_1234567890"), join(folder.path, "logs/phase2_1234567890"), {
    recursive: true,
  });
  const lines = packages.map((entry: Json) => `${JSON.stringify(entry)}\n`).join("");
  const file = "logs/phase2_1234567890/packages.jsonl";
  write(folder.path, { [file]: `${lines}{"package_id": "0x4::to` });
  for (const path of [folder.path, join(folder.path, file)]) {
    const { runs: [run, ...more] } = await readForeign(path);
    assertEquals(more, []);
    assertEquals(
      run.items.map(({ item_id, targets, created_hits }) => [item_id, targets, created_hits]),
      [
        ["0x1::option", 4, 3],
        ["0x2::coin", 5, 0],
        ["0x3::kiosk", 2, 0],
      ],
    );
    assertEquals([run.summary.model, run.summary.run_id], ["gpt-4o-mini", "phase2_1234567890"]);
    assertStringIncludes(String(run.unmapped.packages_end), "line 4");
  }
  write(folder.path, { "lone/packages.jsonl": lines });
  const { runs: [alone] } = await readForeign(join(folder.path, "lone"));
  assertEquals([alone.items.length, alone.summary.run_id], [3, "lone"]);
});

Deno.test("an import's own figures are shown: a load's first token, ITL, TPOT and e2e", async () => {
  using folder = temporary();
  await command(folder.path, "import", fixture("guidellm/v0_8.json"));
  const { out } = await command(folder.path, "show", "latest");
  for (
    const line of ["ttft     44.65 ms mean, 43.12 ms p50", "itl      4.931 ms mean", "tpot", "e2e"]
  ) {
    assertStringIncludes(out, line);
  }
});

Deno.test("batch_eval: what a table lacks is named; its coverage is no score of ours", async () => {
  using folder = temporary();
  const header = "timestamp,industry,question,llm_provider,llm_model,latency_sec,success";
  const row = "2024-01-15T10:30:00Z,retail,Which?,groq,llama,2.5,True";
  for (const lacking of ["question", "latency_sec", "success"]) {
    const names = header.split(","), i = names.indexOf(lacking);
    const without = (line: string) => line.split(",").filter((_, j) => j !== i).join(",");
    write(folder.path, { "t.csv": `${without(header)}\n${without(row)}\n` });
    const error = await readForeign(join(folder.path, "t.csv")).catch((error) => error);
    assertStringIncludes(error.message, `t.csv: lacks the column ${lacking};`);
  }
  const record = (question: string, coverage_score: number) => ({
    ...{ timestamp: "2024-01-15T10:30:00Z", industry: "retail", question, llm_provider: "groq" },
    ...{ llm_model: "llama", latency_sec: 2, throughput_tps: 45.2, success: true, coverage_score },
    ...{ prompt_tokens: 150, response_tokens: 200 },
  });
  const records = ["a", "b", "c"].map((question, i) => record(question, i / 4));
  write(folder.path, { "theirs/batch_eval_metrics.json": JSON.stringify(records) });
  const ours = records.map((each) => ({ ...each, coverage_measure: "dyno", llm_model: "other" }));
  write(folder.path, { "ours/batch_eval_metrics.json": JSON.stringify(ours) });
  const root = join(folder.path, "runs");
  await command(root, "import", join(folder.path, "theirs"), join(folder.path, "ours"));
  const [one, two] = JSON.parse((await command(root, "list", "--json")).out);
  const found = JSON.parse((await command(root, "compare", one.run_id, two.run_id, "--json")).out);
  const [{ metrics, notes }] = found.summary.comparisons;
  assert(!metrics.some(({ metric }: Json) => metric === "score"));
  assertStringIncludes(notes.join(), "share of the answer's words found in the context");
  const alike = JSON.parse((await command(root, "compare", one.run_id, one.run_id, "--json")).out);
  assert(alike.summary.comparisons[0].metrics.some(({ metric }: Json) => metric === "score"));
  // 200 tokens in 2 s are 100 a second: the file says 45.2, and so does what is written of it
  const theirs = [one, two].find(({ model }) => model === "llama");
  const out = join(folder.path, "out");
  await command(root, "export", theirs.run_id, "--format", "batch_eval", "--out", out);
  const written = JSON.parse(readFileSync(join(out, "batch_eval_metrics.json"), "utf8"));
  assertEquals(written.map(({ throughput_tps }: Json) => throughput_tps), [45.2, 45.2, 45.2]);
  assertEquals(written.map((each: Json) => each.coverage_measure), [
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("sweeps: makespan and cost are the simulator's own, borne out by its workflows", async () => {
  const { runs } = await readForeign(fixture("agent_sched_sweep"));
  const { stated, unmapped } = runNamed(runs, "full_baseline_s1");
  // its summary.csv
  assertEquals(stated, {
    figures: {
      makespan_mean_ms: 812.5,
      makespan_p50_ms: 800,
      makespan_p95_ms: 887,
      makespan_p99_ms: 887,
      cost_mean: 0.42,
      cost_p50: 0.41,
    },
    differs: [],
  });
  assertEquals(unmapped.workflows, [{ cost: 0.4 }, { cost: 0.41 }, { cost: 0.45 }]);
  // of the merged table alone
  assertEquals(runNamed(runs, "full_no_hedge_s3").stated!.figures, {
    makespan_mean_ms: 900.5,
    cost_mean: 0.5,
  });
});

Deno.test("the test runner: counts that its results do not bear out are told", async () => {
  using folder = temporary();
  const results = [1, 2, 3].map((n) => ({
    ...{ test_id: `t${n}`, test_name: `T${n}`, success: n > 1, execution_time: 2 },
    ...{ completion_tokens: 10, tokens_per_second: n === 2 ? 7.5 : 5, response_text: "x" },
  }));
  const summary = { total_tests: 3, successful_tests: 3, failed_tests: 0, success_rate: 100 };
  write(folder.path, { "batch_results_1.json": JSON.stringify({ summary, results }) });
  const { runs: [run] } = await readForeign(join(folder.path, "batch_results_1.json"));
  assertEquals(run.stated!.differs.map(({ figure, stated }) => [figure, stated]), [
    ["successful_tests", 3],
    ["failed_tests", 0],
    ["success_rate", 100],
  ]);
  assertEquals((run.unmapped.results as Json[])[1].tokens_per_second, 7.5);
});

Deno.test("koderz: a rate that its results do not bear out stays, in the file that is written too", async () => {
  using folder = temporary();
  const name = "bench_abc123de_20260131_234512.json";
  const document = json(`koderz/${name}`);
  document.summary.success_rate = 99.5;
  write(folder.path, { [name]: JSON.stringify(document) });
  const root = join(folder.path, "runs");
  const told = JSON.parse((await command(root, "import", join(folder.path, name), "--json")).out);
  assertStringIncludes(told.warnings[0], "success_rate: the file says 99.5, its items give 66.6");
  const out = JSON.parse((await command(root, "export", "latest", "--format", "json")).out);
  assertEquals(out.summary.success_rate, 99.5);
});
