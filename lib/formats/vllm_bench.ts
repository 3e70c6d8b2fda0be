/** vLLM's `bench serve --save-result`: one object, or one per line if results are appended. */
import { basename } from "node:path";
import { NO_LEDGER, type ReadRun, type RunItem } from "../run/summary.ts";
import { Fields, LARGEST } from "./fields.ts";
import { KEEP_SMALL } from "./keep.ts";
import { Stated } from "./stated.ts";
import { mean } from "../stats/quantile.ts";
import { millisecondsOf } from "./times.ts";
import { saysTimeout, totalsOf, unknownItem } from "./totals.ts";
import { isJsonObject, objectOr } from "../json_fields.ts";

/** Such as `p99_ttft_ms` and `median_e2e_latency_ms`. */
const TIME = /^(mean|median|std|p[\d.]+)_(ttft|tpot|itl|e2el|e2e_latency)_ms$/;

/** Lists with a value for each request. */
const PER_REQUEST = ["input_lens", "output_lens", "ttfts", "itls", "errors"] as const;

/** Whether a parsed value is a result of vLLM's serving benchmark. */
export function isVllmBench(value: unknown): boolean {
  return isJsonObject(value) && "model_id" in value && "completed" in value &&
    "duration" in value && ("request_throughput" in value || "total_input_tokens" in value);
}

/** Whether a parsed value is a result of SGLang's bench_serving, which contains no model id. */
export function isSglangBench(value: unknown): boolean {
  return isJsonObject(value) && !("model_id" in value) && "backend" in value &&
    "completed" in value &&
    "duration" in value && "median_ttft_ms" in value;
}

/**
 * Reads one result of vLLM's serving benchmark, or of SGLang's, which is derived from it; `number`
 * counts from 1 if a file contains several.
 */
export function readVllmBench(path: string, value: unknown, number: number | null): ReadRun {
  const file = new Fields(path, value);
  const items = readRequests(file);
  const stated = new Stated();
  for (const key of file.keys()) {
    const [, statistic, of] = TIME.exec(key) ?? [];
    if (statistic === undefined) continue;
    const name = statistic === "median" ? "p50" : statistic.replace(".", "_");
    const value = statistic === "std" ? file.amountOrNull(key) : timeOf(file, key);
    stated.times(of.startsWith("e2e") ? "e2e" : of, { [name]: value });
  }
  stated.keep("requests_per_s", file.amountOrNull("request_throughput"));
  const ttfts = items.flatMap(({ ttft_ms }) => ttft_ms ?? []);
  const ttft_mean = timeOf(file, "mean_ttft_ms");
  if (ttfts.length === file.countOrNull("completed")) {
    stated.check("ttft_mean_ms", ttft_mean, ttfts.length > 0 ? mean(ttfts) : null);
  }
  if (items.length > 0) {
    const own = totalsOf(items);
    stated.check("completed", file.countOrNull("completed"), own.successful);
    stated.check(
      "total_output_tokens",
      file.countOrNull("total_output_tokens"),
      own.completion_tokens,
    );
  }
  const sglang = isSglangBench(value);
  const completed = file.countOrNull("completed") ?? 0;
  const asked = file.countOrNull("num_prompts") ?? completed;
  const errors = items.filter(({ success }) => !success).length;
  const failed = file.countOrNull("failed") ?? Math.max(errors, asked - completed);
  const stem = basename(path).replace(/\.jsonl?$/, "");
  const backend = file.textOrNull("backend"), older = file.textOrNull("endpoint_type");
  const median = timeOf(file, "median_ttft_ms"), p50 = timeOf(file, "p50_ttft_ms");
  return {
    summary: {
      run_id: number === null ? stem : `${stem}#${number}`,
      path,
      source_form: sglang ? "sglang_bench" : "vllm_bench",
      kind: "load",
      benchmark: file.labelOrNull("label") ?? file.labelOrNull("dataset_name") ??
        (sglang ? "sglang bench_serving" : "vllm bench serve"),
      mode: null,
      model: sglang ? sglangModel(file) : file.label("model_id"),
      agent: backend ?? older,
      status: completed + failed < asked ? "incomplete" : "complete",
      started_at_unix_seconds: file.timeOrNull("date"),
      duration_s: file.amountOrNull("duration"),
      items_total: Math.max(asked, completed + failed, items.length),
      successful: completed,
      failed,
      timed_out: items.filter((item) => item.timed_out).length,
      passed: null,
      prompt_tokens: file.countOrNull("total_input_tokens"),
      completion_tokens: file.countOrNull("total_output_tokens"),
      ...NO_LEDGER,
      cost_usd: null,
      output_tokens_per_s: file.amountOrNull("output_throughput"),
      ttft_p50_ms: median ?? p50,
      ttft_p99_ms: timeOf(file, "p99_ttft_ms"),
      tags: [],
    },
    items,
    unmapped: file.rest(KEEP_SMALL),
    ...stated.found(),
  };
}

/** Newer versions add the server's own information. */
function sglangModel(file: Fields): string {
  const { model_path, served_model_name } = objectOr(file.peek("server_info"));
  const model = file.peek("model") ?? served_model_name ?? model_path;
  return typeof model === "string" ? model : "unknown";
}

/**
 * A time; null if it is 0, because both programs write 0 for missing values, such as reasoning
 * tokens.
 */
const timeOf = (file: Fields, key: string) => file.amountOrNull(key) || null;

/** The requests, if the result was saved in detail. A request without a text has no times. */
function readRequests(file: Fields): RunItem[] {
  const lists = PER_REQUEST.map((key) => [key, file.listOrNull(key)] as const);
  const [inputs, outputs, ttfts, itls, errors] = lists.map(([, list]) => list);
  const length = lists.reduce((most, [, list]) => Math.max(most, list?.length ?? 0), 0);
  for (const [key, list] of lists) {
    if (list && list.length !== length) {
      throw file.wrong(key, list, `as long as the other lists (${list.length} of ${length})`);
    }
  }
  const at = (list: unknown[] | null, key: string, i: number): number | null => {
    const value = list?.[i] ?? null;
    if (value === null) return null;
    if (typeof value === "number" && value >= 0 && value <= LARGEST) return value;
    throw file.wrong(`${key}[${i}]`, value, "a number, at least 0");
  };
  return Array.from({ length }, (_, i): RunItem => {
    const error = errors?.[i] ?? "";
    if (typeof error !== "string") throw file.wrong(`errors[${i}]`, error, "text");
    const ttft_s = error === "" ? at(ttfts, "ttfts", i) || null : null;
    const gaps = itls?.[i] ?? null;
    const rest_s = Array.isArray(gaps)
      ? gaps.reduce((sum: number, _, j) => sum + (at(gaps, `itls[${i}]`, j) ?? 0), 0)
      : null;
    return {
      ...unknownItem(String(i)),
      success: error === "",
      timed_out: saysTimeout(error),
      latency_ms: ttft_s === null || rest_s === null ? null : millisecondsOf(ttft_s + rest_s),
      ttft_ms: ttft_s === null ? null : millisecondsOf(ttft_s),
      prompt_tokens: at(inputs, "input_lens", i),
      completion_tokens: at(outputs, "output_lens", i),
      error: error || null,
    };
  });
}
