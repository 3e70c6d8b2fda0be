/** What runs in the sandbox, and its outcome. */
import type { Checks } from "../../run/attempt.ts";

/** A candidate program and the checks that it must pass. */
export interface Program {
  /** The complete text of the module. */
  code: string;
  /** The function that the checks call. */
  entry_point: string;
  /** In form "check", code that defines `check(candidate)`; in form "asserts", lines of asserts. */
  test: string;
  /** How `test` is written. */
  form: "check" | "asserts";
  /**
   * The problem's own text, which is trusted: the checks use the functions that it defines besides the
   * entry point. Without it they use the candidate's.
   */
  prompt?: string;
  /**
   * Names besides the entry point that the checks may take from the program in form "asserts", because
   * the problem asks for them. Without it, any name that they read.
   */
  helpers?: readonly string[];
  /**
   * Wall time limit for the module and all its calls; the time of the checks themselves does not count.
   * The CPU time limit is one second more.
   */
  timeout_s: number;
  /** Limit of each process's address space, and of the resident memory of all of them together. */
  memory_bytes: number;
}

/**
 * The possible outcomes.
 * - passed: every check passed
 * - assertion: a check failed
 * - exception: the program raised an exception, ended its interpreter, or returned a value that is not
 *   of a built-in type
 * - syntax, no_code: it does not compile; it is empty
 * - timeout, out_of_memory: it exceeded a limit
 * - tampered: it wrote to the channel that carries its results
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

/** The outcome of one program. */
export interface Outcome {
  /** How the program ended; "passed" is the only success. */
  class: OutcomeClass;
  /** Whether every check passed. */
  passed: boolean;
  /** The failing check or the end of the traceback; at most {@linkcode LONGEST_DETAIL}. */
  detail: string;
  /**
   * How many of the test's asserts passed. Those after the first failure are counted too; those that the
   * program did not reach count as failed. Null when none could be counted.
   */
  checks: Checks | null;
  /** The beginning of what the program printed, on stdout and stderr. */
  stdout: string;
  /** From start to end, seconds. */
  wall_s: number;
  /** The part of it in which the checks waited for the program. */
  worked_s: number;
  /** CPU time of the program's processes, the interpreter's start included; null when unknown. */
  cpu_s: number | null;
  /** The peak memory of the program's processes; null when unknown. */
  max_rss_bytes: number | null;
}

/** The most characters of an outcome's detail. */
export const LONGEST_DETAIL = 4000;

/** A program's text without the control characters that could control a terminal. */
export function printableOutput(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "?");
}

/** The share of checks that passed; null when none was counted. */
export function passRate({ checks }: Pick<Outcome, "checks">): number | null {
  return checks && checks.passed / checks.total;
}

/** Shortens a long text in the middle: the end says what fails, the beginning what was called. */
export function bounded(text: string, longest = LONGEST_DETAIL): string {
  if (text.length <= longest) return text;
  const half = Math.floor((longest - 5) / 2);
  return `${text.slice(0, half)}\n...\n${text.slice(-half)}`;
}
