/** The result of one test, under the field names users know. */
import { fields, isBoolean, isNumber, isObject, isText, orMissing, orNull } from "./forms.ts";
import type { TokenSource } from "../endpoint/answer.ts";
import type { FailureClass } from "../endpoint/errors.ts";
import type { UsageDetails } from "../endpoint/usage.ts";
import type { JsonObject } from "../json_fields.ts";
import type { PerformanceMetrics } from "../hardware/performance.ts";

/** Why a test has no answer. "internal": a fault of a handler or of ours, told in error_message. */
export type ErrorClass = FailureClass | "internal";

/** Times of the attempt that counts; null where the event never came. Milliseconds. */
export interface ResultTiming {
  /** Monotonic time at which the first request byte was handed to the kernel, nanoseconds. */
  t_sent_ns: number;
  /** Monotonic time at the end of the response, nanoseconds. */
  t_end_ns: number;
  /** Time to the first token. */
  ttft_ms: number | null;
  /** (t_last_token − t_first_token) / (tokens − 1); null below two tokens. */
  tpot_ms: number | null;
  /** From sending to the end of the answer. */
  e2e_ms: number;
  /** The longest time between two token events: a stall shows here. */
  gap_max_ms: number | null;
  /** Token events received; one may carry several tokens. */
  token_events: number;
}

/** One question and its answer, of a test that took several. */
export interface TimedAnswer extends Pick<ResultTiming, "t_sent_ns" | "e2e_ms" | "ttft_ms"> {
  /** The endpoint gave an answer. */
  success: boolean;
  /** Tokens of the answer; null where unknown. */
  completion_tokens: number | null;
}

/** Complete result of one test. */
export interface TestResult {
  /** The test's id in the suite. */
  test_id: string;
  /** The test's name in the suite. */
  test_name: string;
  /** The test's category in the suite. */
  category: string;
  /** Of a test that is asked several times: its id in the suite, which test_id numbers. */
  problem_id?: string;
  /** Of such a test: which time, from 1. */
  epoch?: number;
  /** Stable hash of what was run: test, model, API type. */
  item_id: string;
  /** The endpoint gave an answer. Whether the answer is right is in `evaluation_result`. */
  success: boolean;
  /** From the server's usage, what is known of all that the test asked; null where nothing is. */
  cost_usd: number | null;
  /** The answer; empty where there is none. */
  response_text: string;
  /** Reasoning that the endpoint gives apart; null where it gives none. */
  reasoning_text: string | null;
  /** Seconds from sending the request to the end of the response, of the attempt that counts. */
  execution_time: number;
  /** Seconds over all attempts and the waits between them. */
  elapsed_seconds: number;
  /** Requests made, retries included. */
  attempts: number;
  /** Of several endpoints the one that was asked last; left out for one alone. */
  endpoint?: string | undefined;
  /** Tokens of the prompt; null where unknown. */
  prompt_tokens: number | null;
  /** Tokens of the answer, reasoning included; null where unknown. */
  completion_tokens: number | null;
  /** What told completion_tokens; null where nobody did. */
  token_source: TokenSource | null;
  /** What the server's usage tells beyond; null for nothing. */
  usage_details: UsageDetails | null;
  /** completion_tokens / execution_time. */
  tokens_per_second: number | null;
  /** Why the model stopped, in the server's word; null where it said nothing. */
  finish_reason: string | null;
  /** Why there is no answer, in one line; null where there is one. */
  error_message: string | null;
  /** The class of error_message; null where there is an answer. */
  error_class: ErrorClass | null;
  /** Without an answer because time ran out. */
  timed_out: boolean;
  /** Start of the test, ISO 8601. */
  timestamp: string;
  /** Null where no attempt had an end that could be stamped. */
  timing: ResultTiming | null;
  /**
   * Of a test that takes several questions, turns or attempts at a problem: each of them in order. One
   * that another test asked for is that one's.
   */
  exchanges?: TimedAnswer[];
  /** The response: as received, or put together from the stream in the non-streaming form. */
  api_response: Record<string, unknown> | null;
  /** The hardware during the test; null where nothing was sampled. */
  performance_metrics: PerformanceMetrics | null;
  /** What the evaluator found, or why it failed; null without an evaluator or an answer. */
  evaluation_result: Evaluation | { evaluator: string; error: string } | null;
  /** Quality of the reasoning in 0..1; null where no evaluator judges that. */
  reasoning_score: number | null;
  /** The type of reasoning that was named or detected; null where no evaluator judges that. */
  reasoning_type: string | null;
  /** The answer is an earlier run's, from a cache. */
  cached?: boolean;
  /** Of a test with turns or functions: all messages, in the form of the chat API. */
  conversation?: JsonObject[];
  /** Of coding problems: how it came to its end. */
  coding?: CodingOutcome;
}

/** The outcome of one coding problem in one mode: the journal has every attempt. */
export interface CodingOutcome {
  /** Names the benchmark's run that it belongs to. */
  experiment_id: string;
  /** The problem's id in its file. */
  problem_id: string;
  /** How the problem was asked. */
  mode: "zero-shot" | "iterative";
  /** From 0: which of several answers to the same problem. */
  sample: number;
  /** Attempts made; 1 in zero-shot mode. */
  iterations: number;
  /** Why there was no further attempt; "unjudged": the sandbox or the test is at fault. */
  stopped: "success" | "limit" | "plateau" | "no_answer" | "unjudged";
  /** The class of the last attempt's end in the sandbox; null without an answer. */
  outcome: string | null;
  /**
   * Over all of its requests whose tokens are known, retries and reviews included, and the first answer
   * where it is the other mode's; null where none are.
   */
  input_tokens: number | null;
  /** As `input_tokens`, of the answers. */
  output_tokens: number | null;
  /** As `input_tokens`, US dollars. */
  cost_usd: number | null;
  /** Requests that are not in `cost_usd`; missing in older runs. */
  requests_of_unknown_cost?: number | undefined;
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
  /** What judges chose: of several, the majority's. */
  choice?: string;
  /** What people chose, where the suite tells. */
  label?: string;
  /** What each judge chose. */
  votes?: Vote[];
}

/** One judge's choice; null where it made none. */
export interface Vote {
  /** Which model judged. */
  judge: string;
  /** What it chose. */
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
