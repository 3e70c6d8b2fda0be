/** A load run as a queue would make it: seeded, so that every figure can be had again. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { judgeSlos, sloText } from "../../../lib/load/slo.ts";
import { runDirectoryAt } from "../../../lib/run/directory.ts";
import { describeRun } from "../../../lib/run/metadata.ts";
import { quantileEstimate, shareEstimate } from "../../../lib/stats/interval.ts";
import { distribution } from "../../../lib/stats/quantile.ts";
import { openRandom, standardNormal } from "../../../lib/stats/random.ts";
import { emptyTotals } from "../../../lib/run/ledger_totals.ts";
import type { SamplesDescription } from "../../../lib/hardware/samples.ts";
import type { LoadResults, Metric, StageResults } from "../../../lib/load/results.ts";
import type { Slo } from "../../../lib/load/slo.ts";
import type { Verdict } from "../../../lib/load/verdict.ts";
import type { RunDirectory } from "../../../lib/run/directory.ts";
import type { Estimate } from "../../../lib/stats/interval.ts";
import type { RequestRecord, ServerMetricsReading } from "../../../lib/run/request_record.ts";

/** Second 0 of the run on CLOCK_MONOTONIC. */
export const ORIGIN_NS = 3e14;
const PLACES = 64;
const WARMUP_S = 5;
const DRAIN_S = 12;
const STAGES = [
  { rate_per_s: 8, requests: 960 },
  { rate_per_s: 14, requests: 1680 },
  { rate_per_s: 24, requests: 2360 },
];

export const SLOS: Slo[] = [
  { metric: "ttft", limit_ms: 500 },
  { metric: "tpot", limit_ms: 20 },
];

export const TRUSTED: Verdict = {
  verdict: "trusted",
  reasons: [
    "events were stamped within 84 µs of their arrival (p99), requests sent within 0.41 ms of their time",
  ],
  client: {
    transport: "native",
    read_lag_p99_ms: 0.084,
    read_lag_max_ms: 1.92,
    lateness_p99_ms: 0.41,
    lateness_max_ms: 3.4,
    cpu_cores: 0.62,
    thread_cpu_cores: 0.31,
    cores: 16,
    ring_use: 0.018,
    blocked_ms: 0,
    stalled_ms: 0,
    events_per_s: 2210,
    scheduling: "SCHED_OTHER, nice 0",
  },
  calibration: {
    measured_at: "2027-01-28T09:12:44Z",
    streams: 128,
    gap_error_p99_ms: 0.11,
    ttft_error_p99_ms: 0.19,
    ceiling_events_per_s: 182_000,
  },
};

/** A request with the gap of its tokens, which records do not hold. */
type Simulated = RequestRecord & { gap_ms: number };

/** 5,000 requests in three stages of Poisson arrivals at a server with 64 places. */
export function simulatedRequests(seed = 7): Simulated[] {
  const random = openRandom(seed), normal = standardNormal(random);
  const freeAt_s = new Float64Array(PLACES);
  const requests: Simulated[] = [];
  let start_s = 0;
  STAGES.forEach(({ rate_per_s, requests: count }, stage) => {
    let at_s = start_s;
    for (let i = 0; i < count; i++) {
      at_s += -Math.log(random()) / rate_per_s;
      const late_s = 0.00005 * Math.exp(0.9 * normal());
      const sent_s = at_s + late_s;
      const place = freeAt_s.indexOf(freeAt_s.reduce((a, b) => Math.min(a, b)));
      const running = freeAt_s.reduce((sum, free_s) => sum + Number(free_s > sent_s), 0);
      const prompt_tokens = Math.round(600 * Math.exp(0.6 * normal()));
      const completion_tokens = Math.max(2, Math.round(150 * Math.exp(0.5 * normal()) / 1.13));
      const prefill_s = 0.03 + prompt_tokens * 6e-5 * Math.exp(0.15 * normal()) + 0.0008 * running;
      const first_s = Math.max(sent_s, freeAt_s[place]) + prefill_s;
      const gap_ms = (7 + 0.17 * running) * Math.exp(0.04 * normal());
      const last_s = first_s + (completion_tokens - 1) * gap_ms / 1000;
      const failed = random() < (stage === 2 ? 0.006 : 0.0008);
      const end_s = failed ? sent_s + 0.02 + prefill_s : last_s + 0.0004;
      if (!failed) freeAt_s[place] = end_s;
      const ns = (second: number) => ORIGIN_NS + Math.round(second * 1e9);
      requests.push({
        request: requests.length,
        stage,
        warmup: at_s < start_s + WARMUP_S,
        conversation: null,
        turn: 0,
        t_intended_ns: ns(at_s),
        t_ready_ns: ns(at_s),
        t_sent_ns: ns(sent_s),
        t_first_byte_ns: failed ? null : ns(first_s - 0.0002),
        t_first_choice_ns: failed ? null : ns(first_s - 0.0001),
        t_first_token_ns: failed ? null : ns(first_s),
        t_last_token_ns: failed ? null : ns(last_s),
        t_end_ns: ns(end_s),
        connect_ns: i < 20 ? 240_000 : 0,
        status: failed ? 503 : 200,
        failure: failed ? "http_5xx" : null,
        message: failed ? "HTTP 503: the queue is full" : null,
        prompt_tokens,
        completion_tokens: failed ? null : completion_tokens,
        token_source: failed ? null : "usage",
        usage_details: null,
        cost_usd: null,
        token_events: failed ? 0 : completion_tokens,
        lag_max_ns: Math.round(60_000 * Math.exp(0.4 * normal())),
        gaps_at: 0,
        gaps: failed ? 0 : completion_tokens - 1,
        gap_ms,
      });
    }
    start_s = at_s + DRAIN_S;
  });
  return requests;
}

/** Intervals of independent values, named as those of the product: plausible, not exact. */
function metric(values: number[]): Metric | null {
  const shape = distribution(values);
  const named = (estimate: Estimate | null): Estimate | null =>
    estimate && { ...estimate, method: "block bootstrap" };
  return shape && {
    ...shape,
    intervals: {
      p50: named(quantileEstimate(values, 0.5)),
      p99: named(quantileEstimate(values, 0.99)),
      mean: named(meanOf(values, shape.mean)),
    },
  };
}

function meanOf(values: number[], value: number): Estimate {
  const n = values.length;
  const variance = values.reduce((sum, each) => sum + (each - value) ** 2, 0) / n;
  const half = 1.96 * Math.sqrt(variance / n);
  return { value, low: value - half, high: value + half, n, method: "bootstrap" };
}

const ms = (from_ns: number | null, to_ns: number | null) =>
  from_ns === null || to_ns === null ? null : (to_ns - from_ns) / 1e6;

/** The figures of requests over [start_ns, end_ns]. */
export function stageOf(
  name: string,
  rate_per_s: number | null,
  all: readonly Simulated[],
  slos: readonly Slo[],
): StageResults {
  const own = all.filter(({ warmup }) => !warmup);
  const answered = own.filter(({ failure }) => failure === null);
  const failed = own.length - answered.length;
  const start_ns = own[0]?.t_intended_ns ?? ORIGIN_NS;
  const end_ns = own.reduce((last, each) => Math.max(last, each.t_intended_ns), start_ns);
  const duration_s = (end_ns - start_ns) / 1e9;
  const each = (value: (request: Simulated) => number | null) =>
    metric(answered.flatMap((request) => value(request) ?? []));
  const e2e = (request: Simulated) => ms(request.t_sent_ns, request.t_end_ns);
  const ttft = (request: Simulated) => ms(request.t_sent_ns, request.t_first_token_ns);
  const tokens = (request: Simulated) => request.completion_tokens ?? 0;
  const per_s = (amount: number) => duration_s > 0 ? amount / duration_s : 0;
  const misses = answered.map((request) =>
    judgeSlos(slos, {
      ttft: ttft(request),
      ttft_intended: ttft(request),
      tpot: request.gap_ms,
      e2e: e2e(request),
      e2e_intended: e2e(request),
      gap_p99: request.gap_ms * 1.4,
    }).missed
  );
  const good = answered.filter((_, i) => misses[i].length === 0);
  const share = shareEstimate(good.length, own.length);
  const tokens_per_s = per_s(answered.reduce((sum, request) => sum + tokens(request), 0));
  const busy_s = answered.reduce((sum, request) => sum + e2e(request)! / 1000, 0);
  return {
    name,
    window: {
      start_ns,
      end_ns,
      duration_s,
      counts: "turn",
      rule: "from 5 s after the stage's first request on",
    },
    requested_rate_per_s: rate_per_s,
    achieved_rate_per_s: per_s(own.length),
    concurrency: { mean: per_s(busy_s), max: Math.ceil(per_s(busy_s) * 1.6) },
    requests: {
      sent: own.length,
      successful: answered.length,
      failed,
      unfinished: 0,
      unsent: 0,
      outside: 0,
      warmup: all.length - own.length,
    },
    errors: failed ? { http_5xx: failed } : {},
    error_rate: own.length ? failed / own.length : null,
    requests_per_s: per_s(answered.length),
    output_tokens_per_s: tokens_per_s,
    prompt_tokens_per_s: per_s(answered.reduce((sum, each) => sum + each.prompt_tokens!, 0)),
    prompt_tokens_mean: distribution(answered.map((each) => each.prompt_tokens!))?.mean ?? null,
    completion_tokens_mean: distribution(answered.map(tokens))?.mean ?? null,
    token_sources: answered.length ? { usage: answered.length } : {},
    goodput: slos.length === 0 ? null : {
      requests_per_s: share && {
        ...share,
        value: per_s(good.length),
        low: share.low * per_s(own.length),
        high: share.high * per_s(own.length),
        method: "block bootstrap",
      },
      output_tokens_per_s: per_s(good.reduce((sum, request) => sum + tokens(request), 0)),
      share,
      missed: Object.fromEntries(
        slos.map((slo) => [
          sloText(slo),
          misses.filter((missed) => missed.includes(slo)).length + failed,
        ]),
      ),
    },
    metrics: {
      ttft_ms: each(ttft),
      ttft_intended_ms: each((request) => ms(request.t_intended_ns, request.t_first_token_ns)),
      tpot_ms: each(({ gap_ms }) => gap_ms),
      gap_ms: metric(
        answered.flatMap(({ gap_ms }) =>
          [0.82, 0.95, 1, 1.06, 1.3].map((factor) => factor * gap_ms)
        ),
      ),
      e2e_ms: each(e2e),
      e2e_intended_ms: each((request) => ms(request.t_intended_ns, request.t_end_ns)),
      normalized_latency_ms: each((request) => e2e(request)! / tokens(request)),
      lateness_ms: each((request) => ms(request.t_ready_ns, request.t_sent_ns)),
      connect_ms: each(({ connect_ns }) => connect_ns! / 1e6),
      tokens_per_s_per_user: each(({ gap_ms }) => 1000 / gap_ms),
    },
  };
}

function scaled(estimate: Estimate | null, factor: number): Estimate | null {
  return estimate && {
    ...estimate,
    value: factor * estimate.value,
    low: factor * estimate.low,
    high: factor * estimate.high,
  };
}

/** What the server would have said every second. */
function readings(requests: readonly Simulated[]): ServerMetricsReading[] {
  const end_ns = requests.reduce((last, each) => Math.max(last, each.t_end_ns), ORIGIN_NS);
  const found: ServerMetricsReading[] = [];
  for (let t_ns = ORIGIN_NS; t_ns < end_ns; t_ns += 1e9) {
    const held = requests.filter((each) => each.t_sent_ns! <= t_ns && each.t_end_ns > t_ns).length;
    const running = Math.min(PLACES, held);
    const ended = requests.filter((each) => each.t_end_ns <= t_ns);
    found.push({
      t_ns,
      running,
      waiting: held - running,
      kv_cache_usage: Math.min(1, running / PLACES * 0.86),
      prefix_cache_hit_rate: null,
      prefix_cache_hits_total: null,
      prefix_cache_queries_total: null,
      queue_time_sum_s: null,
      queue_time_count: null,
      preemptions_total: 0,
      prompt_tokens_total: null,
      generation_tokens_total: ended.reduce((sum, each) => sum + (each.completion_tokens ?? 0), 0),
    });
  }
  return found;
}

/** A run with its records. */
export interface LoadFixture {
  results: LoadResults;
  records: RequestRecord[];
}

/** Three stages with SLOs, energy and the server's metrics; `change` alters its results. */
export function loadFixture(
  change: Partial<LoadResults> = {},
  requests: readonly Simulated[] = simulatedRequests(),
): LoadFixture {
  const slos = change.slos ?? SLOS;
  const stages = STAGES.map(({ rate_per_s }, i) =>
    stageOf(
      `${rate_per_s} requests/s, poisson`,
      rate_per_s,
      requests.filter(({ stage }) => stage === i),
      slos,
    )
  );
  const measured_s = stages.reduce((sum, { window }) => sum + window.duration_s, 0);
  const whole = stageOf("total", null, requests, slos);
  const factor = measured_s > 0 ? whole.window.duration_s / measured_s : 1;
  const results: LoadResults = {
    schema_version: 2,
    kind: "load",
    run_id: "bench_1a2b3c4d_20270131_234512",
    benchmark: "chat-600-150",
    model: "llama-3.1-8b-instruct",
    endpoint: "http://127.0.0.1:8000/v1/chat/completions",
    api_type: "chat",
    transport: "native",
    complete: true,
    stopped_because: null,
    total_cost_usd: null,
    requests_of_unknown_cost: 0,
    ledger: { total: emptyTotals(), by_asker: {} },
    stages,
    total: {
      ...whole,
      window: { ...whole.window, duration_s: measured_s },
      achieved_rate_per_s: whole.achieved_rate_per_s * factor,
      requests_per_s: whole.requests_per_s! * factor,
      output_tokens_per_s: whole.output_tokens_per_s! * factor,
      goodput: whole.goodput && {
        ...whole.goodput,
        requests_per_s: scaled(whole.goodput.requests_per_s, factor),
        output_tokens_per_s: whole.goodput.output_tokens_per_s! * factor,
      },
      concurrency: {
        mean: stages.reduce((sum, { concurrency }) => sum + concurrency.mean / stages.length, 0),
        max: Math.max(...stages.map(({ concurrency }) => concurrency.max)),
      },
    },
    slos,
    verdict: TRUSTED,
    energy: { energy_j: 98_412, error_j: 310, source: "NVML, total energy", per_token_j: 0.142 },
    server: {
      name: "vllm",
      summary: {
        readings: 90,
        kv_cache_usage_mean: 0.41,
        kv_cache_usage_max: 0.86,
        running_mean: 31.4,
        running_max: 64,
        waiting_mean: 4.2,
        waiting_max: 41,
        prefix_cache_hit_rate: 0.0312,
        prefix_cache_hit_rate_from: "counters",
        queue_time_mean_ms: 118.4,
        preemptions: 0,
        prompt_tokens: 3_541_200,
        generation_tokens: 741_022,
        counted_from_ns: ORIGIN_NS,
        counted_to_ns: ORIGIN_NS + 90e9,
        counter_resets: 0,
      },
      readings: readings(requests),
    },
    notes: [
      "stage 3 took more requests than the server answered: its latencies grow with its length",
    ],
    ...change,
  };
  return { results, records: requests.map(({ gap_ms: _, ...record }) => record) };
}

/** The results of a run in which no request was sent. */
export function emptyRun(): LoadFixture {
  const { results } = loadFixture({ energy: null, server: null, slos: [], notes: [] }, []);
  return { results: { ...results, complete: false, stages: [] }, records: [] };
}

/** The run in which each request failed. */
export function failedRun(message: string): LoadFixture {
  const requests = simulatedRequests().slice(0, 200).map((request): Simulated => ({
    ...request,
    warmup: false,
    t_first_byte_ns: null,
    t_first_choice_ns: null,
    t_first_token_ns: null,
    t_last_token_ns: null,
    t_end_ns: request.t_sent_ns! + 1e6,
    status: 0,
    failure: "connect",
    message,
    completion_tokens: null,
    gaps: 0,
  }));
  const total = stageOf("8 requests/s, poisson", 8, requests, SLOS);
  const failed = { ...total, errors: { connect: 200 } };
  const { results, records } = loadFixture({ stages: [failed], total: failed }, requests);
  return {
    results: { ...results, energy: null, server: null, stopped_because: "error rate 100 %" },
    records,
  };
}

/** A run's folder with its metadata and two fields of samples. */
export async function loadFolder(
  folder: string,
  { results }: LoadFixture,
  samples_s = 0,
): Promise<RunDirectory> {
  const directory = runDirectoryAt(join(folder, results.run_id));
  mkdirSync(dirname(directory.metadata), { recursive: true });
  const { run_id, benchmark, model } = results;
  const facts = { agent: "", seed: 7, argv: [], config: {}, kind: "load" as const };
  const metadata = await describeRun({ run_id, benchmark, model, ...facts });
  writeFileSync(directory.metadata, JSON.stringify(metadata));
  if (samples_s > 0) writeSamples(directory.path, samples_s);
  return directory;
}

/** Ten samples a second of a GPU and two counters of CPU time. */
function writeSamples(folder: string, length_s: number): void {
  const names = ["cpu.busy_s", "cpu.idle_s", "gpu0.utilization_percent", "gpu0.power_instant_w"];
  const words = 5 + names.length;
  const description: SamplesDescription = {
    schema_version: 1,
    sampler: "native",
    clock: "CLOCK_MONOTONIC",
    boot_id: null,
    start_ns: String(ORIGIN_NS - 1e9),
    abi: 1,
    rate_hz: 10,
    ring_records: 1024,
    record_bytes: 8 * words,
    header: [],
    valid: { offset: 24, bytes: 8 },
    fresh: { offset: 32, bytes: 8 },
    fields: names.map((name, i) => ({
      name,
      unit: "",
      kind: i < 2 ? "counter" : "gauge",
      type: "f64",
      offset: 8 * (5 + i),
      source: i < 2 ? "cpu" : "gpu",
    })),
    sources: [],
  };
  const count = Math.round((length_s + 2) * 10);
  const values = new Float64Array(count * words);
  const masks = new Uint32Array(values.buffer);
  let busy_s = 0;
  for (let i = 0; i < count; i++) {
    const second = i / 10, load = Math.min(1, second / length_s + 0.15);
    busy_s += 0.1 * load * 1.4;
    const row = i * words;
    values.set([second * 1e9, i, 0], row);
    masks[2 * (row + 3)] = 0b1111;
    const gpu = 100 * Math.min(0.99, load + 0.05 * Math.sin(i));
    values.set([busy_s, 1.6 * second - busy_s + 4, gpu, 90 + 6 * gpu], row + 5);
  }
  writeFileSync(join(folder, "samples.json"), JSON.stringify(description));
  writeFileSync(join(folder, "samples.bin"), new Uint8Array(values.buffer));
}
