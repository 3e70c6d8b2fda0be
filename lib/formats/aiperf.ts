/** AIPerf: `profile_export_aiperf.json` (the statistics) and `profile_export.jsonl` (the requests). */
import { basename, dirname } from "node:path";
import { mean, quantile, sortedCopy } from "../stats/quantile.ts";
import { NO_LEDGER, type ReadRun, type RunItem, type RunSummary } from "../run/summary.ts";
import { Fields } from "./fields.ts";
import { csvRows } from "./csv.ts";
import { textPieces } from "./json_lines.ts";
import { jsonLinesOf } from "./foreign_file.ts";
import { KEEP_SMALL } from "./keep.ts";
import { Stated } from "./stated.ts";
import { DistinctIds, saysTimeout, totalsOf, unknownItem } from "./totals.ts";
import { isJsonObject } from "../json_fields.ts";

/** The times whose distributions it reports, and our names for them. */
const TIMES: Record<string, "ttft" | "itl" | "e2e"> = {
  time_to_first_token: "ttft",
  inter_token_latency: "itl",
  request_latency: "e2e",
};

/** Labels in the CSV file whose metric has another name. */
const CSV_TAGS: Record<string, string> = {
  "Total Input Sequence Length": "total_isl",
  "Total Output Sequence Length": "total_osl",
};

const MS_IN: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1000,
  sec: 1000,
  seconds: 1000,
};
/** The fields of a request's record that are read. */
const KNOWN = new Set([
  "metadata.x_request_id",
  "metadata.session_num",
  "metadata.conversation_id",
  "metadata.request_start_ns",
  "metadata.request_end_ns",
  "metadata.benchmark_phase",
  "metadata.was_cancelled",
  "metrics.request_latency",
  "metrics.time_to_first_token",
  "metrics.input_sequence_length",
  "metrics.error_isl",
  "metrics.output_sequence_length",
  "metrics.output_token_count",
]);

/** Whether a parsed file is AIPerf's statistics of one run. */
export function isAiperf(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const metrics = isJsonObject(value.records) ? value.records : value;
  const found = ["request_latency", "request_count", "request_throughput"].some((tag) => {
    const block = metrics[tag];
    return isJsonObject(block) && "unit" in block && "avg" in block;
  });
  return found && ("input_config" in value || "aiperf_version" in value || metrics !== value);
}

/** Whether the first line of a JSON lines file is AIPerf's record of a request. */
export function isAiperfRecord(value: unknown): boolean {
  return isJsonObject(value) && isJsonObject(value.metadata) &&
    "request_start_ns" in value.metadata &&
    "metrics" in value;
}

/** Whether the names in a CSV file's first row are those of AIPerf's statistics. */
export function isAiperfHeader(names: readonly string[]): boolean {
  return names[0] === "Metric" && names.includes("avg") && names.includes("p99");
}

/**
 * AIPerf's CSV file in the form of its JSON file. A row is a metric, named `Request Latency (ms)`,
 * with its statistics; after an empty line follow metrics with one value. Rows of telemetry are
 * omitted.
 */
export async function aiperfTable(path: string): Promise<{ records: Record<string, unknown> }> {
  const records: Record<string, unknown> = {};
  let names: readonly string[] = [];
  for await (const cells of csvRows(path, textPieces(path))) {
    if (cells[0] === "Metric") names = cells;
    else if (cells.length !== names.length || cells.length < 2) {
      if (cells.length > 1) break; // another table starts
      continue;
    }
    const [, label, unit] = /^(.+?)(?: \(([^()]*)\))?$/.exec(cells[0]) ?? [];
    if (label === undefined || cells === names) continue;
    const tag = CSV_TAGS[label] ?? label.toLowerCase().replace(/[^a-z0-9]+/g, "_");
    const values = cells.slice(1).flatMap((cell, i) => {
      const number = cell.trim() === "" ? NaN : Number(cell.replaceAll(",", ""));
      return Number.isFinite(number)
        ? [[names[i + 1] === "Value" ? "avg" : names[i + 1], number]]
        : [];
    });
    records[tag] = { unit: unit ?? "", ...Object.fromEntries(values) };
  }
  return { records };
}

/** Reads a run from its statistics, its requests, or both; at least one must be given. */
export async function readAiperf(
  statistics: { path: string; value: unknown } | null,
  records: string | null,
): Promise<ReadRun> {
  const requests = records === null ? null : await readRequests(records);
  const path = statistics?.path ?? records ?? "";
  const summary = requests ? summaryOf(path, requests) : blank(path);
  const file = statistics && new Fields(statistics.path, statistics.value);
  const stated = new Stated();
  if (file) fill(summary, file, requests?.items ?? null, stated);
  return {
    summary,
    items: requests?.items ?? [],
    ...stated.found(),
    unmapped: { ...file?.rest(KEEP_SMALL), ...requests?.unmapped },
  };
}

function fill(
  summary: RunSummary,
  file: Fields,
  items: readonly RunItem[] | null,
  stated: Stated,
): void {
  const metrics = isJsonObject(file.peek("records")) ? file.child("records") : file;
  const average = (tag: string) => metrics.childOrNull(tag)?.amountOrNull("avg") ?? null;
  const sum = (tag: string) => metrics.childOrNull(tag)?.amountOrNull("sum") ?? null;
  const started = file.timeOrNull("start_time"), ended = file.timeOrNull("end_time");
  const ttft = metrics.childOrNull("time_to_first_token");
  const input = sum("input_sequence_length") ?? average("total_isl");
  const output = sum("output_sequence_length") ?? average("total_osl");
  const good = average("request_count"), bad = average("error_request_count");
  summary.run_id = file.labelOrNull("benchmark_id") ?? summary.run_id;
  summary.model = modelOf(file) ?? "unknown";
  summary.status = file.flagOrNull("was_cancelled") ? "incomplete" : "complete";
  summary.started_at_unix_seconds = started ?? summary.started_at_unix_seconds;
  summary.duration_s = average("benchmark_duration") ??
    (started !== null && ended !== null && ended >= started ? ended - started : null) ??
    summary.duration_s;
  for (const [tag, of] of Object.entries(TIMES)) {
    const block = metrics.childOrNull(tag);
    const { avg: average = null, ...percentiles } = Object.fromEntries(
      ["avg", "p50", "p90", "p95", "p99"].map((name) => [name, milliseconds(block, name)]),
    );
    stated.times(of, { mean: average, ...percentiles });
    const own = (items ?? []).filter(({ success }) => success)
      .flatMap((item) => (of === "ttft" ? item.ttft_ms : item.latency_ms) ?? []);
    if (of !== "itl" && own.length > 0) stated.check(`${of}_mean_ms`, average, mean(own));
  }
  stated.keep("requests_per_s", average("request_throughput"));
  const own = items === null ? null : { successful: summary.successful, failed: summary.failed };
  const failed = bad ?? errorsIn(file);
  if (good !== null || own === null) summary.successful = Math.round(good ?? 0);
  if (good !== null || bad !== null || own === null) summary.failed = Math.round(failed);
  summary.items_total = Math.max(summary.successful + summary.failed, items?.length ?? 0);
  if (own !== null) {
    if (good !== null) stated.check("successful", summary.successful, own.successful);
    if (good !== null || bad !== null) stated.check("failed", summary.failed, own.failed);
    stated.check("prompt_tokens", input, summary.prompt_tokens);
    stated.check("completion_tokens", output, summary.completion_tokens);
  }
  summary.prompt_tokens = input === null ? summary.prompt_tokens : Math.round(input);
  summary.completion_tokens = output === null ? summary.completion_tokens : Math.round(output);
  summary.output_tokens_per_s = average("output_token_throughput") ?? summary.output_tokens_per_s;
  summary.ttft_p50_ms = milliseconds(ttft, "p50") ?? summary.ttft_p50_ms;
  summary.ttft_p99_ms = milliseconds(ttft, "p99") ?? summary.ttft_p99_ms;
}

function errorsIn(file: Fields): number {
  const list = file.peek("error_summary");
  if (!Array.isArray(list)) return 0;
  return list.reduce((sum: number, entry) => {
    const count = isJsonObject(entry) ? entry.count : 0;
    return sum + (Number.isSafeInteger(count) && Number(count) > 0 ? Number(count) : 0);
  }, 0);
}

/** Older versions name the models in `endpoint`; newer ones in a separate list. */
function modelOf(file: Fields): string | null {
  const config = file.peek("input_config");
  if (!isJsonObject(config)) return null;
  const { endpoint, models } = config;
  const names = isJsonObject(endpoint) ? endpoint.model_names : null;
  if (Array.isArray(names) && typeof names[0] === "string") return names.join(",");
  const list = isJsonObject(models) ? models.items : models;
  const first: unknown = Array.isArray(list) ? list[0] : models;
  const name = isJsonObject(first) ? first.name : first;
  return typeof name === "string" ? name : null;
}

interface Requests {
  items: RunItem[];
  started: number | null;
  ended: number | null;
  unmapped: Record<string, unknown>;
}

async function readRequests(path: string): Promise<Requests> {
  const ids = new DistinctIds();
  const requests: Requests = { items: [], started: null, ended: null, unmapped: {} };
  const others = new Set<string>();
  let warmup = 0;
  const torn = (message: string) => requests.unmapped.records_end = message;
  for await (const { value, line } of jsonLinesOf(path, torn)) {
    const record = new Fields(`${path}, line ${line}`, value);
    const metadata = record.child("metadata"), metrics = record.childOrNull("metrics");
    for (const key of metadata.keys()) others.add(`metadata.${key}`);
    for (const key of metrics?.keys() ?? []) others.add(`metrics.${key}`);
    if (metadata.textOrNull("benchmark_phase") === "warmup") {
      warmup++;
      continue;
    }
    const start = metadata.amountOrNull("request_start_ns");
    const end = metadata.amountOrNull("request_end_ns");
    if (start !== null) requests.started = Math.min(requests.started ?? start / 1e9, start / 1e9);
    if (end !== null) requests.ended = Math.max(requests.ended ?? 0, end / 1e9);
    requests.items.push(readRequest(metadata, metrics, record.childOrNull("error"), ids));
  }
  const kept = [...others].filter((name) => !KNOWN.has(name)).sort();
  if (kept.length > 0) requests.unmapped.record_fields = kept;
  if (warmup > 0) requests.unmapped.warmup_records = warmup;
  return requests;
}

function readRequest(
  metadata: Fields,
  metrics: Fields | null,
  error: Fields | null,
  ids: DistinctIds,
): RunItem {
  const of = (tag: string) => metrics?.childOrNull(tag) ?? null;
  const tokens = (tag: string) => of(tag)?.amountOrNull("value") ?? null;
  const id = metadata.labelOrNull("x_request_id") ?? metadata.labelOrNull("session_num");
  const cancelled = metadata.flagOrNull("was_cancelled") ?? false;
  const kind = error?.labelOrNull("type") ?? "";
  const message = error && [kind, error.labelOrNull("message") ?? ""].filter(Boolean).join(": ");
  return {
    ...unknownItem(ids.next(id ?? "request"), metadata.labelOrNull("conversation_id") ?? undefined),
    success: error === null && !cancelled,
    timed_out: saysTimeout(kind),
    latency_ms: milliseconds(of("request_latency"), "value"),
    ttft_ms: milliseconds(of("time_to_first_token"), "value"),
    prompt_tokens: tokens("input_sequence_length") ?? tokens("error_isl"),
    completion_tokens: tokens("output_sequence_length") ?? tokens("output_token_count"),
    error: message ?? (cancelled ? "cancelled" : null),
  };
}

function milliseconds(block: Fields | null, key: string): number | null {
  const value = block?.amountOrNull(key) ?? null;
  if (block === null || value === null) return null;
  const unit = block.textOrNull("unit") ?? "ms";
  if (Object.hasOwn(MS_IN, unit)) return value * MS_IN[unit];
  throw block.wrong("unit", unit, "a unit of time");
}

function summaryOf(path: string, { items, started, ended }: Requests): RunSummary {
  const summary = { ...blank(path), ...totalsOf(items) };
  const ttfts = sortedCopy(items.flatMap((item) => item.ttft_ms ?? []));
  summary.started_at_unix_seconds = started;
  const duration_s = started !== null && ended !== null ? Math.max(0, ended - started) : null;
  summary.duration_s = duration_s;
  if (duration_s && summary.completion_tokens !== null) {
    summary.output_tokens_per_s = summary.completion_tokens / duration_s;
  }
  if (ttfts.length > 0) {
    summary.ttft_p50_ms = quantile(ttfts, 0.5);
    summary.ttft_p99_ms = quantile(ttfts, 0.99);
  }
  return summary;
}

/** AIPerf's file names are always the same, so a run is named after its folder. */
function blank(path: string): RunSummary {
  return {
    run_id: basename(dirname(path)) || basename(path),
    path,
    source_form: "aiperf",
    kind: "load",
    benchmark: "aiperf",
    mode: null,
    model: "unknown",
    agent: null,
    status: "complete",
    started_at_unix_seconds: null,
    duration_s: null,
    ...NO_LEDGER,
    ...totalsOf([]),
    output_tokens_per_s: null,
    ttft_p50_ms: null,
    ttft_p99_ms: null,
    tags: [],
  };
}
