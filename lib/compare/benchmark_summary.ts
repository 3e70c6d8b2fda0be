/** A run in one JSON object, under the names that benchmark scripts read; and read back from it. */
import { asObject, booleanAt, numberAt, objectsIn, textAt } from "../json_fields.ts";
import { countsOf } from "../run/read_run.ts";
import { itemCost } from "./cost.ts";
import { isFailing } from "./package_stats.ts";
import type { JsonObject } from "../json_fields.ts";
import type { Price } from "../run/prices.ts";
import type { ReadRun, RunItem } from "../run/summary.ts";

/** An answer of a run. `success`: answered, and right where it was judged. */
export interface SummaryEntry {
  experiment_id: string;
  problem_id: string;
  /** Names the answer where a problem has several. */
  item_id: string;
  /** zero-shot or iterative; null where the run has no modes. */
  mode: string | null;
  success: boolean;
  /** Null: not recorded. */
  iterations: number | null;
  cost: number | null;
  name: string;
  category: string | null;
  answered: boolean;
  timed_out: boolean;
  passed: boolean | null;
  score: number | null;
  latency_ms: number | null;
  ttft_ms: number | null;
  usage: { input_tokens: number | null; output_tokens: number | null };
  error: string | null;
}

export interface SummaryFile {
  run_id: string;
  mode: string | null;
  /** ISO 8601, UTC. */
  start_time: string | null;
  end_time: string | null;
  duration_seconds: number | null;
  kind: string;
  benchmark: string;
  agent: string | null;
  status: string;
  tags: string[];
  config: { local_model: string; problems: string[] };
  results: SummaryEntry[];
  summary: {
    total_problems: number;
    /** Answers to them, and problems without one in each mode. */
    total_answers: number;
    /** Answers that are a success. */
    successes: number;
    /** Percent of the answers. */
    success_rate: number | null;
    total_cost: number | null;
    avg_cost: number | null;
    avg_iterations: number | null;
    total_input_tokens: number | null;
    total_output_tokens: number | null;
  };
}

/** The summary of a run; costs are null where tokens or prices are unknown. */
export function benchmarkSummary({ summary: run, items }: ReadRun, price: Price | null) {
  const { started_at_unix_seconds: start, duration_s } = run;
  const results = items.map((item) => resultOf(run.run_id, item, price));
  const successes = results.filter(({ success }) => success).length;
  const costs = results.map(({ cost }) => cost);
  const total_cost = run.cost_usd ??
    (results.length === 0 || costs.includes(null)
      ? null
      : costs.reduce<number>((sum, cost) => sum + cost!, 0));
  const n = results.length;
  const problems = [...new Set(items.map(({ problem_id }) => problem_id))];
  const found: SummaryFile = {
    run_id: run.run_id,
    mode: run.mode,
    start_time: isoTime(start),
    end_time: start === null || duration_s === null ? null : isoTime(start + duration_s),
    duration_seconds: duration_s,
    kind: run.kind,
    benchmark: run.benchmark,
    agent: run.agent,
    status: run.status,
    tags: run.tags,
    config: { local_model: run.model, problems },
    results,
    summary: {
      total_problems: problems.length,
      total_answers: n,
      successes,
      success_rate: n > 0 ? Math.round(successes / n * 1e6) / 1e4 : null,
      total_cost,
      avg_cost: total_cost === null || n === 0 ? null : total_cost / n,
      avg_iterations: null,
      total_input_tokens: run.prompt_tokens,
      total_output_tokens: run.completion_tokens,
    },
  };
  return found;
}

function resultOf(run_id: string, item: RunItem, price: Price | null): SummaryEntry {
  return {
    experiment_id: `${run_id}/${item.item_id}`,
    problem_id: item.problem_id,
    item_id: item.item_id,
    mode: item.mode,
    success: !isFailing(item),
    iterations: null,
    cost: itemCost(item, price),
    name: item.name,
    category: item.category,
    answered: item.success,
    timed_out: item.timed_out,
    passed: item.passed,
    score: item.score,
    latency_ms: item.latency_ms,
    ttft_ms: item.ttft_ms,
    usage: { input_tokens: item.prompt_tokens, output_tokens: item.completion_tokens },
    error: item.error,
  };
}

/**
 * Reads back what {@linkcode benchmarkSummary} gave, as a baseline kept in a repository is; null where
 * the value is nothing of the kind.
 */
export function readBenchmarkSummary(value: unknown, path: string): ReadRun | null {
  const file = asObject(value);
  if (file === null || !Array.isArray(file.results) || textAt(file, "run_id") === null) return null;
  const items = objectsIn(file.results).flatMap((entry) => itemOf(entry) ?? []);
  const judged = items.filter(({ passed }) => passed !== null);
  const start = Date.parse(textAt(file, "start_time") ?? "");
  const config = asObject(file.config);
  const summary: ReadRun["summary"] = {
    run_id: textAt(file, "run_id")!,
    path,
    source_form: "dyno",
    kind: "suite",
    benchmark: textAt(file, "benchmark") ?? "unknown",
    mode: textAt(file, "mode"),
    model: textAt(config, "local_model") ?? "unknown",
    agent: textAt(file, "agent"),
    status: textAt(file, "status") === "incomplete" ? "incomplete" : "complete",
    started_at_unix_seconds: Number.isNaN(start) ? null : start / 1000,
    duration_s: numberAt(file, "duration_seconds"),
    ...countsOf(items),
    passed: judged.length ? judged.filter(({ passed }) => passed).length : null,
    cost_usd: numberAt(asObject(file.summary), "total_cost"),
    tags: [],
  };
  return { summary, items, unmapped: {} };
}

function itemOf(entry: JsonObject): RunItem | null {
  const problem_id = textAt(entry, "problem_id");
  const success = booleanAt(entry, "success");
  if (problem_id === null || success === null) return null;
  const item_id = textAt(entry, "item_id") ?? problem_id;
  const usage = asObject(entry.usage);
  return {
    item_id,
    problem_id,
    mode: textAt(entry, "mode"),
    name: textAt(entry, "name") ?? item_id,
    category: textAt(entry, "category"),
    success: booleanAt(entry, "answered") ?? true,
    timed_out: booleanAt(entry, "timed_out") ?? false,
    passed: "passed" in entry ? booleanAt(entry, "passed") : success,
    score: numberAt(entry, "score"),
    latency_ms: numberAt(entry, "latency_ms"),
    ttft_ms: numberAt(entry, "ttft_ms"),
    prompt_tokens: numberAt(usage, "input_tokens"),
    completion_tokens: numberAt(usage, "output_tokens"),
    cost_usd: numberAt(entry, "cost"),
    error: textAt(entry, "error"),
  };
}

function isoTime(unix_s: number | null): string | null {
  return unix_s === null ? null : new Date(unix_s * 1000).toISOString();
}
