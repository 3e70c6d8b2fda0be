/**
 * GuideLLM's report (`benchmarks.json`): each of its benchmarks, which has one rate, becomes a run.
 */
import { basename } from "node:path";
import { NO_LEDGER, type ReadRun, type RunItem } from "../run/summary.ts";
import { Fields } from "./fields.ts";
import { KEEP_SMALL } from "./keep.ts";
import { Stated } from "./stated.ts";
import { millisecondsOf } from "./times.ts";
import { mean } from "../stats/quantile.ts";
import { DistinctIds, saysTimeout, unknownItem } from "./totals.ts";
import { isJsonObject } from "../json_fields.ts";

/**
 * The times whose distributions it reports: our names for them, and the milliseconds in its unit.
 */
const TIMES: Record<string, readonly [string, number]> = {
  time_to_first_token_ms: ["ttft", 1],
  inter_token_latency_ms: ["itl", 1],
  time_per_output_token_ms: ["tpot", 1],
  request_latency: ["e2e", 1000],
};

/** Whether a parsed file is a GuideLLM report. */
export function isGuidellm(value: unknown): boolean {
  if (!isJsonObject(value) || !Array.isArray(value.benchmarks)) return false;
  const [first] = value.benchmarks;
  if (first === undefined) {
    return isJsonObject(value.metadata) && "guidellm_version" in value.metadata;
  }
  return isJsonObject(first) && isJsonObject(first.metrics) &&
    ("requests" in first || "request_totals" in first || "scheduler_metrics" in first);
}

/**
 * Whether a file begins like GuideLLM's CSV: one row of headings until 0.3, three rows in later
 * versions.
 */
export function isGuidellmCsv(head: string): boolean {
  return /^\ufeff?(Type,Run Id,Id,Name,Start Time,|Run Info,Run Info,)/.test(head);
}

/**
 * Reads a report. Requests that were cut off at the time limit count neither as answered nor as
 * failed: they are omitted, and their number is kept as `requests_incomplete`.
 */
export function readGuidellm(path: string, value: unknown): ReadRun[] {
  const file = new Fields(path, value);
  const args = file.childOrNull("args");
  const model = args?.textOrNull("model") ?? null;
  const benchmarks = file.objects("benchmarks");
  const ids = new DistinctIds();
  const report = file.rest(KEEP_SMALL);
  return benchmarks.map((benchmark, i) => {
    const run = readBenchmark(path, benchmark, i, model);
    run.summary.run_id = ids.next(run.summary.run_id);
    if (Object.keys(report).length > 0) run.unmapped.report = report;
    return run;
  });
}

function readBenchmark(path: string, file: Fields, index: number, model: string | null): ReadRun {
  const config = file.childOrNull("config") ?? file.childOrNull("args");
  const metrics = file.child("metrics");
  const requests = file.childOrNull("requests");
  const good = readRequests(requests, "successful", true);
  const bad = readRequests(requests, "errored", false);
  const cut = requests?.listOrNull("incomplete")?.length ?? 0;
  const counts = metrics.childOrNull("request_totals") ?? file.childOrNull("request_totals") ??
    file.childOrNull("scheduler_metrics")?.childOrNull("requests_made") ??
    file.childOrNull("run_stats")?.childOrNull("requests_made") ?? null;
  counts?.skip("total");
  const successful = counts?.countOrNull("successful") ?? good.length;
  const failed = counts?.countOrNull("errored") ?? bad.length;
  const incomplete = counts?.countOrNull("incomplete") ?? cut;
  const started = file.timeOrNull("start_time"), ended = file.timeOrNull("end_time");
  const items = distinct([...good, ...bad]);
  const stated = new Stated();
  for (const [metric, [of, scale]] of Object.entries(TIMES)) {
    const block = metrics.childOrNull(metric)?.childOrNull("successful");
    const percentiles = block?.childOrNull("percentiles") ?? null;
    const { p50 = null, p90 = null, p95 = null, p99 = null } = Object.fromEntries(
      ["p50", "p90", "p95", "p99"].map((name) => [name, percentiles?.amountOrNull(name) ?? null]),
    );
    const average = block?.amountOrNull("mean") ?? null;
    if (!block?.amountOrNull("count") && !p50) continue; // there were no requests: unknown, not 0
    stated.times(
      of,
      { mean: average, p50: p50 ?? block?.amountOrNull("median"), p90, p95, p99 },
      scale,
    );
    const own = good.flatMap((item) => (of === "ttft" ? item.ttft_ms : item.latency_ms) ?? []);
    if (average === null || (of !== "ttft" && of !== "e2e") || own.length !== successful) continue;
    stated.check(`${of}_mean_ms`, Number((average * scale).toPrecision(12)), mean(own));
  }
  const rates = metrics.childOrNull("requests_per_second");
  stated.keep("requests_per_s", rates?.childOrNull("successful")?.amountOrNull("mean") ?? null);
  const ttft = metrics.childOrNull("time_to_first_token_ms")?.childOrNull("successful");
  const quantiles = ttft?.childOrNull("percentiles");
  const id = file.labelOrNull("id_") ?? config?.labelOrNull("id_") ?? null;
  return {
    summary: {
      run_id: id ?? `${basename(path).replace(/\.json$/, "")}#${index + 1}`,
      path,
      source_form: "guidellm",
      kind: "load",
      benchmark: "guidellm",
      mode: config?.childOrNull("strategy")?.textOrNull("type_") ?? null,
      model: model ?? modelOf(file, config) ?? "unknown",
      agent: null,
      status: "complete",
      started_at_unix_seconds: started,
      duration_s: file.amountOrNull("duration") ??
        (started !== null && ended !== null && ended >= started ? ended - started : null),
      items_total: Math.max(successful + failed, items.length),
      successful,
      failed,
      timed_out: items.filter((item) => item.timed_out).length,
      passed: null,
      prompt_tokens: totalOf(metrics, "prompt_token_count"),
      completion_tokens: totalOf(metrics, "output_token_count"),
      ...NO_LEDGER,
      cost_usd: null,
      output_tokens_per_s: rateOf(metrics),
      ttft_p50_ms: quantiles?.amountOrNull("p50") ?? ttft?.amountOrNull("median") ?? null,
      ttft_p99_ms: quantiles?.amountOrNull("p99") ?? null,
      tags: [],
    },
    items,
    ...stated.found(),
    unmapped: {
      ...file.rest(KEEP_SMALL),
      ...(incomplete > 0 ? { requests_incomplete: incomplete } : {}),
    },
  };
}

function readRequests(requests: Fields | null, status: string, success: boolean): RunItem[] {
  if (!requests?.has(status)) return [];
  return requests.objects(status).map((request, i): RunItem => {
    const info = request.childOrNull("info") ?? request.childOrNull("scheduler_info");
    const started = request.timeOrNull("request_start_time") ?? request.timeOrNull("start_time");
    const ended = request.timeOrNull("request_end_time") ?? request.timeOrNull("end_time");
    const latency_s = request.amountOrNull("request_latency") ??
      (success && started !== null && ended !== null && ended >= started ? ended - started : null);
    const error = success ? null : request.textOrNull("error") ?? info?.textOrNull("error") ?? null;
    return {
      ...unknownItem(request.labelOrNull("request_id") ?? `${status}_${i}`),
      success,
      timed_out: saysTimeout(error),
      latency_ms: latency_s === null ? null : millisecondsOf(latency_s),
      ttft_ms: request.amountOrNull("time_to_first_token_ms"),
      prompt_tokens: request.countOrNull("prompt_tokens"),
      completion_tokens: request.countOrNull("output_tokens"),
      error: success ? null : error ?? "errored",
    };
  });
}

function distinct(items: RunItem[]): RunItem[] {
  const ids = new DistinctIds();
  return items.map((item) => ({ ...item, item_id: ids.next(item.item_id) }));
}

function totalOf(metrics: Fields, name: string): number | null {
  const sum = metrics.childOrNull(name)?.childOrNull("successful")?.amountOrNull("total_sum");
  return sum === null || sum === undefined ? null : Math.round(sum);
}

function rateOf(metrics: Fields): number | null {
  const rate = metrics.childOrNull("output_tokens_per_second");
  return rate?.childOrNull("successful")?.amountOrNull("mean") ??
    rate?.childOrNull("total")?.amountOrNull("mean") ?? null;
}

function modelOf(file: Fields, config: Fields | null): string | null {
  const backend = config?.peek("backend");
  if (isJsonObject(backend) && typeof backend.model === "string") return backend.model;
  const worker = file.peek("worker");
  return isJsonObject(worker) && typeof worker.backend_model === "string"
    ? worker.backend_model
    : null;
}
