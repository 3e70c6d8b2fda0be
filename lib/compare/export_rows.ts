/** Runs and their items as rows of a table, for programs that read tables. */
import { connectMs, latencies, tlsMs } from "../endpoint/latency.ts";
import { InputError } from "../errors.ts";
import { numberAt, objectAt, parsedObject } from "../json_fields.ts";
import { readRecords } from "../load/load_journal.ts";
import { slicesOf } from "../load/slices.ts";
import { measureNamed } from "../measures/measures.ts";
import { runDirectoryAt } from "../run/directory.ts";
import { readRunDirectory } from "../run/read_run.ts";
import { loadTotal } from "../run/load_items.ts";
import { plainText } from "../run/plain_file.ts";
import { mediaValues } from "../run/request_record.ts";
import { TokenFileReader } from "../run/token_file.ts";
import { itemCost, priceRun } from "./cost.ts";
import type { IndexedRun } from "../run/index.ts";
import type { PriceTable } from "../run/prices.ts";
import type { RequestRecord } from "../run/request_record.ts";
import type { Row, RowColumn, RowTable } from "../formats/parquet.ts";

const of = (type: RowColumn["type"], ...names: string[]) => names.map((name) => ({ name, type }));

/** Columns for measures, as their kind defines them. */
const measured = (...names: string[]): RowColumn[] =>
  names.map((name) => {
    const { kind } = measureNamed(name)!.measure;
    return { name, type: kind === "count" || kind === "bytes" ? "count" : "number" };
  });

const ITEM_COLUMNS: readonly RowColumn[] = [
  ...of("text", "run_id", "model", "item_id", "problem_id", "mode", "name", "category"),
  ...of("flag", "success", "timed_out"),
  ...of("count", "prompt_tokens", "completion_tokens"),
  ...of("number", "cost_usd"),
  ...of("text", "error"),
  ...of("flag", "passed"),
  ...of("number", "score", "targets", "created_hits", "latency_ms", "ttft_ms"),
  ...of("text", "experiment_id"),
  ...of("count", "iterations"),
];

const RUN_COLUMNS: readonly RowColumn[] = [
  ...of("text", "run_id", "source_form", "kind", "benchmark", "mode", "model", "agent", "status"),
  ...of("number", "started_at_unix_seconds", "duration_s"),
  ...of("count", "items_total", "successful", "failed", "timed_out", "passed"),
  ...of("count", "prompt_tokens", "completion_tokens"),
  ...of("number", "cost_usd", "output_tokens_per_s", "ttft_p50_ms", "ttft_p99_ms", "avg_hit_rate"),
  ...of("count", "judged", "not_judged"),
  ...of("text", "path", "tags"),
  ...of("count", "requests_of_unknown_tokens", "requests_of_unknown_cost", "requests_cut_off"),
  ...measured("requests_per_s", "goodput_requests_per_s"),
  ...of("number", "tpot_p50_ms", "tpot_p99_ms", "e2e_p50_ms", "e2e_p99_ms"),
];

const REQUEST_COLUMNS: readonly RowColumn[] = [
  ...of("text", "run_id"),
  ...of("count", "request", "stage"),
  ...of("flag", "warmup"),
  ...of("text", "request_id", "session", "endpoint", "model"),
  ...of("count", "shard", "conversation", "turn"),
  ...of("number", "intended_s", "sent_s", "first_token_s", "last_token_s", "end_s"),
  ...of("count", "status"),
  ...of("text", "failure", "finish_reason"),
  ...of("count", "prompt_tokens", "cached_tokens", "completion_tokens"),
  ...measured("audio_s", "images", "media_bytes"),
  ...of("number", "ttft_ms", "ttft_intended_ms", "tpot_ms", "e2e_ms", "e2e_intended_ms"),
  ...of("number", "lateness_ms", "connect_ms", "tls_ms", "cost_usd"),
];

const SLICE_COLUMNS: readonly RowColumn[] = [
  ...of("text", "run_id"),
  ...of("number", "start_s", "duration_s"),
  ...of("count", "sent", "answered", "failed"),
  ...of("number", "in_flight"),
  ...measured("output_tokens_per_s", "audio_s_per_s", "images_per_s"),
  ...of("number", "ttft_p50_ms", "ttft_p99_ms", "tpot_p50_ms"),
  ...of("number", "e2e_p50_ms", "e2e_p99_ms"),
];

const NS_PER_S = 1e9;

/**
 * Every request of loads, one row per request; times count from the first request's turn.
 *
 * @throws {InputError} a run that is not a load made by dyno, so that the times of its requests are
 * unknown.
 */
export async function requestRows(runs: readonly IndexedRun[]): Promise<RowTable> {
  const loads = new Map<IndexedRun, RequestRecord[]>();
  for (const run of runs) {
    loads.set(run, (await recordsOf(run)).sort((a, b) => a.request - b.request));
  }
  return { columns: REQUEST_COLUMNS, rows: { [Symbol.iterator]: () => rowsOfRequests(loads) } };
}

function* rowsOfRequests(loads: ReadonlyMap<IndexedRun, RequestRecord[]>): Generator<Row> {
  for (const [run, records] of loads) {
    const begin_ns = records.reduce((t, each) => Math.min(t, each.t_intended_ns), Infinity);
    const since = (t_ns: number | null) => t_ns === null ? null : (t_ns - begin_ns) / NS_PER_S;
    for (const record of records) {
      const { normalized_latency_ms: _, ...times } = latencies(record);
      yield {
        run_id: run.run_id,
        request: record.request,
        stage: record.warmup ? null : record.stage + 1,
        warmup: record.warmup,
        request_id: record.request_id ?? null,
        session: record.session ?? null,
        endpoint: record.endpoint ?? null,
        model: record.model ?? run.model,
        shard: record.shard ?? null,
        conversation: record.conversation,
        turn: record.turn,
        intended_s: since(record.t_intended_ns),
        sent_s: since(record.t_sent_ns),
        first_token_s: since(record.t_first_token_ns),
        last_token_s: since(record.t_last_token_ns),
        end_s: since(record.t_end_ns),
        status: record.status,
        failure: record.failure,
        finish_reason: record.finish_reason ?? null,
        prompt_tokens: record.prompt_tokens,
        cached_tokens: record.usage_details?.cached_tokens ?? null,
        completion_tokens: record.completion_tokens,
        ...mediaValues(record),
        ...times,
        connect_ms: connectMs(record),
        tls_ms: tlsMs(record),
        cost_usd: record.cost_usd,
      };
    }
  }
}

/**
 * Loads in slices of this many seconds, one row per slice.
 *
 * @throws {InputError} as {@linkcode requestRows}.
 */
export async function sliceRows(
  runs: readonly IndexedRun[],
  slice_s: number,
): Promise<RowTable<Row[]>> {
  const rows: Row[] = [];
  for (const run of runs) {
    const records = await recordsOf(run);
    using tokens = new TokenFileReader(runDirectoryAt(run.path));
    for (const slice of slicesOf(records, (record) => tokens.gapsOf(record), slice_s)) {
      rows.push({ run_id: run.run_id, ...slice });
    }
  }
  return { columns: SLICE_COLUMNS, rows };
}

async function recordsOf(
  { kind, path, run_id, source_form }: IndexedRun,
): Promise<RequestRecord[]> {
  if (kind === "load" && source_form === "dyno") return await readRecords(runDirectoryAt(path));
  const what = kind === "load" ? `a load of ${source_form}` : `a ${kind}`;
  throw new InputError(
    `${run_id}: ${what}, which has no requests with their times; expected a load`,
  );
}

/** One row per run; `tags` are separated by spaces. */
export async function runRows(
  runs: readonly IndexedRun[],
  prices: PriceTable,
): Promise<RowTable<Row[]>> {
  const rows: Row[] = [];
  for (const run of runs) {
    const { total_cost_usd: cost_usd, requests_of_unknown_cost } = priceRun(run, prices).cost;
    const tags = run.tags.join(" ");
    const speed = await speedOf(run);
    const values = { ...run, ...speed, cost_usd, requests_of_unknown_cost, tags };
    rows.push(rowOf(RUN_COLUMNS, values));
  }
  return { columns: RUN_COLUMNS, rows };
}

/** The figures on speed that the index lacks: those in results.json, or what another program states. */
async function speedOf({ path, source_form }: IndexedRun): Promise<object> {
  if (source_form !== "dyno") return (await readRunDirectory(path)).stated?.figures ?? {};
  let text: string;
  try {
    text = plainText(runDirectoryAt(path).results);
  } catch {
    return {}; // an interrupted run has none yet
  }
  const results = parsedObject(text);
  const total = loadTotal(results);
  const times = objectAt(total, "metrics") ?? objectAt(results, "statistics");
  const quantiles = ["tpot", "e2e"].flatMap((name) =>
    ["p50", "p99"].map((p) => [`${name}_${p}_ms`, numberAt(objectAt(times, `${name}_ms`), p)])
  );
  return {
    requests_per_s: numberAt(total, "requests_per_s"),
    goodput_requests_per_s: numberAt(objectAt(total, "goodput", "requests_per_s"), "value"),
    ...Object.fromEntries(quantiles),
  };
}

/** One row per item. @param warn called with what is wrong with a run's files. */
export async function itemRows(
  runs: readonly IndexedRun[],
  prices: PriceTable,
  warn: (line: string) => void,
): Promise<RowTable<Row[]>> {
  const rows: Row[] = [];
  for (const { run_id, model, path } of runs) {
    const { items, warnings } = await readRunDirectory(path);
    warnings.forEach(warn);
    const price = prices.priceOf(model);
    for (const item of items) {
      const values = { run_id, model, ...item, cost_usd: itemCost(item, price) };
      rows.push(rowOf(ITEM_COLUMNS, values));
    }
  }
  return { columns: ITEM_COLUMNS, rows };
}

function rowOf(columns: readonly RowColumn[], values: object): Row {
  const given = values as Row;
  return Object.fromEntries(columns.map(({ name }) => [name, given[name] ?? null]));
}
