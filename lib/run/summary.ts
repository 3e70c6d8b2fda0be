/** What every run has in common, whoever made it: the row of the index, and its items. */

/** Whose form a run is in. */
export type SourceForm =
  | "dyno"
  | "smi_bench"
  | "koderz"
  | "benchmark_test_runner"
  | "batch_eval"
  | "agent_sched_sweep"
  | "vllm_bench"
  | "guidellm"
  | "aiperf"
  | "inspect_ai";

/** One run as lists and queries see it. Null is unknown, never 0. */
export interface RunSummary {
  run_id: string;
  /** The folder or file that it was read from. */
  path: string;
  source_form: SourceForm;
  kind: "suite" | "load" | "batch" | "sweep";
  /** The suite, the load's name, the dataset. */
  benchmark: string;
  /** How items were asked: zero-shot, iterative, comparative; null where that says nothing. */
  mode: string | null;
  model: string;
  agent: string | null;
  status: "complete" | "incomplete" | "failed";
  started_at_unix_seconds: number | null;
  duration_s: number | null;
  items_total: number;
  successful: number;
  failed: number;
  timed_out: number;
  /** Items judged right; null where nothing was judged. */
  passed: number | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  cost_usd: number | null;
  /** Of load runs. */
  output_tokens_per_s: number | null;
  ttft_p50_ms: number | null;
  ttft_p99_ms: number | null;
  tags: string[];
}

/** One test, problem, package or request of a run. */
export interface RunItem {
  item_id: string;
  name: string;
  category: string | null;
  /** Answered, whatever the answer. */
  success: boolean;
  timed_out: boolean;
  passed: boolean | null;
  /** 0..1. */
  score: number | null;
  latency_ms: number | null;
  ttft_ms: number | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  cost_usd: number | null;
  error: string | null;
}

/** A run that was read, with what could not be mapped. */
export interface ReadRun {
  summary: RunSummary;
  items: RunItem[];
  /** Fields of the source that have no place here: kept, and listed to whoever imports. */
  unmapped: Record<string, unknown>;
}
