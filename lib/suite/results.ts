/** results.json: every item in a few numbers, and what they come to. */
import { distribution, mean } from "../stats/quantile.ts";
import { attemptsShare } from "../stats/pass_at_k.ts";
import { meanEstimate, quantileEstimate, shareEstimate } from "../stats/interval.ts";
import { categoriesOf } from "./selection.ts";
import type { RunEnergy } from "./energy.ts";
import type { Distribution } from "../stats/quantile.ts";
import type { Estimate } from "../stats/interval.ts";
import type { CodingOutcome, ErrorClass, TestResult, TokenSource } from "./test_result.ts";

/** One test in results.json: a TestResult without its texts. */
export interface ResultItem {
  package_id: string;
  test_id: string;
  test_name: string;
  item_id: string;
  category: string;
  /** Its files are `items/{file_stem}_completion.txt` and `_result.json`; null before the run is summed up. */
  file_stem: string | null;
  success: boolean;
  /** Seconds over all attempts and the waits between them. */
  elapsed_seconds: number;
  /** Seconds from sending to the end of the answer. */
  execution_time: number;
  /** Null when the test has no evaluator, or no answer. */
  score: { targets: number; created_hits: number; hit_rate: number } | null;
  passed: boolean | null;
  evaluation_error: string | null;
  attempts: number;
  error: string | null;
  error_class: ErrorClass | null;
  timed_out: boolean;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  token_source: TokenSource | null;
  /** US dollars; null where the usage or the price is unknown. */
  cost_usd: number | null;
  tokens_per_second: number | null;
  finish_reason: string | null;
  ttft_ms: number | null;
  tpot_ms: number | null;
  e2e_ms: number | null;
  gap_max_ms: number | null;
  reasoning_score: number | null;
  reasoning_type: string | null;
  /** Monotonic time at which the request was sent, nanoseconds; null if it never was. */
  t_sent_ns: number | null;
  /** Its share of the devices' energy; null without a source. */
  energy_j: number | null;
  /** Of coding problems. */
  coding?: CodingOutcome;
}

/** Counts and sums over tests. Token totals are null when any answer's tokens are unknown. */
export interface Aggregate {
  tests: number;
  successful: number;
  errors: number;
  timed_out: number;
  /** Tests whose answer was judged. */
  evaluated: number;
  passed: number;
  /** Mean score of the judged answers. */
  avg_hit_rate: number | null;
  max_hit_rate: number | null;
  total_prompt_tokens: number | null;
  total_completion_tokens: number | null;
  /** US dollars, as the tokens. */
  total_cost_usd: number | null;
  errors_by_class: Partial<Record<ErrorClass, number>>;
}

/** Distributions over the answered tests, and 95 % intervals. */
export interface SuiteStatistics {
  pass_rate: Estimate | null;
  hit_rate: Estimate | null;
  ttft_p50_ms: Estimate | null;
  e2e_p50_ms: Estimate | null;
  ttft_ms: Distribution | null;
  tpot_ms: Distribution | null;
  e2e_ms: Distribution | null;
  tokens_per_second: Distribution | null;
}

export interface CategorySummary {
  category: string;
  aggregate: Aggregate;
  statistics: SuiteStatistics;
}

export interface SuiteResults {
  schema_version: 2;
  run_id: string;
  kind: "suite" | "batch";
  benchmark: string;
  model: string;
  transport: string;
  /** False when the run was interrupted: `missing` tests have no result yet. */
  complete: boolean;
  missing: number;
  aggregate: Aggregate;
  statistics: SuiteStatistics;
  /** Null without an energy source on this host. */
  energy: RunEnergy | null;
  categories: CategorySummary[];
  items: ResultItem[];
}

/** A result as results.json keeps it. */
export function resultItem(result: TestResult): ResultItem {
  const evaluation = result.evaluation_result;
  const judged = evaluation && "hit_rate" in evaluation ? evaluation : null;
  return {
    package_id: result.test_id,
    test_id: result.test_id,
    test_name: result.test_name,
    item_id: result.item_id,
    category: result.category,
    file_stem: null,
    success: result.success,
    elapsed_seconds: result.elapsed_seconds,
    execution_time: result.execution_time,
    score: judged && {
      targets: judged.targets,
      created_hits: judged.created_hits,
      hit_rate: judged.hit_rate,
    },
    passed: judged?.passed ?? null,
    evaluation_error: evaluation && "error" in evaluation ? evaluation.error : null,
    attempts: result.attempts,
    error: result.error_message,
    error_class: result.error_class,
    timed_out: result.timed_out,
    prompt_tokens: result.prompt_tokens,
    completion_tokens: result.completion_tokens,
    token_source: result.token_source,
    cost_usd: result.cost_usd ?? null, // missing in older journals
    tokens_per_second: result.tokens_per_second,
    finish_reason: result.finish_reason,
    ttft_ms: result.timing?.ttft_ms ?? null,
    tpot_ms: result.timing?.tpot_ms ?? null,
    e2e_ms: result.timing?.e2e_ms ?? null,
    gap_max_ms: result.timing?.gap_max_ms ?? null,
    reasoning_score: result.reasoning_score,
    reasoning_type: result.reasoning_type,
    t_sent_ns: result.timing?.t_sent_ns ?? null,
    energy_j: null,
    ...(result.coding ? { coding: result.coding } : {}),
  };
}

/** Counts and sums. */
export function aggregate(items: readonly ResultItem[]): Aggregate {
  const answered = items.filter((item) => item.success);
  const scores = items.flatMap((item) => item.score?.hit_rate ?? []);
  const errors_by_class: Partial<Record<ErrorClass, number>> = {};
  for (const { error_class } of items) {
    if (error_class) errors_by_class[error_class] = (errors_by_class[error_class] ?? 0) + 1;
  }
  return {
    tests: items.length,
    successful: answered.length,
    errors: items.length - answered.length,
    timed_out: items.filter((item) => item.timed_out).length,
    evaluated: scores.length,
    passed: items.filter((item) => item.passed).length,
    avg_hit_rate: scores.length ? scores.reduce((a, b) => a + b, 0) / scores.length : null,
    max_hit_rate: scores.length ? scores.reduce((a, b) => Math.max(a, b)) : null,
    total_prompt_tokens: sumOrUnknown(answered.map((item) => item.prompt_tokens)),
    total_completion_tokens: sumOrUnknown(answered.map((item) => item.completion_tokens)),
    total_cost_usd: sumOrUnknown(answered.map((item) => item.cost_usd)),
    errors_by_class,
  };
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
    pass_rate: passRate(judged),
    hit_rate: scoreEstimate(judged),
    ttft_p50_ms: quantileEstimate(ttft_ms, 0.5),
    e2e_p50_ms: quantileEstimate(e2e_ms, 0.5),
    ttft_ms: distribution(ttft_ms),
    tpot_ms: distribution(values((item) => item.tpot_ms)),
    e2e_ms: distribution(e2e_ms),
    tokens_per_second: distribution(values((item) => item.tokens_per_second)),
  };
}

/** Answers to one coding problem are alike: its interval is then one over problems. */
function passRate(judged: readonly ResultItem[]): Estimate | null {
  return attemptsShare(
    byProblem(judged).map((answers) => ({
      n: answers.length,
      c: answers.filter(({ passed }) => passed).length,
    })),
  );
}

/** Scores that are all 0 or 1 are a share: resampling equal ones would call them certain. */
function scoreEstimate(judged: readonly ResultItem[]): Estimate | null {
  const scores = byProblem(judged).map((answers) => mean(answers.map((i) => i.score!.hit_rate)));
  return scores.length > 1 && scores.every((score) => score === 0 || score === 1)
    ? shareEstimate(scores.filter((score) => score === 1).length, scores.length)
    : meanEstimate(scores);
}

/** The answers to each coding problem, or to each test. */
function byProblem(judged: readonly ResultItem[]): ResultItem[][] {
  const problems = new Map<string, ResultItem[]>();
  for (const item of judged) {
    const key = item.coding?.problem_id ?? item.test_id;
    const answers = problems.get(key);
    if (answers) answers.push(item);
    else problems.set(key, [item]);
  }
  return [...problems.values()];
}

/** The same by category, in the order of the items. */
export function byCategory(items: readonly ResultItem[]): CategorySummary[] {
  return categoriesOf(items).map((category) => {
    const own = items.filter((item) => item.category === category);
    return { category, aggregate: aggregate(own), statistics: statistics(own) };
  });
}

function sumOrUnknown(counts: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const count of counts) {
    if (count === null) return null;
    sum += count;
  }
  return sum;
}
