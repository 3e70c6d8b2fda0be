/**
 * Judges answers to problems in the sandbox, with time limits based on how long the canonical solution
 * takes here.
 */
import { programOf } from "./language.ts";
import type { Problem, PythonTests } from "./problems/problem.ts";
import type { Outcome, Program } from "./sandbox/outcome.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";

/**
 * A program may take this many times as long as the canonical solution: EvalPlus's gt_time_limit_factor.
 */
const TIMES_CANONICAL = 4;
/** The canonical solution may take this many times the limit; after that it counts as endless. */
const CANONICAL_TIMES = 6;

/** Limits of each program. */
export interface JudgeLimits {
  /** Seconds; more when the canonical solution itself is slow here. */
  timeout_s: number;
  /** Memory limit of each program, bytes. */
  memory_bytes: number;
}

/** Runs answers against their problems' tests. */
export class AnswerJudge {
  readonly #sandbox: Sandbox;
  readonly #limits: JudgeLimits;
  /** The outcome of each problem's canonical solution, by the problem's id. */
  readonly #canonical = new Map<string, Promise<Outcome>>();

  constructor(sandbox: Sandbox, limits: JudgeLimits) {
    this.#sandbox = sandbox;
    this.#limits = limits;
  }

  /**
   * The outcome of an answer. When it fails, the canonical solution is run on the same tests: if that
   * fails too, the tests are wrong or need more than this host has, and the answer cannot be judged. An
   * answer that times out is run again with four times the canonical solution's time here, if that is
   * longer.
   *
   * @throws {InputError} as {@linkcode Sandbox.runCommand}.
   * @throws {CancelledError} the signal is aborted.
   */
  async judge(problem: Problem, code: string, signal: AbortSignal): Promise<Outcome> {
    const { timeout_s } = this.#limits;
    const outcome = await this.#run(problem, code, timeout_s, signal);
    if (outcome.passed || problem.canonical_solution === null) return outcome;
    if (outcome.class === "sandbox_error") return outcome;
    const canonical = await this.#measured(problem, signal);
    if (!canonical.passed) {
      return { ...outcome, class: "sandbox_error", detail: this.#fault(canonical) };
    }
    const allowed_s = TIMES_CANONICAL * canonical.worked_s;
    if (outcome.class !== "timeout" || allowed_s <= timeout_s) return outcome;
    return await this.#run(problem, code, allowed_s, signal);
  }

  /** Why no answer to a problem can be judged when its canonical solution had this outcome. */
  #fault(canonical: Outcome): string {
    const { timeout_s, memory_bytes } = this.#limits;
    if (canonical.class === "out_of_memory") {
      return `the canonical solution and its tests need more than ${memory_bytes / 2 ** 20} MiB; ` +
        "give more with --test-memory";
    }
    if (canonical.class === "timeout") {
      return `the canonical solution has no end within ${CANONICAL_TIMES * timeout_s} s here`;
    }
    return `the problem's own canonical solution fails its tests: ${canonical.class}: ${canonical.detail}`;
  }

  #measured(problem: Problem, signal: AbortSignal): Promise<Outcome> {
    const known = this.#canonical.get(problem.problem_id);
    if (known) return known;
    const code = canonicalProgram(problem)!;
    const measured = this.#run(problem, code, CANONICAL_TIMES * this.#limits.timeout_s, signal);
    measured.catch(() => this.#canonical.delete(problem.problem_id));
    this.#canonical.set(problem.problem_id, measured);
    return measured;
  }

  #run(problem: Problem, answer: string, timeout_s: number, signal: AbortSignal): Promise<Outcome> {
    const code = (problem.prelude ?? "") + answer;
    const limits = { ...this.#limits, timeout_s };
    if (problem.tests.form === "program") {
      return this.#sandbox.runCommand(
        programOf(code, problem.tests, limits, this.#sandbox.pythonPath),
        signal,
      );
    }
    return this.#sandbox.run({ ...pythonProgram(problem, problem.tests, code), ...limits }, signal);
  }
}

/** A problem's canonical solution as a complete program; null when the file has none. */
function canonicalProgram(
  { prompt, entry_point, tests, canonical_solution }: Problem,
): string | null {
  if (canonical_solution === null || tests.form !== "check") return canonical_solution;
  const whole = new RegExp(`^(?:(?:async )?def|class) +${entry_point}\\b`, "m");
  return whole.test(canonical_solution) ? canonical_solution : prompt + canonical_solution;
}

/** An answer in the form that the sandbox runs. */
function pythonProgram(
  { prompt, entry_point, canonical_solution }: Pick<
    Problem,
    "prompt" | "entry_point" | "canonical_solution"
  >,
  { form, text, setup }: PythonTests,
  code: string,
): Omit<Program, "timeout_s" | "memory_bytes"> {
  const test = setup ? `${setup}\n${text}` : text;
  if (form === "check") return { code, entry_point, test, form, prompt };
  const helpers = canonical_solution ? helpersOf(prompt, canonical_solution) : undefined;
  return { code, entry_point, test, form, helpers };
}

/** The names that a problem asks for: words of its text, and names that its canonical solution defines. */
function helpersOf(text: string, canonical: string): string[] {
  const defined = canonical.matchAll(
    /^(?:(?:async[ \t]+)?def[ \t]+|class[ \t]+)?([\p{L}_][\p{L}\p{N}_]*)[ \t]*[(:=]/gmu,
  );
  return [
    ...new Set([...[...defined].map((m) => m[1]), ...text.match(/[\p{L}_][\p{L}\p{N}_]*/gu) ?? []]),
  ];
}
