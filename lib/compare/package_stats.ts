/** A run item by item: counts, and which items are slow, failing or expensive. */
import { itemCost } from "./cost.ts";
import { isFailing, isUnjudged } from "../run/problems.ts";
import { elapsedOf } from "../formats/times.ts";
import type { Price } from "../run/prices.ts";
import type { RunItem } from "../run/summary.ts";

/** An item, with the names that users' scripts read. */
export interface PackageStats {
  package_id: string;
  /** The same, under the name that exports use. */
  item_id: string;
  /** The problem that it answers. */
  problem_id: string;
  /** The mode in which it was asked, if the run has several. */
  mode: string | null;
  name: string;
  category: string | null;
  elapsed_seconds: number | null;
  ttft_ms: number | null;
  passed: boolean | null;
  hit_rate: number | null;
  created_hits: number | null;
  targets: number | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  cost_usd: number | null;
  error: string | null;
  timed_out: boolean;
}

/** The analysis of a run. `successful` counts items with an answer, right or wrong. */
export interface RunAnalysis {
  total_packages: number;
  successful: number;
  failed: number;
  timed_out: number;
  per_package_stats: PackageStats[];
  /** Ids, the slowest first. */
  slowest: string[];
  /** Ids of items without an answer, with a wrong one, or not judged. */
  failing: string[];
  /** Ids, the most expensive first; empty when costs are unknown. */
  most_expensive: string[];
  /** Problems; one may have several packages, which are its answers. */
  problems: number;
  /** Answers whose evaluator failed. */
  not_judged: number;
}

/** Analyses a run's items. @param top how many of the slowest and most expensive to list. */
export function analyzeItems(
  items: readonly RunItem[],
  price: Price | null,
  top = 5,
): RunAnalysis {
  const stats = items.map((item): PackageStats => ({
    package_id: item.item_id,
    item_id: item.item_id,
    problem_id: item.problem_id,
    mode: item.mode,
    name: item.name,
    category: item.category,
    elapsed_seconds: elapsedOf(item),
    ttft_ms: item.ttft_ms,
    passed: item.passed,
    hit_rate: item.score,
    created_hits: item.created_hits,
    targets: item.targets,
    prompt_tokens: item.prompt_tokens,
    completion_tokens: item.completion_tokens,
    cost_usd: itemCost(item, price),
    error: item.error,
    timed_out: item.timed_out,
  }));
  const most = (key: "elapsed_seconds" | "cost_usd") =>
    stats.filter((entry) => entry[key] !== null).sort((a, b) => b[key]! - a[key]!).slice(0, top)
      .map(({ package_id }) => package_id);
  return {
    total_packages: items.length,
    successful: items.filter(({ success }) => success).length,
    failed: items.filter(({ success }) => !success).length,
    timed_out: items.filter(({ timed_out }) => timed_out).length,
    per_package_stats: stats,
    slowest: most("elapsed_seconds"),
    failing: items.filter(isFailing).map(({ item_id }) => item_id),
    most_expensive: most("cost_usd"),
    problems: new Set(items.map(({ problem_id }) => problem_id)).size,
    not_judged: items.filter(isUnjudged).length,
  };
}
