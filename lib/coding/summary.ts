/** Summarises a coding run: the summary that other programs read, and additional statistics. */
import { detectableDifference, pairedShares } from "../stats/paired.ts";
import { attemptsShare, meanPassAllK, meanPassAtK } from "../stats/pass_at_k.ts";
import { exactUsd } from "../text/dollars.ts";
import type { Books, LedgerTotals } from "../run/ledger_totals.ts";
import type { Estimate } from "../stats/interval.ts";
import type { ResultItem } from "../suite/results.ts";
import type { SuiteRun } from "../suite/run_suite.ts";
import type { CodingSettings, Mode } from "./problems_suite.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { Problem } from "./problems/problem.ts";
import type { CodingOutcome } from "../run/test_result.ts";

/** The outcome of one problem. */
export interface ExperimentResult {
  /** Identifies the problem in this mode and this run. */
  experiment_id: string;
  /** The problem's id in its file. */
  problem_id: string;
  /** The mode in which it was asked. */
  mode: Mode;
  /** Whether the last answer passed. */
  success: boolean;
  /** Attempts made. */
  iterations: number;
  /** US dollars of all its requests whose cost is known; null when none is. */
  cost: number | null;
  /** Tokens of all its requests; null when the server did not report them. */
  usage: { input_tokens: number | null; output_tokens: number | null };
}

/** Counts and means over the problems of a mode. */
export interface SummaryStats {
  /** Problems with a result; a problem whose answers could not be judged has none. */
  total_problems: number;
  /** Answers to them: the number of problems times the number of samples. */
  total_answers: number;
  /** Answers that could not be judged, because of the sandbox or of a test; excluded from every rate. */
  unjudged: number;
  /** Answers that passed. */
  successes: number;
  /** Per cent. */
  success_rate: number;
  /**
   * US dollars of all requests of this mode whose cost is known, including reviews, retries and first
   * answers that both modes share; null when none is.
   */
  total_cost: number | null;
  /** Requests that are not in `total_cost`. */
  requests_of_unknown_cost: number;
  /** US dollars per answer; null when the cost of any request is unknown. */
  avg_cost: number | null;
  /** Attempts per answer. */
  avg_iterations: number;
  /** Prompt tokens of the same requests as `total_cost`. */
  total_input_tokens: number | null;
  /** Output tokens of the same requests as `total_cost`. */
  total_output_tokens: number | null;
}

/** The results of one mode. */
export interface ModeSummary {
  /** One for each problem. */
  results: ExperimentResult[];
  /** Their counts and means. */
  summary: SummaryStats;
}

/** The content of benchmark_results/<run_id>.json. */
export interface BenchmarkSummary extends Partial<ModeSummary> {
  /** The run's id. */
  run_id: string;
  /** "comparative": both modes on the same problems. */
  mode: "zero-shot" | "iterative" | "comparative";
  /** ISO 8601. */
  start_time: string;
  /** ISO 8601. */
  end_time: string;
  /** From start_time to end_time, pauses between sessions included. */
  duration_seconds: number;
  /** The settings: what was asked, of which model, how. */
  config: {
    local_model: string;
    problem_range: string;
    problems: string[];
    max_iterations: number;
    dataset: string;
    temperature: number | null;
    seed: number | null;
  };
  /** The cost and tokens of the whole run; first answers that both modes share are counted once. */
  ledger: Books;
  /** The summary of zero-shot mode, when both modes ran. */
  zero_shot?: ModeSummary;
  /** The summary of iterative mode, when both modes ran. */
  iterative?: ModeSummary;
  /** Iterative minus zero-shot: percentage points, and differences of means. */
  comparison?: {
    success_rate_improvement: number;
    cost_difference: number | null;
    iteration_difference: number;
  };
}

/** Rates with intervals, and a comparison of both modes problem by problem. */
export interface CodingStatistics {
  /** One entry for each mode that ran. */
  by_mode: Partial<
    Record<Mode, {
      /**
       * The share of answers that pass: Wilson interval, or over problems when these have several
       * answers.
       */
      success_rate: Estimate | null;
      /** By k: the chance that one of k answers passes, and that all of them do; over problems. */
      pass_at_k: Record<string, Estimate | null>;
      pass_all_k: Record<string, Estimate | null>;
      cost_per_solved_usd: number | null;
    }>
  >;
  /** The comparison problem by problem; null when only one mode ran. */
  comparison: {
    /** Iterative minus zero-shot: the difference of success rates by problem. */
    difference: Estimate | null;
    /** Problems that iterative mode solved more often. */
    gained: number;
    /** Problems that zero-shot mode solved more often. */
    lost: number;
    /** Exact McNemar test; with several answers per problem, a sign-flip test. */
    p: number;
    /** The smallest difference that a comparison of this many problems would have detected (power 80 %). */
    detectable: number | null;
    cost_per_additional_solved_usd: number | null;
  } | null;
}

type CodingItem = ResultItem & { coding: CodingOutcome };

function codingItems(items: readonly ResultItem[], mode: Mode): CodingItem[] {
  return items.filter((item): item is CodingItem => item.coding?.mode === mode);
}

/** Whether an answer's verdict says something about the model. */
function isJudged({ evaluation_error }: CodingItem): boolean {
  return evaluation_error === null;
}

/** The settings of a coding run. */
interface Asked {
  settings: CodingSettings;
  problems: readonly Problem[];
  /** How the problems were chosen, in words. */
  range: string;
  api: APIConfiguration;
  /** The file of the problems. */
  path: string;
}

/** The summary of a run, with the field names that its readers expect. */
export function summaryOf(
  { run_id, results, wall_s: duration_s }: SuiteRun,
  { settings, problems, range, api, path }: Asked,
  started_at_unix_seconds: number | null,
): BenchmarkSummary {
  const both = settings.modes.length > 1;
  const start_s = started_at_unix_seconds ?? Date.now() / 1000 - duration_s;
  const { temperature, seed } = settings.parameters;
  const head = {
    run_id,
    mode: both ? "comparative" as const : settings.modes[0],
    start_time: new Date(start_s * 1000).toISOString(),
    end_time: new Date((start_s + duration_s) * 1000).toISOString(),
    duration_seconds: duration_s,
    config: {
      local_model: api.model,
      problem_range: range,
      problems: problems.map(({ problem_id }) => problem_id),
      max_iterations: settings.max_iterations,
      dataset: path,
      temperature: typeof temperature === "number" ? temperature : null,
      seed: typeof seed === "number" ? seed : null,
    },
    ledger: results.ledger,
  };
  const of = (mode: Mode) => modeSummary(codingItems(results.items, mode));
  if (!both) {
    const { results: experiments, summary } = of(settings.modes[0]);
    // requests of an interrupted run for problems without a result count too
    return { ...head, results: experiments, summary: withTotals(summary, results.ledger.total) };
  }
  const [zero_shot, iterative] = [of("zero-shot"), of("iterative")];
  const minus = (a: number | null, b: number | null) =>
    a === null || b === null ? null : exactUsd(a - b);
  return {
    ...head,
    zero_shot,
    iterative,
    comparison: {
      success_rate_improvement: iterative.summary.success_rate - zero_shot.summary.success_rate,
      cost_difference: minus(iterative.summary.avg_cost, zero_shot.summary.avg_cost),
      iteration_difference: iterative.summary.avg_iterations - zero_shot.summary.avg_iterations,
    },
  };
}

function modeSummary(all: readonly CodingItem[]): ModeSummary {
  const items = all.filter(isJudged);
  const results = items.map(({ coding, passed }) => ({
    experiment_id: coding.experiment_id,
    problem_id: coding.problem_id,
    mode: coding.mode,
    success: passed === true,
    iterations: coding.iterations,
    cost: coding.cost_usd,
    usage: { input_tokens: coding.input_tokens, output_tokens: coding.output_tokens },
  }));
  const n = results.length;
  const successes = results.filter(({ success }) => success).length;
  const spent = all.map(({ coding }) => coding);
  const { total_cost_usd: total_cost, requests_of_unknown_cost } = costOf(all);
  const iterations = spent.reduce((sum, each) => sum + each.iterations, 0);
  return {
    results,
    summary: {
      total_problems: new Set(results.map(({ problem_id }) => problem_id)).size,
      total_answers: n,
      unjudged: all.length - n,
      successes,
      success_rate: n ? successes / n * 100 : 0,
      total_cost,
      requests_of_unknown_cost,
      avg_cost: perAnswer(total_cost, requests_of_unknown_cost, all.length),
      avg_iterations: all.length ? iterations / all.length : 0,
      total_input_tokens: known(spent.map(({ input_tokens }) => input_tokens)),
      total_output_tokens: known(spent.map(({ output_tokens }) => output_tokens)),
    },
  };
}

/** The sum of the known values; null when none is known. */
function known(values: readonly (number | null)[]): number | null {
  const told = values.filter((value) => value !== null);
  return told.length === 0 ? null : exactUsd(told.reduce((sum, value) => sum + value, 0));
}

function costOf(items: readonly CodingItem[]) {
  return {
    total_cost_usd: known(items.map(({ coding }) => coding.cost_usd)),
    requests_of_unknown_cost: items.reduce((sum, { coding }) => {
      return sum + (coding.requests_of_unknown_cost ?? Number(coding.cost_usd === null));
    }, 0),
  };
}

/** The cost per answer; null when a part is unknown. */
function perAnswer(cost: number | null, unknown: number, answers: number): number | null {
  return cost === null || unknown > 0 || answers === 0 ? null : exactUsd(cost / answers);
}

function withTotals(summary: SummaryStats, total: LedgerTotals): SummaryStats {
  const { total_cost_usd, requests_of_unknown_cost } = total;
  return {
    ...summary,
    total_cost: total_cost_usd,
    requests_of_unknown_cost,
    total_input_tokens: total.prompt_tokens,
    total_output_tokens: total.completion_tokens,
  };
}

/** Rates, pass@k and the comparison. */
export function codingStatistics(
  items: readonly ResultItem[],
  { modes, samples }: Pick<CodingSettings, "modes" | "samples">,
): CodingStatistics {
  const ks = [1, 2, 5, 10, 20, 50, 100].filter((k) => k < samples).concat(samples);
  const by_mode: CodingStatistics["by_mode"] = {};
  for (const mode of modes) {
    const own = codingItems(items, mode).filter(isJudged);
    const solved = own.filter(({ passed }) => passed).length;
    const counts = [...Map.groupBy(own, problemOf).values()].map((group) => ({
      n: group.length,
      c: group.filter(({ passed }) => passed).length,
    }));
    const cost = costOf(own);
    by_mode[mode] = {
      success_rate: attemptsShare(counts),
      pass_at_k: Object.fromEntries(ks.map((k) => [k, meanPassAtK(counts, k)])),
      pass_all_k: Object.fromEntries(ks.map((k) => [k, meanPassAllK(counts, k)])),
      cost_per_solved_usd: perAnswer(cost.total_cost_usd, cost.requests_of_unknown_cost, solved),
    };
  }
  return { by_mode, comparison: modes.length > 1 ? comparisonOf(items) : null };
}

function comparisonOf(items: readonly ResultItem[]): CodingStatistics["comparison"] {
  const zero = Map.groupBy(codingItems(items, "zero-shot").filter(isJudged), problemOf);
  const iterative = Map.groupBy(codingItems(items, "iterative").filter(isJudged), problemOf);
  const shared = [...zero.keys()].filter((problem) => iterative.has(problem));
  const rate = (group: readonly CodingItem[]) =>
    group.filter(({ passed }) => passed).length / group.length;
  const first = shared.map((problem) => rate(zero.get(problem)!));
  const second = shared.map((problem) => rate(iterative.get(problem)!));
  const paired = pairedShares(first, second);
  const { difference, p, flips } = paired;
  const gained = second.filter((rate, i) => rate > first[i]).length;
  const lost = second.filter((rate, i) => rate < first[i]).length;
  const costs = [iterative, zero].map((groups) => {
    const cost = costOf(shared.flatMap((problem) => groups.get(problem)!));
    return cost.requests_of_unknown_cost ? null : cost.total_cost_usd;
  });
  const more = costs[0] === null || costs[1] === null ? null : costs[0] - costs[1];
  return {
    difference,
    gained,
    lost,
    p,
    detectable: detectableDifference(paired),
    // a problem that is solved more often is not an additional solved problem
    cost_per_additional_solved_usd: more === null || flips === null || gained <= lost
      ? null
      : exactUsd(more / (gained - lost)),
  };
}

function problemOf({ coding }: CodingItem): string {
  return coding.problem_id;
}
