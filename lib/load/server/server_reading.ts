/** Maps the metrics of different inference servers to common fields. */
import type { PrometheusSample } from "./prometheus_text.ts";
import type { ServerMetricsReading } from "../../run/request_record.ts";

/** Servers whose metrics dyno knows. */
export type ServerKind = "vllm" | "sglang" | "llama.cpp" | "tgi" | "triton";

/** A field of a reading other than its time. */
export type ServerMetricsField = Exclude<keyof ServerMetricsReading, "t_ns">;

/** Metric names in order of preference, in the form of {@linkcode plainName}; some with a label's value. */
type Names = Partial<Record<ServerMetricsField, string[]>>;

const NAMES: Record<ServerKind, Names> = {
  "vllm": {
    running: ["vllm_num_requests_running"],
    waiting: ["vllm_num_requests_waiting"],
    kv_cache_usage: ["vllm_kv_cache_usage_perc", "vllm_gpu_cache_usage_perc"],
    prefix_cache_hits_total: ["vllm_prefix_cache_hits", "vllm_gpu_prefix_cache_hits"],
    prefix_cache_queries_total: ["vllm_prefix_cache_queries", "vllm_gpu_prefix_cache_queries"],
    prefix_cache_hit_rate: ["vllm_gpu_prefix_cache_hit_rate"],
    queue_time_sum_s: ["vllm_request_queue_time_seconds_sum"],
    queue_time_count: ["vllm_request_queue_time_seconds_count"],
    preemptions_total: ["vllm_num_preemptions"],
    prompt_tokens_total: ["vllm_prompt_tokens"],
    generation_tokens_total: ["vllm_generation_tokens"],
    draft_tokens_total: ["vllm_spec_decode_num_draft_tokens"],
    accepted_tokens_total: ["vllm_spec_decode_num_accepted_tokens"],
    drafts_total: ["vllm_spec_decode_num_drafts"],
  },
  "sglang": {
    running: ["sglang_num_running_reqs"],
    waiting: ["sglang_num_queue_reqs"],
    // newer versions also count other pools of a hybrid model in token_usage
    kv_cache_usage: ["sglang_full_token_usage", "sglang_token_usage"],
    prefix_cache_hits_total: ["sglang_cached_tokens"],
    prefix_cache_queries_total: ["sglang_prompt_tokens"],
    prefix_cache_hit_rate: ["sglang_cache_hit_rate"],
    queue_time_sum_s: ["sglang_queue_time_seconds_sum"],
    queue_time_count: ["sglang_queue_time_seconds_count"],
    preemptions_total: ["sglang_num_retracted_requests"],
    prompt_tokens_total: ["sglang_prompt_tokens"],
    generation_tokens_total: ["sglang_generation_tokens"],
    draft_acceptance: ["sglang_spec_accept_rate"],
    accepted_length: ["sglang_spec_accept_length"],
  },
  "llama.cpp": {
    running: ["llamacpp_requests_processing"],
    waiting: ["llamacpp_requests_deferred"],
    kv_cache_usage: ["llamacpp_kv_cache_usage_ratio"],
    prefix_cache_hits_total: ["llamacpp_prompt_tokens_cached"],
    prompt_tokens_total: ["llamacpp_prompt_tokens"],
    generation_tokens_total: ["llamacpp_tokens_predicted"],
    draft_tokens_total: ["llamacpp_spec_decode_num_draft_tokens"],
    accepted_tokens_total: ["llamacpp_spec_decode_num_accepted_tokens"],
    drafts_total: ["llamacpp_spec_decode_num_drafts"],
  },
  "tgi": {
    running: ["tgi_batch_current_size"],
    waiting: ["tgi_queue_size"],
    queue_time_sum_s: ["tgi_request_queue_duration_sum"],
    queue_time_count: ["tgi_request_queue_duration_count"],
    prompt_tokens_total: ["tgi_request_input_length_sum"],
    generation_tokens_total: ["tgi_request_generated_tokens_sum"],
  },
  // with TensorRT-LLM; with its vLLM backend, the page has vLLM's metrics
  "triton": {
    running: ["nv_trt_llm_request_metrics{request_type=scheduled}"],
    waiting: ["nv_trt_llm_request_metrics{request_type=waiting}"],
    kv_cache_usage: ["nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=fraction}"],
  },
};

/** Patterns of lines, comments included, that identify a server; the first match decides. */
const MARKS: [ServerKind, RegExp][] = [
  ["vllm", /^(?:# (?:HELP|TYPE) )?vllm[:_]\w/m],
  ["sglang", /^(?:# (?:HELP|TYPE) )?sglang[:_]\w/m],
  ["llama.cpp", /^(?:# (?:HELP|TYPE) )?llamacpp[:_]\w/m],
  ["tgi", /^(?:# (?:HELP|TYPE) )?tgi_(?:queue|batch|request)_/m],
  ["triton", /^(?:# ?(?:HELP|TYPE) )?nv_trt_llm_/m],
];

/** Labels of ranks that work on the same requests: each rank reports them. */
const RANKS = new Set(["tp_rank", "pp_rank", "moe_ep_rank"]);

/** Returns the server that an exposition comes from; null if it is unknown. */
export function recogniseServer(exposition: string): ServerKind | null {
  return MARKS.find(([, mark]) => mark.test(exposition))?.[0] ?? null;
}

/** All forms of all metric names that are read of each server. */
export const METRIC_NAMES: Record<ServerKind, ReadonlySet<string>> = {
  "vllm": formsOf("vllm"),
  "sglang": formsOf("sglang"),
  "llama.cpp": formsOf("llama.cpp"),
  "tgi": formsOf("tgi"),
  "triton": formsOf("triton"),
};

function formsOf(server: ServerKind): Set<string> {
  const plain = Object.values(NAMES[server]).flat().map((name) => name.replace(/\{.*/, ""));
  const either = plain.flatMap((name) => [name, name.replace("_", ":")]);
  return new Set(either.flatMap((name) => [name, `${name}_total`]));
}

/** Makes a reading from a server's samples. */
export function readingOf(
  server: ServerKind,
  samples: readonly PrometheusSample[],
  t_ns: number,
): ServerMetricsReading {
  const byName = Map.groupBy(samples, ({ name }) => plainName(name));
  const valuesOf = (field: ServerMetricsField): number[] => {
    for (const wanted of NAMES[server][field] ?? []) {
      const [name, label, value] = wanted.split(/[{=}]/);
      const found = byName.get(name)
        ?.filter(({ labels }) => label === undefined || labels[label] === value);
      if (found?.length) return valuePerEngine(found);
    }
    return [];
  };
  const sum = (field: ServerMetricsField) => {
    const values = valuesOf(field);
    return values.length ? values.reduce((a, b) => a + b) : null;
  };
  const max = (field: ServerMetricsField) => {
    const values = valuesOf(field);
    return values.length ? Math.max(...values) : null;
  };
  const mean = (field: ServerMetricsField) => {
    const values = valuesOf(field);
    return values.length ? values.reduce((a, b) => a + b) / values.length : null;
  };
  const hits = sum("prefix_cache_hits_total");
  const prompts = sum("prompt_tokens_total");
  // llama.cpp counts reused and processed tokens separately
  const looked_up = server === "llama.cpp" && hits !== null && prompts !== null
    ? hits + prompts
    : sum("prefix_cache_queries_total");
  return {
    t_ns,
    running: sum("running"),
    waiting: sum("waiting"),
    kv_cache_usage: max("kv_cache_usage"),
    prefix_cache_hits_total: hits,
    prefix_cache_queries_total: looked_up,
    prefix_cache_hit_rate: mean("prefix_cache_hit_rate"),
    queue_time_sum_s: sum("queue_time_sum_s"),
    queue_time_count: sum("queue_time_count"),
    preemptions_total: sum("preemptions_total"),
    prompt_tokens_total: prompts,
    generation_tokens_total: sum("generation_tokens_total"),
    ...ifKnown({
      draft_tokens_total: sum("draft_tokens_total"),
      accepted_tokens_total: sum("accepted_tokens_total"),
      drafts_total: sum("drafts_total"),
      // a server that does not draft reports 0
      draft_acceptance: mean("draft_acceptance") || null,
      accepted_length: mean("accepted_length") || null,
    }),
  };
}

/** Fields of speculative decoding that the server reports; most report none. */
function ifKnown<Fields extends Record<string, number | null>>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null),
  ) as Partial<Fields>;
}

/**
 * Removes from a name what differs between versions and exporters: the colon after the prefix,
 * which some replace, and the suffix of counters, which older versions lack.
 */
function plainName(name: string): string {
  return name.replace(":", "_").replace(/_total$/, "");
}

/**
 * Returns one value for each engine (and model, and other labels). For ranks that share requests it
 * is the largest value; for queues by priority it is their total, which has an empty priority, if
 * there is one. Negative and non-finite values count as unknown.
 */
function valuePerEngine(samples: PrometheusSample[]): number[] {
  const totalled = samples.some(({ labels }) => labels.priority === "");
  const engines = new Map<string, number>();
  for (const { labels, value } of samples) {
    if (!Number.isFinite(value) || value < 0 || (totalled && labels.priority)) continue;
    const own = Object.entries(labels).filter(([label]) => !RANKS.has(label)).sort();
    const engine = JSON.stringify(own);
    engines.set(engine, Math.max(value, engines.get(engine) ?? 0));
  }
  return [...engines.values()];
}
