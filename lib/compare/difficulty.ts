/** How hard problems are: the share of runs that solved each one. */
import { type Attempts, attemptsShare } from "../stats/pass_at_k.ts";
import type { RunOutcomes } from "../run/index.ts";
import type { Estimate } from "../stats/interval.ts";

export interface ProblemDifficulty {
  problem_id: string;
  name: string;
  /** Runs in which it was judged or had no answer. */
  runs: number;
  /** Answers to it in these runs. */
  answers: number;
  /** Answers that were right. */
  successes: number;
  /**
   * Mean over runs of the share of right answers, with a 95 % interval over runs, which are taken to be
   * independent. For a single run, the share of its answers.
   */
  success_rate: Estimate;
}

/** Problems over runs, the hardest first; equally hard ones by the number of runs, most first. */
export function difficulties(outcomes: readonly RunOutcomes[]): ProblemDifficulty[] {
  const problems = new Map<string, { name: string; runs: Map<string, Attempts> }>();
  for (const { run_id, items, marks } of outcomes) {
    for (let i = 0; i < items.length; i++) {
      const mark = marks[i];
      if (mark !== "1" && mark !== "0") continue;
      const [, name, id] = items[i];
      let problem = problems.get(id);
      if (problem === undefined) problems.set(id, problem = { name, runs: new Map() });
      const { n, c } = problem.runs.get(run_id) ?? { n: 0, c: 0 };
      problem.runs.set(run_id, { n: n + 1, c: c + Number(mark === "1") });
    }
  }
  return [...problems].map(([problem_id, { name, runs }]) => {
    const all = [...runs.values()];
    return {
      problem_id,
      name,
      runs: runs.size,
      answers: all.reduce((sum, { n }) => sum + n, 0),
      successes: all.reduce((sum, { c }) => sum + c, 0),
      success_rate: attemptsShare(all)!,
    };
  }).sort((a, b) =>
    a.success_rate.value - b.success_rate.value || b.runs - a.runs ||
    a.problem_id.localeCompare(b.problem_id, "en", { numeric: true })
  );
}
