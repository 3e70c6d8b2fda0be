/**
 * koderz: `bench_*.json`, one run of a coding benchmark: zero-shot, iterative or both. JSON that
 * dyno exports is in this format too, with more fields; for several runs it is a list of such
 * objects.
 */
import type { ReadRun, RunItem, RunSummary } from "../run/summary.ts";
import { Fields } from "./fields.ts";
import { keepRests } from "./keep.ts";
import { comparisonOf, HALVES, modeOfHalf, statsOf } from "./koderz_document.ts";
import { readLedgerSums } from "./ledger_sums.ts";
import { Stated } from "./stated.ts";
import { DistinctIds, NO_LOAD, shareOrNull, totalsOf, unknownItem } from "./totals.ts";
import { isJsonObject, objectOr } from "../json_fields.ts";

const KINDS = ["suite", "load", "batch", "sweep"] as const;
const STATUS = ["complete", "incomplete", "failed"] as const;
/** Figures that a summary states and that also follow from the items. */
const FIGURES = [
  "successes",
  "success_rate",
  "total_cost",
  "avg_cost",
  "avg_iterations",
  "total_input_tokens",
  "total_output_tokens",
] as const;

/** Whether a parsed file is a koderz summary, even a faulty one. */
export function isKoderz(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isOneKoderz);
  return isOneKoderz(value);
}

function isOneKoderz(value: unknown): boolean {
  if (!isJsonObject(value) || "benchmarks" in value) return false;
  const configured = isJsonObject(value.config) && "local_model" in value.config;
  if (HALVES.some((half) => isJsonObject(value[half]))) return configured;
  if (!Array.isArray(value.results)) return false;
  const [first] = value.results;
  return configured || (isJsonObject(first) && "problem_id" in first);
}

/** Reads a koderz summary, or a list of them. */
export function readKoderz(path: string, value: unknown): ReadRun[] {
  return (Array.isArray(value) ? value : [value]).map((one) => readOne(path, one));
}

/**
 * Reads one summary. In koderz's own files the items of a comparative run are named `zero_shot/…`
 * and `iterative/…`. A problem counts as answered unless it has an error; its `success` says
 * whether the tests passed. Figures that do not agree with the results are kept as the file states
 * them.
 */
function readOne(path: string, value: unknown): ReadRun {
  const file = new Fields(path, value);
  const config = file.child("config"), run_id = file.text("run_id");
  const started = file.timeOrNull("start_time"), ended = file.timeOrNull("end_time");
  const stated = new Stated();
  const parts = file.has("results")
    ? [readPart(file, null, run_id, stated)]
    : HALVES.flatMap((half) =>
      file.has(half) ? [readPart(file.child(half), half, run_id, stated)] : []
    );
  checkComparison(file, parts, stated);
  const kind = KINDS.find((kind) => kind === file.peek("kind"));
  if (kind) file.skip("kind");
  const status = STATUS.find((status) => status === file.peek("status"));
  if (status) file.skip("status");
  const items = parts.flatMap((part) => part.items);
  const total = parts.reduce((sum, part) => sum + part.total, 0);
  const totals = totalsOf(items);
  const problems = config.listOrNull("problems") ?? [];
  const named = (names: ReadonlySet<string>) =>
    problems.length === names.size && problems.every((name) => names.has(`${name}`));
  const derived = (["problem_id", "name", "item_id"] as const)
    .some((key) => named(new Set(items.map((item) => item[key]))));
  const benchmark = file.textOrNull("benchmark") ?? config.textOrNull("dataset") ??
    items[0]?.name.split("/")[0] ?? "koderz";
  if (config.peek("dataset") === benchmark) config.skip("dataset");
  const sum = (pick: (part: Part) => number | null) => sumOrNull(parts.map(pick));
  const summary: RunSummary = {
    run_id,
    path,
    source_form: "koderz",
    kind: kind ?? "suite",
    benchmark,
    mode: file.textOrNull("mode"),
    model: config.text("local_model"),
    agent: file.textOrNull("agent") ?? config.textOrNull("agent"),
    status: items.length < total ? "incomplete" : status ?? "complete",
    started_at_unix_seconds: started,
    duration_s: file.amountOrNull("duration_seconds") ??
      (started !== null && ended !== null && ended >= started ? ended - started : null),
    ...totals,
    items_total: Math.max(total, items.length),
    cost_usd: sum(({ cost }) => cost) ?? totals.cost_usd,
    prompt_tokens: sum(({ input }) => input) ?? totals.prompt_tokens,
    completion_tokens: sum(({ output }) => output) ?? totals.completion_tokens,
    ...NO_LOAD,
    ...readLedgerSums(file), // its halves count shared answers twice
    tags: (file.listOrNull("tags") ?? config.listOrNull("tags") ?? []).map(String),
  };
  const unmapped = file.rest();
  if (!derived && problems.length) {
    unmapped.config = { ...objectOr(unmapped.config), problems };
  }
  for (const { half, rests } of parts) {
    const kept = keepRests("results", rests);
    if (half === null) Object.assign(unmapped, kept);
    else if (kept.results) unmapped[half] = { ...objectOr(unmapped[half]), ...kept };
  }
  return { summary, items, unmapped, ...stated.found() };
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

function readPart(
  part: Fields,
  half: typeof HALVES[number] | null,
  run_id: string,
  stated: Stated,
): Part {
  const ids = new DistinctIds();
  const results = part.objects("results");
  const items = results.map((result): RunItem => {
    const problem_id = result.label("problem_id");
    const ours = result.has("answered");
    if (ours) result.skip("success");
    const usage = result.childOrNull("usage");
    const error = result.textOrNull("error");
    const item_id = ids.next(
      result.labelOrNull("item_id") ?? (half === null ? problem_id : `${half}/${problem_id}`),
    );
    const experiment_id = result.labelOrNull("experiment_id");
    const mode = result.textOrNull("mode") ?? (half && modeOfHalf(half));
    return {
      ...unknownItem(item_id, result.labelOrNull("name") ?? problem_id, problem_id),
      mode,
      category: result.textOrNull("category") ?? (ours ? null : mode),
      success: ours ? result.flag("answered") : error === null,
      timed_out: result.flagOrNull("timed_out") ?? false,
      passed: ours ? result.flagOrNull("passed") : result.flag("success"),
      score: shareOrNull(result.numberOrNull("score")),
      targets: result.amountOrNull("targets"),
      created_hits: result.amountOrNull("created_hits"),
      latency_ms: result.amountOrNull("latency_ms"),
      elapsed_s: result.amountOrNull("elapsed_seconds"),
      ttft_ms: result.amountOrNull("ttft_ms"),
      prompt_tokens: usage?.countOrNull("input_tokens") ?? null,
      completion_tokens: usage?.countOrNull("output_tokens") ?? null,
      cost_usd: result.amountOrNull("cost"),
      // an id that only repeats the item's
      experiment_id: experiment_id === `${run_id}/${item_id}` ? null : experiment_id,
      iterations: result.amountOrNull("iterations"),
      error,
    };
  });
  const summary = part.childOrNull("summary");
  summary?.skip("total_answers", "unjudged");
  const own = statsOf(items, totalsOf(items));
  const told: Partial<Record<string, number | null>> = {};
  for (const figure of FIGURES) {
    told[figure] = summary?.amountOrNull(figure) ?? null;
    stated.check(half === null ? figure : `${half}.${figure}`, told[figure], own[figure]);
  }
  return {
    half,
    items,
    rests: results.map((result) => result.rest()),
    total: summary?.countOrNull("total_problems") ?? items.length,
    cost: told.total_cost ?? null,
    input: told.total_input_tokens ?? null,
    output: told.total_output_tokens ?? null,
  };
}

function checkComparison(file: Fields, parts: readonly Part[], stated: Stated): void {
  const comparison = file.childOrNull("comparison");
  if (comparison === null || parts.length < 2) return;
  const [first, second] = parts.map(({ items }) => statsOf(items, totalsOf(items)));
  for (const [figure, computed] of Object.entries(comparisonOf(first, second))) {
    stated.check(`comparison.${figure}`, comparison.numberOrNull(figure), computed);
  }
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.reduce((sum, value) => sum === null || value === null ? null : sum + value, 0);
}
