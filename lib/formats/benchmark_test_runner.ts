/** BenchmarkTestRunner: `batch_results_*.json` and one `*_result.json` per test. */
import { safeFileName, uniqueFileNames } from "../run/file_names.ts";
import type { ReadRun, RunItem } from "../run/summary.ts";
import type { ExportedFile } from "./exported_file.ts";
import { Fields } from "./fields.ts";
import { keepRests, restAt } from "./keep.ts";
import { ledgerSums, readLedgerSums } from "./ledger_sums.ts";
import { agrees, Stated } from "./stated.ts";
import { isoOf, millisecondsOf, secondsOf, unixSecondsOf } from "./times.ts";
import {
  DistinctIds,
  nestingOf,
  NO_LOAD,
  readNesting,
  saysTimeout,
  shareOrNull,
  totalsOf,
  unknownItem,
} from "./totals.ts";
import { isJsonObject, objectOr } from "../json_fields.ts";

/** Fields in which a batch can keep its results, and its counts. */
const LISTS = ["results", "test_results", "items"] as const;
const COUNTS = ["summary", "execution_summary", "execution_progress"] as const;
const CONFIGS = ["configuration", "config", "api_configuration"] as const;

/** Whether a parsed file is the result of one test. */
export function isTestResult(value: unknown): boolean {
  return isJsonObject(value) && "test_id" in value && "success" in value &&
    ("execution_time" in value || "response_text" in value);
}

/** Whether a parsed file is a batch. */
export function isTestBatch(value: unknown): boolean {
  if (!isJsonObject(value) || isTestResult(value)) return false;
  const list = LISTS.map((key) => value[key]).find(Array.isArray) as unknown[] | undefined;
  if (list && list.length > 0) return isTestResult(list[0]);
  return COUNTS.some((key) => {
    const counts = value[key];
    return isJsonObject(counts) && "total_tests" in counts && "successful_tests" in counts;
  });
}

/**
 * Reads a batch. Results that the batch does not contain are taken from `singles`, the parsed
 * result files next to it.
 */
export function readTestBatch(path: string, value: unknown, singles: unknown[] = []): ReadRun {
  const file = new Fields(path, value);
  const key = LISTS.find((list) => file.has(list));
  const own = key ? file.objects(key) : [];
  const results = own.length ? own : singles.map((single) => new Fields(path, single));
  const config = CONFIGS.map((name) => file.childOrNull(name)).find((child) => child !== null);
  const counts = COUNTS.map((name) => file.childOrNull(name)).find((child) => child !== null);
  const total = counts?.countOrNull("total_tests") ?? results.length;
  const good = counts?.countOrNull("successful_tests") ?? null;
  const bad = counts?.countOrNull("failed_tests") ?? null;
  const run = readResults(path, results, {
    run_id: file.textOrNull("run_id") ?? stemOf(path),
    benchmark: file.textOrNull("test_suite_id") ?? file.textOrNull("benchmark"),
    model: file.textOrNull("model") ?? config?.textOrNull("model") ?? null,
    started: file.timeOrNull("timestamp") ?? counts?.timeOrNull("start_time") ?? null,
    duration_s: counts?.amountOrNull("elapsed_time") ??
      counts?.amountOrNull("total_execution_time") ?? null,
  });
  const { summary } = run;
  Object.assign(summary, readLedgerSums(file));
  summary.agent = file.textOrNull("agent") ?? config?.textOrNull("api_type") ?? null;
  summary.tags = (file.listOrNull("tags") ?? []).map(String);
  if (run.items.length === 0) {
    summary.successful = good ?? 0;
    summary.failed = bad ?? Math.max(0, total - summary.successful);
  }
  summary.items_total = Math.max(total, run.items.length);
  if (run.items.length > 0 && run.items.length < total) summary.status = "incomplete";
  const stated = new Stated();
  if (run.items.length > 0) {
    const done = run.items.length, { successful, failed } = summary;
    stated.check("successful_tests", good, successful);
    stated.check("failed_tests", bad, failed);
    stated.check("completed_tests", counts?.countOrNull("completed_tests") ?? null, done);
    const rate = counts?.numberOrNull("success_rate") ?? null;
    // a share or a percentage
    stated.check("success_rate", rate, successful / total * (rate !== null && rate > 1 ? 100 : 1));
  } else {
    counts?.skip("completed_tests", "success_rate");
  }
  Object.assign(run, stated.found());
  Object.assign(run.unmapped, file.rest());
  return run;
}

/** Reads result files that do not belong to a batch, as one run. */
export function readTestResults(
  path: string,
  singles: { path: string; value: unknown }[],
): ReadRun {
  const results = singles.map((single) => new Fields(single.path, single.value));
  const run_id = singles.length === 1 ? stemOf(path) : `results_${stemOf(path)}`;
  return readResults(path, results, {
    run_id,
    benchmark: null,
    model: null,
    started: null,
    duration_s: null,
  });
}

interface BatchFacts {
  run_id: string;
  benchmark: string | null;
  model: string | null;
  started: number | null;
  duration_s: number | null;
}

function readResults(path: string, results: Fields[], facts: BatchFacts): ReadRun {
  const ids = new DistinctIds();
  let model: string | null = null, first = Infinity;
  const items = results.map((result): RunItem => {
    const test_id = result.label("test_id"), id = ids.next(test_id);
    const evaluation = result.childOrNull("evaluation_result");
    const time = result.amountOrNull("execution_time");
    const started = unixSecondsOf(String(result.peek("timestamp")));
    if (started !== null) first = Math.min(first, started);
    const error = result.textOrNull("error_message");
    const named = objectOr(result.peek("api_response")).model;
    if (typeof named === "string") model ??= named;
    return {
      ...unknownItem(id, result.textOrNull("test_name") ?? id, test_id),
      ...readNesting(result),
      category: result.textOrNull("category"),
      success: result.flag("success"),
      timed_out: result.flagOrNull("timed_out") ?? saysTimeout(error),
      passed: evaluation?.flagOrNull("passed") ?? null,
      score: shareOrNull(evaluation?.numberOrNull("score") ?? null),
      latency_ms: time === null ? null : millisecondsOf(time),
      ttft_ms: result.amountOrNull("ttft_ms"),
      prompt_tokens: result.countOrNull("prompt_tokens"),
      completion_tokens: result.countOrNull("completion_tokens"),
      cost_usd: result.amountOrNull("cost_usd"),
      error,
    };
  });
  const rests = results.map((result, i) => {
    const { latency_ms, completion_tokens } = items[i];
    const rate = result.amountOrNull("tokens_per_second");
    const derived = rate === null || (latency_ms && completion_tokens !== null &&
      agrees(rate, completion_tokens / secondsOf(latency_ms)));
    return { ...result.rest(), ...(derived ? {} : { tokens_per_second: rate }) };
  });
  return {
    summary: {
      run_id: facts.run_id,
      path,
      source_form: "benchmark_test_runner",
      kind: "suite",
      benchmark: facts.benchmark ?? "unnamed",
      mode: null,
      model: facts.model ?? model ?? "unknown",
      agent: null,
      status: "complete",
      started_at_unix_seconds: facts.started ?? (Number.isFinite(first) ? first : null),
      duration_s: facts.duration_s,
      ...totalsOf(items),
      ...NO_LOAD,
      tags: [],
    },
    items,
    unmapped: keepRests("results", rests),
  };
}

/** Writes a run in the test runner's format: the batch, and a file for each test. */
export function exportTestRunner({ summary, items, unmapped, stated }: ReadRun): ExportedFile[] {
  const results = items.map((item, i) => exportResult(item, restAt(unmapped, "results", i)));
  const { results: _, summary: rest, configuration, ...others } = unmapped;
  const started = summary.started_at_unix_seconds;
  const spoken = summary.agent === "chat" || summary.agent === "completions";
  const batch = {
    ...others,
    run_id: summary.run_id,
    test_suite_id: summary.benchmark,
    ...(started === null ? {} : { timestamp: isoOf(started) }),
    ...(summary.agent === null || spoken ? {} : { agent: summary.agent }),
    ...(summary.tags.length ? { tags: summary.tags } : {}),
    ...ledgerSums(summary),
    configuration: {
      ...objectOr(configuration),
      model: summary.model,
      ...(spoken ? { api_type: summary.agent } : {}),
    },
    summary: {
      ...objectOr(rest),
      total_tests: summary.items_total,
      completed_tests: items.length,
      successful_tests: summary.successful,
      failed_tests: summary.failed,
      ...stated?.figures,
      ...(summary.duration_s === null ? {} : { elapsed_time: summary.duration_s }),
    },
    results,
  };
  const stems = uniqueFileNames(items.map(({ item_id, name }) => ({ id: item_id, name })));
  return [
    { path: `batch_results_${safeFileName(summary.run_id)}.json`, text: pretty(batch) },
    ...results.map((result, i) => ({ path: `${stems[i]}_result.json`, text: pretty(result) })),
  ];
}

/** The fields of the document's TestResult, all of which its reader expects; null is unknown. */
const UNKNOWN = {
  response_text: null,
  timestamp: null,
  api_response: null,
  performance_metrics: null,
  evaluation_result: null,
  reasoning_score: null,
  reasoning_type: null,
};

function exportResult(item: RunItem, rest: Record<string, unknown>) {
  const { evaluation_result, ...others } = rest;
  const seconds = item.latency_ms === null ? null : secondsOf(item.latency_ms);
  const judged = {
    ...objectOr(evaluation_result),
    ...(item.passed === null ? {} : { passed: item.passed }),
    ...(item.score === null ? {} : { score: item.score }),
  };
  return {
    ...UNKNOWN,
    tokens_per_second: seconds && item.completion_tokens !== null
      ? item.completion_tokens / seconds
      : null,
    ...others,
    test_id: item.item_id,
    test_name: item.name,
    ...nestingOf(item),
    ...(item.category === null ? {} : { category: item.category }),
    success: item.success,
    ...(item.timed_out || item.error !== null ? { timed_out: item.timed_out } : {}),
    execution_time: seconds,
    ...(item.ttft_ms === null ? {} : { ttft_ms: item.ttft_ms }),
    prompt_tokens: item.prompt_tokens,
    completion_tokens: item.completion_tokens,
    ...(item.cost_usd === null ? {} : { cost_usd: item.cost_usd }),
    error_message: item.error,
    ...(Object.keys(judged).length ? { evaluation_result: judged } : {}),
  };
}

function stemOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/(_result)?\.json$/, "") || "results";
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}
