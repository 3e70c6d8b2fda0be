/** What is run in the sandbox, and its outcome. */
import type { Checks } from "../../run/attempt.ts";

/** A candidate's program and the checks it has to pass. */
export interface Program {
  /** The complete text of the module. */
  code: string;
  /** The function that the checks call. */
  entry_point: string;
  /** Of form "check", code that defines `check(candidate)`; of form "asserts", lines of asserts. */
  test: string;
  /** How `test` is written. */
  form: "check" | "asserts";
  /**
   * The task's own text, trusted: functions that it defines beside the entry point are the ones
   * that the checks use. Without it they are the candidate's.
   */
  prompt?: string;
  /**
   * Names beside the entry point that the checks may take from the program in form "asserts", because
   * the problem asks for them. Without it any that they read.
   */
  helpers?: readonly string[];
  /**
   * Wall time for the module and all its calls; the checks' own time does not count. Its CPU time is
   * limited to a second more.
   */
  timeout_s: number;
  /** Address space of each process, and the resident memory of all of them together. */
  memory_bytes: number;
}

/**
 * The kinds of end.
 * - passed: every check held
 * - assertion: a check did not hold
 * - exception: the program raised, ended its interpreter, or gave what is not a built-in value
 * - syntax, no_code: it does not compile; there is nothing in it
 * - timeout, out_of_memory: a limit was met
 * - tampered: it wrote on the channel that carries its results
 * - sandbox_error: the sandbox or the test is at fault, not the program
 */
export type OutcomeClass =
  | "passed"
  | "assertion"
  | "exception"
  | "syntax"
  | "no_code"
  | "timeout"
  | "out_of_memory"
  | "tampered"
  | "sandbox_error";

/** What came of one program. */
export interface Outcome {
  /** How the program ended; "passed" is the only good end. */
  class: OutcomeClass;
  /** Whether every check held. */
  passed: boolean;
  /** The failing check or the end of the traceback; at most {@linkcode LONGEST_DETAIL}. */
  detail: string;
  /**
   * How many of the test's asserts held. Those after the first that failed are counted too, those
   * that the program did not live to see are failed. Null where none could be counted.
   */
  checks: Checks | null;
  /** The beginning of what the program printed, on both of its streams. */
  stdout: string;
  /** From start to end, seconds. */
  wall_s: number;
  /** Of that, what the program itself took while the checks waited for it. */
  worked_s: number;
  /** CPU time of the program's processes with the interpreter's start; null where unknown. */
  cpu_s: number | null;
  /** The most memory of the program's processes; null where unknown. */
  max_rss_bytes: number | null;
}

/** Characters kept of an outcome's detail. */
export const LONGEST_DETAIL = 4000;

/** Text of a program without the control characters that would drive a terminal. */
export function printableOutput(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "?");
}

/** The share of checks that held; null where none was counted. */
export function passRate({ checks }: Pick<Outcome, "checks">): number | null {
  return checks && checks.passed / checks.total;
}

/** Both ends of a long text; what fails is said at the end, what was called at the beginning. */
export function bounded(text: string, longest = LONGEST_DETAIL): string {
  if (text.length <= longest) return text;
  const half = Math.floor((longest - 5) / 2);
  return `${text.slice(0, half)}\n...\n${text.slice(-half)}`;
}
