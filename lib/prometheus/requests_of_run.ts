/** Reads the requests in a journal, in the same form for loads, suites and coding problems. */
import { latencies } from "../endpoint/latency.ts";
import { failureClass, type RequestRecord } from "../run/request_record.ts";
import type { RunEvent } from "../run/events.ts";
import type { TestResult } from "../run/test_result.ts";
import type { FinishedRequest } from "./request_metrics.ts";

/** A request in a journal; times are CLOCK_MONOTONIC nanoseconds. */
export interface JournaledRequest extends Omit<FinishedRequest, "gaps_ms"> {
  prompt_tokens: number | null;
  completion_tokens: number | null;
  t_sent_ns: number | null;
  t_end_ns: number | null;
  finish_reason: string | null;
  /** The index of its first gap in tokens.bin. */
  gaps_at: number;
  gaps: number;
}

/** Returns the request in an event; null for other events. */
export function requestIn(event: RunEvent): JournaledRequest | null {
  switch (event.event) {
    case "request_finished":
      return loadRequest(event.result);
    case "attempt_finished":
      return event.attempt.reused_from === null ? testRequest(event.attempt.result) : null;
    case "package_finished":
      // the answers to a coding problem come as attempts
      return event.result === null || event.result.coding ? null : testRequest(event.result);
    default:
      return null;
  }
}

function loadRequest(record: RequestRecord): JournaledRequest {
  const { ttft_ms, tpot_ms, e2e_ms, lateness_ms } = latencies(record);
  const { failure, prompt_tokens, completion_tokens, t_sent_ns, t_end_ns, gaps_at, gaps } = record;
  const result = record.warmup
    ? "warmup"
    : failure === null
    ? "success"
    : failureClass(record) === null
    ? failure as "unfinished" | "unsent" | "cancelled"
    : "failed";
  return {
    result,
    error_type: result === "failed" ? failure : null,
    prompt_tokens,
    completion_tokens,
    ttft_ms,
    tpot_ms,
    e2e_ms,
    lateness_ms,
    t_sent_ns,
    t_end_ns,
    finish_reason: null,
    gaps_at,
    gaps,
  };
}

function testRequest(result: TestResult): JournaledRequest {
  const { timing, prompt_tokens, completion_tokens, finish_reason } = result;
  return {
    result: result.success ? "success" : "failed",
    error_type: result.error_class,
    prompt_tokens,
    completion_tokens,
    ttft_ms: timing?.ttft_ms ?? null,
    tpot_ms: timing?.tpot_ms ?? null,
    e2e_ms: timing?.e2e_ms ?? null,
    lateness_ms: null,
    t_sent_ns: timing?.t_sent_ns ?? null,
    t_end_ns: timing?.t_end_ns ?? null,
    finish_reason,
    gaps_at: 0,
    gaps: 0,
  };
}
