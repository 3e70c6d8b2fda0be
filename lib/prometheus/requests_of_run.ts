/** The requests that a journal tells of, in one form for loads, suites and coding problems. */
import { latencies, stampsIn } from "../endpoint/latency.ts";
import { numberAt, objectAt, textAt } from "../run/json_fields.ts";
import type { JsonObject } from "../run/json_fields.ts";
import type { FinishedRequest } from "./request_metrics.ts";

/** A request of a journal; times are CLOCK_MONOTONIC nanoseconds. */
export interface JournaledRequest extends Omit<FinishedRequest, "gaps_ms"> {
  t_sent_ns: number | null;
  t_end_ns: number | null;
  finish_reason: string | null;
  /** Its gaps in tokens.bin. */
  gaps_at: number;
  gaps: number;
}

/** The request that an event tells of; null for other events. */
export function requestIn(event: JsonObject): JournaledRequest | null {
  if (event.event === "request_finished") return loadRequest(objectAt(event, "result")!);
  if (event.event === "package_finished") {
    const result = objectAt(event, "result");
    // a coding problem's answers were told as attempts
    return result === null || objectAt(result, "coding") ? null : testRequest(result);
  }
  if (event.event !== "attempt_finished") return null;
  const attempt = objectAt(event, "attempt");
  const result = objectAt(attempt, "result");
  return result === null || textAt(attempt, "reused_from") ? null : testRequest(result);
}

function loadRequest(record: JsonObject): JournaledRequest {
  const stamps = stampsIn(record);
  const { ttft_ms, tpot_ms, e2e_ms, lateness_ms } = latencies(stamps);
  const failure = textAt(record, "failure");
  const result = record.warmup === true
    ? "warmup"
    : failure === null
    ? "success"
    : failure === "unfinished" || failure === "unsent"
    ? failure
    : "failed";
  return {
    result,
    error_type: result === "failed" ? failure : null,
    prompt_tokens: numberAt(record, "prompt_tokens"),
    completion_tokens: stamps.completion_tokens,
    ttft_ms,
    tpot_ms,
    e2e_ms,
    lateness_ms,
    t_sent_ns: stamps.t_sent_ns,
    t_end_ns: stamps.t_end_ns,
    finish_reason: null,
    gaps_at: numberAt(record, "gaps_at") ?? 0,
    gaps: numberAt(record, "gaps") ?? 0,
  };
}

function testRequest(result: JsonObject): JournaledRequest {
  const timing = objectAt(result, "timing");
  return {
    result: result.success === true ? "success" : "failed",
    error_type: textAt(result, "error_class"),
    prompt_tokens: numberAt(result, "prompt_tokens"),
    completion_tokens: numberAt(result, "completion_tokens"),
    ttft_ms: numberAt(timing, "ttft_ms"),
    tpot_ms: numberAt(timing, "tpot_ms"),
    e2e_ms: numberAt(timing, "e2e_ms"),
    lateness_ms: null,
    t_sent_ns: numberAt(timing, "t_sent_ns"),
    t_end_ns: numberAt(timing, "t_end_ns"),
    finish_reason: textAt(result, "finish_reason"),
    gaps_at: 0,
    gaps: 0,
  };
}
