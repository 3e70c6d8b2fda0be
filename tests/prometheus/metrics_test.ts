/** Metrics of run directories: what a journal tells, what a scrape reads, what Prometheus makes of it. */
import { get } from "node:http";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { parseExposition } from "../../lib/load/server/prometheus_text.ts";
import { OTHER } from "../../lib/prometheus/bounded_label.ts";
import { openMetrics } from "../../lib/prometheus/open_metrics.ts";
import { serveMetrics } from "../../lib/prometheus/serve_metrics.ts";
import { startSampler } from "../../lib/hardware/sampler.ts";
import { buildFakeNvml, temporaryFolder } from "../native/fixtures.ts";
import { checkMetrics, promtool } from "./prometheus.ts";
import { until } from "../until.ts";
import type { Metrics } from "../../lib/prometheus/open_metrics.ts";

/** The values of a family by one label, or by its only series. */
async function values(metrics: Metrics, name: string, label = ""): Promise<Record<string, number>> {
  const samples = parseExposition((await metrics.text()).text).samples;
  return Object.fromEntries(
    samples.filter((sample) => sample.name === name)
      .map(({ labels, value }) => [labels[label] ?? "", value]),
  );
}

/** What events of a name have, where a test says nothing of it. */
const WHOLE: Record<string, Record<string, unknown>> = {
  package_started: { package_id: "a" },
  package_finished: { package_id: "a" },
  load_started: { schema_version: 2, name: "l", settings: {} },
  load_progress: {
    ...{ stage: 0, sent: 0, ended: 0, failed: 0, events: 0 },
    client: { transport: "wire", cpu_cores: 0.1, cores: 2, stalled_ms: 0, events_per_s: 1 },
  },
  load_finished: { verdict: { verdict: "trusted" }, requests: {} },
};

/** A run directory that is written by hand, event by event. */
function writtenRun(folder: string, facts: Record<string, unknown> = {}) {
  const metadata = { agent: "real-openai-compatible", model: "m", config: {}, ...facts };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "run_metadata.json"), JSON.stringify(metadata));
  let t = 1000;
  return (event: string, fields: Record<string, unknown> = {}, end = "\n") => {
    const line = JSON.stringify({ t: t++, mono_ns: t * 1e9, event, ...WHOLE[event], ...fields });
    appendFileSync(join(folder, "events.jsonl"), line + end);
  };
}

const RESULT = {
  test_id: "a",
  test_name: "A",
  category: "c",
  item_id: "1",
  success: true,
  response_text: "",
  execution_time: 0.165,
  elapsed_seconds: 0.165,
  attempts: 1,
  timestamp: "2026-01-31T12:00:00Z",
  prompt_tokens: 12,
  completion_tokens: 30,
  error_class: null,
  timed_out: false,
  timing: { t_sent_ns: 1, t_end_ns: 2, ttft_ms: 20, tpot_ms: 5, e2e_ms: 165, token_events: 30 },
  evaluation_result: {
    ...{ evaluator: "e", passed: true, targets: 1, created_hits: 1, hit_rate: 1, detail: "" },
  },
};

/** A request of a load, as its journal has it. */
function record(request: number, changed: Record<string, unknown> = {}) {
  const at = (ms: number) => 1e9 + ms * 1e6;
  return {
    request,
    stage: 0,
    turn: 0,
    status: 200,
    token_events: 11,
    warmup: false,
    t_intended_ns: at(0),
    t_ready_ns: at(0),
    t_sent_ns: at(2),
    t_first_token_ns: at(32),
    t_last_token_ns: at(132),
    t_end_ns: at(142),
    connect_ns: 0,
    failure: null,
    prompt_tokens: 7,
    completion_tokens: 11,
    gaps_at: request * 2,
    gaps: 2,
    ...changed,
  };
}

Deno.test("a suite's journal is counted as it grows, each line once", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "run");
  const tell = writtenRun(path);
  await using metrics = await openMetrics();
  await using run = metrics.follow(path);
  assertEquals(await values(metrics, "dyno_active_tasks"), { "": 0 });
  tell("run_started");
  tell("package_started", { package_id: "a" });
  tell("package_started", { package_id: "b" });
  assertEquals(await values(metrics, "dyno_active_tasks"), { "": 1 });
  assertEquals(await values(metrics, "dyno_requests_in_flight", "model"), { m: 2 });
  assertEquals(
    await values(metrics, "dyno_task_requests_total", "status"),
    { success: 0, failed: 0, cancelled: 0 },
    "series begin at 0",
  );
  tell("llm_request_error", { error_class: "http_5xx", retry_in_s: 0.5 });
  tell("package_finished", { result: RESULT });
  const wrong = {
    ...RESULT,
    evaluation_result: { ...RESULT.evaluation_result, passed: false, created_hits: 0, hit_rate: 0 },
  };
  tell("package_finished", { result: wrong }, ""); // torn
  for (let i = 0; i < 3; i++) {
    const done = await values(metrics, "dyno_packages_processed_total", "result");
    assertEquals(done, { success: 1, failed: 0, error: 0, timed_out: 0 });
  }
  appendFileSync(join(path, "events.jsonl"), "\nno json\n");
  const failed = { ...RESULT, success: false, error_class: "http_5xx", timing: null };
  tell("package_finished", { result: failed });
  tell("package_finished", { result: { ...failed, error_class: "timeout", timed_out: true } });
  assertEquals(await values(metrics, "dyno_packages_processed_total", "result"), {
    success: 1,
    failed: 1,
    error: 1,
    timed_out: 1,
  });
  assertEquals(await values(metrics, "dyno_requests_total", "result"), { success: 2, failed: 2 });
  assertEquals(await values(metrics, "dyno_request_errors_total", "error_type"), {
    http_5xx: 2,
    timeout: 1,
  });
  // the two that failed told their usage all the same: it is paid for
  assertEquals(await values(metrics, "dyno_prompt_tokens_total", "model"), { m: 48 });
  assertEquals(await values(metrics, "dyno_time_to_first_token_seconds_sum"), { "": 0.04 });
  tell("run_finished", { errors: 2 });
  await run[Symbol.asyncDispose]();
  assertEquals(await values(metrics, "dyno_active_tasks"), { "": 0 });
  assertEquals((await values(metrics, "dyno_task_requests_total", "status")).success, 1);
  assertEquals(await values(metrics, "dyno_task_duration_seconds_sum", "status"), {
    success: 8,
    failed: 0,
    cancelled: 0,
  });
});

Deno.test("a run that is resumed, or ends without a word, is a task of its own", async () => {
  using folder = temporaryFolder();
  const tell = writtenRun(folder.path);
  await using metrics = await openMetrics();
  const run = metrics.follow(folder.path);
  tell("run_started");
  tell("package_started");
  tell("run_resumed");
  tell("run_interrupted");
  tell("run_resumed");
  await run[Symbol.asyncDispose]();
  const ended = { success: 0, failed: 2, cancelled: 1 };
  assertEquals(await values(metrics, "dyno_task_requests_total", "status"), ended);
  assertEquals(await values(metrics, "dyno_active_tasks"), { "": 0 });
  await using _again = metrics.follow(folder.path, { asTask: false });
  assertEquals(await values(metrics, "dyno_task_requests_total", "status"), ended);
});

Deno.test("of a run that goes on in this process, earlier sessions are left out, torn lines too", async () => {
  using folder = temporaryFolder();
  const journal = join(folder.path, "events.jsonl");
  const tell = writtenRun(folder.path);
  tell("run_started");
  tell("package_finished", { result: RESULT });
  const whole = Deno.statSync(journal).size;
  tell("package_finished", { result: RESULT }, "");
  Deno.truncateSync(journal, whole + 20);
  await using metrics = await openMetrics();
  const run = metrics.follow(folder.path, { fromNow: true });
  assertEquals(await values(metrics, "dyno_active_tasks"), { "": 0 });
  Deno.truncateSync(journal, whole); // as a session does that goes on
  tell("run_resumed");
  tell("package_finished", { result: RESULT });
  assertEquals(await values(metrics, "dyno_requests_total", "result"), { success: 1 });
  tell("run_finished");
  await run[Symbol.asyncDispose]();
  const ended = { success: 1, failed: 0, cancelled: 0 };
  assertEquals(await values(metrics, "dyno_task_requests_total", "status"), ended);
});

Deno.test("a coding problem's attempts are its requests", async () => {
  using folder = temporaryFolder();
  const tell = writtenRun(folder.path);
  await using metrics = await openMetrics();
  await using _run = metrics.follow(folder.path);
  const coding = { experiment_id: "e", problem_id: "p" };
  const attempt = {
    ...coding,
    ...{ iteration: 1, passed: true, outcome: "passed", detail: "", how: "whole" },
    reused_from: null,
    result: RESULT,
  };
  tell("attempt_finished", { attempt });
  tell("attempt_finished", { attempt });
  tell("attempt_finished", { attempt: { ...attempt, reused_from: "another" } });
  const outcome = { ...coding, mode: "iterative", sample: 0, iterations: 2, stopped: "success" };
  tell("package_finished", { result: { ...RESULT, coding: outcome } });
  assertEquals(await values(metrics, "dyno_requests_total", "result"), { success: 2 });
  assertEquals((await values(metrics, "dyno_packages_processed_total", "result")).success, 1);
});

Deno.test("a load's journal and its gaps", async () => {
  using folder = temporaryFolder();
  const tell = writtenRun(folder.path);
  const gaps_ms = Float32Array.of(4, 6, 30, 40, 1, 1);
  writeFileSync(join(folder.path, "tokens.bin"), new Uint8Array(gaps_ms.buffer));
  await using metrics = await openMetrics();
  await using _run = metrics.follow(folder.path);
  tell("load_started");
  tell("request_finished", { result: record(0) });
  tell("request_finished", { result: record(1) });
  tell("request_finished", { result: record(2, { warmup: true }) });
  tell("request_finished", { result: record(3, { failure: "http_429", gaps: 0 }) });
  tell("request_finished", { result: record(4, { failure: "unsent", t_sent_ns: null, gaps: 0 }) });
  tell("load_progress", { in_flight: 5 });
  const { text } = await metrics.text();
  const told = Object.fromEntries(
    parseExposition(text).samples.filter(({ labels }) => labels.model === "m")
      .map(({ name, labels, value }) => [
        [name, labels.result ?? labels.le ?? labels.error_type].filter(Boolean).join(" "),
        value,
      ]),
  );
  const close = (name: string, value: number) =>
    assertEquals(Math.round(told[`dyno_${name}`] * 1e6) / 1e6, value, name);
  close("requests_total success", 2);
  close("requests_total warmup", 1);
  close("requests_total failed", 1);
  close("requests_total unsent", 1);
  close("request_errors_total http_429", 1);
  close("requests_in_flight", 5);
  close("inter_token_latency_seconds_count", 4);
  close("inter_token_latency_seconds_sum", 0.08);
  close("inter_token_latency_seconds_bucket 0.005", 1);
  close("time_to_first_token_seconds_sum", 0.06);
  close("time_per_output_token_seconds_sum", 0.02);
  close("e2e_request_latency_seconds_sum", 0.28);
  close("request_lateness_seconds_count", 3);
  close("completion_tokens_total", 44); // with the warm-up's and the failed one's, that told usage
  tell("load_finished", { complete: true, goodput_requests_per_s: 3.5 });
  assertEquals(await values(metrics, "dyno_goodput_requests_per_second", "model"), { m: 3.5 });
});

Deno.test("a run that is gone or damaged does not keep the others from being told", async () => {
  using folder = temporaryFolder();
  const [gone, damaged, good] = ["gone", "damaged", "good"].map((name) => join(folder.path, name));
  writtenRun(damaged)("request_finished", { result: record(0) }); // its tokens.bin is missing
  writeFileSync(join(damaged, "samples.json"), "{");
  writeFileSync(join(damaged, "samples.bin"), "");
  const tell = writtenRun(good, { model: "good" });
  tell("package_finished", { result: RESULT });
  await using metrics = await openMetrics();
  for (const path of [gone, damaged, good]) metrics.follow(path);
  assertEquals((await values(metrics, "dyno_requests_total", "model")).good, 1);
});

Deno.test("label values are bounded, whatever models and errors are called", async () => {
  await using metrics = await openMetrics();
  using folder = temporaryFolder();
  for (let i = 0; i < 120; i++) {
    const path = join(folder.path, `run_${i}`);
    const tell = writtenRun(path, { model: `model ${i} \\ "\n`, agent: `agent ${i}` });
    tell("run_started");
    const result = { ...RESULT, success: false, error_class: `odd_${i}` };
    tell("package_finished", { result });
    await using _run = metrics.follow(path);
    metrics.tasks.httpRequest(`VERB${i}`, `/path/${i}`, 200, 0.01);
  }
  const { text } = await metrics.text();
  const labels = (name: string, label: string) =>
    new Set(
      parseExposition(text).samples.filter((sample) => sample.name === name)
        .map((sample) => sample.labels[label]),
    );
  assertEquals(labels("dyno_requests_total", "model").size, 51);
  assert(labels("dyno_requests_total", "model").has(OTHER));
  assertEquals(labels("dyno_task_requests_total", "agent_type").size, 21);
  assertEquals(labels("dyno_task_errors_total", "error_type").size, 41);
  assertEquals(labels("dyno_http_requests_total", "endpoint").size, 61);
  assertEquals(labels("dyno_http_requests_total", "method"), new Set(["other"]));
  assertEquals(parseExposition(text).malformed_lines, 0);
});

Deno.test("a prefix that cannot begin a name is refused", async () => {
  for (const prefix of ["", "9a", "a-b", "a_", "A b"]) {
    await assertRejects(() => openMetrics({ prefix }), InputError, "--metrics-prefix");
  }
});

Deno.test({
  name: "promtool finds nothing wrong, with every family told, GPUs too",
  ignore: promtool() === null,
  async fn() {
    using folder = temporaryFolder();
    const nvml = await buildFakeNvml(folder.path);
    const before = Deno.env.get("DYNO_NVML");
    Deno.env.set("DYNO_NVML", nvml);
    Deno.env.set("DYNO_FAKE_NVML", "devices=2;power_mw=250500;memory_used_mb=2048");
    try {
      const path = join(folder.path, "run");
      const tell = writtenRun(path);
      await using metrics = await openMetrics();
      await using _run = metrics.follow(path);
      tell("package_finished", { result: RESULT });
      metrics.tasks.httpRequest("GET", "/info", 200, 0.002);
      metrics.tasks.validated(true);
      metrics.sweep.planned(4, 1);
      metrics.sweep.ended(true, 2);
      await using sampler = await startSampler({ directory: path });
      await until(() => sampler.series.latest("gpu0.power_instant_w") !== null);
      await sampler.stop();
      const { contentType, text } = await metrics.text();
      assertEquals(contentType, "text/plain; version=0.0.4; charset=utf-8");
      // another program's names are as that program has them
      const others =
        /(exit code 3: )?DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter metrics should have "_total" suffix\n/;
      assertEquals((await checkMetrics(text)).replace(others, ""), "");
      const samples = parseExposition(text).samples;
      const gpus = samples.filter(({ name }) => name === "DCGM_FI_DEV_FB_USED");
      assertEquals(gpus.map(({ labels, value }) => [labels.gpu, labels.UUID, value]), [
        ["0", "GPU-0-0", 2048],
        ["1", "GPU-1-0", 2048],
      ]);
      const power = samples.find(({ name }) => name === "DCGM_FI_DEV_POWER_USAGE_INSTANT");
      assertEquals(power?.value, 250.5);
      const util = samples.find(({ name }) => name === "DCGM_FI_DEV_GPU_UTIL");
      assertEquals([util?.value, util?.labels.device, util?.labels.Hostname], [
        50,
        "nvidia0",
        Deno.hostname(),
      ]);
      const info = samples.find(({ name }) => name === "dyno_gpu_info");
      assertEquals(info?.labels.model_name, 'Fake "H900" 0');
      assert(samples.some(({ name }) => name === "dyno_host_cpu_seconds_total"));
    } finally {
      Deno.env.delete("DYNO_FAKE_NVML");
      if (before === undefined) Deno.env.delete("DYNO_NVML");
      else Deno.env.set("DYNO_NVML", before);
    }
  },
});

Deno.test("over HTTP: /metrics and nothing else; hardware is gone when nothing runs", async () => {
  using folder = temporaryFolder();
  await using metrics = await openMetrics({ prefix: "smi_bench" });
  await using server = await serveMetrics(() => metrics.text(), { host: "127.0.0.1", port: 0 });
  const sampler = await startSampler({ directory: folder.path, metrics: ["memory"] });
  await until(() => sampler.series.length > 0);
  await sampler.stop();
  const run = metrics.follow(folder.path);
  const scrape = async () => {
    const response = await fetch(server.url);
    assertEquals(response.status, 200);
    return await response.text();
  };
  assertMatch(await scrape(), /^smi_bench_host_memory_bytes\{kind="total"\} \d+$/m);
  await run[Symbol.asyncDispose]();
  const after = await scrape();
  assert(!/^smi_bench_host_memory_bytes\{/m.test(after), "nothing old stays");
  for (const [path, method, status] of [["/", "GET", 404], ["/metrics", "POST", 405]] as const) {
    const response = await fetch(new URL(path, server.url), { method });
    await response.body?.cancel();
    assertEquals(response.status, status);
  }
  const { port, hostname } = new URL(server.url);
  const proxied = await new Promise<number | undefined>((resolve, reject) => {
    get({ host: hostname, port, path: server.url }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
  assertEquals(proxied, 200); // the form that RFC 9112, 3.2.2 has servers accept
  await assertRejects(
    () => serveMetrics(() => metrics.text(), { host: hostname, port: Number(port) }),
    InputError,
    "--metrics-port",
  );
});
