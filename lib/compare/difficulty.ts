/** How hard problems are: of each, the share of runs that solved it. */
import { shareEstimate } from "../stats/interval.ts";
import type { RunOutcomes } from "../run/index.ts";
import type { Estimate } from "../stats/interval.ts";

export interface ProblemDifficulty {
  problem_id: string;
  name: string;
  /** Runs in which it was judged or went without an answer. */
  runs: number;
  successes: number;
  /** With Wilson's 95 % interval, which takes the runs for independent. */
  success_rate: Estimate;
}

/** Problems over runs, the hardest first; of equally hard ones, those of more runs. */
export function difficulties(outcomes: readonly RunOutcomes[]): ProblemDifficulty[] {
  const problems = new Map<string, { name: string; runs: number; successes: number }>();
  for (const { items, marks } of outcomes) {
    for (let i = 0; i < items.length; i++) {
      const mark = marks[i];
      if (mark !== "1" && mark !== "0") continue;
      const [id, name] = items[i];
      let problem = problems.get(id);
      if (problem === undefined) problems.set(id, problem = { name, runs: 0, successes: 0 });
      problem.runs++;
      if (mark === "1") problem.successes++;
    }
  }
  return [...problems].map(([problem_id, { name, runs, successes }]) => ({
    problem_id,
    name,
    runs,
    successes,
    success_rate: shareEstimate(successes, runs)!,
  })).sort((a, b) =>
    a.success_rate.value - b.success_rate.value || b.runs - a.runs ||
    a.problem_id.localeCompare(b.problem_id, "en", { numeric: true })
  );
}
