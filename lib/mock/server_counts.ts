/** The mock's counts of requests, and the page that reports them with vLLM's names. */
import type { PrefixCache } from "./prefix_cache.ts";

/** Counts since the start, of completions in any form. */
export class ServerCounts {
  running = 0;
  prompt_tokens = 0;
  generation_tokens = 0;
  /** Ended answers by reason; "abort" if the client left or a fault cut the answer. */
  readonly finished = { stop: 0, length: 0, abort: 0 };

  /** Prometheus text 0.0.4, with the names of vLLM 0.11's /metrics. */
  page(model: string, cache: PrefixCache): string {
    const labels = `engine="0",model_name="${
      model.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")
    }"`;
    const family = (name: string, type: string, help: string, values: [string, number][]) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...values.map(([more, value]) => `${name}{${labels}${more}} ${value}`),
    ];
    const one = (name: string, type: string, help: string, value: number) =>
      family(`vllm:${name}`, type, help, [["", value]]);
    return [
      ...one("num_requests_running", "gauge", "Requests being answered.", this.running),
      ...one("num_requests_waiting", "gauge", "Requests in a queue: the mock has none.", 0),
      ...one("prefix_cache_queries_total", "counter", "Prompt tokens looked up.", cache.queries),
      ...one("prefix_cache_hits_total", "counter", "Prompt tokens found.", cache.hits),
      ...one("prompt_tokens_total", "counter", "Prompt tokens received.", this.prompt_tokens),
      ...one("generation_tokens_total", "counter", "Tokens sent.", this.generation_tokens),
      ...family(
        "vllm:request_success_total",
        "counter",
        "Finished answers, by reason.",
        Object.entries(this.finished).map(([why, count]) => [`,finished_reason="${why}"`, count]),
      ),
      "",
    ].join("\n");
  }
}
