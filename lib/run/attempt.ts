/** Attempts at coding problems. */
import { fields, isBoolean, isNumber, isText, orNull } from "./forms.ts";
import { type TestResult, testResultForm } from "./test_result.ts";

/** How many of a test's checks passed. */
export interface Checks {
  /** Checks that passed. */
  passed: number;
  /** All checks of the test. */
  total: number;
}

/** The outcome of an attempt, as the next question reports it. */
export interface Tried {
  /** The number of the attempt, from 1. */
  iteration: number;
  /** Whether every check passed. */
  passed: boolean;
  /** How it ended: an outcome of the sandbox, or "no_answer". */
  outcome: string;
  /** The failing check, or why there is no answer. */
  detail: string;
  /** The code found in the answer; null for none. */
  code: string | null;
  /** The checks that passed; null where they were not counted. */
  checks: Checks | null;
  /** The share of checks that passed. */
  pass_rate: number | null;
}

/** An answer to a problem with its outcome: the journal's `attempt_finished`. */
export interface Attempt extends Tried {
  /** Identifies the problem, asked of this model in this mode. */
  experiment_id: string;
  /** The problem's id in its file. */
  problem_id: string;
  /** How the code was found in the reply. */
  how: string;
  /** US dollars; null where the price or a token count is unknown. */
  cost_usd: number | null;
  /**
   * The experiment that the answer was taken from, where a comparative run reused one from its
   * other mode.
   */
  reused_from: string | null;
  /** The answer itself. */
  result: TestResult;
}

/** The form of an {@linkcode Attempt} in JSON. */
export const attemptForm = fields<Attempt>({
  experiment_id: isText,
  problem_id: isText,
  iteration: isNumber,
  passed: isBoolean,
  outcome: isText,
  detail: isText,
  code: orNull(isText),
  checks: orNull(fields<Checks>({ passed: isNumber, total: isNumber })),
  pass_rate: orNull(isNumber),
  how: isText,
  cost_usd: orNull(isNumber),
  reused_from: orNull(isText),
  result: testResultForm,
});
