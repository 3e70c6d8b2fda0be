/** Computes the results from what was measured: stages, total, verdict, energy. */
import { endpointsAsked } from "../endpoint/api.ts";
import { latencies } from "../endpoint/latency.ts";
import { InputError } from "../errors.ts";
import { quantile, sortedCopy } from "../stats/quantile.ts";
import { figuresByPart } from "./by_part.ts";
import { figuresByTurn } from "./by_turn.ts";
import { cacheUse } from "./cache_use.ts";
import { citeCalibration, readCalibration } from "./calibration_file.ts";
import { summariseServer } from "./server/server_metrics.ts";
import { probeFigures } from "./probes.ts";
import { loadEnergy } from "./load_energy.ts";
import { gapsLost, notesOf } from "./notes.ts";
import { meanInFlight, turnoverOf } from "./rates.ts";
import { modelsText } from "./models.ts";
import { hasPlaces, isOpen, stageName } from "./stages.ts";
import { judgeStatement } from "./statement.ts";
import { latencyValues, summarise } from "./summarise.ts";
import { readTelemetry, telemetryFigures } from "./telemetry/telemetry.ts";
import { TokenFileReader } from "../run/token_file.ts";
import { shardName, shardNotes, shardResults, withShards } from "./shards/figures.ts";
import { judge, MOST_LATENESS_MS } from "./verdict.ts";
import { isInside, windowOf } from "./window.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { CacheUse } from "./cache_use.ts";
import type { EnergyOver } from "./load_energy.ts";
import type { JournaledLoad } from "./load_journal.ts";
import type { LoadPlan } from "./plan_load.ts";
import type { LoadResults, StageResults } from "./results.ts";
import { isRefusedHere } from "../run/request_record.ts";
import type { RequestRecord } from "../run/request_record.ts";
import type { JudgedStatement } from "./statement.ts";
import type { LoadStage } from "./stages.ts";
import type { GapsOf, StageTurnover } from "./rates.ts";
import type { ClientCost, Verdict } from "./verdict.ts";

/** What results.json is computed from. */
export interface Measurement {
  directory: RunDirectory;
  plan: LoadPlan;
  load: JournaledLoad;
  /** Energy that the hosts used; null where nothing was sampled. */
  energy: EnergyOver | null;
}

const CUT_OFF_EARLY = "the load was cut off before it sent anything: measure again";

/**
 * Computes the results. Reads tokens.bin in the run's directory.
 *
 * @throws {InputError} nothing was sent, or tokens.bin cannot be read.
 */
export function conclude(measurement: Measurement): LoadResults {
  const { directory, plan, load } = measurement;
  const { started, records, server } = load;
  if (load.measured === null) load.ledger.cutOff();
  using tokens = new TokenFileReader(directory);
  const gapsOf: GapsOf = (record) => tokens.gapsOf(record);
  const measured = stageResults(measurement, gapsOf);
  const stages = measured.map(({ results }) => results);
  const turnovers = measured.map(({ turnover }) => turnover);
  const total = stages.length === 1 ? stages[0] : totalOf(measurement, stages, turnovers, gapsOf);
  const { start_ns, end_ns } = total.window;
  const summary = server && summariseServer(server.readings, start_ns, end_ns);
  const inside = records.filter((record) =>
    !record.warmup && stages[record.stage] && isInside(record, stages[record.stage].window)
  );
  const cache = cacheUse(inside, summary, plan.prompts.shared);
  const turns = figuresByTurn(inside);
  const warmup = warmupResults(measurement, gapsOf);
  const { several } = started.api;
  const { probe_rate } = started.settings;
  const byPart = partsOf(measurement, stages, turnovers, total, gapsOf);
  const endpoints = several && byPart(several.endpoints, ({ endpoint }) => endpoint);
  const models = started.api.models &&
    byPart(started.api.models, ({ model }) => model ?? started.api.model);
  const shards = load.shards.length > 0
    ? shardResults(
      load.shards,
      byPart(load.shards.map(shardName), (record) =>
        record.shard === undefined ? undefined : shardName({ shard: record.shard })),
    )
    : null;
  const verdict = verdictOf(measurement, cache, measured, total);
  const books = load.ledger.books();
  return {
    schema_version: 2,
    kind: "load",
    run_id: directory.run_id,
    benchmark: started.name,
    model: modelsText(started.api.models ?? [started.api.model]),
    endpoint: started.api.endpoint,
    api_type: started.api.api_type,
    transport: started.transport,
    complete: load.measured?.complete ?? false,
    stopped_because: load.measured?.stopped_because ?? null,
    stages,
    total,
    ...(warmup ? { warmup } : {}),
    total_cost_usd: books.total.total_cost_usd,
    requests_of_unknown_cost: books.total.requests_of_unknown_cost,
    ledger: books,
    ...(probe_rate ? { probes: probeFigures(probe_rate, load.probes, total.window) } : {}),
    ...(models ? { models } : {}),
    ...(endpoints ? { balance: several.balance, endpoints } : {}),
    ...(shards ? { shards } : {}),
    ...(turns === null ? {} : { turns }),
    slos: plan.slos,
    ...(plan.statements.length ? { statements: statementsOf(measurement, stages, gapsOf) } : {}),
    verdict,
    energy: loadEnergy(measurement.energy, stages, total),
    server: server && summary && {
      name: server.name,
      summary,
      readings: server.readings,
    },
    ...telemetryOf(directory, load, total),
    notes: [
      ...shardNotes(load.shards),
      ...notesOf(plan, load, cache, total),
      ...gapsLost(tokens.incomplete),
    ],
  };
}

/** The figures of recorded metrics pages over the measured window; empty where none were recorded. */
function telemetryOf(
  directory: RunDirectory,
  { started, telemetry }: JournaledLoad,
  { window }: StageResults,
): Pick<LoadResults, "telemetry"> {
  if ((started.settings.server_metrics ?? []).length === 0) return {};
  const { known, others } = readTelemetry(directory);
  const figures = telemetryFigures(known, window.start_ns, window.end_ns);
  const { pages = [], series = null } = telemetry ?? {};
  return { telemetry: { pages, series, figures, others } };
}

interface MeasuredStage {
  results: StageResults;
  turnover: StageTurnover;
}

function stageResults({ plan, load }: Measurement, gapsOf: GapsOf): MeasuredStage[] {
  const { records, stages } = load;
  const measured = plan.stages.flatMap((stage, i) =>
    stage.warmup || !stages[i] ? [] : [{ stage, i }]
  );
  return measured.map(({ stage, i }, number) => {
    const own = records.filter((record) => record.stage === number && !record.warmup);
    const window = windowOf(stage, stages[i], own);
    const turnover = turnoverOf(own, window, gapsOf);
    const results = summarise(own, {
      name: stageName(stage, plan.pattern),
      window,
      turnovers: [turnover],
      requested_rate_per_s: requestedRate(stage, plan),
      slos: plan.slos,
      gapsOf,
      warmup: records.filter(({ warmup }) => warmup).length,
    });
    return { results, turnover };
  });
}

/** The figures of the warm-up, which no other figures include; null where there was none. */
function warmupResults({ plan, load }: Measurement, gapsOf: GapsOf): StageResults | null {
  const at = plan.stages.findIndex(({ warmup }) => warmup);
  const span = load.stages[at];
  if (at < 0 || !span) return null;
  const stage = plan.stages[at];
  const own = load.records.filter(({ warmup }) => warmup);
  const window = windowOf(stage, span, own);
  return summarise(own, {
    name: `warm-up: ${stageName(stage, plan.pattern)}`,
    window,
    turnovers: [turnoverOf(own, window, gapsOf)],
    requested_rate_per_s: requestedRate(stage, plan),
    slos: [],
    gapsOf,
    warmup: own.length,
  });
}

/** The figures of all measured stages together. */
function totalOf(
  { plan, load: { records } }: Measurement,
  stages: readonly StageResults[],
  turnovers: readonly StageTurnover[],
  gapsOf: GapsOf,
): StageResults {
  const measured = records.filter(({ warmup }) => !warmup);
  const windows = stages.map(({ window }) => window);
  const start_ns = Math.min(...windows.map((window) => window.start_ns));
  const end_ns = Math.max(...windows.map((window) => window.end_ns));
  const empty = windows.length === 0;
  return summarise(measured, {
    name: "total",
    window: {
      start_ns: empty ? 0 : start_ns,
      end_ns: empty ? 0 : end_ns,
      counts: windows.every(({ counts }) => counts === "stage") ? "stage" : "turn",
      rule: "from the first to the last stage's window",
    },
    turnovers,
    requested_rate_per_s: null,
    slos: plan.slos,
    gapsOf,
    isInside: (record) => isInside(record, stages[record.stage].window),
    warmup: records.length - measured.length,
  });
}

/** Returns the figures of each part over all measured stages. */
function partsOf(
  { plan, load: { records } }: Measurement,
  stages: readonly StageResults[],
  turnovers: readonly StageTurnover[],
  total: StageResults,
  gapsOf: GapsOf,
) {
  const measured = records.filter(({ warmup, stage }) => !warmup && stages[stage] !== undefined);
  const context = {
    window: total.window,
    turnovers,
    requested_rate_per_s: null,
    slos: plan.slos,
    gapsOf,
    isInside: (record: RequestRecord) => isInside(record, stages[record.stage].window),
    warmup: records.filter(({ warmup }) => warmup),
    total,
  };
  return (names: readonly string[], partOf: (record: RequestRecord) => string | undefined) =>
    figuresByPart(names, measured, partOf, context);
}

/** Checks the statements about the whole run against all answers that count. */
function statementsOf(
  { plan, load: { records } }: Measurement,
  stages: readonly StageResults[],
  gapsOf: GapsOf,
): JudgedStatement[] {
  const answered = records.filter((record) =>
    !record.warmup && record.failure === null && stages[record.stage] !== undefined &&
    isInside(record, stages[record.stage].window)
  );
  return plan.statements.map((statement) =>
    judgeStatement(statement, latencyValues(statement.measure, answered, gapsOf))
  );
}

/** The rate requested; for a shard, its part of it. */
function requestedRate(stage: LoadStage, { pattern: { share } }: LoadPlan): number | null {
  const { count } = share ?? { count: 1 };
  if (stage.rate !== null) return (stage.rate.from_per_s + stage.rate.to_per_s) / 2 / count;
  const last_s = stage.times_s?.at(-1) ?? 0;
  return last_s > 0 ? stage.times_s!.length / last_s / count : null;
}

function verdictOf(
  { plan, load: { records, client, started, shards } }: Measurement,
  cache: CacheUse | null,
  stages: readonly MeasuredStage[],
  total: StageResults,
): Verdict {
  if (client === null) throw new InputError(CUT_OFF_EARLY);
  const late = sortedCopy(records.flatMap((record) => latencies(record).lateness_ms ?? []));
  const cost: ClientCost = {
    ...client,
    lateness_p99_ms: late.length ? quantile(late, 0.99) : null,
    lateness_max_ms: late.length ? late[late.length - 1] : null,
    sends: { count: late.length, late: late.filter((ms) => ms > MOST_LATENESS_MS).length },
  };
  const thinking = records.some(({ turn }) => turn > 0);
  const closed = thinking ? null : closedConcurrency(plan.stages, stages);
  const { sent, unsent } = total.requests;
  const measured = {
    ttft_p50_ms: total.metrics.ttft_ms?.p50 ?? null,
    gap_p50_ms: total.metrics.gap_ms?.p50 ?? null,
    concurrency: closed,
    cache,
    answered: total.requests.successful,
    insecure: started.settings.insecure === true &&
      endpointsAsked(started.api).some((url) => url.startsWith("https:")),
    sent: hasPlaces(plan.stages) ? null : { wanted: sent + unsent, count: sent },
    refused: records.filter(isRefusedHere).length,
  };
  if (shards.length > 0) return withShards(judge(cost, measured, null), shards);
  const streams = Math.ceil(total.concurrency.max);
  return judge(cost, measured, citeCalibration(readCalibration(), streams, cost.transport));
}

/**
 * Requests wanted and in flight in the first closed stage; time spent connecting counts as the
 * server's.
 */
function closedConcurrency(planned: readonly LoadStage[], stages: readonly MeasuredStage[]) {
  const measured = planned.filter(({ warmup }) => !warmup);
  const at = measured.findIndex((stage) => !isOpen(stage));
  if (at < 0 || !stages[at]) return null;
  const { results, turnover } = stages[at];
  if (results.requests.sent === 0 || results.window.kept === "never") return null;
  return { wanted: measured[at].concurrency!, mean: meanInFlight([turnover.ends], true) };
}
