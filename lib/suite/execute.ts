/** Runs one test: asks it, judges the answer, and makes a result. */
import { latencies } from "../endpoint/latency.ts";
import { promptText } from "../endpoint/question.ts";
import { nowNs } from "../native/clock.ts";
import { messageOf } from "../errors.ts";
import { CancelledError } from "../execute/scope.ts";
import { splitThinking } from "./thinking.ts";
import type {
  ClientReply,
  EndpointClient,
  FailedAttempt,
  RequestOver,
} from "../endpoint/client.ts";
import type { TestCase } from "../settings/suite.ts";
import type { RepeatedTest } from "./epochs.ts";
import type { Answer, AskModel, ResolvedEvaluator } from "./evaluator.ts";
import type { Evaluation, ResultTiming, TestResult } from "../run/test_result.ts";

const NS_PER_S = 1e9;

/** A test of the plan, with its id in the journal and its evaluator. */
export interface PlannedTest {
  test: TestCase;
  item_id: string;
  /** Position in the plan, from 0. */
  index: number;
  evaluator: ResolvedEvaluator | null;
  /** The evaluator of each turn. */
  turns: (ResolvedEvaluator | null)[];
  /** The suite's folder, in which its programs run. */
  directory: string;
}

/** A test's result before it is judged, with what the evaluator reads. */
export interface AnsweredTest {
  result: TestResult;
  answer: Pick<Answer, "response_text" | "reasoning_text" | "tool_calls">;
}

/**
 * Asks the endpoint. A failure becomes a result, not an exception.
 *
 * @throws {CancelledError} the signal is aborted.
 */
export async function askTest(
  planned: PlannedTest,
  client: EndpointClient,
  signal: AbortSignal,
  onFailedAttempt: (failed: FailedAttempt) => void,
  onRequest: (request: RequestOver) => void,
): Promise<AnsweredTest> {
  const started_ns = nowNs();
  const timestamp = new Date().toISOString();
  const { test, item_id } = planned;
  const completion = await client.ask(test, signal, onFailedAttempt, onRequest, item_id);
  const elapsed_seconds = (nowNs() - started_ns) / NS_PER_S;
  const { reply } = completion;
  const result = {
    ...unanswered(planned),
    ...measured(completion, elapsed_seconds),
    response_text: reply.text,
    reasoning_text: reply.reasoning || null,
    elapsed_seconds,
    timestamp,
  };
  return { result, answer: answerOf(reply.text, reply.reasoning, reply.calls) };
}

/**
 * The answer that the suite itself supplies, as the result of a question that took no time and no tokens.
 */
export function givenAnswer(planned: PlannedTest, text: string): AnsweredTest {
  const took = { success: true, cost_usd: 0, prompt_tokens: 0, completion_tokens: 0 };
  return {
    result: { ...unanswered(planned), ...took, response_text: text },
    answer: answerOf(text, "", []),
  };
}

/** A cached answer of an earlier run: it cost nothing and has no times. */
export function keptAnswer(
  planned: PlannedTest,
  { answer, ...kept }:
    & Pick<TestResult, "response_text" | "reasoning_text" | "finish_reason" | "api_response">
    & Pick<AnsweredTest, "answer">,
): AnsweredTest {
  const { result } = givenAnswer(planned, kept.response_text);
  return { result: { ...result, ...kept, cached: true }, answer };
}

/**
 * Judges an answer. An evaluator's failure becomes part of the result, not an exception.
 *
 * @throws {CancelledError} the signal is aborted.
 */
export async function judgeTest(
  planned: PlannedTest,
  { result, answer }: AnsweredTest,
  signal: AbortSignal,
  ask: AskModel,
): Promise<TestResult> {
  if (!result.success) return result;
  return judgedAs(result, await judgeAnswer(planned, answer, signal, ask));
}

/** A result with its evaluation. */
export function judgedAs(
  result: TestResult,
  evaluation: TestResult["evaluation_result"],
): TestResult {
  const judged = evaluation && "hit_rate" in evaluation ? evaluation : null;
  return {
    ...result,
    evaluation_result: evaluation,
    reasoning_score: judged?.reasoning_score ?? null,
    reasoning_type: judged?.reasoning_type ?? result.reasoning_type,
  };
}

/** The result of a test whose handler threw an exception. */
export function internalFailure(planned: PlannedTest, error: unknown): TestResult {
  return { ...unanswered(planned), error_message: messageOf(error), error_class: "internal" };
}

function nesting({ problem_id, epoch }: RepeatedTest) {
  return problem_id === undefined ? {} : { problem_id, epoch };
}

/** The result of a test that has no answer yet. */
function unanswered({ test, item_id }: PlannedTest): TestResult {
  return {
    test_id: test.id,
    test_name: test.name,
    category: test.category,
    ...nesting(test as RepeatedTest),
    item_id,
    success: false,
    cost_usd: null,
    response_text: "",
    reasoning_text: null,
    execution_time: 0,
    elapsed_seconds: 0,
    attempts: 0,
    prompt_tokens: null,
    completion_tokens: null,
    token_source: null,
    usage_details: null,
    tokens_per_second: null,
    finish_reason: null,
    error_message: null,
    error_class: null,
    timed_out: false,
    timestamp: new Date().toISOString(),
    timing: null,
    api_response: null,
    performance_metrics: null,
    evaluation_result: null,
    reasoning_score: null,
    reasoning_type: test.reasoning_type ?? null,
  };
}

/** Separates the answer from the thinking, which some servers send in a field and some in the text. */
function answerOf(text: string, reasoning: string, tool_calls: Answer["tool_calls"]) {
  const { answer, thinking } = splitThinking(text);
  return { response_text: answer, reasoning_text: reasoning || thinking, tool_calls };
}

function measured(
  { reply, exchange, attempts, error, endpoint }: ClientReply,
  elapsed_seconds: number,
) {
  const execution_time = exchange
    ? (exchange.t_end_ns - exchange.t_sent_ns) / NS_PER_S
    : elapsed_seconds;
  const { completion_tokens, token_source } = reply.counted();
  const answered = error === null;
  return {
    success: answered,
    ...(endpoint === undefined ? {} : { endpoint }),
    cost_usd: null, // the caller knows the prices and fills this in
    execution_time,
    attempts,
    prompt_tokens: reply.prompt_tokens,
    completion_tokens,
    token_source,
    usage_details: reply.usage_details,
    tokens_per_second: answered && completion_tokens !== null && execution_time > 0
      ? completion_tokens / execution_time
      : null,
    finish_reason: reply.finish_reason,
    error_message: error?.message ?? null,
    error_class: error?.failure ?? null,
    timed_out: error?.failure === "timeout",
    timing: timing({ reply, exchange }),
    api_response: reply.empty ? null : reply.toJson(),
  };
}

function timing({ reply, exchange }: Pick<ClientReply, "reply" | "exchange">): ResultTiming | null {
  if (exchange === null) return null;
  const { t_sent_ns, t_end_ns } = exchange;
  const { tokens } = reply;
  const { ttft_ms, tpot_ms, e2e_ms } = latencies({
    ...exchange,
    t_intended_ns: null,
    t_first_token_ns: tokens.first_ns,
    t_last_token_ns: tokens.last_ns,
    completion_tokens: reply.counted().completion_tokens,
  });
  return {
    t_sent_ns,
    t_end_ns,
    ttft_ms,
    tpot_ms,
    e2e_ms: e2e_ms!,
    gap_max_ms: tokens.gap_max_ms,
    token_events: tokens.count,
  };
}

/** Judges one answer; null without an evaluator. @throws {CancelledError} the signal is aborted. */
export async function judgeAnswer(
  { test, evaluator }: PlannedTest,
  answer: AnsweredTest["answer"],
  signal: AbortSignal,
  ask: AskModel,
): Promise<Evaluation | { evaluator: string; error: string } | null> {
  if (evaluator === null) return null;
  try {
    return await evaluator.evaluate({
      test,
      prompt_text: promptText(test),
      ...answer,
      signal,
      ask,
    });
  } catch (error) {
    if (error instanceof CancelledError || signal.aborted) throw error;
    return { evaluator: evaluator.name, error: messageOf(error) };
  }
}
