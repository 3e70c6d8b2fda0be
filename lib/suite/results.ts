/** results.json: every item in a few numbers, and what they come to. */
import { distribution, mean } from "../stats/quantile.ts";
import { attemptsShare } from "../stats/pass_at_k.ts";
import { meanEstimate, quantileEstimate, shareEstimate } from "../stats/interval.ts";
import { totalOf } from "../run/ledger.ts";
import { epochStatistics } from "./epochs.ts";
import { categoriesOf } from "./selection.ts";
import { busySeconds, requestSpans } from "./spans.ts";
import type { Energy } from "../hardware/energy.ts";
import type { Distribution } from "../stats/quantile.ts";
import type { Attempts } from "../stats/pass_at_k.ts";
import type { EpochStatistics } from "./epochs.ts";
import type { Estimate } from "../stats/interval.ts";
import type { Fold } from "../run/fold.ts";
import type { Books, LedgerTotals } from "../run/ledger.ts";
import type { TokenSource } from "../endpoint/answer.ts";
import type { CodingOutcome, ErrorClass, TestResult } from "../run/test_result.ts";

/** One test in results.json: a TestResult without its texts. */
export interface ResultItem {
  /** The same as test_id, under the name that other programs' results have. */
  package_id: string;
  /** The test's id in the suite. */
  test_id: string;
  /** The test's name in the suite. */
  test_name: string;
  /** Stable hash of what was run: test, model, API type. */
  item_id: string;
  /** The test's category in the suite. */
  category: string;
  /** Its files are `items/{file_stem}_completion.txt` and `_result.json`; null before the run is summed up. */
  file_stem: string | null;
  /** The endpoint gave an answer, right or wrong. */
  success: boolean;
  /** Seconds over all attempts and the waits between them. */
  elapsed_seconds: number;
  /** Seconds from sending to the end of the answer. */
  execution_time: number;
  /** Null when the test has no evaluator, or no answer. */
  score: { targets: number; created_hits: number; hit_rate: number } | null;
  /** Whether the answer is right; null where it was not judged. */
  passed: boolean | null;
  /** Why judging failed, in one line; null where it did not. */
  evaluation_error: string | null;
  /** Requests made for it, retries included. */
  attempts: number;
  /** Of several endpoints the one that was asked last; left out for one alone. */
  endpoint?: string;
  /** Why there is no answer, in one line; null where there is one. */
  error: string | null;
  /** The class of `error`; null where there is an answer. */
  error_class: ErrorClass | null;
  /** Without an answer because time ran out. */
  timed_out: boolean;
  /** Tokens of the prompt; null where nobody told. */
  prompt_tokens: number | null;
  /** Tokens of the answer; null where nobody told. */
  completion_tokens: number | null;
  /** What told completion_tokens; null where nobody did. */
  token_source: TokenSource | null;
  /** US dollars; null where the usage or the price is unknown. */
  cost_usd: number | null;
  /** completion_tokens / execution_time; null where unknown. */
  tokens_per_second: number | null;
  /** Why the model stopped, in the server's word; null where it said nothing. */
  finish_reason: string | null;
  /** Time to the first token, ms; null without streaming. */
  ttft_ms: number | null;
  /** Mean time per further token, ms; null below two tokens. */
  tpot_ms: number | null;
  /** From sending to the end of the answer, ms. */
  e2e_ms: number | null;
  /** The longest time between two token events, ms. */
  gap_max_ms: number | null;
  /** Quality of the reasoning in 0..1; null where no evaluator judges that. */
  reasoning_score: number | null;
  /** The type of reasoning that was named or detected; null where no evaluator judges that. */
  reasoning_type: string | null;
  /** Monotonic time at which the request was sent, nanoseconds; null if it never was. */
  t_sent_ns: number | null;
  /** Its share of the devices' energy; null without a source. */
  energy_j: number | null;
  /** Of a test that is asked several times: its id in the suite. */
  problem_id?: string;
  /** Of such a test: which time, from 1. */
  epoch?: number;
  /** The answer is an earlier run's, from a cache: it has no times and no cost. */
  cached?: boolean;
  /** Of coding problems. */
  coding?: CodingOutcome;
}

/** Counts and sums over tests; tokens and dollars of all their requests, by the run's ledger. */
export interface Aggregate {
  /** All tests that have a result. */
  tests: number;
  /** Tests with an answer, right or wrong. */
  successful: number;
  /** Tests without an answer. */
  errors: number;
  /** Of the errors, those that ran out of time. */
  timed_out: number;
  /** Tests whose answer was judged. */
  evaluated: number;
  /** Tests whose answer is right. */
  passed: number;
  /** Tests with an answer whose evaluator failed: neither right nor wrong, and never passed. */
  not_judged: number;
  /** Why the first of them was not judged; null where all were. */
  not_judged_because: string | null;
  /** Mean score of the judged answers. */
  avg_hit_rate: number | null;
  /** The best score of a judged answer. */
  max_hit_rate: number | null;
  /** Of all requests whose tokens are known; null where none are. */
  total_prompt_tokens: number | null;
  /** As `total_prompt_tokens`. */
  total_completion_tokens: number | null;
  /** Requests in none of these sums. */
  requests_of_unknown_tokens: number;
  /** US dollars of all requests whose cost is known; null where none is. */
  total_cost_usd: number | null;
  /** Requests that are not in `total_cost_usd`. */
  requests_of_unknown_cost: number;
  /** How many tests have no answer, by why. */
  errors_by_class: Partial<Record<ErrorClass, number>>;
}

/** Distributions over the answered tests, and 95 % intervals. */
export interface SuiteStatistics {
  /** Share of judged answers that are right: Wilson. */
  pass_rate: Estimate | null;
  /** Of tests that were asked several times; null where they were not. */
  epochs: EpochStatistics | null;
  /** Mean score of judged answers. */
  hit_rate: Estimate | null;
  /** Median time to the first token, ms. */
  ttft_p50_ms: Estimate | null;
  /** Median time from sending to the end of the answer, ms. */
  e2e_p50_ms: Estimate | null;
  /** Time to the first token, ms. */
  ttft_ms: Distribution | null;
  /** Time per further token, ms. */
  tpot_ms: Distribution | null;
  /** From sending to the end of the answer, ms. */
  e2e_ms: Distribution | null;
  /** Output tokens per second of single answers. */
  tokens_per_second: Distribution | null;
  /**
   * All output tokens over the time in which at least one request was in flight; null where an
   * answer's tokens are unknown. Results of earlier versions lack it.
   */
  output_tokens_per_s?: number | null;
}

/** The figures of one category. */
export interface CategorySummary {
  /** The category's name in the suite. */
  category: string;
  /** Counts and sums over its tests. */
  aggregate: Aggregate;
  /** Distributions and intervals over its tests. */
  statistics: SuiteStatistics;
}

/** The figures of one of several endpoints. */
export interface EndpointSummary {
  /** Where its requests were posted to. */
  endpoint: string;
  /** How often nobody answered there, and its tests went on at the others. */
  lost: number;
  /** Counts and sums over the tests that it was the last to be asked for, with all of their requests. */
  aggregate: Aggregate;
  /** Distributions and intervals over these. */
  statistics: SuiteStatistics;
}

/** What results.json of a suite run holds. */
export interface SuiteResults {
  /** The form of results.json that this is. */
  schema_version: 2;
  /** The run's id and the name of its folder. */
  run_id: string;
  /** "batch": a run of a schedule. */
  kind: "suite" | "batch";
  /** The suite's id. */
  benchmark: string;
  /** The model that was asked. */
  model: string;
  /** Which transport ran. */
  transport: string;
  /** False when the run was interrupted: `missing` tests have no result yet. */
  complete: boolean;
  /** Tests without a result: 0 when complete. */
  missing: number;
  /** Counts and sums over all tests. */
  aggregate: Aggregate;
  /** Distributions and intervals over all tests. */
  statistics: SuiteStatistics;
  /** Every request's tokens and dollars in sums, by who asked. */
  ledger: Books;
  /** Null without an energy source on this host. */
  energy: RunEnergy | null;
  /** The same by category, in the suite's order. */
  categories: CategorySummary[];
  /** The same by endpoint; left out for one alone. */
  endpoints?: EndpointSummary[];
  /** Every test, in the suite's order. */
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
    ...(result.endpoint === undefined ? {} : { endpoint: result.endpoint }),
    error: result.error_message,
    error_class: result.error_class,
    timed_out: result.timed_out,
    prompt_tokens: result.prompt_tokens,
    completion_tokens: result.completion_tokens,
    token_source: result.token_source,
    cost_usd: result.cost_usd,
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
    ...(result.problem_id === undefined
      ? {}
      : { problem_id: result.problem_id, epoch: result.epoch }),
    ...(result.cached ? { cached: true } : {}),
    ...(result.coding ? { coding: result.coding } : {}),
  };
}

/** Counts and sums. @param bill what their requests took. */
export function aggregate(items: readonly ResultItem[], bill: LedgerTotals): Aggregate {
  const answered = items.filter((item) => item.success);
  const scores = items.flatMap((item) => item.score?.hit_rate ?? []);
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
    evaluated: scores.length,
    passed: items.filter((item) => item.passed).length,
    not_judged: unjudged.length,
    not_judged_because: unjudged[0]?.evaluation_error ?? null,
    avg_hit_rate: scores.length ? scores.reduce((a, b) => a + b, 0) / scores.length : null,
    max_hit_rate: scores.length ? scores.reduce((a, b) => Math.max(a, b)) : null,
    total_prompt_tokens: bill.prompt_tokens,
    total_completion_tokens: bill.completion_tokens,
    requests_of_unknown_tokens: bill.requests_of_unknown_tokens,
    total_cost_usd: bill.total_cost_usd,
    requests_of_unknown_cost: bill.requests_of_unknown_cost,
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
    epochs: judged.some(({ epoch }) => epoch !== undefined)
      ? epochStatistics(attemptsOf(judged))
      : null,
    hit_rate: scoreEstimate(judged),
    ttft_p50_ms: quantileEstimate(ttft_ms, 0.5),
    e2e_p50_ms: quantileEstimate(e2e_ms, 0.5),
    ttft_ms: distribution(ttft_ms),
    tpot_ms: distribution(values((item) => item.tpot_ms)),
    e2e_ms: distribution(e2e_ms),
    tokens_per_second: distribution(values((item) => item.tokens_per_second)),
    output_tokens_per_s: outputRate(items, answered),
  };
}

function outputRate(
  items: readonly ResultItem[],
  answered: readonly ResultItem[],
): number | null {
  const tokens = answered.map((item) => item.completion_tokens ?? NaN).reduce((a, b) => a + b, 0);
  const busy_s = busySeconds(requestSpans(items).spans);
  return answered.length === 0 || isNaN(tokens) || busy_s === 0 ? null : tokens / busy_s;
}

/** Answers to one coding problem are alike: its interval is then one over problems. */
function passRate(judged: readonly ResultItem[]): Estimate | null {
  return attemptsShare(attemptsOf(judged));
}

function attemptsOf(judged: readonly ResultItem[]): Attempts[] {
  return byProblem(judged).map((answers) => ({
    n: answers.length,
    c: answers.filter(({ passed }) => passed).length,
  }));
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
    const key = item.coding?.problem_id ?? item.problem_id ?? item.test_id;
    const answers = problems.get(key);
    if (answers) answers.push(item);
    else problems.set(key, [item]);
  }
  return [...problems.values()];
}

/** The same by category, in the order of the items. @param bill what an item's requests took. */
export function byCategory(
  items: readonly ResultItem[],
  bill: (item_id: string) => LedgerTotals,
): CategorySummary[] {
  return categoriesOf(items).map((category) => {
    const own = items.filter((item) => item.category === category);
    return {
      category,
      aggregate: aggregate(own, totalOf(own.map(({ item_id }) => bill(item_id)))),
      statistics: statistics(own),
    };
  });
}

/** The same by endpoint. @param lost how often nobody answered at each. */
export function byEndpoint(
  endpoints: readonly string[],
  items: readonly ResultItem[],
  bill: (item_id: string) => LedgerTotals,
  lost: ReadonlyMap<string, number>,
): EndpointSummary[] {
  return endpoints.map((endpoint) => {
    const own = items.filter((item) => item.endpoint === endpoint);
    return {
      endpoint,
      lost: lost.get(endpoint) ?? 0,
      aggregate: aggregate(own, totalOf(own.map(({ item_id }) => bill(item_id)))),
      statistics: statistics(own),
    };
  });
}

/** How often nobody answered at each endpoint of a run, by its journal. */
export const endpointsLost: Fold<"run", Map<string, number>> = {
  kind: "run",
  begin: () => new Map(),
  take(lost, event) {
    if (event.event !== "endpoint_lost") return;
    lost.set(event.endpoint, (lost.get(event.endpoint) ?? 0) + 1);
  },
};

/** All devices together; idle power is contained, see each device. */
export interface RunEnergy {
  /** Each device with a counter or a power sensor. */
  devices: DeviceEnergy[];
  /** Joules of all devices. */
  total_j: number;
  /** Over answered tests with a known number of tokens; null without any. */
  j_per_token: number | null;
  /** The inverse of `j_per_token`. */
  tokens_per_j: number | null;
  /** total_j / passed tests. */
  j_per_solved_test: number | null;
}

/** A device's energy over the sessions of a run: from the first request to the end of the last. */
export interface DeviceEnergy extends Energy {
  /** Mean power before the requests; null when there was no second of it. */
  idle_w: number | null;
  /** energy_j less idle_w over the same time, at least 0. */
  above_idle_j: number | null;
}
