/** What every form's fixtures say, in our words. */
import { existsSync, readFileSync } from "node:fs";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readForeign } from "../../lib/formats/read_foreign.ts";
import { recognise } from "../../lib/formats/recognise.ts";
import { NO_LEDGER } from "../../lib/run/summary.ts";
import type { RunSummary } from "../../lib/run/summary.ts";
import { fixture, fixtureFiles, FIXTURES, FORMS, runNamed } from "./fixtures.ts";

const NOTHING = {
  mode: null,
  agent: null,
  status: "complete",
  timed_out: 0,
  passed: null,
  prompt_tokens: null,
  completion_tokens: null,
  cost_usd: null,
  output_tokens_per_s: null,
  ttft_p50_ms: null,
  ttft_p99_ms: null,
  tags: [],
  ...NO_LEDGER,
} as const;

type Expected = Omit<RunSummary, "path" | keyof typeof NOTHING> & Partial<RunSummary>;

const EXPECTED: Expected[] = [
  {
    run_id: "bench_abc123de_20260131_234512",
    source_form: "koderz",
    kind: "suite",
    benchmark: "HumanEval",
    mode: "iterative",
    model: "qwen2.5-coder:32b",
    started_at_unix_seconds: 1769903112.123456,
    duration_s: 442.444434,
    items_total: 3,
    successful: 3,
    failed: 0,
    passed: 2,
    prompt_tokens: 6332,
    completion_tokens: 2270,
    cost_usd: 0.0123,
  },
  {
    run_id: "bench_def456ab_20260131_235102",
    source_form: "koderz",
    kind: "suite",
    benchmark: "HumanEval",
    mode: "comparative",
    model: "deepseek-coder:33b",
    started_at_unix_seconds: 1769903462.123456,
    duration_s: 463.555445,
    items_total: 4,
    successful: 4,
    failed: 0,
    passed: 3,
    cost_usd: 0.0046,
  },
  {
    run_id: "batch_results_20260201_101500",
    source_form: "benchmark_test_runner",
    kind: "suite",
    benchmark: "unnamed",
    model: "/app/models/hf/qwen3-8b",
    agent: "chat",
    started_at_unix_seconds: 1769940900,
    duration_s: 21.5,
    items_total: 3,
    successful: 2,
    failed: 1,
    timed_out: 1,
    passed: 1,
    prompt_tokens: 80,
    completion_tokens: 180,
  },
  {
    run_id: "Essay",
    source_form: "benchmark_test_runner",
    kind: "suite",
    benchmark: "unnamed",
    model: "mistral-7b",
    started_at_unix_seconds: 1770015600,
    duration_s: null,
    items_total: 1,
    successful: 1,
    failed: 0,
    prompt_tokens: 20,
    completion_tokens: 300,
  },
  {
    run_id: "batch_eval_20240115_112126_llama3-70b-8192",
    source_form: "batch_eval",
    kind: "batch",
    benchmark: "retail",
    model: "llama3-70b-8192",
    agent: "groq",
    started_at_unix_seconds: 1705317686,
    duration_s: 3.01,
    items_total: 1,
    successful: 1,
    failed: 0,
    prompt_tokens: 150,
    completion_tokens: 90,
  },
  {
    run_id: "phase2_1234567890",
    source_form: "smi_bench",
    kind: "suite",
    benchmark: "phase2_inhabitation",
    mode: "dry-run",
    model: "gpt-4o-mini",
    agent: "real-openai-compatible",
    started_at_unix_seconds: 1234567890,
    duration_s: 100,
    items_total: 3,
    successful: 2,
    failed: 1,
    timed_out: 1,
    prompt_tokens: 12543,
    completion_tokens: 3421,
  },
  {
    run_id: "phase2_1234567999",
    source_form: "smi_bench",
    kind: "suite",
    benchmark: "phase2_inhabitation",
    mode: "dev-inspect",
    model: "unknown",
    agent: "mock-perfect",
    status: "incomplete",
    started_at_unix_seconds: 1234567999,
    duration_s: null,
    items_total: 1,
    successful: 1,
    failed: 0,
  },
  {
    run_id: "full_baseline_s1",
    source_form: "agent_sched_sweep",
    kind: "sweep",
    benchmark: "smoke",
    mode: "baseline",
    model: "agent_sched_sim",
    agent: "full",
    started_at_unix_seconds: 1760000000.5,
    duration_s: 12.25,
    items_total: 3,
    successful: 3,
    failed: 0,
  },
  {
    run_id: "fifo_no_hedge_s2",
    source_form: "agent_sched_sweep",
    kind: "sweep",
    benchmark: "smoke",
    mode: "no_hedge",
    model: "agent_sched_sim",
    agent: "fifo_cheapest",
    status: "failed",
    started_at_unix_seconds: 1760000013,
    duration_s: 1,
    items_total: 3,
    successful: 0,
    failed: 3,
  },
  {
    run_id: "full_no_hedge_s3",
    source_form: "agent_sched_sweep",
    kind: "sweep",
    benchmark: "smoke",
    mode: "no_hedge",
    model: "agent_sched_sim",
    agent: "full",
    started_at_unix_seconds: 1760000020,
    duration_s: 10.5,
    items_total: 3,
    successful: 3,
    failed: 0,
  },
  {
    run_id: "serve",
    source_form: "vllm_bench",
    kind: "load",
    benchmark: "vllm bench serve",
    model: "meta-llama/Llama-3.1-8B-Instruct",
    agent: "openai-chat",
    started_at_unix_seconds: 1769903112,
    duration_s: 4,
    items_total: 3,
    successful: 2,
    failed: 1,
    timed_out: 1,
    prompt_tokens: 300,
    completion_tokens: 20,
    output_tokens_per_s: 5,
    ttft_p50_ms: 187.5,
    ttft_p99_ms: 248.75,
  },
  {
    run_id: "appended#2",
    source_form: "vllm_bench",
    kind: "load",
    benchmark: "sweep",
    model: "facebook/opt-125m",
    agent: "vllm",
    started_at_unix_seconds: 1769903172,
    duration_s: 5,
    items_total: 10,
    successful: 8,
    failed: 2,
    prompt_tokens: 800,
    completion_tokens: 400,
    output_tokens_per_s: 80,
    ttft_p50_ms: 25,
    ttft_p99_ms: 90,
  },
  {
    run_id: "b1",
    source_form: "guidellm",
    kind: "load",
    benchmark: "guidellm",
    mode: "constant",
    model: "Qwen/Qwen3-8B",
    started_at_unix_seconds: 1760000000,
    duration_s: 60,
    items_total: 3,
    successful: 2,
    failed: 1,
    prompt_tokens: 512,
    completion_tokens: 200,
    output_tokens_per_s: 3.3,
    ttft_p50_ms: 48,
    ttft_p99_ms: 60,
  },
  {
    run_id: "b2",
    source_form: "guidellm",
    kind: "load",
    benchmark: "guidellm",
    mode: "throughput",
    model: "Qwen/Qwen3-8B",
    started_at_unix_seconds: 1760000100,
    duration_s: 10,
    items_total: 1,
    successful: 1,
    failed: 0,
    output_tokens_per_s: 12,
    ttft_p50_ms: 31,
    ttft_p99_ms: 31,
  },
  {
    run_id: "abc123def456",
    source_form: "aiperf",
    kind: "load",
    benchmark: "aiperf",
    model: "Qwen/Qwen3-0.6B",
    started_at_unix_seconds: 1759813207.5,
    duration_s: 2,
    items_total: 3,
    successful: 2,
    failed: 1,
    prompt_tokens: 1100,
    completion_tokens: 19,
    output_tokens_per_s: 9.5,
    ttft_p50_ms: 255,
    ttft_p99_ms: 259.9,
  },
  {
    run_id: "evalX1",
    source_form: "inspect_ai",
    kind: "suite",
    benchmark: "arc_challenge",
    model: "openai/gpt-4o-mini",
    agent: "chain_of_thought",
    started_at_unix_seconds: 1769940001,
    duration_s: 90.5,
    items_total: 4,
    successful: 2,
    failed: 2,
    timed_out: 1,
    passed: 1,
    prompt_tokens: 1000,
    completion_tokens: 400,
    tags: ["nightly"],
  },
];

Deno.test("a folder of all forms is read whole, and nothing in it is changed", async () => {
  const files = fixtureFiles();
  const before = files.map((file) => readFileSync(fixture(file), "utf8"));
  const { runs, warnings } = await readForeign(FIXTURES);
  assertEquals(warnings, []);
  assertEquals(runs.length, 34);
  for (const expected of EXPECTED) {
    const { summary } = runNamed(runs, expected.run_id);
    assertEquals(summary as RunSummary, {
      ...NOTHING,
      ...expected,
      path: summary.path,
      tags: [...(expected.tags ?? [])],
    });
    assert(existsSync(summary.path), summary.path);
  }
  assertEquals(fixtureFiles(), files);
  assertEquals(files.map((file) => readFileSync(fixture(file), "utf8")), before);
});

Deno.test("no form is taken for another", async () => {
  for (const form of FORMS) {
    assertEquals(await recognise(fixture(form)), form, form);
    for (const file of fixtureFiles(form)) {
      const found = await recognise(fixture(file));
      const part = /trace\.json$|out\/\w+\.csv$/.test(file);
      assertEquals(found, part ? null : form, file);
    }
  }
  assertEquals(await recognise(FIXTURES), null, "a folder with several forms");
});

Deno.test("a single file is read with what lies beside it", async () => {
  for (
    const file of ["results/phase2_1234567890.json", "logs/phase2_1234567890/run_metadata.json"]
  ) {
    const { runs } = await readForeign(fixture(`smi_bench/${file}`));
    assertEquals(
      runs.map(({ summary }) => [summary.model, summary.items_total, summary.duration_s]),
      [
        ["gpt-4o-mini", 3, 100],
      ],
    );
  }
  for (const file of ["profile_export_aiperf.json", "profile_export.jsonl"]) {
    const { runs } = await readForeign(fixture(`aiperf/chat_c8/${file}`));
    assertEquals(runs.map(({ summary, items }) => [summary.run_id, items.length]), [
      ["abc123def456", 3],
    ]);
  }
  const { runs } = await readForeign(
    fixture("benchmark_test_runner/batch/List_open_ports_result.json"),
  );
  assertEquals(runs.map(({ items }) => items.map((item) => item.item_id)), [["linux_01"]]);
});

Deno.test("items keep their times, tokens, scores and errors", async () => {
  const { runs } = await readForeign(FIXTURES);
  const items = (id: string) => runNamed(runs, id).items;
  assertEquals(
    items("serve").map((item) => [item.success, item.ttft_ms, item.latency_ms, item.timed_out]),
    [[true, 125, 155, false], [true, 250, 300, false], [false, null, null, true]],
  );
  assertEquals(items("abc123def456").map((item) => [item.item_id, item.ttft_ms, item.success]), [
    ["r1", 250, true],
    ["r2", 260, true],
    ["r3", null, false],
  ]);
  assertEquals(items("evalX1").map((item) => [item.item_id, item.passed, item.score]), [
    ["1#1", true, 1],
    ["1#2", false, 0],
    ["2#1", null, 0.5],
    ["2#2", null, null],
  ]);
  assertEquals(items("phase2_1234567890").map((item) => [item.name, item.score, item.error]), [
    ["0x1::option", 0.75, null],
    ["0x2::coin", 0, null],
    ["0x3::kiosk", 0, "package timed out"],
  ]);
  assertEquals(items("bench_def456ab_20260131_235102").map((item) => item.item_id), [
    "zero_shot/HumanEval/0",
    "zero_shot/HumanEval/1",
    "iterative/HumanEval/0",
    "iterative/HumanEval/1",
  ]);
  assertEquals(items("full_baseline_s1").map((item) => item.latency_ms), [800, 750.5, 887]);
});

Deno.test("what has no place is kept and listed", async () => {
  const { runs } = await readForeign(FIXTURES);
  const unmapped = (id: string) => runNamed(runs, id).unmapped;
  assertEquals(unmapped("b1").requests_incomplete, 1);
  assertEquals(unmapped("abc123def456").warmup_records, 1);
  assertStringIncludes(
    String(unmapped("abc123def456").record_fields),
    "metrics.inter_chunk_latency",
  );
  assertStringIncludes(String(unmapped("phase2_1234567999").events_end), "events.jsonl, line 3");
  assertEquals((unmapped("full_baseline_s1").metrics as { cost_mean: number }).cost_mean, 0.42);
  assertEquals(unmapped("full_no_hedge_s3").run_dir, "../../etc/passwd", "kept, never opened");
  assertEquals(unmapped("serve").request_rate, "inf");
});

Deno.test("the batch evaluator's CSV gives what its JSON gives", async () => {
  const read = async (kind: string) => {
    const { runs } = await readForeign(fixture(`batch_eval/${kind}`));
    return runNamed(runs, "batch_eval_20240115_103000_llama3-70b-8192").items.slice(0, 2);
  };
  assertEquals(await read("csv"), await read("json"));
});
