/** What an evaluator is: a named judge of one answer, configured from the suite. */
import type { z } from "zod";
import type { TestCase } from "../experiment/suite.ts";

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
  evaluator: string;
  /** Whether the answer is right: all targets hit, or above the evaluator's own threshold. */
  passed: boolean;
  targets: number;
  created_hits: number;
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

/** A judge: its options are checked when the suite is loaded, before the first request. */
export interface Evaluator<Options = unknown> {
  name: string;
  /** The options a suite may give beside `name`. */
  options: z.ZodType<Options>;
  /** Further checks of the options before the run. @throws {InputError} what is wrong with them. */
  prepare?(options: Options): Promise<void>;
  /** Judges one answer. A throw is an evaluation that failed, not a wrong answer. */
  evaluate(answer: Answer, options: Options): Evaluation | Promise<Evaluation>;
}
