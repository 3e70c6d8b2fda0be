/**
 * The problem is the unit of analysis. Answers to one problem (samples, epochs, modes of a
 * comparative run, retries kept by a source) are nested in it, since they are alike.
 */
import { attemptsShare } from "../stats/pass_at_k.ts";
import { mean } from "../stats/quantile.ts";
import type { Estimate } from "../stats/interval.ts";
import type { RunItem } from "./summary.ts";

/** The outcome of an answer: "1" right, "0" wrong or without an answer, "-" not judged. */
export type Mark = "1" | "0" | "-";

/** Returns the outcome of an item; one without an answer counts as wrong. */
export function markOf({ passed, success }: Pick<RunItem, "passed" | "success">): Mark {
  if (passed !== null) return passed ? "1" : "0";
  return success ? "-" : "0";
}

/** Whether an answer should have been judged, but its evaluator failed. It does not count as passed. */
export function isUnjudged({ passed, success, error }: RunItem): boolean {
  return success && passed === null && error !== null;
}

/** Whether an item has no answer, was judged wrong, or could not be judged. */
export function isFailing(item: RunItem): boolean {
  return !item.success || item.passed === false || isUnjudged(item);
}

/**
 * Returns the share of right answers among those that were judged or are missing, with its interval
 * over problems. Null where there are none.
 *
 * @param marks for each problem, the outcomes of its answers.
 */
export function passRateOf(marks: Iterable<readonly string[]>): Estimate | null {
  const attempts = [...marks].map((own) => own.filter((mark) => mark !== "-"))
    .filter((own) => own.length > 0)
    .map((own) => ({ n: own.length, c: own.filter((mark) => mark === "1").length }));
  return attemptsShare(attempts);
}

/** The figures of one mode of asking, or of the whole run if it has only one. */
export interface ModeFigures {
  /** zero-shot or iterative; null where the run has no modes. */
  mode: string | null;
  /** Problems that were asked. */
  problems: number;
  /** Answers, including missing ones. */
  answers: number;
  /** Of these, missing answers. */
  errors: number;
  /**
   * Share of right answers, over problems where these have several answers; null where nothing was
   * judged.
   */
  pass_rate: Estimate | null;
  /** Share of answers that are not missing, computed like `pass_rate`. */
  answer_rate: Estimate | null;
  /** Mean over problems of the mean score of their judged answers, 0 to 1. */
  avg_hit_rate: number | null;
}

/** Returns the figures of each mode of a run, in order of appearance. */
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

/** Returns the mean score of the judged answers of each problem; problems without any are left out. */
export function scoresByProblem(items: readonly RunItem[]): number[] {
  const problems = Map.groupBy(items, ({ problem_id }) => problem_id);
  return [...problems.values()].flatMap((answers) => {
    const own = answers.flatMap(({ score }) => score ?? []);
    return own.length > 0 ? [mean(own)] : [];
  });
}

/** Returns the mean over problems of the mean score of their judged answers; null where none was judged. */
export function meanScore(items: readonly RunItem[]): number | null {
  const scores = scoresByProblem(items);
  return scores.length > 0 ? mean(scores) : null;
}
