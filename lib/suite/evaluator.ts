/** What an evaluator is: a named judge of one answer, configured from the suite. */
import type { Reply } from "../endpoint/answer.ts";
import type { ApiOptions } from "../endpoint/api.ts";
import type { Question } from "../endpoint/question.ts";
import type { Evaluation } from "../run/test_result.ts";
import type { TestCase } from "../settings/suite.ts";

/** A model that an evaluator asks. Without an endpoint or provider, it is asked where the run asks. */
export interface ModelChoice extends ApiOptions {
  /** The texts of a question are embedded rather than answered. */
  embeds?: boolean;
}

/** What an evaluator asks of a model. */
export interface ModelQuestion extends Question {
  /** The part of the prompt that is the same for every answer: the journal has it, once. */
  pinned?: string;
}

/**
 * Asks a model within the run's budget; the question's cost is booked, and its answer journaled.
 *
 * @throws {EndpointError} no answer, after the retries that its settings allow.
 */
export type AskModel = (model: ModelChoice, question: ModelQuestion) => Promise<Reply>;

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
  /** The suite's folder, which paths and programs of the suite are seen from. */
  directory?: string;
  /** Aborted when the run is. */
  signal: AbortSignal;
  /** Asks a model that the evaluator names in `models`; not there outside a run. */
  ask?: AskModel;
}

/** What checks an evaluator's options: a zod schema, or anything with its `safeParse`. */
export interface OptionsForm<Options = unknown> {
  /** The checked options, or what is wrong with them, each with its place. */
  safeParse(given: unknown): { success: true; data: Options } | {
    success: false;
    error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] };
  };
}

/** The short form of an evaluation; `passed` or `score` may be left out. */
export interface Judgement {
  /** Whether the answer is right. Default: whether the score is 1. */
  passed?: boolean;
  /** How good it is, 0 to 1. Default: 1 where it passed, else 0. */
  score?: number;
  /** One line on why, for a person. */
  detail?: string;
}

/** What an evaluator may give: right or wrong, a score from 0 to 1, both with the reason, or all of it. */
export type EvaluatorReturn = boolean | number | Judgement | Evaluation;

/** A judge: its options are checked when the suite is loaded, before the first request. */
export interface Evaluator<Options = unknown, Given extends EvaluatorReturn = Evaluation> {
  /** What suites call it by. */
  name: string;
  /** The options a suite may give beside `name`. */
  options: OptionsForm<Options>;
  /** Further checks of the options before the run. @throws {InputError} what is wrong with them. */
  prepare?(options: Options): Promise<void>;
  /** The models that it will ask: checked before the run, and kept out of all that is written. */
  models?(options: Options): ModelChoice[];
  /** Judges one answer. A throw is an evaluation that failed, not a wrong answer. */
  evaluate(answer: Answer, options: Options): Given | Promise<Given>;
}

/** An evaluator with its options. */
export interface ResolvedEvaluator {
  /** What the suite calls it by. */
  name: string;
  /** The models that it will ask. */
  models: ModelChoice[];
  /** Judges one answer. A throw is an evaluation that failed. */
  evaluate(answer: Answer): Promise<Evaluation>;
}
