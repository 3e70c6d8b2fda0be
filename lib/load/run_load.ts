/** Runs one load from its plan to results.json: sends, journals, samples, judges. */
import { collectGarbage } from "../execute/garbage.ts";
import { clockAnchor } from "../native/clock.ts";
import { Connections } from "./connections.ts";
import { Drive } from "./drive.ts";
import { concludeRun, journalEnd } from "./conclude_run.ts";
import { hostEnergy } from "./load_energy.ts";
import { readLoadJournal } from "./load_journal.ts";
import { LoadWatch } from "./load_watch.ts";
import { MetricsReaders } from "./server/metrics_readers.ts";
import { PrefillGate } from "./prefill_gate.ts";
import { checkOpenFiles, OWN_FILES } from "../execute/open_files.ts";
import { shareOf, WHOLE } from "./share.ts";
import { Probes } from "./probes.ts";
import { modelsText } from "./models.ts";
import { countsOfReply } from "../run/ledger_entry.ts";
import { builtinPrices } from "../run/prices.ts";
import { RequestCost, spentOf } from "../run/request_cost.ts";
import { RunSession } from "../run/session.ts";
import { TokenFile } from "../run/token_file.ts";
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
import type { LoadEvent, LoadMeasured } from "../run/events.ts";

/** The options of a load's run, and its listeners. */
export interface LoadRunOptions {
  /** The experiment's name. */
  name: string;
  /** What to send, and when. */
  plan: LoadPlan;
  /** The settings that the plan was made from; recorded in the metadata. */
  settings: LoadSettings;
  /** How the endpoint is reached. */
  api: APIConfiguration;
  /** The transport for the requests. The caller closes it. */
  transport: Transport;
  /** The folder of runs. */
  out: string;
  /** The id of the run. Default: a new one. */
  run_id?: string;
  /** Recorded in the metadata: who or what is behind the model. */
  agent?: string;
  /** Recorded in the metadata, for finding the run later. */
  tags?: readonly string[];
  /** The command line, recorded in the metadata. */
  argv?: readonly string[];
  /** Requests made beforehand to learn the server's quirks; they are booked in the run's ledger. */
  first_requests?: readonly RequestOver[];
  /** Counts tokens where the server does not. */
  countTokens: ((text: string) => number) | null;
  /** Ends the load before it is exceeded; several loads may share one. */
  budget?: Budget;
  /** Default: the price table that comes with dyno. */
  prices?: PriceTable;
  /** Returns when the measured part begins (CLOCK_MONOTONIC, ns), for processes that begin it together. */
  begin?: (head_start_ns: number) => Promise<number>;
  /** Aborting it ends the load; what was measured until then is kept. */
  signal: AbortSignal;
  /** Called with the run's directory before anything is sent. */
  onDirectory?: (directory: RunDirectory) => void;
  /** Called several times a second. */
  onProgress(progress: LoadProgress): void;
  /**
   * Called once when the load begins. `look` returns its live figures, which no longer change once
   * the load has ended. They are computed only if this is given.
   */
  onLive?(look: () => LiveFigures): void;
  /**
   * Called when nothing more will be sent, before the results are computed: the transport may be
   * closed.
   */
  onSent?(): Promise<void>;
  /** Called with a line to show to the user. */
  onNotice(line: string): void;
}

/**
 * Runs a load. Aborting the signal (Ctrl-C) ends it early; the results cover what was measured
 * until then.
 *
 * @throws {InputError} the run directory cannot be written.
 */
export async function runPlannedLoad(options: LoadRunOptions): Promise<LoadRun> {
  const { plan, api, transport, signal, onNotice } = options;
  const { prompt_seed, pattern: { share } } = plan;
  const told = prompt_seed === null ? options.settings : { ...options.settings, prompt_seed };
  const settings = settleLoad(told);
  const places = Math.max(0, ...plan.stages.map(({ concurrency }) => concurrency ?? 0));
  const own = shareOf(places, share ?? WHOLE);
  checkOpenFiles(own + OWN_FILES, places > 0 ? `${own} requests in flight` : "a load");
  await using metrics = await MetricsReaders.open(api, settings, !share?.index, signal);
  if (options.settings.prompt_seed !== undefined && prompt_seed !== null && !share) {
    onNotice(seedNotice(prompt_seed));
  }
  if (settings.reset_cache) {
    await metrics.resetCaches(signal);
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
  const { directory, journal, budget } = session;
  const costs = new Map(models.map((name) => [
    name,
    name === api.model
      ? session.cost
      : new RequestCost(name, options.prices ?? builtinPrices(), onNotice),
  ]));
  const costOf = (model: string) => costs.get(model) ?? session.cost;
  journal.append(startOf(options, told, costs));
  bookFirstRequests(session, options.first_requests ?? []);
  const sampler = await session.sample(settings.sample_rate_hz, signal);
  metrics.start(directory, signal, onNotice);
  using tokens = new TokenFile(directory);
  const { body = {}, session_header, prefill_concurrency } = settings;
  const probes = new Probes({
    api,
    transport,
    rate_per_s: settings.probe_rate,
    words: ((prompt_seed ?? 0) + 1) >>> 0,
    body,
    session_header,
    budget,
    costOf,
    signal,
    onAhead: (most) => journal.append({ event: "requests_begun", most, probes: true }),
    onRecord: (result) => journal.append({ event: "probe_finished", result }),
  });
  const drive = new Drive({
    api,
    transport: prefill_concurrency === undefined
      ? transport
      : new PrefillGate(transport, shareOf(prefill_concurrency, share ?? WHOLE)),
    stages: plan.stages,
    pattern: plan.pattern,
    prompts: plan.prompts,
    body,
    ignore_eos: settings.ignore_eos,
    session_header,
    connections: new Connections(settings.connections),
    grace_s: settings.grace_s,
    stop: {
      error_rate: settings.stop_error_rate ?? null,
      saturation: settings.stop_on_saturation,
    },
    cancellations: plan.cancellations,
    countTokens: options.countTokens,
    budget,
    costOf,
    signal,
    ...(options.begin
      ? {
        begin: async (head_start_ns) => {
          const start_ns = await options.begin!(head_start_ns);
          watch.restart();
          return start_ns;
        },
      }
      : {}),
    onStage: (stage, { start_ns, end_ns }) => {
      if (end_ns === Infinity) {
        if (!plan.stages[stage].warmup) probes.start();
        watch.stage(start_ns);
        journal.append({ event: "stage_started", stage, start_ns, end_ns: null });
      } else {
        journal.append({ event: "stage_finished", stage, start_ns, end_ns });
        if (stage === plan.stages.length - 1) probes.stop();
      }
    },
    onAhead: (most) => journal.append({ event: "requests_begun", most }),
    onRecord: (record, gaps_ms) => {
      record.gaps_at = tokens.append(gaps_ms);
      if (models.length > 1) record.model ??= api.model;
      journal.append({ event: "request_finished", result: record });
      watch.took(record, gaps_ms);
    },
  });
  const { onProgress, onLive } = options;
  const { stages } = plan;
  using watch = new LoadWatch({
    drive,
    stages,
    transport,
    journal,
    metrics,
    sampler,
    onProgress: (progress) => onProgress(progress),
    onLive: onLive && ((look) => onLive(look)),
  });
  watch.start();
  const outcome = await drive.run().finally(() => {
    probes.stop();
    return probes.ended();
  });
  watch.stop();
  const measured: LoadMeasured = { ...outcome, client: watch.client() };
  for await (const event of metrics.stop(signal)) journal.append(event);
  await sampler?.stop();
  journal.append({ event: "load_measured", ...measured });
  await options.onSent?.();
  await collectGarbage();
  const load = await readLoadJournal(directory);
  const run = concludeRun(directory, load, plan, sampler && hostEnergy(sampler.series));
  journalEnd(journal, run);
  return run;
}

/** The first event of a load's journal: what its results are computed from, apart from its records. */
function startOf(
  { name, plan, api, transport }: LoadRunOptions,
  settings: LoadSettings,
  costs: ReadonlyMap<string, RequestCost>,
): LoadEvent {
  const { endpoint, model, api_type, several } = api;
  const models = [...costs.keys()];
  const prices = Object.fromEntries([...costs].map(([name, { price }]) => [name, price]));
  return {
    event: "load_started",
    schema_version: 2,
    name,
    settings,
    transport: transport.name,
    api: {
      endpoint,
      model,
      api_type,
      ...(several ? { several } : {}),
      ...(models.length > 1 ? { models } : {}),
    },
    price: costs.get(model)!.price,
    ...(models.length > 1 ? { prices } : {}),
    ...(plan.template_tokens === null ? {} : { template_tokens: plan.template_tokens }),
    ...(plan.pattern.share ? { shards: plan.pattern.share } : {}),
    anchor: clockAnchor(),
  };
}

/** Books the requests made before the load to learn the server's quirks. */
function bookFirstRequests(session: RunSession, requests: readonly RequestOver[]): void {
  for (const { reply, failure, status } of requests) {
    const failed = failure === null ? null : { failure, status };
    const entry = session.cost.entry("preflight", null, countsOfReply(reply), failed);
    session.book(entry);
    session.budget.add(spentOf(entry));
  }
}
