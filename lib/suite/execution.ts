/**
 * The run itself: workers take tests from the plan; each result is journaled first and published
 * afterwards.
 */
import { InputError, NoProcessError } from "../errors.ts";
import { CancelledError, Scope } from "../execute/scope.ts";
import { runPool, WorkerLimit } from "../execute/pool.ts";
import { sleep } from "../execute/sleep.ts";
import { type HealthAlert, type HealthThresholds, HealthWatch } from "../hardware/health.ts";
import { nowNs } from "../native/clock.ts";
import { requestBody } from "../endpoint/forms/forms.ts";
import { type Budget, BudgetSpentError, type Spent } from "../run/budget.ts";
import { converse, isConversation, judgeConversation } from "./conversation.ts";
import { askTest, givenAnswer, internalFailure, judgeTest, keptAnswer } from "./execute.ts";
import { type ResultItem, resultItem } from "./results.ts";
import { AutoWorkers, guardMemory } from "./worker_rules.ts";
import type { EndpointClient, FailedAttempt } from "../endpoint/client.ts";
import type { TestCase } from "../settings/suite.ts";
import type { Sampler } from "../hardware/sampler.ts";
import { countsOfReply, type LedgerEntry } from "../run/ledger_entry.ts";
import type { Ledger } from "../run/ledger.ts";
import { type LedgerTotals, totalOfEntries } from "../run/ledger_totals.ts";
import { type RequestCost, spentOf } from "../run/request_cost.ts";
import type { CodingEvent } from "../run/events.ts";
import type { Journal } from "../run/journal.ts";
import type { AnsweredTest, PlannedTest } from "./execute.ts";
import type { AskModel } from "./evaluator.ts";
import type { RepeatedTest } from "./epochs.ts";
import type { ResponseCache } from "./response_cache.ts";
import type { Models } from "./models.ts";
import type { ExecutionProgress, ProgressTracker } from "./progress.ts";
import type { ItemFiles } from "./result_files.ts";
import type { TestResult } from "../run/test_result.ts";

/** What a handler may need besides its test. */
export interface HandlerContext {
  /** The test's id in the journal; a result that `execute` did not make must carry it. */
  item_id: string;
  /** The run's journal: what is appended survives the run and reaches its followers. */
  journal: {
    /** Appends the outcome of an attempt or a review. It is on disk when this returns. */
    append(event: CodingEvent): void;
  };
  /** Adds a request that `execute` did not make to the run's ledger. */
  book(entry: LedgerEntry): void;
  /** Tokens and cost of the item's requests, those of earlier sessions included. */
  bill(): LedgerTotals;
}

/**
 * A category's own way to run its tests: it may change the test, call `execute` once or more, and change
 * the result. An exception fails only that test.
 */
export type CategoryHandler = (
  test: TestCase,
  execute: (test: TestCase) => Promise<TestResult>,
  signal: AbortSignal,
  context: HandlerContext,
) => Promise<TestResult>;

/** Listeners of a run. None of them can stop it: an exception becomes a notice. */
export interface Listeners {
  /** Called when the run begins and whenever a test ends; `now` returns the progress at any later time. */
  onProgress?: (progress: ExecutionProgress, now: () => ExecutionProgress) => void;
  /** Called with each result and its hardware metrics, about one sampling interval after the test's end. */
  onResult?: (result: TestResult) => void;
  /** Called with one line for a person: a warning, or a change of the number of workers. */
  onNotice?: (line: string) => void;
}

/** The parts that an execution needs. */
export interface ExecutionParts {
  client: EndpointClient;
  journal: Journal;
  files: ItemFiles;
  sampler: Sampler | null;
  progress: ProgressTracker;
  handlers: Record<string, CategoryHandler>;
  listeners: Listeners;
  workers: number | "auto";
  alerts: Partial<HealthThresholds>;
  budget: Budget;
  cost: RequestCost;
  ledger: Ledger;
  /** Adds a request to the journal and the ledger. */
  book(entry: LedgerEntry): void;
  /** The models that evaluators ask. */
  models: Models;
  /** Cached answers of earlier runs; null for no cache. */
  cache: ResponseCache | null;
}

const HEALTH_INTERVAL_MS = 1000;
const POLL_MS = 10;
const NOTHING: Spent = { usd: 0, tokens: 0 };

/** Runs planned tests. Collects the results in `items`, by item id. */
export class Execution {
  readonly items: Map<string, ResultItem>;
  /** Problems of the host or the endpoint. */
  readonly alerts: HealthAlert[] = [];
  readonly #parts: ExecutionParts;
  readonly #limit: WorkerLimit;
  readonly #auto: AutoWorkers | null;
  #answered: boolean;
  /** Tests in progress that the budget has not stopped. */
  #atWork = 0;
  /** By item: requests in flight, and the largest number of them that the journal records. */
  readonly #asking = new Map<string, { now: number; most: number }>();

  /** @param earlier results of earlier sessions. */
  constructor(parts: ExecutionParts, earlier: Map<string, ResultItem>) {
    this.#parts = parts;
    this.items = earlier;
    this.#answered = [...earlier.values()].some((item) => item.success);
    const auto = parts.workers === "auto";
    this.#limit = new WorkerLimit(parts.workers === "auto" ? AutoWorkers.start : parts.workers);
    this.#auto = auto
      ? new AutoWorkers(this.#limit, performance.now(), (n, why) => this.#workersChanged(n, why))
      : null;
  }

  /**
   * Runs the tests that have no result yet.
   *
   * @throws {CancelledError} the signal is aborted; finished tests are journaled.
   * @throws {InputError} the journal cannot be written, the first answers say that the key was refused,
   * or the host starts no process for a program that a test needs.
   */
  async run(plan: readonly PlannedTest[], signal: AbortSignal): Promise<void> {
    const todo = plan.filter((planned) => !this.items.has(planned.item_id));
    this.#tellProgress();
    if (this.#auto) this.#notice(`workers auto: starting with ${this.#limit.workers}`);
    await using publishing = new Scope();
    await using guards = new Scope(signal);
    const { sampler } = this.#parts;
    if (sampler) {
      const changed = (n: number, why: string) => this.#workersChanged(n, why);
      guards.spawn((s) => guardMemory(this.#limit, () => sampler.memoryPressure(), s, changed));
    }
    guards.spawn((s) => this.#watchHealth(s));
    try {
      await runPool(todo, this.#limit, signal, async (planned, scopeSignal) => {
        this.#atWork++;
        const result = await this.#runOne(planned, scopeSignal);
        this.#finished(planned, result);
        this.#atWork--;
        publishing.spawn(() => this.#publish(result));
      });
    } finally {
      await sampler?.stop(); // takes the last sample, which publishing waits for
      await publishing.join();
    }
  }

  async #watchHealth(signal: AbortSignal): Promise<void> {
    const { sampler, progress, journal, alerts } = this.#parts;
    const watch = new HealthWatch(alerts);
    while (!signal.aborted) {
      await sleep(HEALTH_INTERVAL_MS, signal).catch(() => {});
      const { completed_tests: finished, failed_tests: failed } = progress.snapshot();
      const gpus = sampler?.description.gpus;
      const facts = { memory: sampler?.memoryPressure() ?? null, finished, failed, gpus };
      const series = sampler?.series ?? null;
      for (const alert of watch.look(series, HEALTH_INTERVAL_MS * 1e6, facts)) {
        this.alerts.push(alert);
        journal.append({ event: "health_alert", ...alert });
        this.#notice(`health: ${alert.message}`);
      }
    }
  }

  async #runOne(planned: PlannedTest, signal: AbortSignal): Promise<TestResult> {
    const { test, index, item_id } = planned;
    const { journal, progress, handlers } = this.#parts;
    const package_id = test.id;
    progress.started(test);
    const asked = [planned.evaluator, ...planned.turns].map((judge) => judge?.models.length ?? 0);
    const requests_at_once = Math.max(1, ...asked);
    this.#asking.set(item_id, { now: 0, most: requests_at_once });
    journal.append({
      event: "package_started",
      package_id,
      i: index,
      item_id,
      ...(requests_at_once > 1 ? { requests_at_once } : {}),
    });
    const execute = (changed: TestCase) => this.#execute({ ...planned, test: changed }, signal);
    const handler = Object.hasOwn(handlers, test.category) ? handlers[test.category] : null;
    try {
      return journal.redacted(
        handler
          ? await handler(test, execute, signal, this.#contextOf(item_id))
          : this.#billed(item_id, await execute(test)),
      );
    } catch (error) {
      if (error instanceof BudgetSpentError) await this.#othersEnd(signal);
      if (error instanceof CancelledError || signal.aborted) throw error;
      if (error instanceof NoProcessError) throw error; // says nothing about the test
      return journal.redacted(internalFailure(planned, error));
    } finally {
      this.#asking.delete(item_id);
    }
  }

  /**
   * Makes a request for an item. If more are then in flight than the journal records, journals the new
   * number first.
   */
  async #counted<T>(item_id: string, ask: () => Promise<T>): Promise<T> {
    const asking = this.#asking.get(item_id) ?? { now: 0, most: 1 };
    if (++asking.now > asking.most) {
      asking.most = asking.now;
      this.#parts.journal.append({ event: "package_asks", item_id, requests_at_once: asking.now });
    }
    try {
      return await ask();
    } finally {
      asking.now--;
    }
  }

  /** Adds the cost of everything asked for the test: retries, judges, and earlier sessions too. */
  #billed(item_id: string, result: TestResult): TestResult {
    const { total_cost_usd } = this.#parts.ledger.item(item_id);
    return { ...result, cost_usd: total_cost_usd ?? result.cost_usd };
  }

  #contextOf(item_id: string): HandlerContext {
    const { journal, ledger, book } = this.#parts;
    return {
      item_id,
      journal,
      book: (entry) => book(entry),
      bill: () => ledger.item(item_id),
    };
  }

  /** Asks and judges a test; the judge's tokens are reserved separately in the budget. */
  async #execute(planned: PlannedTest, signal: AbortSignal): Promise<TestResult> {
    const { test, item_id, evaluator } = planned;
    const of = { package_id: test.id, item_id, evaluator: evaluator?.name ?? "turns" };
    const askModel: AskModel = async (model, question) =>
      await this.#counted(item_id, () => this.#parts.models.ask(of, model, question, signal));
    if (test.answer === undefined && isConversation(test)) {
      const ask = (changed: TestCase) => this.#ask({ ...planned, test: changed }, signal);
      const conversation = await converse(test, ask, { signal, directory: planned.directory });
      return await judgeConversation(planned, conversation, signal, askModel);
    }
    const answered = test.answer === undefined
      ? await this.#ask(planned, signal)
      : givenAnswer(planned, test.answer);
    return await judgeTest(planned, answered, signal, askModel);
  }

  /** Asks one question within the budget, with its cost; each of its requests is recorded. */
  async #ask(planned: PlannedTest, signal: AbortSignal): Promise<AnsweredTest> {
    const { client, budget, cost, book, cache, journal } = this.#parts;
    const { item_id } = planned;
    const body = requestBody(planned.test, client.api);
    const embeds = client.api.api_type === "embeddings"; // suites ask for embeddings only
    const { epoch } = planned.test as RepeatedTest;
    const request = { endpoint: client.api.endpoint, body, epoch: epoch ?? 1 };
    const kept = cache?.find(request) ?? null;
    if (kept !== null) return keptAnswer(planned, kept);
    const reservation = await budget.reserve(() => cost.most(body), signal);
    const entries: LedgerEntry[] = [];
    let charged = 0;
    /** A failed request of unknown cost that is retried counts with the most that it can have cost. */
    const charge = (until: number) => {
      for (; charged < until; charged++) {
        const { usd, tokens } = spentOf(entries[charged]);
        const most = usd === null || tokens === null ? cost.most(body) ?? NOTHING : NOTHING;
        budget.add({ usd: usd ?? most.usd, tokens: tokens ?? most.tokens });
      }
    };
    try {
      const ask = () =>
        askTest(planned, client, signal, (failed) => {
          this.#attemptFailed(planned.test.id, failed);
          if (failed.retry_in_s !== null) charge(entries.length);
        }, ({ nth, reply, failure, status }) => {
          const told = countsOfReply(reply, embeds);
          const failed = failure === null ? null : { failure, status };
          const entry = cost.entry(nth === 1 ? "test" : "retry", item_id, told, failed);
          if (failure === null) cost.learn(body, told);
          book(entry);
          entries.push(entry);
        });
      const answered = await this.#counted(item_id, ask);
      if (answered.result.success) cache?.keep(request, journal.redacted(answered));
      const { total_cost_usd: cost_usd } = totalOfEntries(entries);
      return { ...answered, result: { ...answered.result, cost_usd } };
    } finally {
      charge(entries.length - 1);
      reservation.settle(charged < entries.length ? spentOf(entries[charged]) : NOTHING);
    }
  }

  /** Waits for the other tests. Leaving early would cancel them although their answers are paid for. */
  async #othersEnd(signal: AbortSignal): Promise<void> {
    this.#atWork--;
    while (this.#atWork > 0) await sleep(POLL_MS, signal);
  }

  #attemptFailed(package_id: string, { attempt, error, retry_in_s }: FailedAttempt): void {
    const { status, failure, message } = error;
    this.#parts.journal.append({
      event: "llm_request_error",
      package_id,
      attempt,
      error_class: failure,
      status,
      error: message,
      retry_in_s,
    });
    if (status === 429 || status === 503) this.#auto?.overloaded(status, performance.now());
  }

  #finished({ test, index, item_id }: PlannedTest, result: TestResult): void {
    this.#refuseKey(result);
    this.#answered ||= result.success;
    const item = resultItem(result);
    this.#parts.journal.append({
      event: "package_finished",
      package_id: test.id,
      i: index,
      item_id,
      elapsed_seconds: result.elapsed_seconds,
      error: result.error_message,
      timed_out: result.timed_out,
      created_hits: item.score?.created_hits ?? null,
      targets: item.score?.targets ?? null,
      result,
    });
    this.items.set(item_id, item);
    this.#auto?.finished(performance.now());
    this.#parts.progress.finished(result);
    this.#tellProgress();
  }

  #tellProgress(): void {
    const { progress, listeners } = this.#parts;
    const now = () => progress.snapshot();
    this.#tell(() => listeners.onProgress?.(now(), now));
  }

  /**
   * A refused key fails every test in the same way. Stop before all are tried, and leave them without a
   * result.
   */
  #refuseKey(result: TestResult): void {
    if (result.error_class === "auth" && !this.#answered) {
      throw new InputError(result.error_message!);
    }
  }

  async #publish(result: TestResult): Promise<void> {
    const { sampler, files, listeners } = this.#parts;
    const { timing } = result;
    const end_ns = timing?.t_end_ns ?? nowNs();
    const start_ns = timing?.t_sent_ns ?? end_ns - result.elapsed_seconds * 1e9;
    await sampler?.afterTick(end_ns);
    result.performance_metrics = sampler?.metricsOver(start_ns, end_ns) ?? null;
    files.write(result);
    this.#tell(() => listeners.onResult?.(result));
  }

  #workersChanged(workers: number, reason: string): void {
    this.#parts.journal.append({ event: "workers_changed", workers, reason });
    this.#notice(`workers: now ${workers} (${reason})`);
  }

  #notice(line: string): void {
    this.#tell(() => this.#parts.listeners.onNotice?.(line));
  }

  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#parts.journal.append({ event: "listener_failed", error: String(error) });
    }
  }
}
