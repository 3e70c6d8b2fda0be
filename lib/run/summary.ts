/** What every run has in common, whoever made it: the row of the index, and its items. */

import type { TokenCounts } from "./ledger_entry.ts";

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
  | "inspect_ai"
  | "sglang_bench"
  | "lm_eval"
  | "promptfoo"
  | "inference_perf";

/** What was asked of one model: the sums of what is known. */
export interface ModelSpending extends TokenCounts {
  /** Requests that were sent. */
  requests: number;
  /** Requests in none of the sums. */
  requests_of_unknown_tokens: number;
  /** Of these, those that were in flight when dyno was killed, at most. */
  requests_cut_off: number;
}

/** What a run's requests took, by its ledger. Null is unknown; other programs' runs have no ledger. */
export interface Spending {
  /** Requests that were sent and came to an end, retries, warm-up and reviews included. */
  requests: number | null;
  /** Beside them, at most, those in flight when dyno was killed: they are in none of the sums. */
  requests_cut_off: number | null;
  /** Of all requests whose tokens are known. */
  prompt_tokens: number | null;
  /** Of these, those that the server's cache had. */
  cached_prompt_tokens: number | null;
  /** Of these, those that went into the server's cache. */
  cache_write_tokens: number | null;
  /** Of all requests whose tokens are known, reasoning included. */
  completion_tokens: number | null;
  /** Of these, reasoning. */
  reasoning_tokens: number | null;
  /** Requests in none of the sums of tokens. */
  requests_of_unknown_tokens: number | null;
  /** US dollars of all requests whose cost is known. */
  cost_usd: number | null;
  /** Of these, for prompts. */
  input_cost_usd: number | null;
  /** Of these, for answers. */
  output_cost_usd: number | null;
  /** Requests in none of the sums of dollars. */
  requests_of_unknown_cost: number | null;
  /** The sums by the model that was asked; "" is the run's own. */
  by_model: Record<string, ModelSpending> | null;
}

/** The ledger's fields of a run without one. */
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

/** One run as lists and queries see it. Null is unknown, never 0. */
export interface RunSummary extends Spending {
  /** The run's id; unique in a folder of runs. */
  run_id: string;
  /** The folder or file that it was read from. */
  path: string;
  /** Which program's form the files have. */
  source_form: SourceForm;
  /** What was run. */
  kind: "suite" | "load" | "batch" | "sweep";
  /** The suite, the load's name, the dataset. */
  benchmark: string;
  /** How items were asked: zero-shot, iterative, comparative; null where that says nothing. */
  mode: string | null;
  /** The model that was asked, as the source names it. */
  model: string;
  /** Who or what is behind the model; null where the source says nothing. */
  agent: string | null;
  /** "incomplete": interrupted, and can be continued where the source is dyno's. */
  status: "complete" | "incomplete" | "failed";
  /** When it began. */
  started_at_unix_seconds: number | null;
  /** From its start to its end, seconds. */
  duration_s: number | null;
  /** Items that it has, or was to have. */
  items_total: number;
  /** Items with an answer, right or wrong. */
  successful: number;
  /** Items without an answer. */
  failed: number;
  /** Of the failed ones, those that ran out of time. */
  timed_out: number;
  /** Items judged right; null where nothing was judged. */
  passed: number | null;
  /** Of load runs. */
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
  /** Names the item in its run, and the same item in other runs. */
  item_id: string;
  /** The problem that it answers: several answers to one are alike, so statistics count problems. */
  problem_id: string;
  /** How it was asked, where a run asks in several ways: zero-shot, iterative; null else. */
  mode: string | null;
  /** What people call it. */
  name: string;
  /** Its category; null where the source has none. */
  category: string | null;
  /** Answered, whatever the answer. */
  success: boolean;
  /** Without an answer because time ran out. */
  timed_out: boolean;
  /** Whether the answer is right; null where nobody judged. */
  passed: boolean | null;
  /** 0..1. */
  score: number | null;
  /** What the answer was asked for, counted: points, keywords, types; null where nobody counts. */
  targets: number | null;
  /** How many of the targets it has. */
  created_hits: number | null;
  /** From sending to the end of the answer, ms. */
  latency_ms: number | null;
  /** Seconds over all attempts and the waits between them; null where only the answer's is known. */
  elapsed_s: number | null;
  /** Time to the first token, ms; null without streaming. */
  ttft_ms: number | null;
  /** Tokens of the prompt. */
  prompt_tokens: number | null;
  /** Tokens of the answer. */
  completion_tokens: number | null;
  /** US dollars. */
  cost_usd: number | null;
  /** Names the asking of this problem in this run; null where the source names none. */
  experiment_id: string | null;
  /** Attempts that the answer took; null where nobody counts. */
  iterations: number | null;
  /** Why there is no answer, or no judgement of it, in one line; null where nothing failed. */
  error: string | null;
}

/** Figures that another program's file states itself; they are never replaced by ours. */
export interface StatedFigures {
  /** By our names for them, the unit in the name: `avg_hit_rate`, `itl_p99_ms`. */
  figures: Record<string, number>;
  /** Those that the file's own items give otherwise; the stated one counts. */
  differs: { figure: string; stated: number; computed: number | null }[];
}

/** A run that was read, with what could not be mapped. */
export interface ReadRun {
  /** The run as a whole. */
  summary: RunSummary;
  /** In the source's order. */
  items: RunItem[];
  /** Fields of the source that have no place here: kept, and listed to whoever imports. */
  unmapped: Record<string, unknown>;
  /** Of runs of other programs: what their files state of the whole. */
  stated?: StatedFigures;
  /** What its scores are, where they are another program's own measure: not compared with others. */
  score_measure?: string;
  /** The seed of its program; null and missing: unknown. */
  seed?: number | null;
}
