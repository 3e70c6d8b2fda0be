/** The types of results.json: every item in a few numbers, and their summary (aggregate.ts). */
import type { Energy } from "../hardware/energy.ts";
import type { Distribution } from "../stats/quantile.ts";
import type { EpochStatistics } from "./epochs.ts";
import type { Estimate } from "../stats/interval.ts";
import type { Books } from "../run/ledger_totals.ts";
import type { TokenSource } from "../endpoint/answer.ts";
import type { CodingOutcome, ErrorClass, TestResult, TimedAnswer } from "../run/test_result.ts";

/** One test in results.json: a TestResult without its texts. */
export interface ResultItem {
  /** The same as test_id, under the name that other programs' results use. */
  package_id: string;
  /** The test's id in the suite. */
  test_id: string;
  /** The test's name in the suite. */
  test_name: string;
  /** The same again, under the name that exports and queries use. */
  item_id: string;
  /** Stable hash of what was run: test, model, API type. Journals call it item_id. */
  item_hash: string;
  /** The test's category in the suite. */
  category: string;
  /**
   * Its files are `items/{file_stem}_completion.txt` and `_result.json`; null until the run is
   * summarised.
   */
  file_stem: string | null;
  /** The endpoint answered, right or wrong. */
  success: boolean;
  /** Seconds over all attempts and the waits between them. */
  elapsed_seconds: number;
  /** Seconds from sending to the end of the answer. */
  execution_time: number;
  /** Null when the test has no evaluator, or no answer. */
  score: { targets: number; created_hits: number; hit_rate: number } | null;
  /** Whether the answer is right; null when it was not judged. */
  passed: boolean | null;
  /** Why judging failed, in one line; null when it did not. */
  evaluation_error: string | null;
  /** Requests made for it, retries included. */
  attempts: number;
  /** With several endpoints, the one that was asked last; left out for a single endpoint. */
  endpoint?: string;
  /** Why there is no answer, in one line; null when there is one. */
  error: string | null;
  /** The class of `error`; null when there is an answer. */
  error_class: ErrorClass | null;
  /** Whether there is no answer because time ran out. */
  timed_out: boolean;
  /** Tokens of the prompt; null when unknown. */
  prompt_tokens: number | null;
  /** Tokens of the answer; null when unknown. */
  completion_tokens: number | null;
  /** The source of completion_tokens; null when they are unknown. */
  token_source: TokenSource | null;
  /** US dollars; null when the usage or the price is unknown. */
  cost_usd: number | null;
  /** completion_tokens / execution_time; null when unknown. */
  tokens_per_second: number | null;
  /** Why the model stopped, in the server's words; null when it did not say. */
  finish_reason: string | null;
  /** Time to the first token, ms; null without streaming. */
  ttft_ms: number | null;
  /** Mean time per further token, ms; null below two tokens. */
  tpot_ms: number | null;
  /** From sending to the end of the answer, ms. */
  e2e_ms: number | null;
  /** The longest time between two token events, ms. */
  gap_max_ms: number | null;
  /** Quality of the reasoning in 0..1; null when no evaluator judges it. */
  reasoning_score: number | null;
  /** The type of reasoning, as named or detected; null when no evaluator judges it. */
  reasoning_type: string | null;
  /** Monotonic time at which the request was sent, nanoseconds; null if it never was. */
  t_sent_ns: number | null;
  /** For a test that takes several questions: each of them, in order. */
  exchanges?: TimedAnswer[];
  /** Its share of the devices' energy; null without an energy source. */
  energy_j: number | null;
  /** For a test that is asked several times: its id in the suite. */
  problem_id?: string;
  /** For such a test: which time, from 1. */
  epoch?: number;
  /** Whether the answer comes from an earlier run's cache: it has no times and no cost. */
  cached?: boolean;
  /** Set for coding problems. */
  coding?: CodingOutcome;
}

/** Counts and sums over tests; tokens and dollars of all their requests, from the run's ledger. */
export interface Aggregate {
  /** All tests that have a result. */
  tests: number;
  /** Tests with an answer, right or wrong. */
  successful: number;
  /** Tests without an answer. */
  errors: number;
  /** The errors that were caused by a timeout. */
  timed_out: number;
  /** Tests whose answer was judged. */
  evaluated: number;
  /** Tests whose answer is right. */
  passed: number;
  /** Tests with an answer whose evaluator failed: neither right nor wrong, and never passed. */
  not_judged: number;
  /** Why the first of them was not judged; null when all were judged. */
  not_judged_because: string | null;
  /** Mean over problems of each problem's mean score of judged answers. */
  avg_hit_rate: number | null;
  /** The best score of a judged answer. */
  max_hit_rate: number | null;
  /** Tokens of all requests where they are known; null when none are. */
  total_prompt_tokens: number | null;
  /** As `total_prompt_tokens`. */
  total_completion_tokens: number | null;
  /** Requests that are not in these sums. */
  requests_of_unknown_tokens: number;
  /** US dollars of all requests whose cost is known; null when none is. */
  total_cost_usd: number | null;
  /** Requests that are not in `total_cost_usd`. */
  requests_of_unknown_cost: number;
  /** Those requests of unknown tokens and cost that may have been in flight when dyno was killed. */
  requests_cut_off: number;
  /** The number of tests without an answer, by error class. */
  errors_by_class: Partial<Record<ErrorClass, number>>;
}

/** Distributions over the answered tests, and 95 % intervals. */
export interface SuiteStatistics {
  /** Share of right answers among all that were judged or missing: Wilson interval, or over problems. */
  pass_rate: Estimate | null;
  /** Statistics of tests that were asked several times; null when none was. */
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
   * Tokens of all the model's answers divided by the time in which at least one of its requests was in
   * flight; null when an answer's tokens are unknown. Results of earlier versions lack it.
   */
  output_tokens_per_s?: number | null;
}

/** The results of one category. */
export interface CategorySummary {
  /** The category's name in the suite. */
  category: string;
  /** Counts and sums over its tests. */
  aggregate: Aggregate;
  /** Distributions and intervals over its tests. */
  statistics: SuiteStatistics;
}

/** The results of one of several endpoints. */
export interface EndpointSummary {
  /** Where its requests were posted to. */
  endpoint: string;
  /** How often it was unavailable, so that its tests were sent to the others. */
  lost: number;
  /**
   * Seconds in which it was unavailable, up to the run's end if it did not come back. Earlier versions
   * lack it.
   */
  away_s?: number;
  /** Whether it was available again after the last time. Earlier versions lack it. */
  came_back?: boolean;
  /** Counts and sums over the tests that asked it last, with all of their requests. */
  aggregate: Aggregate;
  /** Distributions and intervals over these tests. */
  statistics: SuiteStatistics;
}

/** The content of results.json of a suite run. */
export interface SuiteResults {
  /** The version of this format. */
  schema_version: 2;
  /** The run's id, which is also the name of its folder. */
  run_id: string;
  /** "batch": the run belongs to a schedule. */
  kind: "suite" | "batch";
  /** The suite's id. */
  benchmark: string;
  /** The model that was asked. */
  model: string;
  /** The transport that was used. */
  transport: string;
  /** False when the run was interrupted: `missing` tests have no result yet. */
  complete: boolean;
  /** Tests without a result: 0 when complete. */
  missing: number;
  /** Counts and sums over all tests. */
  aggregate: Aggregate;
  /** Distributions and intervals over all tests. */
  statistics: SuiteStatistics;
  /** Tokens and dollars of all requests in sums, by who asked. */
  ledger: Books;
  /** Null without an energy source on this host. */
  energy: RunEnergy | null;
  /** The summaries by category, in the suite's order. */
  categories: CategorySummary[];
  /** The summaries by endpoint; left out for a single endpoint. */
  endpoints?: EndpointSummary[];
  /** Every test, in the suite's order. */
  items: ResultItem[];
}

/** A result in the form of results.json. */
export function resultItem(result: TestResult): ResultItem {
  const evaluation = result.evaluation_result;
  const judged = evaluation && "hit_rate" in evaluation ? evaluation : null;
  return {
    package_id: result.test_id,
    test_id: result.test_id,
    test_name: result.test_name,
    item_id: result.test_id,
    item_hash: result.item_id,
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
    ...(result.exchanges === undefined ? {} : { exchanges: result.exchanges }),
    energy_j: null,
    ...(result.problem_id === undefined
      ? {}
      : { problem_id: result.problem_id, epoch: result.epoch }),
    ...(result.cached ? { cached: true } : {}),
    ...(result.coding ? { coding: result.coding } : {}),
  };
}

/** The energy of all devices together. It includes idle power, see each device. */
export interface RunEnergy {
  /** Each device with a counter or a power sensor. */
  devices: DeviceEnergy[];
  /** Joules of all devices. */
  total_j: number;
  /** Over answered tests with a known number of tokens; null when there are none. */
  j_per_token: number | null;
  /** The inverse of `j_per_token`. */
  tokens_per_j: number | null;
  /** total_j / passed tests. */
  j_per_solved_test: number | null;
}

/** A device's energy over the sessions of a run: from the first request to the end of the last one. */
export interface DeviceEnergy extends Energy {
  /** Mean power before the requests; null when that time was shorter than a second. */
  idle_w: number | null;
  /** energy_j minus idle_w over the same time, at least 0. */
  above_idle_j: number | null;
}

/** Whether problems were asked in two modes, so that a share over all answers has no meaning. */
export function isOfTwoModes(items: readonly Pick<ResultItem, "coding">[]): boolean {
  return new Set(items.flatMap(({ coding }) => coding ? [coding.mode] : [])).size > 1;
}
