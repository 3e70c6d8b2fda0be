/** Runs a suite against one model: plans it, runs it, journals it and summarises it. */
import { checkOpenFiles, OWN_FILES } from "../execute/open_files.ts";
import { CancelledError } from "../execute/scope.ts";
import { InputError, WriteError } from "../errors.ts";
import { type APIConfiguration, apiOptionsSchema, configureApi } from "../endpoint/api.ts";
import { openTransport } from "../endpoint/open_transport.ts";
import { type LoadedSuite, loadSuite } from "../settings/load_suite.ts";
import { checkSettings } from "../settings/setting.ts";
import type { ApiOptions } from "../endpoint/api.ts";
import type { LimitWait } from "../endpoint/rate_limit.ts";
import { EndpointClient, type OnPlace } from "../endpoint/client.ts";
import { clockAnchor, nowNs } from "../native/clock.ts";
import { foldJournal } from "../run/fold.ts";
import { runSpan } from "../run/read_run.ts";
import { RunSession } from "../run/session.ts";
import { builtinPrices, type PriceTable } from "../run/prices.ts";
import { energyOfRun } from "./energy.ts";
import { readEarlier } from "./resume.ts";
import { ResponseCache } from "./response_cache.ts";
import { repeated } from "./epochs.ts";
import { type CategoryHandler, Execution, type Listeners } from "./execution.ts";
import { healthReport, writeHealthReport } from "./health_report.ts";
import { LimitWaits } from "./limit_waits.ts";
import { Models } from "./models.ts";
import { modelsOf, planTests } from "./plan.ts";
import { ProgressTracker } from "./progress.ts";
import { ItemFiles, writeBatchResults, writeResults } from "./result_files.ts";
import { AutoWorkers } from "./worker_rules.ts";
import { aggregate, byCategory, byEndpoint, statistics } from "./aggregate.ts";
import { timesAway } from "./away.ts";
import { suiteRunSettings } from "../settings/suite_run.ts";
import type { KeyOrigin } from "../endpoint/key_origins.ts";
import type { Transport } from "../endpoint/transport.ts";
import type { HealthThresholds } from "../hardware/health.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { Budget } from "../run/budget.ts";
import type { Evaluator, EvaluatorReturn } from "./evaluator.ts";
import type { PlannedTest } from "./execute.ts";
import type { ResultItem, SuiteResults } from "./results.ts";
import type { Selection } from "./selection.ts";

/** The default number of tests in flight. */
const { workers: WORKERS } = suiteRunSettings.parse({});

/** A suite run: the suite, the endpoint and the settings. */
export interface SuiteRunOptions extends Selection, Listeners {
  /** The suite, already read. */
  suite: LoadedSuite;
  /** How to reach the endpoint. */
  api: APIConfiguration;
  /** The transport for the requests; the caller closes it. */
  transport: Transport;
  /** Tests in flight; "auto" finds the number by measuring. Default 4. */
  workers?: number | "auto";
  /** The folder of runs. Default "runs". */
  out?: string;
  /** A run to continue: its id or its folder. */
  resume?: string;
  /**
   * A folder of cached answers. Requests with an answer there are not sent; new answers are added.
   * Default none.
   */
  cache?: string;
  /** With a run to continue: run tests again that have no answer or were not judged. */
  retry_failed?: boolean;
  /** The id of a new run, for a caller that must know it before the run begins. */
  run_id?: string;
  /** "batch" for a run that belongs to a schedule. Default "suite". */
  kind?: "suite" | "batch";
  /** Hardware samples per second; 0 for none. Default 100 with libdyno, 10 without it. */
  sample_rate_hz?: number;
  /** Ways to run the tests of certain categories. */
  handlers?: Record<string, CategoryHandler>;
  /** Evaluators in addition to the built-in ones, by the name that suites use. */
  evaluators?: Record<string, Evaluator<unknown, EvaluatorReturn>>;
  /** Where the suite's keys may go, in addition to the presets' own hosts. */
  keys?: readonly KeyOrigin[];
  /** Thresholds of health alerts. */
  alerts?: Partial<HealthThresholds>;
  /** Stops the run before the limit is exceeded; runs that share one budget are counted together. */
  budget?: Budget;
  /** Prices of models. Default: the table that comes with dyno. */
  prices?: PriceTable;
  /** Recorded in the metadata. */
  agent?: string;
  /** Recorded in the metadata, to find the run again. */
  tags?: readonly string[];
  /** More settings for the metadata. */
  config?: Record<string, unknown>;
  /** The command line, recorded in the metadata. */
  argv?: string[];
  /** Called with the run's directory before anything is written to it. */
  onDirectory?: (directory: RunDirectory) => void;
  /** Aborting it stops the run: finished tests are saved, and the run can be resumed. */
  signal?: AbortSignal;
}

/** A suite run as a program requests it: the suite, the endpoint, and any of the other settings. */
export interface SuiteGiven
  extends Omit<SuiteRunOptions, "suite" | "api" | "transport" | "kind">, ApiOptions {
  /** Path of the suite, or the suite already read. */
  suite: string | LoadedSuite;
  /** Called with each problem that a person should fix, as one line. */
  onWarning?: (line: string) => void;
}

/** The outcome of a run. */
export interface SuiteRun {
  /** The run's id, which is also the name of its folder. */
  run_id: string;
  /** The folder with its files. */
  directory: RunDirectory;
  /** The content of results.json. */
  results: SuiteResults;
  /** Seconds from the run's start to its end, including pauses between its sessions. */
  wall_s: number;
  /** Seconds of this session. */
  session_s: number;
  /** Tests with a result from an earlier session. */
  resumed_tests: number;
}

/**
 * Runs a suite, or the part of it that is missing. Every finished test is written to the journal before
 * anything else learns about it; all other files derive from the journal.
 *
 * @param given a suite and an endpoint; or both already resolved, with a transport of the caller.
 * @throws {InputError} everything that is wrong with the input, before anything is written; or a disk
 * that cannot be written to, or a refused API key, with the journal intact.
 *
 * @example
 * ```ts
 * const run = await runSuite({ suite: "suite.json", endpoint, model: "my-model", workers: 8 });
 * console.log(run.results.aggregate.avg_hit_rate, run.directory.path);
 * ```
 */
export async function runSuite(given: SuiteRunOptions | SuiteGiven): Promise<SuiteRun> {
  if (isSettled(given)) return await runSettled(given);
  const { suite, onWarning = given.onNotice ?? (() => {}), signal } = given;
  const faults: string[] = [];
  if (suite === undefined) faults.push("which suite? give suite, the path of its file");
  if (given.endpoint === undefined && given.provider === undefined) {
    faults.push("which endpoint? give endpoint, such as http://127.0.0.1:8000/v1, or provider");
  }
  const names = Object.keys(apiOptionsSchema.shape);
  const options = Object.fromEntries(
    Object.entries(given).filter(([name]) => names.includes(name)),
  );
  const wrong = await Promise.allSettled([
    new Promise((resolve) => resolve(checkSettings(apiOptionsSchema, options, "runSuite"))),
    typeof suite === "string" ? loadSuite(suite) : suite,
  ]);
  for (const each of wrong) {
    if (each.status === "fulfilled") continue;
    if (!(each.reason instanceof InputError)) throw each.reason;
    faults.push(each.reason.message);
  }
  const [, loaded] = wrong;
  if (faults.length > 0 || loaded.status === "rejected") {
    throw new InputError(`runSuite: ${faults.join("; ")}`);
  }
  await using transport = await openTransport({ notice: given.onNotice });
  const api = await configureApi(options, transport, onWarning, signal);
  return await runSettled({ ...given, suite: loaded.value, api, transport });
}

function isSettled(given: SuiteRunOptions | SuiteGiven): given is SuiteRunOptions {
  return "api" in given && "transport" in given;
}

async function runSettled(options: SuiteRunOptions): Promise<SuiteRun> {
  const started_ns = nowNs();
  const { suite, api, out = "runs" } = options;
  const notice = options.onNotice ?? (() => {});
  const plan = await planTests(suite, api, options, options.evaluators, options.keys);
  const { workers = WORKERS } = options;
  const at_once = Math.min(plan.length, workers === "auto" ? AutoWorkers.start : workers);
  checkOpenFiles(at_once + OWN_FILES, `${at_once} workers`);
  const { test_suite_id, version = null } = suite.suite;
  await using session = await RunSession.open({
    ...options,
    out,
    others: modelsOf(plan, api),
    kind: options.kind ?? "suite",
    benchmark: test_suite_id,
    seed: null,
    suite: suite.text,
    config: {
      suite_path: suite.path,
      suite_version: version,
      api_configuration: api,
      workers,
      tests: options.tests ?? null,
      categories: options.categories ?? null,
      limit: options.limit ?? null,
      epochs: options.epochs ?? 1,
      cache: options.cache ?? null,
      sample_rate_hz: options.sample_rate_hz ?? null,
      budget: options.budget?.limits ?? null,
      ...options.config,
    },
    onNotice: notice,
  });
  const { directory, metadata, journal, budget, cost, ledger } = session;
  const files = new ItemFiles(directory, repeated(suite.suite.tests, options.epochs ?? 1));
  const wanted = new Set(plan.map((test) => test.item_id));
  const earlier = await readEarlier(directory, wanted, files, notice, options.retry_failed);
  const resumed_tests = earlier.size;
  const { total: before } = ledger.books();
  budget.add({
    usd: before.total_cost_usd,
    tokens: (before.prompt_tokens ?? 0) + (before.completion_tokens ?? 0),
  });
  logStart(session, plan, earlier);

  const signal = options.signal ?? new AbortController().signal;
  const sampler = await session.sample(options.sample_rate_hz, signal, (sampler) => {
    const { sampler: kind, rate_hz } = sampler.description;
    const unavailable = sampler.unavailable();
    journal.append({ event: "sampling_started", sampler: kind, rate_hz, unavailable });
    const missing = unavailable.map((line) => line.split(":", 1)[0]).join(", ");
    notice(`sampling at ${rate_hz} Hz (${kind})${missing ? `; not available: ${missing}` : ""}`);
  });
  const models = new Models({
    own: api,
    transport: options.transport,
    journal,
    budget,
    prices: options.prices ?? builtinPrices(),
    cost,
    book: (entry) => session.book(entry),
    onNotice: notice,
  });
  const waits = new LimitWaits(journal, notice);
  const onPlace: OnPlace = (endpoint, gone) => {
    if (gone === null) journal.append({ event: "endpoint_back", endpoint });
    else journal.append({ event: "endpoint_lost", endpoint, error: gone.message });
    notice(
      gone === null
        ? `${endpoint} answers again`
        : `${gone.message}; tests continue on the other endpoints`,
    );
  };
  const onLimited = (wait: LimitWait) => waits.add(wait);
  const client = new EndpointClient(api, options.transport, onLimited, onPlace);
  const progress = new ProgressTracker(plan.length, {
    completed: resumed_tests,
    successful: [...earlier.values()].filter((item) => item.success).length,
  });
  const execution = new Execution({
    client,
    journal,
    files,
    sampler,
    progress,
    handlers: options.handlers ?? {},
    listeners: options,
    workers,
    alerts: options.alerts ?? {},
    budget,
    cost,
    models,
    cache: options.cache === undefined ? null : new ResponseCache(options.cache),
    ledger,
    book: (entry) => session.book(entry),
  }, earlier);
  try {
    await client.watching(signal, () => execution.run(plan, signal));
  } catch (error) {
    if (!(error instanceof CancelledError)) throw stopped(error, directory);
  }
  waits.tell();
  const results = sumUp(session, plan, execution.items, client.transportName);
  if (api.several) {
    const { state: away } = await foldJournal(directory.journal, timesAway);
    const bill = (item_id: string) => ledger.item(item_id);
    results.endpoints = byEndpoint(api.several.endpoints, results.items, bill, away);
  }
  for (const item of results.items) item.file_stem = files.stem(item.test_id);
  const results_crc = writeResults(directory, results);
  const resources = sampler?.metricsOver(started_ns, nowNs()) ?? null;
  writeHealthReport(directory, healthReport(results, resources, execution.alerts));
  writeBatchResults(directory, metadata, progress.snapshot(), results);
  logEnd(session, results, results_crc);
  const session_s = (nowNs() - started_ns) / 1e9;
  return {
    run_id: directory.run_id,
    directory,
    results,
    resumed_tests,
    wall_s: runSpan(directory).duration_s ?? session_s,
    session_s,
  };
}

function logStart(
  { journal, ledger, metadata, resumed }: RunSession,
  plan: readonly PlannedTest[],
  earlier: ReadonlyMap<string, ResultItem>,
): void {
  const { agent, seed, config } = metadata;
  const clock_anchor = clockAnchor();
  if (!resumed) {
    const started_at_unix_seconds = metadata.started_at_unix_seconds;
    const planned = plan.length;
    journal.append({
      event: "run_started",
      schema_version: 1,
      started_at_unix_seconds,
      agent,
      seed,
      clock_anchor,
      planned,
    });
    journal.append({ event: "agent_effective_config", config });
    return;
  }
  const again = {
    event: "run_resumed",
    clock_anchor,
    finished: earlier.size,
    planned: plan.length,
  } as const;
  journal.append(again);
  ledger.take(again);
  for (const { package_id, item_hash: item_id } of earlier.values()) {
    journal.append({
      event: "checkpoint_resume_skip",
      package_id,
      item_id,
      reason: "finished",
    });
  }
}

function logEnd(
  { journal }: RunSession,
  { aggregate, complete, missing }: SuiteResults,
  results_crc: string,
): void {
  journal.append({
    event: complete ? "run_finished" : "run_interrupted",
    finished_at_unix_seconds: Date.now() / 1000,
    samples: aggregate.tests,
    errors: aggregate.errors,
    avg_hit_rate: aggregate.avg_hit_rate,
    missing,
    results_crc,
  });
}

function sumUp(
  { metadata, directory, ledger }: RunSession,
  plan: readonly PlannedTest[],
  found: ReadonlyMap<string, ResultItem>,
  transport: string,
): SuiteResults {
  const items = plan.flatMap(({ item_id }) => found.get(item_id) ?? []);
  const missing = plan.length - items.length;
  return {
    schema_version: 2,
    run_id: metadata.run_id,
    kind: metadata.kind === "batch" ? "batch" : "suite",
    benchmark: metadata.benchmark,
    model: metadata.model,
    transport,
    complete: missing === 0,
    missing,
    aggregate: aggregate(items, ledger.books().total),
    statistics: statistics(items),
    energy: energyOfRun(directory, items),
    ledger: ledger.books(),
    categories: byCategory(items, (item_id) => ledger.item(item_id)),
    items,
  };
}

/** Adds to an error how to continue from what was saved. */
function stopped(error: unknown, directory: RunDirectory): unknown {
  if (!(error instanceof InputError)) return error;
  const message = `${error.message}; what was finished is saved: --resume ${directory.path}`;
  return error instanceof WriteError ? new WriteError(message) : new InputError(message);
}
