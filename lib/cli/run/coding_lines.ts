/** The output of a coding run: the lines of the original format, with intervals. */
import { costText, cutOffText, dollars } from "../../text/dollars.ts";
import { percentEstimate } from "../../text/percent.ts";
import type { CodingRun } from "../../coding/run_coding.ts";
import type { BenchmarkSummary, SummaryStats } from "../../coding/summary.ts";
import type { Estimate } from "../../stats/interval.ts";
import type { Palette } from "../ui/terminal.ts";

/** How many answers that could not be judged are listed individually. */
const MOST_UNJUDGED = 5;

/** The lines, for one mode or for a comparison. */
export function codingLines(run: CodingRun, paint: Palette): string[] {
  const { summary } = run;
  const heading = run.results.complete ? "BENCHMARK COMPLETE" : "BENCHMARK NOT COMPLETE";
  const lines = summary.comparison
    ? comparative(run, paint)
    : [paint.bold(heading), ...single(run)];
  return [...lines, ...unjudged(run, paint)];
}

/** Answers that could not be judged, with reasons: they are excluded from every rate. */
function unjudged({ results }: CodingRun, paint: Palette): string[] {
  const items = results.items.filter(({ evaluation_error }) => evaluation_error !== null);
  if (items.length === 0) return [];
  const shown = items.slice(0, MOST_UNJUDGED).map(({ test_id, evaluation_error }) =>
    `  ${test_id}: ${evaluation_error!.split("\n")[0].slice(0, 200)}`
  );
  const more = items.length - shown.length;
  return [
    paint.warn(`Not judged: ${items.length} of ${results.items.length}, left out of the rates`),
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function single({ summary, statistics }: CodingRun): string[] {
  const stats = summary.summary!, { total } = summary.ledger;
  const mode = summary.mode as "zero-shot" | "iterative";
  const { success_rate, pass_at_k, pass_all_k } = statistics.by_mode[mode]!;
  const sampled = hasSamples(summary);
  const each = sampled ? "Answer" : "Problem";
  return [
    `Mode: ${mode}`,
    `Problems: ${stats.total_problems}${sampled ? ` (${stats.total_answers} answers)` : ""}`,
    `Successes: ${stats.successes}${sampled ? " answers" : ""} (${stats.success_rate.toFixed(1)}%)${
      interval(success_rate)
    }`,
    ...Object.entries(pass_at_k).filter(([k]) => Number(k) > 1).map(([k, estimate]) =>
      `pass@${k}: ${share(estimate)}   pass^${k}: ${share(pass_all_k[k])}`
    ),
    `Total Cost: ${
      costText(stats.total_cost, stats.requests_of_unknown_cost, total.requests_cut_off)
    }`,
    ...(total.requests_cut_off ? [cutOffText(total.requests_cut_off)] : []),
    `Avg Cost per ${each}: ${costText(stats.avg_cost)}`,
    `Avg Iterations per ${each}: ${stats.avg_iterations.toFixed(1)}`,
    `Cost per Solved ${each}: ${costText(statistics.by_mode[mode]!.cost_per_solved_usd)}`,
  ];
}

function comparative({ summary, statistics }: CodingRun, paint: Palette): string[] {
  const { total } = summary.ledger;
  const [zero, iterative] = [summary.zero_shot!.summary, summary.iterative!.summary];
  const { success_rate_improvement, cost_difference, iteration_difference } = summary.comparison!;
  const { difference, gained, lost, p, detectable, cost_per_additional_solved_usd } = statistics
    .comparison!;
  const rule = "----------------+-----------------+--------------+----------------";
  const row = (name: string, stats: SummaryStats) =>
    [
      name.padEnd(15),
      `${stats.success_rate.toFixed(1).padStart(5)}% (${String(stats.successes).padStart(2)}/${
        String(stats.total_answers).padStart(2)
      })`.padEnd(15),
      costText(stats.avg_cost).padStart(12),
      stats.avg_iterations.toFixed(1).padStart(14),
    ].join(" | ");
  const signed = (value: number, digits: number) =>
    `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(digits)}`;
  const by = statistics.by_mode;
  const sampled = hasSamples(summary.iterative!);
  return [
    paint.bold("COMPARATIVE BENCHMARK RESULTS"),
    "Mode            | Success Rate    | Avg Cost     | Avg Iterations",
    rule,
    row("Zero-Shot", zero),
    row("Iterative", iterative),
    rule,
    [
      "Improvement".padEnd(15),
      `${signed(success_rate_improvement, 1)}% points`.padEnd(15),
      signedCost(cost_difference).padStart(12),
      signed(iteration_difference, 1).padStart(14),
    ].join(" | "),
    "",
    `zero-shot ${share(by["zero-shot"]!.success_rate)}, iterative ${
      share(by["iterative"]!.success_rate)
    } (95 % intervals, ${sampled ? "over problems" : "Wilson"})`,
    `difference by problem ${share(difference, true)}; ${gained} gained, ${lost} lost, ` +
    `p = ${p.toPrecision(2)} (${sampled ? "sign flips" : "exact McNemar"})`,
    ...(detectable === null
      ? []
      : [`a comparison of this size could have shown ${(detectable * 100).toFixed(0)} points`]),
    `cost per additionally solved problem: ${costText(cost_per_additional_solved_usd)}`,
    `total cost: ${
      costText(total.total_cost_usd, total.requests_of_unknown_cost, total.requests_cut_off)
    }, first answers that ` +
    "both modes share counted once",
    ...(total.requests_cut_off ? [cutOffText(total.requests_cut_off)] : []),
  ];
}

/** Whether problems have several answers. */
function hasSamples({ results }: Pick<BenchmarkSummary, "results">): boolean {
  const problems = new Set(results!.map(({ problem_id }) => problem_id));
  return problems.size < results!.length;
}

function interval(estimate: Estimate | null): string {
  if (!estimate) return "";
  return ` [${(estimate.low * 100).toFixed(1)}, ${(estimate.high * 100).toFixed(1)}]`;
}

function share(estimate: Estimate | null, points = false): string {
  if (!estimate) return "unknown";
  if (!points) return percentEstimate(estimate);
  const [value, low, high] = [estimate.value, estimate.low, estimate.high]
    .map((share) => (100 * share).toFixed(1));
  return `${estimate.value > 0 ? "+" : ""}${value} points [${low}, ${high}]`;
}

function signedCost(value: number | null): string {
  if (value === null) return "unknown";
  return `$${value < 0 ? "-" : "+"}${dollars(Math.abs(value)).slice(1)}`;
}
