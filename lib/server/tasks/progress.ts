/** Figures of a task while it runs, from the events of its run. */
import { latencies } from "../../endpoint/latency.ts";
import { asObject, numberAt, objectAt, textAt } from "../../run/json_fields.ts";
import { LogHistogram } from "../../stats/histogram.ts";
import { resultItem } from "../../suite/results.ts";
import type { JsonObject } from "../../run/json_fields.ts";
import type { RequestRecord } from "../../load/results.ts";
import type { TestResult } from "../../suite/test_result.ts";
import type { TaskMetrics } from "./task.ts";

/** So many errors are told of. */
const ERRORS = 10;

/** Sums that grow with the events of one run; constant time an event. */
export interface RunProgress {
  /** Counts one event of the run. */
  add(event: JsonObject): void;
  metrics(): TaskMetrics;
  /** The first errors, at most ten. */
  errors(): string[];
}

/** Sums of a suite's run; a test that is told twice counts once. */
export function suiteProgress(): RunProgress {
  const seen = new Set<string>();
  const errors: string[] = [];
  const sum = { successful: 0, timed_out: 0, judged: 0, passed: 0, score: 0, best: 0, seconds: 0 };
  const tokens: Record<"prompt" | "completion", number | null> = { prompt: 0, completion: 0 };
  let planned: number | null = null;
  return {
    add(event) {
      planned = numberAt(event, "planned") ?? planned;
      const result = event.event === "package_finished" ? asObject(event.result) : null;
      const id = textAt(result, "item_id");
      if (result === null || id === null || seen.has(id)) return;
      seen.add(id);
      const item = resultItem(result as unknown as TestResult);
      sum.seconds += item.elapsed_seconds;
      if (item.timed_out) sum.timed_out++;
      if (item.score) {
        sum.judged++;
        sum.score += item.score.hit_rate;
        sum.best = Math.max(sum.best, item.score.hit_rate);
        if (item.passed) sum.passed++;
      }
      if (item.success) {
        sum.successful++;
        tokens.prompt = added(tokens.prompt, item.prompt_tokens);
        tokens.completion = added(tokens.completion, item.completion_tokens);
      } else if (errors.length < ERRORS) {
        errors.push(`${item.test_id}: ${item.error ?? "no answer"}`);
      }
    },
    metrics: () => ({
      planned,
      finished: seen.size,
      successful: sum.successful,
      errors: seen.size - sum.successful,
      timed_out: sum.timed_out,
      evaluated: sum.judged,
      passed: sum.passed,
      avg_hit_rate: sum.judged ? sum.score / sum.judged : null,
      max_hit_rate: sum.judged ? sum.best : null,
      total_prompt_tokens: tokens.prompt,
      total_completion_tokens: tokens.completion,
      avg_elapsed_seconds: seen.size ? sum.seconds / seen.size : null,
    }),
    errors: () => errors,
  };
}

/** Sums of a load's run. */
export function loadProgress(): RunProgress {
  const ttft_us = new LogHistogram();
  const e2e_us = new LogHistogram();
  const errors: string[] = [];
  let requests = 0, failed = 0, trusted: string | null = null;
  let prompt: number | null = 0, completion: number | null = 0;
  return {
    add(event) {
      if (event.event === "load_finished") {
        trusted = textAt(objectAt(event, "verdict"), "verdict");
      }
      const record = event.event === "request_finished"
        ? asObject(event.result) as RequestRecord | null
        : null;
      if (record === null || record.warmup) return;
      requests++;
      if (record.failure !== null) {
        failed++;
        if (errors.length < ERRORS) {
          errors.push(`request ${record.request}: ${record.message ?? record.failure}`);
        }
        return;
      }
      prompt = added(prompt, record.prompt_tokens);
      completion = added(completion, record.completion_tokens);
      const { e2e_ms, ttft_ms } = latencies(record);
      if (e2e_ms !== null) e2e_us.add(e2e_ms * 1000);
      if (ttft_ms !== null) ttft_us.add(ttft_ms * 1000);
    },
    metrics: () => ({
      requests,
      successful: requests - failed,
      errors: failed,
      total_prompt_tokens: prompt,
      total_completion_tokens: completion,
      ttft_p50_ms: ms(ttft_us.quantile(0.5)),
      ttft_p99_ms: ms(ttft_us.quantile(0.99)),
      e2e_p50_ms: ms(e2e_us.quantile(0.5)),
      e2e_p99_ms: ms(e2e_us.quantile(0.99)),
      verdict: trusted,
    }),
    errors: () => errors,
  };
}

/** A sum with one more; unknown as soon as a part is. */
function added(sum: number | null, part: number | null): number | null {
  return sum === null || part === null ? null : sum + part;
}

function ms(us: number | null): number | null {
  return us === null ? null : us / 1000;
}
