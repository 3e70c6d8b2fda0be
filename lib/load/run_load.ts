/** One load, from its plan to results.json: journaled, sampled, scraped, judged. */
import { endpointsAsked } from "../endpoint/api.ts";
import { collectGarbage } from "../execute/garbage.ts";
import { CancelledError } from "../execute/scope.ts";
import { PortableTransport } from "../endpoint/portable/portable.ts";
import { clockAnchor, nowNs } from "../native/clock.ts";
import { ClientWatch } from "./client_watch.ts";
import { Connections } from "./connections.ts";
import { Drive } from "./drive.ts";
import { concludeRun, journalEnd } from "./conclude_run.ts";
import { hostEnergy } from "./load_energy.ts";
import { LiveLoad } from "./live_load.ts";
import { readLoadJournal } from "./load_journal.ts";
import { SCRAPE_INTERVAL_MS, ServerMetricsScraper } from "./server/server_metrics.ts";
import { counted } from "../text/grouped.ts";
import { PrefillGate } from "./prefill_gate.ts";
import { shareOf, WHOLE } from "./share.ts";
import { PageLog } from "./telemetry/page_log.ts";
import { PageRecorder } from "./telemetry/page_recorder.ts";
import { sendProbes } from "./probes.ts";
import { modelsText } from "./models.ts";
import { resetCache } from "./server/reset_cache.ts";
import { countsOfReply } from "../run/ledger_entry.ts";
import { builtinPrices } from "../run/prices.ts";
import { RequestCost, spentOf } from "../run/request_cost.ts";
import { RunSession } from "../run/session.ts";
import { TokenFile } from "../run/token_file.ts";
import { withTimeLeft } from "./time_left.ts";
import type { LiveFigures } from "./live_load.ts";
import type { LoadProgress } from "./time_left.ts";
import type { Budget } from "../run/budget.ts";
import type { RequestOver } from "../endpoint/client.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { Transport } from "../endpoint/transport.ts";
import { settleLoad } from "../settings/load.ts";
import type { LoadSettings } from "../settings/load.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { PriceTable } from "../run/prices.ts";
import type { LoadRun } from "./conclude_run.ts";
import { type LoadPlan, recordedPlan, seedNotice } from "./plan_load.ts";
import type { LoadMeasured } from "../run/events.ts";

/** A load run: what, against which endpoint, and its listeners. */
export interface LoadRunOptions {
  /** The experiment's name. */
  name: string;
  /** What will be sent, and when. */
  plan: LoadPlan;
  /** The settings that the plan was made of; recorded in the metadata. */
  settings: LoadSettings;
  /** How the endpoint is reached. */
  api: APIConfiguration;
  /** What carries the requests; it stays the caller's to close. */
  transport: Transport;
  /** Folder of runs. */
  out: string;
  /** The id of the run. Default: a new one. */
  run_id?: string;
  /** Recorded in the metadata: who or what is behind the model. */
  agent?: string;
  /** Recorded in the metadata, for finding the run again. */
  tags?: readonly string[];
  /** The command line, recorded in the metadata. */
  argv?: readonly string[];
  /** Requests that were made to know the server's quirks: they are in the run's ledger. */
  first_requests?: readonly RequestOver[];
  /** Counts tokens where the server does not. */
  countTokens: ((text: string) => number) | null;
  /** Ends the load before it is crossed; one that several loads share counts them together. */
  budget?: Budget;
  /** Default: the table that comes with dyno. */
  prices?: PriceTable;
  /** Gives the moment at which the measured part begins, where others begin with it (CLOCK_MONOTONIC, ns). */
  begin?: (head_start_ns: number) => Promise<number>;
  /** Its abort ends the load; what was measured until then is kept. */
  signal: AbortSignal;
  /** Called with the run's directory before anything is sent. */
  onDirectory?: (directory: RunDirectory) => void;
  /** Called several times a second. */
  onProgress(progress: LoadProgress): void;
  /**
   * Called once, as the load begins, with a way to look at it; what is seen stays as it is when the load has
   * ended. Live figures are kept for this alone.
   */
  onLive?(look: () => LiveFigures): void;
  /** Called when nothing more is sent, before the load is summed up: what carried the requests may be closed. */
  onSent?(): Promise<void>;
  /** One line for a person. */
  onNotice(line: string): void;
}

const PROGRESS_MS = 200;
/** Those who follow the journal from outside see how the load goes so often. */
const JOURNAL_PROGRESS_MS = 1000;
/** The host's figures in a live look are those of so long. */
const HOST_NS = 1e9;

/**
 * Runs a load. Ctrl-C (the signal) ends it early; what was measured until then is summed up.
 *
 * @throws {InputError} the run directory cannot be written.
 */
export async function runPlannedLoad(options: LoadRunOptions): Promise<LoadRun> {
  const { plan, api, transport, signal, onNotice } = options;
  const { prompt_seed } = plan;
  const told = prompt_seed === null ? options.settings : { ...options.settings, prompt_seed };
  const settings = settleLoad(told);
  await using scrapes = new PortableTransport();
  // one shard reads the server's metrics for all of them
  const { server_metrics = [], server_metrics_names = [] } = settings;
  const scraper = plan.pattern.share?.index
    ? null
    : await probe(api, server_metrics, scrapes, signal);
  await using _scraper = scraper;
  if (options.settings.prompt_seed !== undefined && prompt_seed !== null && !plan.pattern.share) {
    onNotice(seedNotice(prompt_seed));
  }
  await using pages = await PageRecorder.open(
    server_metrics,
    server_metrics_names,
    scrapes,
    signal,
    { tls: api.tls },
  );
  if (settings.reset_cache) {
    for (const endpoint of endpointsAsked(api)) {
      await resetCache(scraper?.server ?? null, { ...api, endpoint }, scrapes, signal);
    }
    onNotice("the server's prefix cache was emptied");
  }
  const models = [api.model, ...plan.models.filter((name) => name !== api.model)];
  await using session = await RunSession.open({
    ...options,
    ...(models.length > 1 ? { model: modelsText(models) } : {}),
    kind: "load",
    benchmark: options.name,
    seed: plan.pattern.seed,
    config: { api_configuration: api, settings: told, ...recordedPlan(plan) },
  });
  const { directory, journal } = session;
  const costs = new Map(models.map((name) => [
    name,
    name === api.model
      ? session.cost
      : new RequestCost(name, options.prices ?? builtinPrices(), onNotice),
  ]));
  const { endpoint, model, api_type, several } = api;
  journal.append({
    event: "load_started",
    schema_version: 2,
    name: options.name,
    settings: told,
    transport: transport.name,
    api: {
      endpoint,
      model,
      api_type,
      ...(several ? { several } : {}),
      ...(models.length > 1 ? { models } : {}),
    },
    price: session.cost.price,
    ...(models.length > 1
      ? { prices: Object.fromEntries(models.map((name) => [name, costs.get(name)!.price])) }
      : {}),
    ...(plan.template_tokens === null ? {} : { template_tokens: plan.template_tokens }),
    ...(plan.pattern.share ? { shards: plan.pattern.share } : {}),
    anchor: clockAnchor(),
  });
  for (const { reply, failure, status } of options.first_requests ?? []) {
    const failed = failure === null ? null : { failure, status };
    const entry = session.cost.entry("preflight", null, countsOfReply(reply), failed);
    session.book(entry);
    session.budget.add(spentOf(entry));
  }
  const sampler = await session.sample(settings.sample_rate_hz, signal);
  if (scraper) onNotice(`the server is ${scraper.server}; its metrics are read every second`);
  scraper?.start(SCRAPE_INTERVAL_MS, signal);
  using pageLog = server_metrics.length > 0 ? new PageLog(directory) : null;
  if (pageLog) {
    onNotice(`recording ${counted(server_metrics.length, "page")} every second: telemetry.jsonl`);
    pages.start(pageLog, SCRAPE_INTERVAL_MS, signal);
  }
  using tokens = new TokenFile(directory);
  const live = options.onLive ? new LiveLoad(plan.stages.length) : null;
  let began = { start_ns: nowNs(), ended: 0 };
  const costOf = (model: string) => costs.get(model) ?? session.cost;
  const probing = new AbortController();
  let probes: Promise<{ error: unknown } | null> | null = null;
  const startProbes = () =>
    settings.probe_rate === undefined ? null : sendProbes({
      api,
      transport,
      rate_per_s: settings.probe_rate,
      words: (prompt_seed! + 1) >>> 0,
      body: settings.body ?? {},
      session_header: settings.session_header,
      budget: session.budget,
      costOf,
      signal: AbortSignal.any([signal, probing.signal]),
      onAhead: (most) => journal.append({ event: "requests_begun", most, probes: true }),
      onRecord: (result) => journal.append({ event: "probe_finished", result }),
    }).then(() => null, (error) => ({ error }));
  const { prefill_concurrency } = settings;
  const drive = new Drive({
    api,
    transport: prefill_concurrency === undefined
      ? transport
      : new PrefillGate(transport, shareOf(prefill_concurrency, plan.pattern.share ?? WHOLE)),
    stages: plan.stages,
    pattern: plan.pattern,
    prompts: plan.prompts,
    body: settings.body ?? {},
    ignore_eos: settings.ignore_eos,
    session_header: settings.session_header,
    connections: new Connections(settings.connections),
    grace_s: settings.grace_s,
    stop: {
      error_rate: settings.stop_error_rate ?? null,
      saturation: settings.stop_on_saturation,
    },
    cancellations: plan.cancellations,
    countTokens: options.countTokens,
    budget: session.budget,
    costOf,
    signal,
    ...(options.begin
      ? {
        begin: async (head_start_ns) => {
          const start_ns = await options.begin!(head_start_ns);
          watch = new ClientWatch(transport, PROGRESS_MS); // waiting is not a cost of the load
          return start_ns;
        },
      }
      : {}),
    onStage: (stage, span) => {
      const { start_ns, end_ns } = span;
      if (end_ns === Infinity) {
        if (!plan.stages[stage].warmup) probes ??= startProbes();
        began = { start_ns, ended: drive.progress().ended };
        journal.append({ event: "stage_started", stage, start_ns, end_ns: null });
      } else {
        journal.append({ event: "stage_finished", stage, start_ns, end_ns });
        if (stage === plan.stages.length - 1) probing.abort();
      }
    },
    onAhead: (most) => journal.append({ event: "requests_begun", most }),
    onRecord: (record, gaps_ms) => {
      record.gaps_at = tokens.append(gaps_ms);
      if (models.length > 1) record.model ??= api.model;
      journal.append({ event: "request_finished", result: record });
      live?.took(record, gaps_ms);
    },
  });
  let watch = new ClientWatch(transport, PROGRESS_MS);
  const client = () => watch.reading(drive.lags, drive.progress().events);
  const progressNow = () => {
    const progress = { ...drive.progress(), in_flight: drive.inFlight() };
    return withTimeLeft(progress, plan.stages, began, nowNs());
  };
  const beat = () => {
    watch.beat();
    options.onProgress(progressNow());
  };
  let server: LiveFigures["server"] = null;
  const journalReadings = () => {
    for (const reading of scraper?.take() ?? []) {
      server = { name: scraper!.server, reading };
      journal.append({ event: "server_reading", server: scraper!.server, reading });
    }
  };
  const tell = () => {
    const progress = { ...drive.progress(), in_flight: drive.inFlight() };
    journal.append({ event: "load_progress", ...progress, client: client() });
    journalReadings();
  };
  tell();
  let last: LiveFigures | null = null;
  const look = (): LiveFigures => {
    if (last !== null) return last;
    const now_ns = nowNs();
    const host = sampler && sampler.metricsOver(now_ns - HOST_NS, now_ns);
    return live!.figures({ progress: progressNow(), client: client(), server, host });
  };
  options.onLive?.(look);
  const beating = setInterval(beat, PROGRESS_MS);
  const telling = setInterval(() => {
    try {
      tell();
    } catch { /* a full disk ends the load at its next record, with its reason */ }
  }, JOURNAL_PROGRESS_MS);
  const outcome = await drive.run().finally(async () => {
    probing.abort();
    const fault = await probes;
    if (fault !== null) throw fault.error;
    clearInterval(beating);
    clearInterval(telling);
    if (live) last = look();
  });
  beat();
  const measured: LoadMeasured = { ...outcome, client: client() };
  await scraper?.stop();
  if (pageLog) {
    await pages.stop(pageLog, signal);
    const { series, left_out } = pageLog;
    journal.append({ event: "telemetry_read", pages: pages.counts, series, left_out });
  }
  await sampler?.stop();
  journalReadings();
  journal.append({ event: "load_measured", ...measured });
  await options.onSent?.();
  await collectGarbage();
  const load = await readLoadJournal(directory);
  const run = concludeRun(directory, load, plan, sampler && hostEnergy(sampler.series));
  journalEnd(journal, run);
  return run;
}

/** What reads the server's metrics: at the endpoint, else on those of the recorded pages that have them. */
async function probe(
  api: APIConfiguration,
  pages: readonly string[],
  transport: Transport,
  signal: AbortSignal,
): Promise<ServerMetricsScraper | null> {
  const { tls } = api;
  const at = async (urls: readonly string[]) =>
    (await ServerMetricsScraper.probe(urls, transport, signal, { tls })).scraper;
  try {
    const own = await at(endpointsAsked(api));
    if (own !== null) return own;
    const found = await Promise.all(
      pages.map(async (url) => ({ url, server: (await at([url]))?.server })),
    );
    const first = found.find(({ server }) => server !== undefined)?.server;
    const same = found.filter(({ server }) => server !== undefined && server === first);
    return same.length > 0 ? await at(same.map(({ url }) => url)) : null;
  } catch (error) {
    if (error instanceof CancelledError) return null;
    throw error;
  }
}
