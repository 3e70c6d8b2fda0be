/** The result of one test, with the field names that users see. */
import { fields, isBoolean, isNumber, isObject, isText, orMissing, orNull } from "./forms.ts";
import type { TokenSource } from "../endpoint/answer.ts";
import type { FailureClass } from "../endpoint/errors.ts";
import type { UsageDetails } from "../endpoint/usage.ts";
import type { JsonObject } from "../json_fields.ts";
import type { PerformanceMetrics } from "../hardware/performance.ts";

/** Why a test has no answer. "internal": a fault of a handler or of dyno, described in error_message. */
export type ErrorClass = FailureClass | "internal";

/** Times of the attempt that counts, in milliseconds; null where the event never happened. */
export interface ResultTiming {
  /** Monotonic time at which the first request byte was handed to the kernel, nanoseconds. */
  t_sent_ns: number;
  /** Monotonic time at the end of the response, nanoseconds. */
  t_end_ns: number;
  /** Time to the first token. */
  ttft_ms: number | null;
  /** (t_last_token − t_first_token) / (tokens − 1); null below two tokens. */
  tpot_ms: number | null;
  /** Time from sending to the end of the answer. */
  e2e_ms: number;
  /** The longest time between two token events, which shows stalls. */
  gap_max_ms: number | null;
  /** Token events received; one may carry several tokens. */
  token_events: number;
}

/** One question and its answer, in a test with several. */
export interface TimedAnswer extends Pick<ResultTiming, "t_sent_ns" | "e2e_ms" | "ttft_ms"> {
  /** Whether the endpoint answered. */
  success: boolean;
  /** Tokens of the answer; null where unknown. */
  completion_tokens: number | null;
}

/** The complete result of one test. */
export interface TestResult {
  /** The test's id in the suite. */
  test_id: string;
  /** The test's name in the suite. */
  test_name: string;
  /** The test's category in the suite. */
  category: string;
  /** For a test that runs several times: its id in the suite; test_id adds a number to it. */
  problem_id?: string;
  /** For such a test: the number of the run, from 1. */
  epoch?: number;
  /** Stable hash of what was run: test, model, API type. */
  item_id: string;
  /** Whether the endpoint answered. Whether the answer is right is in `evaluation_result`. */
  success: boolean;
  /**
   * US dollars of all of the test's requests whose cost is known, from the server's usage; null
   * where none is known.
   */
  cost_usd: number | null;
  /** The answer; empty where there is none. */
  response_text: string;
  /** Reasoning that the endpoint returns separately; null for none. */
  reasoning_text: string | null;
  /** Seconds from sending the request to the end of the response, of the attempt that counts. */
  execution_time: number;
  /** Seconds over all attempts and the waits between them. */
  elapsed_seconds: number;
  /** Requests made, retries included. */
  attempts: number;
  /** The endpoint that was asked last; left out where there is only one. */
  endpoint?: string | undefined;
  /** Tokens of the prompt; null where unknown. */
  prompt_tokens: number | null;
  /** Tokens of the answer, reasoning included; null where unknown. */
  completion_tokens: number | null;
  /** The source of completion_tokens; null where they are unknown. */
  token_source: TokenSource | null;
  /** Further values of the server's usage; null for none. */
  usage_details: UsageDetails | null;
  /** completion_tokens / execution_time. */
  tokens_per_second: number | null;
  /** Why the model stopped, in the server's words; null where it did not say. */
  finish_reason: string | null;
  /** Why there is no answer, in one line; null where there is one. */
  error_message: string | null;
  /** The class of error_message; null where there is an answer. */
  error_class: ErrorClass | null;
  /** Whether there is no answer because time ran out. */
  timed_out: boolean;
  /** Start of the test, ISO 8601. */
  timestamp: string;
  /** Null where no attempt has an end time. */
  timing: ResultTiming | null;
  /**
   * For a test with several questions, turns or attempts: each of them in order. A question asked
   * by another test belongs to that test.
   */
  exchanges?: TimedAnswer[];
  /**
   * The response: as received, or assembled from the stream in the form of a response that is not
   * streamed.
   */
  api_response: Record<string, unknown> | null;
  /** The hardware during the test; null where nothing was sampled. */
  performance_metrics: PerformanceMetrics | null;
  /** What the evaluator found, or why it failed; null without an evaluator or an answer. */
  evaluation_result: Evaluation | { evaluator: string; error: string } | null;
  /** Quality of the reasoning, 0 to 1; null where no evaluator judges it. */
  reasoning_score: number | null;
  /** The type of reasoning that was named or detected; null where no evaluator judges it. */
  reasoning_type: string | null;
  /** Whether the answer is from an earlier run, through a cache. */
  cached?: boolean;
  /** For a test with turns or functions: all messages, in the form of the chat API. */
  conversation?: JsonObject[];
  /** For coding problems: how the attempts ended. */
  coding?: CodingOutcome;
}

/** The outcome of one coding problem in one mode; the journal has every attempt. */
export interface CodingOutcome {
  /** Identifies the benchmark run that it belongs to. */
  experiment_id: string;
  /** The problem's id in its file. */
  problem_id: string;
  /** The mode of asking. */
  mode: "zero-shot" | "iterative";
  /** The number of the answer, from 0, where a problem has several. */
  sample: number;
  /** Number of attempts; 1 in zero-shot mode. */
  iterations: number;
  /** Why there was no further attempt; "unjudged": the sandbox or the test is at fault. */
  stopped: "success" | "limit" | "plateau" | "no_answer" | "unjudged";
  /** The outcome of the last attempt in the sandbox; null without an answer. */
  outcome: string | null;
  /**
   * Prompt tokens of all its requests whose tokens are known, including retries, reviews, and a
   * first answer reused from the other mode; null where none are known.
   */
  input_tokens: number | null;
  /** Output tokens of the same requests. */
  output_tokens: number | null;
  /** US dollars of the same requests. */
  cost_usd: number | null;
  /** Requests whose cost is unknown; missing in older runs. */
  requests_of_unknown_cost?: number | undefined;
}

/** The verdict of an evaluator. `hit_rate` = created_hits / targets is the score of the answer, 0 to 1. */
export interface Evaluation {
  /** Name of the evaluator. */
  evaluator: string;
  /** Whether the answer is right: all targets hit, or above the evaluator's threshold. */
  passed: boolean;
  /** Number of targets in the question: points, keywords, checks. */
  targets: number;
  /** Number of targets that the answer has. */
  created_hits: number;
  /** created_hits / targets, 0..1. */
  hit_rate: number;
  /** A line of explanation for people. */
  detail: string;
  /** Quality of the reasoning, 0 to 1, from evaluators that judge it. */
  reasoning_score?: number;
  /** The type of reasoning that was named or detected, from evaluators that judge it. */
  reasoning_type?: string;
  /** Scores by criterion, 0 to 1, where the evaluator has several. */
  criteria?: Record<string, number>;
  /** The choice of the judge, or of the majority of judges. */
  choice?: string;
  /** The choice of people, where the suite has it. */
  label?: string;
  /** The choice of each judge. */
  votes?: Vote[];
}

/** One judge's choice. */
export interface Vote {
  /** The model that judged. */
  judge: string;
  /** Its choice; null where it made none. */
  choice: string | null;
}

const vote = fields<Vote>({ judge: isText, choice: orNull(isText) });
const evaluation = fields<Evaluation>({
  evaluator: isText,
  passed: isBoolean,
  targets: isNumber,
  created_hits: isNumber,
  hit_rate: isNumber,
  detail: isText,
  reasoning_score: orMissing(isNumber),
  reasoning_type: orMissing(isText),
  criteria: orMissing(isObject<Record<string, number>>),
  choice: orMissing(isText),
  label: orMissing(isText),
  votes: orMissing((value, misfit): value is Vote[] =>
    Array.isArray(value) && value.every((each) => vote(each, misfit))
  ),
});
const unjudged = fields<{ evaluator: string; error: string }>({ evaluator: isText, error: isText });

const timing = fields<ResultTiming>({
  t_sent_ns: isNumber,
  t_end_ns: isNumber,
  ttft_ms: orNull(isNumber),
  tpot_ms: orNull(isNumber),
  e2e_ms: isNumber,
  gap_max_ms: orNull(isNumber),
  token_events: isNumber,
});

const exchange = fields<TimedAnswer>({
  success: isBoolean,
  t_sent_ns: isNumber,
  e2e_ms: isNumber,
  ttft_ms: orNull(isNumber),
  completion_tokens: orNull(isNumber),
});

const coding = fields<CodingOutcome>({
  experiment_id: isText,
  problem_id: isText,
  mode: isText,
  sample: isNumber,
  iterations: isNumber,
  stopped: isText,
  outcome: orNull(isText),
  input_tokens: orNull(isNumber),
  output_tokens: orNull(isNumber),
  cost_usd: orNull(isNumber),
  requests_of_unknown_cost: orMissing(isNumber),
});

/** The form of a {@linkcode TestResult} in JSON. */
export const testResultForm = fields<TestResult>({
  test_id: isText,
  test_name: isText,
  category: isText,
  problem_id: orMissing(isText),
  epoch: orMissing(isNumber),
  item_id: isText,
  success: isBoolean,
  cost_usd: orNull(isNumber),
  response_text: isText,
  reasoning_text: orNull(isText),
  execution_time: isNumber,
  elapsed_seconds: isNumber,
  attempts: isNumber,
  endpoint: orMissing(isText),
  prompt_tokens: orNull(isNumber),
  completion_tokens: orNull(isNumber),
  token_source: orNull(isText<TokenSource>),
  usage_details: orNull(isObject<UsageDetails>),
  tokens_per_second: orNull(isNumber),
  finish_reason: orNull(isText),
  error_message: orNull(isText),
  error_class: orNull(isText<ErrorClass>),
  timed_out: isBoolean,
  timestamp: isText,
  timing: orNull(timing),
  exchanges: orMissing((value, misfit): value is TimedAnswer[] =>
    Array.isArray(value) && value.every((each) => exchange(each, misfit))
  ),
  api_response: orNull(isObject<JsonObject>),
  performance_metrics: orNull(isObject<PerformanceMetrics>),
  evaluation_result: orNull((value, misfit): value is Evaluation | {
    evaluator: string;
    error: string;
  } => unjudged(value, []) || evaluation(value, misfit)),
  reasoning_score: orNull(isNumber),
  reasoning_type: orNull(isText),
  cached: orMissing(isBoolean),
  conversation: orMissing((value): value is JsonObject[] => Array.isArray(value)),
  coding: orMissing(coding),
});
