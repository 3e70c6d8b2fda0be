/** Metrics pages as the four servers write them, short of most of their buckets. */

/** What changes from page to page; counters start at 0. */
export interface ServerState {
  running: number;
  waiting: number;
  kv_cache_usage: number;
  hits: number;
  queries: number;
  queue_time_s: number;
  queued: number;
  preemptions: number;
  prompt_tokens: number;
  generation_tokens: number;
}

/** A server that has nothing to do yet. */
export const IDLE: ServerState = {
  running: 0,
  waiting: 0,
  kv_cache_usage: 0,
  hits: 0,
  queries: 0,
  queue_time_s: 0,
  queued: 0,
  preemptions: 0,
  prompt_tokens: 0,
  generation_tokens: 0,
};

/** prometheus_client writes every number as a float. */
const float = (value: number) => Number.isInteger(value) ? value.toFixed(1) : String(value);

/** vLLM 0.10 and later, engine by engine (data parallel). */
export function vllmPage(...engines: ServerState[]): string {
  const lines = [
    "# HELP python_gc_objects_collected_total Objects collected during gc",
    "# TYPE python_gc_objects_collected_total counter",
    'python_gc_objects_collected_total{generation="0"} 9472.0',
    "# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.",
    "# TYPE process_start_time_seconds gauge",
    "process_start_time_seconds 1.75379614138e+09",
  ];
  const metric = (name: string, type: string, valueOf: (state: ServerState) => number) => {
    lines.push(`# HELP vllm:${name} Of the engine.`, `# TYPE vllm:${name} ${type}`);
    const suffix = type === "counter" ? "_total" : "";
    engines.forEach((state, engine) => {
      const labels = `{engine="${engine}",model_name="Qwen/Qwen3-0.6B"}`;
      lines.push(`vllm:${name}${suffix}${labels} ${float(valueOf(state))}`);
    });
    if (type !== "counter") return;
    engines.forEach((_, engine) => {
      const labels = `{engine="${engine}",model_name="Qwen/Qwen3-0.6B"}`;
      lines.push(`vllm:${name}_created${labels} 1.7537961621460924e+09`);
    });
  };
  metric("num_requests_running", "gauge", (s) => s.running);
  metric("num_requests_waiting", "gauge", (s) => s.waiting);
  metric("kv_cache_usage_perc", "gauge", (s) => s.kv_cache_usage);
  metric("prefix_cache_queries", "counter", (s) => s.queries);
  metric("prefix_cache_hits", "counter", (s) => s.hits);
  metric("num_preemptions", "counter", (s) => s.preemptions);
  metric("prompt_tokens", "counter", (s) => s.prompt_tokens);
  metric("generation_tokens", "counter", (s) => s.generation_tokens);
  lines.push("# TYPE vllm:request_queue_time_seconds histogram");
  engines.forEach((state, engine) => {
    const labels = `engine="${engine}",model_name="Qwen/Qwen3-0.6B"`;
    const name = "vllm:request_queue_time_seconds";
    lines.push(
      `${name}_bucket{${labels},le="0.3"} ${float(state.queued)}`,
      `${name}_bucket{${labels},le="+Inf"} ${float(state.queued)}`,
      `${name}_count{${labels}} ${float(state.queued)}`,
      `${name}_sum{${labels}} ${float(state.queue_time_s)}`,
    );
  });
  return lines.join("\n") + "\n";
}

/** vLLM 0.8: the old names, and another engine's statement that it has no hit rate. */
export function oldVllmPage(state: ServerState): string {
  return `# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="m"} ${float(state.running)}
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="m"} ${float(state.waiting)}
# TYPE vllm:gpu_cache_usage_perc gauge
vllm:gpu_cache_usage_perc{model_name="m"} ${state.kv_cache_usage}
# TYPE vllm:gpu_prefix_cache_hit_rate gauge
vllm:gpu_prefix_cache_hit_rate{model_name="m"} -1.0
# TYPE vllm:gpu_prefix_cache_queries counter
vllm:gpu_prefix_cache_queries_total{model_name="m"} ${float(state.queries)}
# TYPE vllm:gpu_prefix_cache_hits counter
vllm:gpu_prefix_cache_hits_total{model_name="m"} ${float(state.hits)}
`;
}

/**
 * SGLang 0.5 on two ranks that each report, with queues by priority. Counters of tokens, and of what
 * was cached, come with the first request that is over, as they do there.
 */
export function sglangPage(state: ServerState, hit_rate: number): string {
  const model = 'model_name="meta-llama/Llama-3.1-8B-Instruct"';
  const ranks = [0, 1].map((rank) =>
    `engine_type="unified",${model},pp_rank="0",tp_rank="${rank}"`
  );
  const each = (line: (rank: string) => string) => ranks.map(line).join("\n");
  const finished = state.prompt_tokens === 0 ? "" : `# TYPE sglang:prompt_tokens_total counter
sglang:prompt_tokens_total{${model}} ${float(state.prompt_tokens)}
# TYPE sglang:generation_tokens_total counter
sglang:generation_tokens_total{${model}} ${float(state.generation_tokens)}
# TYPE sglang:cached_tokens_total counter
sglang:cached_tokens_total{cache_source="device",${model}} ${float(state.hits / 2)}
sglang:cached_tokens_total{cache_source="host",${model}} ${float(state.hits / 2)}
`;
  return `# HELP sglang:num_running_reqs The number of running requests.
# TYPE sglang:num_running_reqs gauge
${each((r) => `sglang:num_running_reqs{${r},priority=""} ${float(state.running)}`)}
${each((r) => `sglang:num_running_reqs{${r},priority="5"} ${float(state.running)}`)}
# TYPE sglang:num_queue_reqs gauge
${each((r) => `sglang:num_queue_reqs{${r}} ${float(state.waiting)}`)}
# TYPE sglang:token_usage gauge
${each((r) => `sglang:token_usage{${r}} ${state.kv_cache_usage}`)}
# TYPE sglang:cache_hit_rate gauge
${each((r) => `sglang:cache_hit_rate{${r}} ${hit_rate}`)}
# TYPE sglang:gen_throughput gauge
${each((r) => `sglang:gen_throughput{${r}} 86.50814177726902`)}
# TYPE sglang:queue_time_seconds histogram
${each((r) => `sglang:queue_time_seconds_bucket{${r},le="+Inf"} ${float(state.queued)}`)}
${each((r) => `sglang:queue_time_seconds_sum{${r}} ${state.queue_time_s}`)}
${each((r) => `sglang:queue_time_seconds_count{${r}} ${float(state.queued)}`)}
${finished}`;
}

/** llama.cpp's server with --metrics, of the time when it told the use of its cache. */
export function llamaCppPage(state: ServerState): string {
  return `# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed.
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total ${state.prompt_tokens}
# HELP llamacpp:prompt_seconds_total Prompt process time
# TYPE llamacpp:prompt_seconds_total counter
llamacpp:prompt_seconds_total 1.204
# HELP llamacpp:tokens_predicted_total Number of generation tokens processed.
# TYPE llamacpp:tokens_predicted_total counter
llamacpp:tokens_predicted_total ${state.generation_tokens}
# HELP llamacpp:predicted_tokens_seconds Average generation throughput in tokens/s.
# TYPE llamacpp:predicted_tokens_seconds gauge
llamacpp:predicted_tokens_seconds nan
# HELP llamacpp:kv_cache_usage_ratio KV-cache usage. 1 means 100 percent usage.
# TYPE llamacpp:kv_cache_usage_ratio gauge
llamacpp:kv_cache_usage_ratio ${state.kv_cache_usage}
# HELP llamacpp:requests_processing Number of requests processing.
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing ${state.running}
# HELP llamacpp:requests_deferred Number of requests deferred.
# TYPE llamacpp:requests_deferred gauge
llamacpp:requests_deferred ${state.waiting}
`;
}

/** TGI; it writes whole numbers as such. */
export function tgiPage(state: ServerState): string {
  return `# HELP tgi_queue_size Current queue size
# TYPE tgi_queue_size gauge
tgi_queue_size ${state.waiting}

# HELP tgi_batch_current_size Current batch size
# TYPE tgi_batch_current_size gauge
tgi_batch_current_size ${state.running}

# HELP tgi_request_count Total number of requests
# TYPE tgi_request_count counter
tgi_request_count ${state.queued}

# TYPE tgi_request_queue_duration histogram
tgi_request_queue_duration_bucket{le="0.000015000000000000002"} 0
tgi_request_queue_duration_bucket{le="+Inf"} ${state.queued}
tgi_request_queue_duration_sum ${state.queue_time_s}
tgi_request_queue_duration_count ${state.queued}

# TYPE tgi_request_input_length histogram
tgi_request_input_length_bucket{le="+Inf"} ${state.queued}
tgi_request_input_length_sum ${state.prompt_tokens}
tgi_request_input_length_count ${state.queued}

# TYPE tgi_request_generated_tokens histogram
tgi_request_generated_tokens_bucket{le="+Inf"} ${state.queued}
tgi_request_generated_tokens_sum ${state.generation_tokens}
tgi_request_generated_tokens_count ${state.queued}
`;
}
