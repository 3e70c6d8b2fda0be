/**
 * The unit of analysis: the problem. Answers to it (samples, epochs, the modes of a comparative run,
 * retries of a source that keeps them) are nested in it, since they are alike.
 */
import { attemptsShare } from "../stats/pass_at_k.ts";
import { mean } from "../stats/quantile.ts";
import type { Estimate } from "../stats/interval.ts";
import type { RunItem } from "./summary.ts";

/** How one answer came out: right, wrong or without an answer, not judged. */
export type Mark = "1" | "0" | "-";

/** How an item came out; one without an answer counts as wrong. */
export function markOf({ passed, success }: Pick<RunItem, "passed" | "success">): Mark {
  if (passed !== null) return passed ? "1" : "0";
  return success ? "-" : "0";
}

/** Whether an answer was to be judged and could not be: its evaluator failed. It is not passed. */
export function isUnjudged({ passed, success, error }: RunItem): boolean {
  return success && passed === null && error !== null;
}

/** Without an answer, judged wrong, or not judged where it was to be. */
export function isFailing(item: RunItem): boolean {
  return !item.success || item.passed === false || isUnjudged(item);
}

/**
 * The share of right answers among those that were judged or went without an answer, with its
 * interval over problems. Null where there is none.
 *
 * @param marks of each problem, those of its answers.
 */
export function passRateOf(marks: Iterable<readonly string[]>): Estimate | null {
  const attempts = [...marks].map((own) => own.filter((mark) => mark !== "-"))
    .filter((own) => own.length > 0)
    .map((own) => ({ n: own.length, c: own.filter((mark) => mark === "1").length }));
  return attemptsShare(attempts);
}

/** The figures of one way of asking; of a run with one only, of the whole run. */
export interface ModeFigures {
  /** zero-shot or iterative; null where the run has no modes. */
  mode: string | null;
  /** Problems that were asked. */
  problems: number;
  /** Answers to them, and problems that went without. */
  answers: number;
  /** Of the answers, those without one. */
  errors: number;
  /** Share of right answers, over problems where these have several; null where nothing was judged. */
  pass_rate: Estimate | null;
  /** Share of answers that came, as `pass_rate` is made. */
  answer_rate: Estimate | null;
  /** Mean over problems of the mean score of their judged answers, 0..1. */
  avg_hit_rate: number | null;
}

/** The figures of each of a run's modes, in the order in which they come. */
export function modesOf(items: readonly RunItem[]): ModeFigures[] {
  return [...Map.groupBy(items, ({ mode }) => mode ?? "")].map(([mode, own]) => {
    const problems = Map.groupBy(own, ({ problem_id }) => problem_id);
    const judged = own.some(({ passed }) => passed !== null);
    return {
      mode: mode || null,
      problems: problems.size,
      answers: own.length,
      errors: own.filter(({ success }) => !success).length,
      pass_rate: judged ? passRateOf([...problems.values()].map((all) => all.map(markOf))) : null,
      answer_rate: attemptsShare(
        [...problems.values()].map((all) => ({
          n: all.length,
          c: all.filter(({ success }) => success).length,
        })),
      ),
      avg_hit_rate: meanScore(own),
    };
  });
}

/** Of each problem, the mean score of its judged answers; those that have none are left out. */
export function scoresByProblem(items: readonly RunItem[]): number[] {
  const problems = Map.groupBy(items, ({ problem_id }) => problem_id);
  return [...problems.values()].flatMap((answers) => {
    const own = answers.flatMap(({ score }) => score ?? []);
    return own.length > 0 ? [mean(own)] : [];
  });
}

/** The mean over problems of the mean score of their judged answers; null where none has one. */
export function meanScore(items: readonly RunItem[]): number | null {
  const scores = scoresByProblem(items);
  return scores.length > 0 ? mean(scores) : null;
}
