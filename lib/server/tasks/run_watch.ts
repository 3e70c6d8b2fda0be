/** Follows the run directory of a task. */
import { readFileSync } from "node:fs";
import { type Fold, JournalFollower } from "../../run/fold.ts";
import { asObject, textAt } from "../../json_fields.ts";
import { runState } from "../../run/run_state.ts";
import { latencies } from "../../endpoint/latency.ts";
import { LogHistogram } from "../../stats/histogram.ts";
import { type ResultItem, resultItem } from "../../suite/results.ts";
import { type Ledger, ledgerOf } from "../../run/ledger.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { TaskSubject, TaskWatch } from "./task_watch.ts";
import type { Recorded, RunEvent, TaskMetrics } from "../../run/events.ts";

/** Reads a run's journal as it grows. */
export class RunWatch implements TaskWatch {
  readonly #directory: RunDirectory;
  readonly #follow: JournalFollower<"run">;
  readonly #state = runState.begin();
  readonly #progress: RunProgress;
  readonly #onEvent: (event: RunEvent) => void;
  #facts: TaskSubject | null = null;

  constructor(kind: string, directory: RunDirectory, onEvent: (event: RunEvent) => void) {
    this.#directory = directory;
    this.#follow = new JournalFollower(directory.journal, "run");
    this.#progress = kind === "load" ? loadProgress() : suiteProgress();
    this.#onEvent = onEvent;
  }

  refresh(last: boolean): boolean {
    let some = false;
    for (const { event } of this.#follow.lines()) {
      if (event === null) continue;
      some = true;
      runState.take(this.#state, event);
      this.#progress.add(event);
      this.#onEvent(event);
    }
    if (last) this.#progress.over();
    return some;
  }

  metrics(): TaskMetrics {
    return this.#progress.metrics();
  }

  errors(): string[] {
    return this.#progress.errors();
  }

  complete(): boolean {
    return this.#state.ended === "complete";
  }

  facts(): TaskSubject | null {
    return this.#facts ??= factsOf(this.#directory);
  }

  [Symbol.dispose](): void {
    this.#follow[Symbol.dispose]();
  }
}

function factsOf({ metadata }: RunDirectory): TaskSubject | null {
  try {
    const facts = asObject(JSON.parse(readFileSync(metadata, "utf8")));
    return { agent: textAt(facts, "agent"), model: textAt(facts, "model") };
  } catch {
    return null; // it has not been written yet
  }
}

/** This many errors are reported. */
const ERRORS = 10;

interface Counted
  extends Pick<ResultItem, "success" | "timed_out" | "passed" | "evaluation_error"> {
  problem: string;
  score: number | null;
  seconds: number;
}

/** Running sums over a suite's run. */
interface SuiteSums {
  planned: number | null;
  /** Finished items; if one occurs twice, the later one counts. */
  items: Map<string, Counted>;
  /** Judged answers of each problem. */
  problems: Map<string, { sum: number; answers: number }>;
  successful: number;
  timed_out: number;
  judged: number;
  passed: number;
  /** Answers whose evaluator failed. */
  not_judged: number;
  /** Sum over problems of the mean of their judged scores. */
  score: number;
  seconds: number;
  ledger: Ledger;
  /** The first errors, at most ten. */
  errors: ErrorTold[];
}

/** An error message and its item. */
interface ErrorTold {
  item_id: string;
  text: string;
}

/** Sums over a suite's run; constant time per event. */
export const suiteSums: Fold<"run", SuiteSums> = {
  kind: "run",
  begin: () => ({
    planned: null,
    items: new Map(),
    problems: new Map(),
    successful: 0,
    timed_out: 0,
    judged: 0,
    not_judged: 0,
    passed: 0,
    score: 0,
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
    const earlier = sums.items.get(item.item_id);
    if (earlier) count(sums, earlier, -1);
    sums.items.set(item.item_id, countedOf(item));
    count(sums, sums.items.get(item.item_id)!, 1);
    const wrong = item.success
      ? item.evaluation_error && `not judged: ${item.evaluation_error}`
      : item.error ?? "no answer";
    sums.errors = sums.errors.filter(({ item_id }) => item_id !== item.item_id);
    if (wrong !== null && sums.errors.length < ERRORS) {
      sums.errors.push({ item_id: item.item_id, text: `${item.test_id}: ${wrong}` });
    }
  },
};

function countedOf(item: ResultItem): Counted {
  const { success, timed_out, passed, evaluation_error, elapsed_seconds: seconds } = item;
  const problem = item.coding?.problem_id ?? item.problem_id ?? item.test_id;
  const score = item.score?.hit_rate ?? null;
  return { problem, success, timed_out, score, passed, evaluation_error, seconds };
}

/** Adds an item to the sums, or subtracts it. */
function count(sums: SuiteSums, item: Counted, sign: 1 | -1): void {
  const { problem, score } = item;
  sums.seconds += sign * item.seconds;
  if (item.timed_out) sums.timed_out += sign;
  if (item.success) sums.successful += sign;
  if (item.evaluation_error !== null) sums.not_judged += sign;
  if (score === null) return;
  sums.judged += sign;
  if (item.passed) sums.passed += sign;
  const { sum, answers } = sums.problems.get(problem) ?? { sum: 0, answers: 0 };
  const now = { sum: sum + sign * score, answers: answers + sign };
  sums.score += meanOf(now) - meanOf({ sum, answers });
  if (now.answers > 0) sums.problems.set(problem, now);
  else sums.problems.delete(problem);
}

function meanOf({ sum, answers }: { sum: number; answers: number }): number {
  return answers > 0 ? sum / answers : 0;
}

function suiteMetrics({ planned, items, problems, score, seconds, ...sums }: SuiteSums) {
  const finished = items.size;
  const best = items.values().reduce((most, item) => Math.max(most, item.score ?? 0), 0);
  return {
    planned,
    finished,
    successful: sums.successful,
    errors: finished - sums.successful,
    timed_out: sums.timed_out,
    evaluated: sums.judged,
    not_judged: sums.not_judged,
    passed: sums.passed,
    avg_hit_rate: problems.size ? score / problems.size : null,
    max_hit_rate: sums.judged ? best : null,
    ...spendingOf(sums.ledger),
    avg_elapsed_seconds: finished ? seconds / finished : null,
  };
}

/** What the run's requests have used, as its results.json will report. */
function spendingOf(ledger: Ledger) {
  const { total } = ledger.books();
  return {
    total_prompt_tokens: total.prompt_tokens,
    total_completion_tokens: total.completion_tokens,
    requests_of_unknown_tokens: total.requests_of_unknown_tokens,
    total_cost_usd: total.total_cost_usd,
    requests_of_unknown_cost: total.requests_of_unknown_cost,
    requests_cut_off: total.requests_cut_off,
  };
}

/** Running sums over a load's run, without warm-up except for tokens and dollars. */
interface LoadSums {
  requests: number;
  failed: number;
  cancelled: number;
  ledger: Ledger;
  /** Microseconds. */
  ttft_us: LogHistogram;
  e2e_us: LogHistogram;
  /** The verdict on its client; null until the run has ended. */
  verdict: string | null;
  /** The first errors, at most ten. */
  errors: string[];
}

/** Sums over a load's run; constant time and memory. */
export const loadSums: Fold<"run", LoadSums> = {
  kind: "run",
  begin: () => ({
    requests: 0,
    failed: 0,
    cancelled: 0,
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
    if (record.failure === "cancelled") { // on purpose: neither answered nor failed
      sums.cancelled++;
      return;
    }
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

function loadMetrics({ requests, failed, cancelled, ledger, ttft_us, e2e_us, verdict }: LoadSums) {
  return {
    requests,
    successful: requests - failed - cancelled,
    errors: failed,
    ...spendingOf(ledger),
    ttft_p50_ms: ms(ttft_us.quantile(0.5)),
    ttft_p99_ms: ms(ttft_us.quantile(0.99)),
    e2e_p50_ms: ms(e2e_us.quantile(0.5)),
    e2e_p99_ms: ms(e2e_us.quantile(0.99)),
    verdict,
  };
}

/** The sums over one run, and the metrics made from them. */
interface RunProgress {
  /** Counts one event of the run. */
  add(event: Recorded<RunEvent>): void;
  /** Its process has ended: requests without a result count as cut off. */
  over(): void;
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

function progressOf<Sums extends { ledger: Ledger; errors: readonly (string | ErrorTold)[] }>(
  { begin, take }: Fold<"run", Sums>,
  metrics: (sums: Sums) => TaskMetrics,
): RunProgress {
  const sums = begin();
  return {
    add: (event) => take(sums, event),
    over: () => sums.ledger.cutOff(),
    metrics: () => metrics(sums),
    errors: () => sums.errors.map((each) => typeof each === "string" ? each : each.text),
  };
}

function ms(us: number | null): number | null {
  return us === null ? null : us / 1000;
}
