/**
 * inference-perf's reports: `summary_lifecycle_metrics.json`, and a similar file for each stage.
 */
import { basename, dirname } from "node:path";
import { NO_LEDGER, type ReadRun } from "../run/summary.ts";
import { Fields } from "./fields.ts";
import { KEEP_SMALL } from "./keep.ts";
import { Stated } from "./stated.ts";
import { totalsOf } from "./totals.ts";
import { isJsonObject } from "../json_fields.ts";

/** The times whose distributions it reports, in seconds, and our names for them. */
const TIMES = {
  request_latency: "e2e",
  time_to_first_token: "ttft",
  time_per_output_token: "tpot",
  inter_token_latency: "itl",
} as const;
const STATISTICS = ["mean", "median", "p90", "p95", "p99"] as const;

/** Whether a parsed file is a report of a run, or of a stage of it. */
export function isInferencePerf(value: unknown): boolean {
  return isJsonObject(value) && isJsonObject(value.load_summary) && isJsonObject(value.failures) &&
    isJsonObject(value.successes) && "latency" in value.successes;
}

/**
 * Reads a report. It contains neither the model nor the time of day; only its config.yaml may have
 * them.
 */
export function readInferencePerf(path: string, value: unknown): ReadRun {
  const file = new Fields(path, value);
  const load = file.child("load_summary"), good = file.child("successes");
  const bad = file.child("failures");
  const successful = good.countOrNull("count") ?? 0, failed = bad.countOrNull("count") ?? 0;
  const latency = good.childOrNull("latency"), throughput = good.childOrNull("throughput");
  const stated = new Stated();
  for (const [key, of] of Object.entries(TIMES)) {
    const block = latency?.childOrNull(key) ?? null;
    const times = STATISTICS.map((name) =>
      [name === "median" ? "p50" : name, block?.amountOrNull(name)] as const
    );
    stated.times(of, Object.fromEntries(times), 1000);
  }
  stated.keep("requests_per_s", throughput?.amountOrNull("requests_per_sec") ?? null);
  stated.keep("requested_rate", load.amountOrNull("requested_rate"));
  stated.keep("achieved_rate", load.amountOrNull("achieved_rate"));
  stated.check("requests", load.countOrNull("count"), successful + failed);
  const total = (name: string) => {
    const sum = good.childOrNull(name)?.amountOrNull("total") ?? null;
    return sum === null ? null : Math.round(sum);
  };
  const stem = basename(path).replace(/(_lifecycle_metrics)?\.json$/, "");
  const ttft = latency?.childOrNull("time_to_first_token") ?? null;
  const ms = (name: string) => {
    const seconds = ttft?.amountOrNull(name) ?? null;
    return seconds === null ? null : Number((seconds * 1000).toPrecision(12));
  };
  return {
    summary: {
      run_id: `${basename(dirname(path)) || "inference_perf"}_${stem}`,
      path,
      source_form: "inference_perf",
      kind: "load",
      benchmark: "inference-perf",
      mode: null,
      model: "unknown",
      agent: null,
      status: "complete",
      started_at_unix_seconds: null,
      duration_s: file.amountOrNull("benchmark_time_seconds"),
      ...totalsOf([]),
      items_total: successful + failed,
      successful,
      failed,
      ...NO_LEDGER,
      prompt_tokens: total("prompt_tokens"),
      completion_tokens: total("output_tokens"),
      output_tokens_per_s: throughput?.amountOrNull("output_tokens_per_sec") ?? null,
      ttft_p50_ms: ms("median"),
      ttft_p99_ms: ms("p99"),
      tags: [],
    },
    items: [],
    unmapped: file.rest(KEEP_SMALL),
    ...stated.found(),
  };
}
