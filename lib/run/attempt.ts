/** What is known of an attempt at a coding problem. */
import { fields, isBoolean, isNumber, isText, orNull } from "./forms.ts";
import { type TestResult, testResultForm } from "./test_result.ts";

/** Checks that held, of all. */
export interface Checks {
  /** Checks that held. */
  passed: number;
  /** All checks of the test. */
  total: number;
}

/** The outcome of an attempt, as the next question states it. */
export interface Tried {
  /** From 1. */
  iteration: number;
  /** Whether every check held. */
  passed: boolean;
  /** How it ended: a class of the sandbox, or "no_answer". */
  outcome: string;
  /** The failing check, or why there is no answer. */
  detail: string;
  /** What was found in the answer; null for none. */
  code: string | null;
  /** The tests' checks that held; null where none was counted. */
  checks: Checks | null;
  /** Their share. */
  pass_rate: number | null;
}

/** One answer to a problem and its outcome: the journal's `attempt_finished`. */
export interface Attempt extends Tried {
  /** Names the problem, asked of this model in this way. */
  experiment_id: string;
  /** The problem's id in its file. */
  problem_id: string;
  /** How the code was found in the reply. */
  how: string;
  /** US dollars; null where the price or a count is unknown. */
  cost_usd: number | null;
  /** The experiment whose answer it is, where one of comparative's other mode was taken. */
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
