/**
 * Summarises a suite's items (counts, sums, distributions and rates): all of them, by category, and by
 * endpoint.
 */
import { distribution, mean } from "../stats/quantile.ts";
import { type Attempts, attemptsShare } from "../stats/pass_at_k.ts";
import { type Estimate, quantileEstimate, scoreEstimate } from "../stats/interval.ts";
import { type LedgerTotals, totalOf } from "../run/ledger_totals.ts";
import { epochStatistics } from "./epochs.ts";
import { categoriesOf } from "./selection.ts";
import { busySeconds, requestSpans } from "./spans.ts";
import type { ErrorClass } from "../run/test_result.ts";
import type { Away } from "./away.ts";
import type {
  Aggregate,
  CategorySummary,
  EndpointSummary,
  ResultItem,
  SuiteStatistics,
} from "./results.ts";

/** Counts and sums. @param bill tokens and cost of their requests. */
export function aggregate(items: readonly ResultItem[], bill: LedgerTotals): Aggregate {
  const answered = items.filter((item) => item.success);
  const scored = items.filter((item) => item.score !== null);
  const best = scored.reduce((most, item) => Math.max(most, item.score!.hit_rate), 0);
  const unjudged = items.filter((item) => item.evaluation_error !== null);
  const errors_by_class: Partial<Record<ErrorClass, number>> = {};
  for (const { error_class } of items) {
    if (error_class) errors_by_class[error_class] = (errors_by_class[error_class] ?? 0) + 1;
  }
  return {
    tests: items.length,
    successful: answered.length,
    errors: items.length - answered.length,
    timed_out: items.filter((item) => item.timed_out).length,
    evaluated: scored.length,
    passed: items.filter((item) => item.passed).length,
    not_judged: unjudged.length,
    not_judged_because: unjudged[0]?.evaluation_error ?? null,
    avg_hit_rate: scored.length ? mean(problemScores(scored)) : null,
    max_hit_rate: scored.length ? best : null,
    total_prompt_tokens: bill.prompt_tokens,
    total_completion_tokens: bill.completion_tokens,
    requests_of_unknown_tokens: bill.requests_of_unknown_tokens,
    total_cost_usd: bill.total_cost_usd,
    requests_of_unknown_cost: bill.requests_of_unknown_cost,
    requests_cut_off: bill.requests_cut_off,
    errors_by_class,
  };
}

/**
 * The number of tests that the pass rate counts: those judged and, if any was judged, those without an
 * answer.
 */
export function ratedOf({ evaluated, errors }: Aggregate): number {
  return evaluated === 0 ? 0 : evaluated + errors;
}

/** Distributions and intervals. */
export function statistics(items: readonly ResultItem[]): SuiteStatistics {
  const answered = items.filter((item) => item.success);
  const values = (pick: (item: ResultItem) => number | null) =>
    answered.flatMap((item) => pick(item) ?? []);
  const judged = items.filter((item) => item.passed !== null);
  const ttft_ms = values((item) => item.ttft_ms);
  const e2e_ms = values((item) => item.e2e_ms);
  return {
    pass_rate: passRate(items),
    epochs: judged.some(({ epoch }) => epoch !== undefined)
      ? epochStatistics(attemptsOf(judged))
      : null,
    hit_rate: scoreEstimate(problemScores(judged)),
    ttft_p50_ms: quantileEstimate(ttft_ms, 0.5),
    e2e_p50_ms: quantileEstimate(e2e_ms, 0.5),
    ttft_ms: distribution(ttft_ms),
    tpot_ms: distribution(values((item) => item.tpot_ms)),
    e2e_ms: distribution(e2e_ms),
    tokens_per_second: distribution(values((item) => item.tokens_per_second)),
    output_tokens_per_s: outputRate(items),
  };
}

function outputRate(items: readonly ResultItem[]): number | null {
  const { tokens, busy_s } = output(items);
  return tokens === null || busy_s === 0 ? null : tokens / busy_s;
}

/**
 * `tokens`: of all answers; null when there is none, or one's tokens are unknown. `busy_s`: seconds with
 * at least one request in flight.
 */
export function output(items: readonly ResultItem[]): { tokens: number | null; busy_s: number } {
  const { spans } = requestSpans(items);
  const counts = spans.flatMap(({ item }) => item.success ? [item.completion_tokens ?? NaN] : []);
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  return {
    tokens: counts.length === 0 || isNaN(tokens) ? null : tokens,
    busy_s: busySeconds(spans),
  };
}

/**
 * The share of right answers; a missing answer counts as not right. Null when nothing was judged. Answers
 * to one problem are similar, so the interval is computed over problems.
 */
function passRate(items: readonly ResultItem[]): Estimate | null {
  if (items.every(({ passed }) => passed === null)) return null;
  return attemptsShare(attemptsOf(items.filter(isRated)));
}

/** Whether an item counts in the pass rate of a run in which some answers were judged. */
function isRated({ passed, success }: ResultItem): boolean {
  return passed !== null || !success;
}

function attemptsOf(judged: readonly ResultItem[]): Attempts[] {
  return byProblem(judged).map((answers) => ({
    n: answers.length,
    c: answers.filter(({ passed }) => passed).length,
  }));
}

function problemScores(judged: readonly ResultItem[]): number[] {
  return byProblem(judged).map((answers) => mean(answers.map((i) => i.score!.hit_rate)));
}

/** Groups the answers by coding problem, or by test. */
function byProblem(judged: readonly ResultItem[]): ResultItem[][] {
  const idOf = ({ coding, problem_id, test_id }: ResultItem) =>
    coding?.problem_id ?? problem_id ?? test_id;
  return [...Map.groupBy(judged, idOf).values()];
}

/**
 * The summaries by category, in the order of the items.
 *
 * @param bill tokens and cost of an item's requests.
 */
export function byCategory(
  items: readonly ResultItem[],
  bill: (item_hash: string) => LedgerTotals,
): CategorySummary[] {
  return categoriesOf(items).map((category) => {
    const own = items.filter((item) => item.category === category);
    return {
      category,
      aggregate: aggregate(own, totalOf(own.map(({ item_hash }) => bill(item_hash)))),
      statistics: statistics(own),
    };
  });
}

/** The summaries by endpoint. @param away when each endpoint was unavailable. */
export function byEndpoint(
  endpoints: readonly string[],
  items: readonly ResultItem[],
  bill: (item_hash: string) => LedgerTotals,
  away: { of(endpoint: string): Away },
): EndpointSummary[] {
  return endpoints.map((endpoint) => {
    const own = items.filter((item) => item.endpoint === endpoint);
    return {
      endpoint,
      ...away.of(endpoint),
      aggregate: aggregate(own, totalOf(own.map(({ item_hash }) => bill(item_hash)))),
      statistics: statistics(own),
    };
  });
}
