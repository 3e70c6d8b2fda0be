/** The result of one test, under the field names users know. */
import type { FailureClass } from "../endpoint/errors.ts";
import type { PerformanceMetrics } from "../hardware/metrics.ts";
import type { Evaluation } from "./evaluator.ts";

/** Where token counts come from: the server's `usage`, or the number of token events. */
export type TokenSource = "usage" | "events";

/** Why a test has no answer. "internal": a fault of a handler or of ours, told in error_message. */
export type ErrorClass = FailureClass | "internal";

/** Times of the attempt that counts; null where the event never came. Milliseconds. */
export interface ResultTiming {
  /** Monotonic time at which the first request byte was handed to the kernel, nanoseconds. */
  t_sent_ns: number;
  /** Monotonic time at the end of the response, nanoseconds. */
  t_end_ns: number;
  ttft_ms: number | null;
  /** (t_last_token − t_first_token) / (tokens − 1); null below two tokens. */
  tpot_ms: number | null;
  e2e_ms: number;
  /** The longest time between two token events: a stall shows here. */
  gap_max_ms: number | null;
  /** Token events received; one may carry several tokens. */
  token_events: number;
}

/** Complete result of one test. */
export interface TestResult {
  test_id: string;
  test_name: string;
  category: string;
  /** Stable hash of what was run: test, model, API type. */
  item_id: string;
  /** The endpoint gave an answer. Whether the answer is right is in `evaluation_result`. */
  success: boolean;
  /** From the server's usage, of all that the test asked; null where that or the price is unknown. */
  cost_usd: number | null;
  response_text: string;
  reasoning_text: string | null;
  /** Seconds from sending the request to the end of the response, of the attempt that counts. */
  execution_time: number;
  /** Seconds over all attempts and the waits between them. */
  elapsed_seconds: number;
  attempts: number;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  token_source: TokenSource | null;
  /** completion_tokens / execution_time. */
  tokens_per_second: number | null;
  finish_reason: string | null;
  error_message: string | null;
  error_class: ErrorClass | null;
  timed_out: boolean;
  /** Start of the test, ISO 8601. */
  timestamp: string;
  timing: ResultTiming | null;
  /** The response: as received, or put together from the stream in the non-streaming form. */
  api_response: Record<string, unknown> | null;
  performance_metrics: PerformanceMetrics | null;
  evaluation_result: Evaluation | { evaluator: string; error: string } | null;
  reasoning_score: number | null;
  reasoning_type: string | null;
  /** Of coding problems: how it came to its end. */
  coding?: CodingOutcome;
}

/** What came of one coding problem in one mode: the journal has every attempt. */
export interface CodingOutcome {
  experiment_id: string;
  problem_id: string;
  mode: "zero-shot" | "iterative";
  /** From 0: which of several answers to the same problem. */
  sample: number;
  iterations: number;
  /** Why there was no further attempt. */
  stopped: "success" | "limit" | "plateau" | "no_answer";
  /** The class of the last attempt's end in the sandbox; null without an answer. */
  outcome: string | null;
  /** Over all attempts; null where the server told none. */
  input_tokens: number | null;
  output_tokens: number | null;
  /** Null where the price is unknown. */
  cost_usd: number | null;
}
