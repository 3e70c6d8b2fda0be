/** The types of an evaluator: a named judge of one answer, configured in the suite. */
import type { Reply } from "../endpoint/answer.ts";
import type { ApiOptions } from "../endpoint/api.ts";
import type { Question } from "../endpoint/question.ts";
import type { Evaluation } from "../run/test_result.ts";
import type { TestCase } from "../settings/suite.ts";

/** A model that an evaluator asks. Without an endpoint or provider, the run's endpoint is used. */
export interface ModelChoice extends ApiOptions {
  /** Whether the question's texts are embedded instead of answered. */
  embeds?: boolean;
}

/** A question from an evaluator to a model. */
export interface ModelQuestion extends Question {
  /** The part of the prompt that is the same for every answer, so that the journal holds it only once. */
  pinned?: string;
}

/**
 * Asks a model within the run's budget. The cost is recorded, and the answer is journaled.
 *
 * @throws {EndpointError} no answer, after the retries that its settings allow.
 */
export type AskModel = (model: ModelChoice, question: ModelQuestion) => Promise<Reply>;

/** What an evaluator can read. */
export interface Answer {
  /** The test as it is in the suite. */
  test: TestCase;
  /** The prompt as text: the prompt itself, or the messages joined as `role: content` lines. */
  prompt_text: string;
  /** The model's answer, without its reasoning. */
  response_text: string;
  /** The reasoning that came separately from the answer (a reasoning field); null when there was none. */
  reasoning_text: string | null;
  /** The model's tool calls, in order, with the arguments as it wrote them. */
  tool_calls?: readonly { name: string; arguments: string }[];
  /** The suite's folder, from which its paths and programs are resolved. */
  directory?: string;
  /** Aborted when the run is aborted. */
  signal: AbortSignal;
  /** Asks a model that the evaluator lists in `models`; absent outside of a run. */
  ask?: AskModel;
}

/** Checks an evaluator's options: a zod schema, or any object with a compatible `safeParse`. */
export interface OptionsForm<Options = unknown> {
  /** Returns the checked options, or what is wrong with them, each with its place. */
  safeParse(given: unknown): { success: true; data: Options } | {
    success: false;
    error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] };
  };
}

/** The short form of an evaluation. Either `passed` or `score` may be left out. */
export interface Judgement {
  /** Whether the answer is right. Default: whether the score is 1. */
  passed?: boolean;
  /** How good it is, 0 to 1. Default: 1 if it passed, else 0. */
  score?: number;
  /** The reason in one line, for a person. */
  detail?: string;
}

/**
 * What an evaluator may return: right or wrong, a score from 0 to 1, either with the reason, or a full
 * evaluation.
 */
export type EvaluatorReturn = boolean | number | Judgement | Evaluation;

/** A judge. Its options are checked when the suite is loaded, before the first request. */
export interface Evaluator<Options = unknown, Given extends EvaluatorReturn = Evaluation> {
  /** The name that suites use for it. */
  name: string;
  /** The options that a suite may set besides `name`. */
  options: OptionsForm<Options>;
  /** Further checks of the options, before the run. @throws {InputError} what is wrong with them. */
  prepare?(options: Options): Promise<void>;
  /**
   * The models that it will ask. They are checked before the run, and their keys are redacted from all
   * output.
   */
  models?(options: Options): ModelChoice[];
  /** Judges one answer. An exception means that the evaluation failed, not that the answer is wrong. */
  evaluate(answer: Answer, options: Options): Given | Promise<Given>;
}

/** An evaluator with its options. */
export interface ResolvedEvaluator {
  /** The name that the suite uses for it. */
  name: string;
  /** The models that it will ask. */
  models: ModelChoice[];
  /** Judges one answer. An exception means that the evaluation failed. */
  evaluate(answer: Answer): Promise<Evaluation>;
}
