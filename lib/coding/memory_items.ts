/** A coding run as memory items: its summary, and each of its experiments. */
import { costText } from "../text/dollars.ts";
import type { MemoryItem } from "../run/memory_item.ts";
import type { BenchmarkSummary, ExperimentResult, ModeSummary } from "./summary.ts";

/** The memory items of a run, the summary first. */
export function memoryItems(summary: BenchmarkSummary): MemoryItem[] {
  return [summaryItem(summary), ...experimentsOf(summary).map((it) => experimentItem(it, summary))];
}

/** The results of a run, of both modes if it has both. */
function experimentsOf(summary: BenchmarkSummary): ExperimentResult[] {
  const { mode, zero_shot, iterative } = summary;
  const of = (mode: ExperimentResult["mode"], part?: Partial<ModeSummary>) =>
    part?.results?.map((it) => ({ ...it, mode })) ?? [];
  if (mode !== "comparative") return of(mode, summary);
  return [...of("zero-shot", zero_shot), ...of("iterative", iterative)];
}

function summaryItem(summary: BenchmarkSummary): MemoryItem {
  const { run_id, mode, config, start_time, duration_seconds, ledger } = summary;
  const modes = [["", summary], ["Zero-shot: ", summary.zero_shot], [
    "Iterative: ",
    summary.iterative,
  ]] as const;
  const counts = modes.flatMap(([name, part]) => {
    if (!part?.summary) return [];
    const { successes, total_answers, success_rate } = part.summary;
    const { total_cost, requests_of_unknown_cost } = part.summary;
    const cost = costText(total_cost, requests_of_unknown_cost, ledger.total.requests_cut_off);
    return `${name}${successes} of ${total_answers} solved (${
      success_rate.toFixed(1)
    }%), cost ${cost}`;
  });
  return {
    title: `Benchmark Run ${run_id}`,
    content: [
      `Benchmark run ${run_id}: ${config.local_model}, ${mode}`,
      `${config.dataset}, problems ${config.problem_range}`,
      ...counts,
      `Started ${start_time}, took ${duration_seconds.toFixed(1)} s`,
      "The whole summary is in the metadata.",
    ].join("\n"),
    category: "architecture",
    tags: ["benchmark_run", run_id, mode, config.local_model],
    importance: "critical",
    metadata: { ...summary },
  };
}

function experimentItem(
  { experiment_id, problem_id, mode, success, iterations, cost }: ExperimentResult,
  { run_id, config }: BenchmarkSummary,
): MemoryItem {
  return {
    title: `Experiment ${experiment_id} - COMPLETED: ${problem_id}, ${run_id}`,
    content: [
      `${problem_id}, ${mode}, on ${config.local_model}: ${success ? "solved" : "not solved"}`,
      `Iterations: ${iterations}`,
      `Cost: ${costText(cost)}`,
      `Benchmark run: ${run_id}`,
    ].join("\n"),
    category: "learning",
    tags: ["result", experiment_id, problem_id, "completed", run_id],
    importance: "high",
    metadata: {
      benchmark_run_id: run_id,
      experiment_id,
      problem_id,
      mode,
      success,
      iterations,
      cost,
    },
  };
}
