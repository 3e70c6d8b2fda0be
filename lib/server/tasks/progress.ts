/** Figures of a task while it runs, from the events of its run. */
import { latencies } from "../../endpoint/latency.ts";
import { LogHistogram } from "../../stats/histogram.ts";
import { resultItem } from "../../suite/results.ts";
import type { Recorded, RunEvent, TaskMetrics } from "../../run/events.ts";
import { ledgerOf } from "../../run/ledger.ts";
import type { Ledger } from "../../run/ledger.ts";
import type { Fold } from "../../run/fold.ts";

/** So many errors are told of. */
const ERRORS = 10;

/** What a suite's run has come to. */
export interface SuiteSums {
  planned: number | null;
  /** Items that are done; one that is told twice counts once. */
  seen: Set<string>;
  successful: number;
  timed_out: number;
  judged: number;
  passed: number;
  /** Answers whose evaluator failed. */
  not_judged: number;
  /** Sum and maximum of the judged scores. */
  score: number;
  best: number;
  seconds: number;
  ledger: Ledger;
  /** The first errors, at most ten. */
  errors: string[];
}

/** Sums of a suite's run; constant time an event. */
export const suiteSums: Fold<"run", SuiteSums> = {
  kind: "run",
  begin: () => ({
    planned: null,
    seen: new Set(),
    successful: 0,
    timed_out: 0,
    judged: 0,
    not_judged: 0,
    passed: 0,
    score: 0,
    best: 0,
    seconds: 0,
    ledger: ledgerOf.begin(),
    errors: [],
  }),
  take(sums, event) {
    if (event.event === "run_started" || event.event === "run_resumed") {
      sums.planned = event.planned ?? sums.planned;
    }
    ledgerOf.take(sums.ledger, event);
    if (event.event !== "package_finished" || event.result === null) return;
    const item = resultItem(event.result);
    if (sums.seen.has(item.item_id)) return;
    sums.seen.add(item.item_id);
    sums.seconds += item.elapsed_seconds;
    if (item.timed_out) sums.timed_out++;
    if (item.score) {
      sums.judged++;
      sums.score += item.score.hit_rate;
      sums.best = Math.max(sums.best, item.score.hit_rate);
      if (item.passed) sums.passed++;
    }
    if (item.success) {
      sums.successful++;
    }
    if (item.evaluation_error !== null) sums.not_judged++;
    const wrong = item.success
      ? item.evaluation_error && `not judged: ${item.evaluation_error}`
      : item.error ?? "no answer";
    if (wrong !== null && sums.errors.length < ERRORS) {
      sums.errors.push(`${item.test_id}: ${wrong}`);
    }
  },
};

function suiteMetrics({ planned, seen, judged, score, best, seconds, ...sums }: SuiteSums) {
  return {
    planned,
    finished: seen.size,
    successful: sums.successful,
    errors: seen.size - sums.successful,
    timed_out: sums.timed_out,
    evaluated: judged,
    not_judged: sums.not_judged,
    passed: sums.passed,
    avg_hit_rate: judged ? score / judged : null,
    max_hit_rate: judged ? best : null,
    ...spendingOf(sums.ledger),
    avg_elapsed_seconds: seen.size ? seconds / seen.size : null,
  };
}

/** What the run's requests took, as its results.json will tell. */
function spendingOf(ledger: Ledger) {
  const { total } = ledger.books();
  return {
    total_prompt_tokens: total.prompt_tokens,
    total_completion_tokens: total.completion_tokens,
    requests_of_unknown_tokens: total.requests_of_unknown_tokens,
    total_cost_usd: total.total_cost_usd,
    requests_of_unknown_cost: total.requests_of_unknown_cost,
  };
}

/** What a load's run has come to; warm-up left out but for tokens and dollars. */
export interface LoadSums {
  requests: number;
  failed: number;
  ledger: Ledger;
  /** Microseconds. */
  ttft_us: LogHistogram;
  e2e_us: LogHistogram;
  /** Of its client; null until it is over. */
  verdict: string | null;
  /** The first errors, at most ten. */
  errors: string[];
}

/** Sums of a load's run; constant time and memory. */
export const loadSums: Fold<"run", LoadSums> = {
  kind: "run",
  begin: () => ({
    requests: 0,
    failed: 0,
    ledger: ledgerOf.begin(),
    ttft_us: new LogHistogram(),
    e2e_us: new LogHistogram(),
    verdict: null,
    errors: [],
  }),
  take(sums, event) {
    ledgerOf.take(sums.ledger, event);
    if (event.event === "load_finished") sums.verdict = event.verdict.verdict;
    if (event.event !== "request_finished" || event.result.warmup) return;
    const record = event.result;
    sums.requests++;
    if (record.failure !== null) {
      sums.failed++;
      if (sums.errors.length < ERRORS) {
        sums.errors.push(`request ${record.request}: ${record.message ?? record.failure}`);
      }
      return;
    }
    const { e2e_ms, ttft_ms } = latencies(record);
    if (e2e_ms !== null) sums.e2e_us.add(e2e_ms * 1000);
    if (ttft_ms !== null) sums.ttft_us.add(ttft_ms * 1000);
  },
};

function loadMetrics({ requests, failed, ledger, ttft_us, e2e_us, verdict }: LoadSums) {
  return {
    requests,
    successful: requests - failed,
    errors: failed,
    ...spendingOf(ledger),
    ttft_p50_ms: ms(ttft_us.quantile(0.5)),
    ttft_p99_ms: ms(ttft_us.quantile(0.99)),
    e2e_p50_ms: ms(e2e_us.quantile(0.5)),
    e2e_p99_ms: ms(e2e_us.quantile(0.99)),
    verdict,
  };
}

/** The sums of one run, and what they come to. */
export interface RunProgress {
  /** Counts one event of the run. */
  add(event: Recorded<RunEvent>): void;
  metrics(): TaskMetrics;
  /** The first errors, at most ten. */
  errors(): string[];
}

/** Figures of a suite's run. */
export function suiteProgress(): RunProgress {
  return progressOf(suiteSums, suiteMetrics);
}

/** Figures of a load's run. */
export function loadProgress(): RunProgress {
  return progressOf(loadSums, loadMetrics);
}

function progressOf<Sums extends { errors: string[] }>(
  { begin, take }: Fold<"run", Sums>,
  metrics: (sums: Sums) => TaskMetrics,
): RunProgress {
  const sums = begin();
  return {
    add: (event) => take(sums, event),
    metrics: () => metrics(sums),
    errors: () => sums.errors,
  };
}

function ms(us: number | null): number | null {
  return us === null ? null : us / 1000;
}
