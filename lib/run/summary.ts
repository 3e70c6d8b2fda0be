/** The form that all runs share, from whatever program: a summary and items. */

import type { TokenCounts } from "./ledger_entry.ts";

/** The program whose form a run is in. */
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
  | "inspect_ai"
  | "sglang_bench"
  | "lm_eval"
  | "promptfoo"
  | "inference_perf";

/** Sums over the requests to one model, of known values only. */
export interface ModelSpending extends TokenCounts {
  /** Requests that were sent. */
  requests: number;
  /** Requests whose tokens are unknown, and not in the sums. */
  requests_of_unknown_tokens: number;
  /** Of these, the ones that may have been in flight when dyno was killed, at most. */
  requests_cut_off: number;
}

/**
 * Sums over a run's requests, from its ledger. Null means unknown; runs of other programs have no
 * ledger.
 */
export interface Spending {
  /** Requests that were sent and have ended, including retries, warm-up and reviews. */
  requests: number | null;
  /** Additional requests that may have been in flight when dyno was killed, at most; not in the sums. */
  requests_cut_off: number | null;
  /** Prompt tokens of all requests whose tokens are known. */
  prompt_tokens: number | null;
  /** Of these, tokens read from the server's cache. */
  cached_prompt_tokens: number | null;
  /** Of these, tokens written to the server's cache. */
  cache_write_tokens: number | null;
  /** Output tokens of all requests whose tokens are known, including reasoning. */
  completion_tokens: number | null;
  /** Of these, reasoning tokens. */
  reasoning_tokens: number | null;
  /** Requests whose tokens are unknown, and not in the sums. */
  requests_of_unknown_tokens: number | null;
  /** US dollars of all requests whose cost is known. */
  cost_usd: number | null;
  /** Of these, for prompts. */
  input_cost_usd: number | null;
  /** Of these, for answers. */
  output_cost_usd: number | null;
  /** Requests whose cost is unknown, and not in the sums of dollars. */
  requests_of_unknown_cost: number | null;
  /** Sums by the model that was asked; "" is the run's own. */
  by_model: Record<string, ModelSpending> | null;
}

/** The ledger's fields for a run without one. */
export const NO_LEDGER = {
  requests: null,
  requests_cut_off: null,
  cached_prompt_tokens: null,
  cache_write_tokens: null,
  reasoning_tokens: null,
  requests_of_unknown_tokens: null,
  input_cost_usd: null,
  output_cost_usd: null,
  requests_of_unknown_cost: null,
  by_model: null,
} as const;

/** A run in lists and queries. Null means unknown, never 0. */
export interface RunSummary extends Spending {
  /** The run's id; unique in a folder of runs. */
  run_id: string;
  /** The folder or file that it was read from. */
  path: string;
  /** The program whose form the files have. */
  source_form: SourceForm;
  /** The kind of run. */
  kind: "suite" | "load" | "batch" | "sweep";
  /** The name of the suite, load or dataset. */
  benchmark: string;
  /** The mode of asking: zero-shot, iterative, comparative; null for none. */
  mode: string | null;
  /** The model that was asked, as the source names it. */
  model: string;
  /** Who or what is behind the model; null where the source does not say. */
  agent: string | null;
  /** "incomplete": interrupted; runs of dyno itself can be continued. */
  status: "complete" | "incomplete" | "failed";
  /** When it started. */
  started_at_unix_seconds: number | null;
  /** From its start to its end, seconds. */
  duration_s: number | null;
  /** Number of items in the run or its plan. */
  items_total: number;
  /** Items with an answer, right or wrong. */
  successful: number;
  /** Items without an answer. */
  failed: number;
  /** Of the failed ones, those that ran out of time. */
  timed_out: number;
  /** Items judged right; null where nothing was judged. */
  passed: number | null;
  /** Output tokens per second, for loads. */
  output_tokens_per_s: number | null;
  /** Median time to the first token, ms. */
  ttft_p50_ms: number | null;
  /** 99th percentile of the time to the first token, ms. */
  ttft_p99_ms: number | null;
  /** The tags it was given. */
  tags: string[];
}

/** One test, problem, package or request of a run. */
export interface RunItem {
  /** Identifies the item in its run, and the same item in other runs. */
  item_id: string;
  /** The problem that it answers. Answers to one problem are alike, so statistics count problems. */
  problem_id: string;
  /** The mode of asking, where a run has several: zero-shot, iterative; otherwise null. */
  mode: string | null;
  /** Its name for people. */
  name: string;
  /** Its category; null where the source has none. */
  category: string | null;
  /** Whether there is an answer, right or wrong. */
  success: boolean;
  /** Whether there is no answer because time ran out. */
  timed_out: boolean;
  /** Whether the answer is right; null where it was not judged. */
  passed: boolean | null;
  /** Score, 0 to 1. */
  score: number | null;
  /** Number of targets in the question: points, keywords, types; null where they are not counted. */
  targets: number | null;
  /** Number of targets that the answer has. */
  created_hits: number | null;
  /** From sending to the end of the answer, ms. */
  latency_ms: number | null;
  /**
   * Seconds over all attempts and the waits between them; null where only the answer's latency is
   * known.
   */
  elapsed_s: number | null;
  /** Time to the first token, ms; null where not streamed. */
  ttft_ms: number | null;
  /** Tokens of the prompt. */
  prompt_tokens: number | null;
  /** Tokens of the answer. */
  completion_tokens: number | null;
  /** US dollars. */
  cost_usd: number | null;
  /** Identifies the problem's attempts in this run; null where the source has no such name. */
  experiment_id: string | null;
  /** Number of attempts for the answer; null where not counted. */
  iterations: number | null;
  /** Why there is no answer, or no judgement of it, in one line; null where nothing failed. */
  error: string | null;
}

/** Figures that another program's file states; dyno never replaces them. */
export interface StatedFigures {
  /** By dyno's names, which include the unit: `avg_hit_rate`, `itl_p99_ms`. */
  figures: Record<string, number>;
  /** Figures that differ from those computed from the file's items; the stated ones count. */
  differs: { figure: string; stated: number; computed: number | null }[];
}

/** A run that was read, with fields that have no equivalent. */
export interface ReadRun {
  /** The run as a whole. */
  summary: RunSummary;
  /** The items, in the source's order. */
  items: RunItem[];
  /** Fields of the source that have no equivalent in dyno; they are kept, and listed at import. */
  unmapped: Record<string, unknown>;
  /** For runs of other programs: figures of the whole run that their files state. */
  stated?: StatedFigures;
  /**
   * The measure of its scores, where it is another program's own: such scores are not compared with
   * others.
   */
  score_measure?: string;
  /** The seed of its program; null or missing: unknown. */
  seed?: number | null;
}
