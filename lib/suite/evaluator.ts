/** What an evaluator is: a named judge of one answer, configured from the suite. */
import type { Evaluation } from "../run/test_result.ts";
import type { TestCase } from "../settings/suite.ts";

/** What an evaluator reads. */
export interface Answer {
  /** The test as the suite has it. */
  test: TestCase;
  /** The prompt as text: the prompt itself, or the messages joined as `role: content` lines. */
  prompt_text: string;
  /** The model's answer, without its reasoning. */
  response_text: string;
  /** The reasoning that came apart from the answer (a reasoning field), null if none did. */
  reasoning_text: string | null;
  /** Calls of tools that the model asked for, in its order, their arguments as it wrote them. */
  tool_calls?: readonly { name: string; arguments: string }[];
  /** Aborted when the run is. */
  signal: AbortSignal;
}

/** What checks an evaluator's options: a zod schema, or anything with its `safeParse`. */
export interface OptionsForm<Options = unknown> {
  /** The checked options, or what is wrong with them, each with its place. */
  safeParse(given: unknown): { success: true; data: Options } | {
    success: false;
    error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] };
  };
}

/** A judge: its options are checked when the suite is loaded, before the first request. */
export interface Evaluator<Options = unknown> {
  /** What suites call it by. */
  name: string;
  /** The options a suite may give beside `name`. */
  options: OptionsForm<Options>;
  /** Further checks of the options before the run. @throws {InputError} what is wrong with them. */
  prepare?(options: Options): Promise<void>;
  /** Judges one answer. A throw is an evaluation that failed, not a wrong answer. */
  evaluate(answer: Answer, options: Options): Evaluation | Promise<Evaluation>;
}

/** An evaluator with its options. */
export interface ResolvedEvaluator {
  /** What the suite calls it by. */
  name: string;
  /** Judges one answer. A throw is an evaluation that failed. */
  evaluate(answer: Answer): Promise<Evaluation>;
}
