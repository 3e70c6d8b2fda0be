/** Readings summarised: windows, restarts, and what is not known. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { parseExposition } from "../../../lib/load/server/prometheus_text.ts";
import { readingOf, recogniseServer } from "../../../lib/load/server/server_reading.ts";
import { summariseServer } from "../../../lib/load/server/server_summary.ts";
import { IDLE, llamaCppPage, oldVllmPage, sglangPage, tgiPage, vllmPage } from "./expositions.ts";
import { tritonPage } from "../telemetry/exporter_pages.ts";
import type { ServerState } from "./expositions.ts";
import type { ServerMetricsReading } from "../../../lib/run/request_record.ts";

const busy: ServerState = {
  running: 4,
  waiting: 2,
  kv_cache_usage: 0.25,
  hits: 60,
  queries: 100,
  queue_time_s: 0.5,
  queued: 10,
  preemptions: 1,
  prompt_tokens: 120,
  generation_tokens: 300,
};

function read(page: string, t_ns = 0): ServerMetricsReading {
  return readingOf(recogniseServer(page)!, parseExposition(page).samples, t_ns);
}

const NOTHING: ServerMetricsReading = {
  t_ns: 0,
  running: null,
  waiting: null,
  kv_cache_usage: null,
  prefix_cache_hits_total: null,
  prefix_cache_queries_total: null,
  prefix_cache_hit_rate: null,
  queue_time_sum_s: null,
  queue_time_count: null,
  preemptions_total: null,
  prompt_tokens_total: null,
  generation_tokens_total: null,
};

Deno.test("vLLM: engines add, the use of the cache is the largest", () => {
  assertEquals(read(vllmPage(busy, { ...busy, kv_cache_usage: 0.75, running: 1 }), 7), {
    t_ns: 7,
    running: 5,
    waiting: 4,
    kv_cache_usage: 0.75,
    prefix_cache_hits_total: 120,
    prefix_cache_queries_total: 200,
    prefix_cache_hit_rate: null,
    queue_time_sum_s: 1,
    queue_time_count: 20,
    preemptions_total: 2,
    prompt_tokens_total: 240,
    generation_tokens_total: 600,
  });
});

Deno.test("vLLM by its older names, and behind an exporter without colons", () => {
  const expected = {
    ...NOTHING,
    running: 4,
    waiting: 2,
    kv_cache_usage: 0.25,
    prefix_cache_hits_total: 60,
    prefix_cache_queries_total: 100,
  };
  assertEquals(read(oldVllmPage(busy)), expected);
  assertEquals(read(oldVllmPage(busy).replaceAll("vllm:", "vllm_")), expected);
});

Deno.test("SGLang: ranks and priorities are not counted twice", () => {
  assertEquals(read(sglangPage(busy, 0.4)), {
    t_ns: 0,
    running: 4,
    waiting: 2,
    kv_cache_usage: 0.25,
    prefix_cache_hits_total: 60,
    prefix_cache_queries_total: 120,
    prefix_cache_hit_rate: 0.4,
    queue_time_sum_s: 0.5,
    queue_time_count: 10,
    preemptions_total: null,
    prompt_tokens_total: 120,
    generation_tokens_total: 300,
  });
});

Deno.test("llama.cpp, TGI and TensorRT-LLM tell less", () => {
  const common = { running: 4, waiting: 2, prompt_tokens_total: 120, generation_tokens_total: 300 };
  assertEquals(read(llamaCppPage(busy)), { ...NOTHING, ...common, kv_cache_usage: 0.25 });
  // what it reused it counts apart from what it processed: 30 of 150 prompt tokens
  const counter = "llamacpp:prompt_tokens_cached_total";
  const reused = read(`${llamaCppPage(busy)}# TYPE ${counter} counter\n${counter} 30\n`);
  assertEquals([reused.prefix_cache_hits_total, reused.prefix_cache_queries_total], [30, 150]);
  assertEquals(reused.prompt_tokens_total, 120);
  assertEquals(read(tgiPage(busy)), {
    ...NOTHING,
    ...common,
    queue_time_sum_s: 0.5,
    queue_time_count: 10,
  });
  const { running, waiting, kv_cache_usage } = read(tritonPage(0));
  assertEquals([running, waiting, kv_cache_usage], [4, 3, 0.4875]);
});

Deno.test("servers are told apart; others are not known", () => {
  assertEquals(recogniseServer(vllmPage(IDLE)), "vllm");
  assertEquals(recogniseServer("# TYPE sglang:num_running_reqs gauge\n"), "sglang");
  assertEquals(recogniseServer(llamaCppPage(IDLE)), "llama.cpp");
  assertEquals(recogniseServer(`${tgiPage(IDLE)}${vllmPage(IDLE)}`), "vllm"); // an adapter's page
  assertEquals(recogniseServer("node_cpu_seconds_total 3\n# HELP x not vllm:y\n"), null);
});

Deno.test("what is not finite or negative is not known", () => {
  const page = 'vllm:num_requests_running{e="0"} NaN\nvllm:num_requests_running{e="1"} 2\n' +
    "vllm:num_requests_waiting +Inf\nvllm:kv_cache_usage_perc -1\n";
  assertEquals(read(page), { ...NOTHING, running: 2 });
});

/** A reading each second from 0. */
const every_s = (...readings: Partial<ServerMetricsReading>[]): ServerMetricsReading[] =>
  readings.map((reading, i) => ({ ...NOTHING, ...reading, t_ns: i * 1e9 }));

Deno.test("gauges are of the window, counters of the readings that enclose it", () => {
  const states = [0, 1, 2, 3, 4].map((i): ServerState => ({
    running: 2 * i,
    waiting: i,
    kv_cache_usage: i / 8,
    hits: 10 * i * i,
    queries: 100 * i,
    queue_time_s: 0.25 * i,
    queued: 5 * i,
    preemptions: i,
    prompt_tokens: 100 * i,
    generation_tokens: 1000 * i,
  }));
  const readings = states.map((state, i) => read(vllmPage(state), i * 1e9));
  assertEquals(summariseServer(readings, 1.5e9, 3e9), {
    readings: 2,
    kv_cache_usage_max: 3 / 8,
    kv_cache_usage_mean: 2.5 / 8,
    running_mean: 5,
    running_max: 6,
    waiting_mean: 2.5,
    waiting_max: 3,
    prefix_cache_hit_rate: 80 / 200,
    prefix_cache_hit_rate_from: "counters",
    queue_time_mean_ms: 50,
    preemptions: 2,
    prompt_tokens: 200,
    generation_tokens: 2000,
    counted_from_ns: 1e9,
    counted_to_ns: 3e9,
    counter_resets: 0,
  });
  const whole = summariseServer(readings, -5, 100e9);
  assertEquals([whole.readings, whole.generation_tokens], [5, 4000]);
  assertEquals([whole.counted_from_ns, whole.counted_to_ns], [0, 4e9]);
  const between = summariseServer(readings, 1.2e9, 1.8e9);
  assertEquals([between.readings, between.running_mean, between.preemptions], [0, null, 1]);
});

Deno.test("nothing is known of no readings, and no increase of one", () => {
  for (const readings of [[], every_s({ prompt_tokens_total: 5 })]) {
    const { readings: count, counter_resets, ...rest } = summariseServer(readings, 0, 1e9);
    assertEquals([count, counter_resets], [readings.length, 0]);
    for (const [name, value] of Object.entries(rest)) assertEquals(value, null, name);
  }
});

Deno.test("a restart: what one counter shows holds for all", () => {
  const readings = every_s(
    { queue_time_sum_s: 1, queue_time_count: 100, generation_tokens_total: 1000 },
    { queue_time_sum_s: 2, queue_time_count: 200, generation_tokens_total: 3000 },
    { queue_time_sum_s: 6, queue_time_count: 50, generation_tokens_total: 500 }, // restarted
    { queue_time_sum_s: 7, queue_time_count: 60, generation_tokens_total: 700 },
  );
  const summary = summariseServer(readings, 0, 3e9);
  assertEquals([summary.generation_tokens, summary.counter_resets], [2000 + 500 + 200, 1]);
  assertAlmostEquals(summary.queue_time_mean_ms!, (1 + 6 + 1) / (100 + 50 + 10) * 1000);
});

Deno.test("a counter that is not there yet has counted nothing", () => {
  const readings = every_s(
    { running: 0 },
    { running: 1 },
    { running: 1, prompt_tokens_total: 40 },
    { running: 1 }, // restarted, and nothing counted since
    { running: 1, prompt_tokens_total: 50 },
  );
  const { prompt_tokens, generation_tokens, counter_resets } = summariseServer(readings, 0, 4e9);
  assertEquals([prompt_tokens, generation_tokens, counter_resets], [90, null, 1]);
});

Deno.test("the hit rate as stated serves only where counters are lacking", () => {
  const stated = every_s({ prefix_cache_hit_rate: 0.2 }, { prefix_cache_hit_rate: 0.6 });
  const gauge = summariseServer(stated, 0, 1e9);
  assertAlmostEquals(gauge.prefix_cache_hit_rate!, 0.4);
  assertEquals(gauge.prefix_cache_hit_rate_from, "gauge");
  const first = read(sglangPage(IDLE, 0), 0);
  const counted = summariseServer([first, read(sglangPage(busy, 0.9), 1e9)], 0, 1e9);
  assertEquals(counted.prefix_cache_hit_rate, 0.5);
  assertEquals(counted.prefix_cache_hit_rate_from, "counters");
});
