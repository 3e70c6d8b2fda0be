/**
 * koderz: `bench_*.json`, one run of a coding benchmark; zero-shot, iterative or both. The JSON that
 * dyno exports is in this form too, with more fields, and a list of such objects for several runs.
 */
import { safeFileName } from "../run/file_names.ts";
import type { ReadRun, RunItem } from "../run/summary.ts";
import type { ExportedFile } from "./exported_file.ts";
import { Fields } from "./fields.ts";
import { isRecord, keepRests, recordOr, restAt } from "./keep.ts";
import { isoOf } from "./times.ts";
import { DistinctIds, idInSource, NO_LOAD, shareOrNull, totalsOf, unknownItem } from "./totals.ts";

const KINDS = ["suite", "load", "batch", "sweep"] as const;

/** The two halves of a comparative run, as its file names them. */
const HALVES = ["zero_shot", "iterative"] as const;

/** Whether a parsed file is a koderz summary, if perhaps a faulty one. */
export function isKoderz(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isOneKoderz);
  return isOneKoderz(value);
}

function isOneKoderz(value: unknown): boolean {
  if (!isRecord(value) || "benchmarks" in value) return false;
  const configured = isRecord(value.config) && "local_model" in value.config;
  if (HALVES.some((half) => isRecord(value[half]))) return configured;
  if (!Array.isArray(value.results)) return false;
  const [first] = value.results;
  return configured || (isRecord(first) && "problem_id" in first);
}

/** Reads a koderz summary, or a list of them. */
export function readKoderz(path: string, value: unknown): ReadRun[] {
  return (Array.isArray(value) ? value : [value]).map((one) => readOne(path, one));
}

/**
 * Reads one summary. The items of a comparative run are named `zero_shot/…` and `iterative/…`.
 * A problem was answered unless it has an error; its `success` says whether the tests passed.
 */
function readOne(path: string, value: unknown): ReadRun {
  const file = new Fields(path, value);
  const config = file.child("config");
  const started = file.timeOrNull("start_time"), ended = file.timeOrNull("end_time");
  const parts = file.has("results")
    ? [readPart(file, null)]
    : HALVES.flatMap((half) => file.has(half) ? [readPart(file.child(half), half)] : []);
  file.skip("comparison");
  const kind = KINDS.find((kind) => kind === file.peek("kind"));
  if (kind) file.skip("kind");
  const incomplete = file.peek("status") === "incomplete";
  if (file.peek("status") === "complete" || incomplete) file.skip("status");
  const items = parts.flatMap((part) => part.items);
  const total = parts.reduce((sum, part) => sum + part.total, 0);
  const totals = totalsOf(items);
  const problems = config.listOrNull("problems") ?? [];
  const named = (names: ReadonlySet<string>) =>
    problems.length === names.size && problems.every((name) => names.has(`${name}`));
  const derived = named(new Set(items.map(({ name }) => name))) ||
    named(new Set(items.map(({ item_id }) => item_id)));
  const duration_s = file.amountOrNull("duration_seconds") ??
    (started !== null && ended !== null && ended >= started ? ended - started : null);
  const run: ReadRun = {
    summary: {
      run_id: file.text("run_id"),
      path,
      source_form: "koderz",
      kind: kind ?? "suite",
      benchmark: file.textOrNull("benchmark") ?? config.textOrNull("dataset") ??
        items[0]?.name.split("/")[0] ?? "koderz",
      mode: file.textOrNull("mode"),
      model: config.text("local_model"),
      agent: file.textOrNull("agent") ?? config.textOrNull("agent"),
      status: incomplete || items.length < total ? "incomplete" : "complete",
      started_at_unix_seconds: started,
      duration_s,
      ...totals,
      items_total: Math.max(total, items.length),
      cost_usd: sumOrNull(parts.map((part) => part.cost)) ?? totals.cost_usd,
      prompt_tokens: sumOrNull(parts.map((part) => part.input)) ?? totals.prompt_tokens,
      completion_tokens: sumOrNull(parts.map((part) => part.output)) ?? totals.completion_tokens,
      ...NO_LOAD,
      tags: (file.listOrNull("tags") ?? config.listOrNull("tags") ?? []).map(String),
    },
    items,
    unmapped: {},
  };
  run.unmapped = file.rest();
  if (!derived && problems.length) {
    run.unmapped.config = { ...recordOr(run.unmapped.config), problems };
  }
  for (const { half, rests } of parts) {
    const kept = keepRests("results", rests);
    if (half === null) Object.assign(run.unmapped, kept);
    else if (kept.results) run.unmapped[half] = { ...recordOr(run.unmapped[half]), ...kept };
  }
  return run;
}

interface Part {
  half: string | null;
  items: RunItem[];
  rests: Record<string, unknown>[];
  total: number;
  cost: number | null;
  input: number | null;
  output: number | null;
}

function readPart(part: Fields, half: string | null): Part {
  const ids = new DistinctIds();
  const results = part.objects("results");
  const items = results.map((result): RunItem => {
    const id = result.label("problem_id"), name = result.labelOrNull("name") ?? id;
    const ours = result.has("answered");
    if (ours) result.skip("success", "experiment_id");
    const usage = result.childOrNull("usage");
    const error = result.textOrNull("error");
    return {
      ...unknownItem(ids.next(half === null ? id : `${half}/${id}`), name, id),
      mode: half?.replace("_", "-") ?? null,
      category: half ?? result.textOrNull("category"),
      success: ours ? result.flag("answered") : error === null,
      timed_out: result.flagOrNull("timed_out") ?? false,
      passed: ours ? result.flagOrNull("passed") : result.flag("success"),
      score: shareOrNull(result.numberOrNull("score")),
      latency_ms: result.amountOrNull("latency_ms"),
      ttft_ms: result.amountOrNull("ttft_ms"),
      prompt_tokens: usage?.countOrNull("input_tokens") ?? null,
      completion_tokens: usage?.countOrNull("output_tokens") ?? null,
      cost_usd: result.amountOrNull("cost"),
      error,
    };
  });
  const summary = part.childOrNull("summary");
  summary?.skip("successes", "success_rate", "avg_cost", "avg_iterations");
  return {
    half,
    items,
    rests: results.map((result) => result.rest()),
    total: summary?.countOrNull("total_problems") ?? items.length,
    cost: summary?.amountOrNull("total_cost") ?? null,
    input: summary?.countOrNull("total_input_tokens") ?? null,
    output: summary?.countOrNull("total_output_tokens") ?? null,
  };
}

/** Writes a run as koderz does: one `{run_id}.json`. */
export function exportKoderz({ summary, items, unmapped }: ReadRun): ExportedFile[] {
  const started = summary.started_at_unix_seconds;
  const ended = started === null ? null : started + (summary.duration_s ?? 0);
  const halves = HALVES.filter((half) => items.some((item) => item.category === half));
  const comparative = summary.mode === "comparative" && halves.length > 0;
  const { results: _, zero_shot: __, iterative: ___, ...rest } = unmapped;
  const parts = halves.map((half): [string, ReturnType<typeof exportPart>] => {
    const own = items.filter((item) => item.category === half);
    return [half, exportPart(own, recordOr(unmapped[half]), own.length, null)];
  });
  const single = exportPart(items, unmapped, summary.items_total, summary);
  const document = {
    ...rest,
    run_id: summary.run_id,
    mode: summary.mode ?? "zero-shot",
    ...(started === null ? {} : { start_time: isoOf(started, "") }),
    ...(ended === null ? {} : { end_time: isoOf(ended, "") }),
    ...(summary.duration_s === null ? {} : { duration_seconds: summary.duration_s }),
    config: {
      problems: [...new Set(items.map(comparative ? ({ name }) => name : idInSource))],
      ...recordOr(unmapped.config),
      dataset: summary.benchmark,
      local_model: summary.model,
      ...(summary.agent === null ? {} : { agent: summary.agent }),
      ...(summary.tags.length ? { tags: summary.tags } : {}),
    },
    ...(comparative ? { ...Object.fromEntries(parts), ...comparison(parts) } : single),
  };
  const path = `${safeFileName(summary.run_id)}.json`;
  return [{ path, text: JSON.stringify(document, null, 2) + "\n" }];
}

function exportPart(
  items: readonly RunItem[],
  unmapped: Record<string, unknown>,
  total: number,
  sums: ReadRun["summary"] | null,
) {
  const results = items.map((item, i) => {
    const { usage, ...rest } = restAt(unmapped, "results", i);
    const known = {
      ...(item.prompt_tokens === null ? {} : { input_tokens: item.prompt_tokens }),
      ...(item.completion_tokens === null ? {} : { output_tokens: item.completion_tokens }),
      ...recordOr(usage),
    };
    const id = sums === null ? item.name : idInSource(item); // without its half
    return {
      ...rest,
      problem_id: id,
      ...(item.name === id ? {} : { name: item.name }),
      ...(item.category === null || sums === null ? {} : { category: item.category }),
      success: item.passed ?? false,
      ...(item.cost_usd === null ? {} : { cost: item.cost_usd }),
      ...(item.latency_ms === null ? {} : { latency_ms: item.latency_ms }),
      ...(Object.keys(known).length ? { usage: known } : {}),
      ...(item.error === null ? {} : { error: item.error }),
    };
  });
  const successes = items.filter((item) => item.passed).length;
  const { cost_usd, prompt_tokens, completion_tokens } = sums ?? totalsOf(items);
  const iterations = results.map((result) => (result as Record<string, unknown>).iterations);
  const counted = iterations.length > 0 && iterations.every((value) => typeof value === "number");
  const { summary } = unmapped;
  const stats: Record<string, unknown> = {
    ...recordOr(summary),
    total_problems: total,
    successes,
    success_rate: items.length ? 100 * successes / items.length : 0,
    ...(cost_usd === null
      ? {}
      : { total_cost: cost_usd, avg_cost: cost_usd / (items.length || 1) }),
    ...(prompt_tokens === null ? {} : { total_input_tokens: prompt_tokens }),
    ...(completion_tokens === null ? {} : { total_output_tokens: completion_tokens }),
    ...(counted ? { avg_iterations: iterations.reduce((a, b) => a + b, 0) / items.length } : {}),
  };
  return { results, summary: stats };
}

/** Differences of the rates in points, and of the averages a problem. */
function comparison(parts: [string, { summary: Record<string, unknown> }][]) {
  if (parts.length < 2) return {};
  const [first, second] = parts.map(([, part]) => part.summary);
  const difference = (key: string) => {
    const [a, b] = [first[key], second[key]];
    return typeof a === "number" && typeof b === "number" ? b - a : null;
  };
  return {
    comparison: {
      success_rate_improvement: difference("success_rate"),
      cost_difference: difference("avg_cost"),
      iteration_difference: difference("avg_iterations"),
    },
  };
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.reduce((sum, value) => sum === null || value === null ? null : sum + value, 0);
}
