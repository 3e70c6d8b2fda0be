/** What an evaluator is: a named judge of one answer, configured from the suite. */
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
  /** Aborted when the run is. */
  signal: AbortSignal;
}

/** What an evaluator found. `hit_rate` = created_hits / targets, the score of the answer in 0..1. */
export interface Evaluation {
  /** Name of the evaluator that judged. */
  evaluator: string;
  /** Whether the answer is right: all targets hit, or above the evaluator's own threshold. */
  passed: boolean;
  /** What the answer was asked for: points, keywords, checks. */
  targets: number;
  /** How many of the targets the answer has. */
  created_hits: number;
  /** created_hits / targets, 0..1. */
  hit_rate: number;
  /** One line on why, for a person. */
  detail: string;
  /** Set by evaluators that judge reasoning: quality in 0..1. */
  reasoning_score?: number;
  /** Set by evaluators that judge reasoning: the type that was named or detected. */
  reasoning_type?: string;
  /** Points by criterion, where the evaluator has several; each in 0..1. */
  criteria?: Record<string, number>;
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
