/**
 * A run as koderz's `bench_*.json`, the JSON object that benchmark scripts read; `--format json`
 * and `--format koderz` write it. Fields in addition to koderz's own contain everything else about
 * a run, so that reading the file gives the same run.
 */
import { safeFileName } from "../run/file_names.ts";
import { isFailing, isUnjudged } from "../run/problems.ts";
import type { ReadRun, RunItem, StatedFigures } from "../run/summary.ts";
import type { ExportedFile } from "./exported_file.ts";
import { ledgerSums } from "./ledger_sums.ts";
import { restAt } from "./keep.ts";
import { isoOf } from "./times.ts";
import { type Totals, totalsOf } from "./totals.ts";
import { objectOr } from "../json_fields.ts";

/** The names of the two halves of a comparative run in its file. */
export const HALVES = ["zero_shot", "iterative"] as const;

/** The mode of the items of a half. */
export function modeOfHalf(half: typeof HALVES[number]): string {
  return half.replace("_", "-");
}

/** Counts and means over a run or one of its halves. */
export interface Stats {
  /** Distinct problems. */
  total_problems: number;
  /** Answers that were judged, or that are missing. */
  total_answers: number;
  /** Answers whose judging failed. */
  unjudged: number;
  /** Right answers; if nothing is judged, existing answers. */
  successes: number;
  /** Percentage of `total_answers`; null if that is 0. */
  success_rate: number | null;
  /** US dollars in total; null if any cost is unknown. */
  total_cost: number | null;
  /** US dollars per answer. */
  avg_cost: number | null;
  /** Attempts per answer; null if any number is unknown. */
  avg_iterations: number | null;
  total_input_tokens: number | null;
  total_output_tokens: number | null;
}

/** Counts and means over items. @param sums of costs and tokens, if the run has its own. */
export function statsOf(
  items: readonly RunItem[],
  { cost_usd, prompt_tokens, completion_tokens }: Pick<
    Totals,
    "cost_usd" | "prompt_tokens" | "completion_tokens"
  >,
): Stats {
  const n = items.length;
  const rated = items.filter((item) => !isUnjudged(item));
  const successes = rated.filter((item) => !isFailing(item)).length;
  const iterations = items.reduce<number | null>(
    (sum, item) => sum === null || item.iterations === null ? null : sum + item.iterations,
    0,
  );
  return {
    total_problems: new Set(items.map(({ problem_id }) => problem_id)).size,
    total_answers: rated.length,
    unjudged: n - rated.length,
    successes,
    success_rate: rated.length ? successes / rated.length * 100 : null,
    total_cost: cost_usd,
    avg_cost: cost_usd === null || n === 0 ? null : cost_usd / n,
    avg_iterations: iterations === null || n === 0 ? null : iterations / n,
    total_input_tokens: prompt_tokens,
    total_output_tokens: completion_tokens,
  };
}

/** The second half minus the first: percentage points, and differences of means. */
export function comparisonOf(first: Stats, second: Stats) {
  const difference = (key: "success_rate" | "avg_cost" | "avg_iterations") => {
    const [a, b] = [first[key], second[key]];
    return a === null || b === null ? null : b - a;
  };
  return {
    success_rate_improvement: difference("success_rate"),
    cost_difference: difference("avg_cost"),
    iteration_difference: difference("avg_iterations"),
  };
}

/** A run in one object; figures that its source states are written as stated. */
export function koderzDocument({ summary, items, unmapped, stated }: ReadRun) {
  const { started_at_unix_seconds: started, duration_s, run_id } = summary;
  const halves = summary.mode === "comparative"
    ? HALVES.filter((half) => items.some(({ mode }) => mode === modeOfHalf(half)))
    : [];
  const { results: _, zero_shot: __, iterative: ___, summary: ____, ...rest } = unmapped;
  const head = {
    ...rest,
    run_id,
    mode: summary.mode,
    start_time: started === null ? null : isoOf(started),
    end_time: started === null || duration_s === null ? null : isoOf(started + duration_s),
    duration_seconds: duration_s,
    kind: summary.kind,
    benchmark: summary.benchmark,
    agent: summary.agent,
    status: summary.status,
    tags: summary.tags,
    // halves count shared answers twice, and items do not include requests without a result
    ...ledgerSums(summary),
    config: {
      local_model: summary.model,
      problems: [...new Set(items.map(({ problem_id }) => problem_id))],
      ...objectOr(unmapped.config),
    },
  };
  if (halves.length === 0) {
    const own = statsOf(items, costed(summary, items));
    if (items.length < summary.items_total) own.total_problems = summary.items_total;
    return { ...head, ...partOf(run_id, items, unmapped, { ...own, ...statedAt("", stated) }) };
  }
  const parts = halves.map((half) => {
    const own = items.filter(({ mode }) => mode === modeOfHalf(half));
    const stats = { ...statsOf(own, totalsOf(own)), ...statedAt(`${half}.`, stated) };
    return [half, partOf(run_id, own, objectOr(unmapped[half]), stats)] as const;
  });
  return {
    ...head,
    ...Object.fromEntries(parts),
    ...(parts.length < 2 ? {} : {
      comparison: {
        ...comparisonOf(parts[0][1].summary, parts[1][1].summary),
        ...statedAt("comparison.", stated),
      },
    }),
  };
}

/** Writes a run in koderz's format: one `{run_id}.json`. */
export function exportKoderz(run: ReadRun): ExportedFile[] {
  const path = `${safeFileName(run.summary.run_id)}.json`;
  return [{ path, text: JSON.stringify(koderzDocument(run), null, 2) + "\n" }];
}

function partOf(
  run_id: string,
  items: readonly RunItem[],
  unmapped: Record<string, unknown>,
  stats: Stats,
) {
  const results = items.map((item, i) => {
    const { usage, ...rest } = restAt(unmapped, "results", i);
    return {
      experiment_id: item.experiment_id ?? `${run_id}/${item.item_id}`,
      problem_id: item.problem_id,
      item_id: item.item_id,
      mode: item.mode,
      success: !isFailing(item),
      iterations: item.iterations,
      cost: item.cost_usd,
      name: item.name,
      category: item.category,
      answered: item.success,
      timed_out: item.timed_out,
      passed: item.passed,
      score: item.score,
      targets: item.targets,
      created_hits: item.created_hits,
      latency_ms: item.latency_ms,
      elapsed_seconds: item.elapsed_s,
      ttft_ms: item.ttft_ms,
      usage: {
        ...objectOr(usage),
        input_tokens: item.prompt_tokens,
        output_tokens: item.completion_tokens,
      },
      error: item.error,
      ...rest,
    };
  });
  return { results, summary: { ...objectOr(unmapped.summary), ...stats } };
}

/** The run's own sums; if it has none, the sums over its items if all are known. */
function costed(summary: ReadRun["summary"], items: readonly RunItem[]) {
  const cost_usd = summary.cost_usd ?? totalsOf(items).cost_usd;
  return { ...summary, cost_usd };
}

function statedAt(prefix: string, stated: StatedFigures | undefined): Record<string, number> {
  return Object.fromEntries(
    Object.entries(stated?.figures ?? {})
      .filter(([name]) => name.startsWith(prefix) && !name.slice(prefix.length).includes("."))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}
