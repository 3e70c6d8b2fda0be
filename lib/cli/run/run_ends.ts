/** The content of callbacks about runs that a command made. */
import type { SlotOutcome } from "../../schedule/run_batch.ts";
import type { LoadRun } from "../../load/conclude_run.ts";
import type { SuiteRun } from "../../suite/run_suite.ts";
import type { SweepSummary } from "../../sweep/run_sweep.ts";
import type { Callbacks } from "../ui/command.ts";

type End = Parameters<Callbacks["ended"]>[0];

const REAL = "real-openai-compatible";

/** The end of a suite's run, or of coding problems. */
export function endOfSuite(
  { run_id, wall_s, results }: SuiteRun,
  { aborted }: AbortSignal,
  agent = REAL,
): End {
  const { errors_by_class: _classes, not_judged_because: _why, ...metrics } = results.aggregate;
  const failed = results.items.filter(({ success, evaluation_error }) =>
    !success || evaluation_error !== null
  );
  return {
    status: statusOf(aborted, metrics.successful),
    duration_seconds: wall_s,
    run_id,
    agent,
    metrics,
    error_summary: failed.slice(0, 10).map(({ test_id, error, evaluation_error }) =>
      `${test_id}: ${error ?? `not judged: ${evaluation_error}`}`
    ),
  };
}

/** The end of a load. */
export function endOfLoad(
  { run_id, results, records }: LoadRun,
  { aborted }: AbortSignal,
  agent = REAL,
): End {
  const failed = records.filter(({ failure, warmup }) => failure !== null && !warmup);
  const { total, verdict } = results;
  const { ttft_ms } = total.metrics;
  return {
    status: statusOf(aborted, records.length - failed.length),
    duration_seconds: total.window.duration_s,
    run_id,
    agent,
    metrics: {
      ...total.requests,
      requests_per_s: total.requests_per_s,
      output_tokens_per_s: total.output_tokens_per_s,
      ttft_p50_ms: ttft_ms?.p50 ?? null,
      ttft_p99_ms: ttft_ms?.p99 ?? null,
      verdict: verdict.verdict,
    },
    error_summary: failed.slice(0, 10).map(({ request, message, failure }) =>
      `request ${request}: ${message ?? failure}`
    ),
  };
}

/** The end of a sweep, whose runs are in its folder. */
export function endOfSweep(
  { ended, failed, to_do, runs, stopped, wall_time_s }: SweepSummary,
  exp_dir: string,
): End {
  return {
    status: statusOf(stopped === "interrupted", to_do === 0 ? 1 : ended - failed),
    duration_seconds: wall_time_s,
    run_id: null,
    agent: null,
    metrics: { exp_dir, runs, successful: ended - failed, errors: failed, left: to_do - ended },
    error_summary: [],
  };
}

/** The end of a batch's slot. A skipped slot counts as cancelled: no question was asked. */
export function endOfSlot(
  { slot, status, timeliness, late_s, records, failed }: SlotOutcome,
  batch: string,
  slots: number,
  started_ms: number,
): End {
  const skipped = status === "skipped";
  return {
    status: statusOf(skipped, records - failed),
    duration_seconds: skipped ? 0 : (performance.now() - started_ms) / 1000,
    run_id: null,
    agent: skipped ? null : REAL,
    metrics: {
      batch,
      slot: slot.slot,
      slots,
      slot_status: status,
      timeliness,
      late_s,
      records,
      failed,
    },
    error_summary: [],
  };
}

function statusOf(aborted: boolean, successful: number): End["status"] {
  return aborted ? "cancelled" : successful > 0 ? "completed" : "failed";
}
