/** From what was measured to results: stages, total, verdict, energy. */
import { availableParallelism } from "node:os";
import { energiesOver } from "../hardware/energy.ts";
import { quantile, sortedCopy } from "../stats/quantile.ts";
import { citeCalibration, readCalibration } from "./calibration_file.ts";
import { summarise as summariseServer } from "./server_metrics.ts";
import { isOpen, stageName } from "./stages.ts";
import { latencies, summarise } from "./summarise.ts";
import { TokenFileReader } from "../run/token_file.ts";
import { judge } from "./verdict.ts";
import { isInside, windowOf } from "./window.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { Transport, TransportStatus } from "../endpoint/transport.ts";
import type { Sampler } from "../hardware/sampler.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { DriveOutcome } from "./drive.ts";
import type { LoadPlan } from "./plan_load.ts";
import type { LoadResults, RequestRecord, StageResults } from "./results.ts";
import type { ServerMetricsReading } from "./server_metrics.ts";
import type { LoadStage } from "./stages.ts";
import type { GapsOf } from "./summarise.ts";
import type { ClientCost, Verdict } from "./verdict.ts";

export interface Measurement {
  run: {
    run_id: string;
    name: string;
    api: APIConfiguration;
    transport: Transport;
    directory: RunDirectory;
    plan: LoadPlan;
  };
  outcome: DriveOutcome;
  records: readonly RequestRecord[];
  cost: {
    cpu_cores: number;
    wall_s: number;
    stalled_ms: number;
    before: TransportStatus;
    after: TransportStatus;
  };
  sampler: Sampler | null;
  server: { name: string; readings: ServerMetricsReading[] } | null;
  complete: boolean;
}

const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;

/** Sums everything up. Reads tokens.bin of the run's directory. */
export function conclude(measurement: Measurement): LoadResults {
  const { run, outcome, records, server } = measurement;
  using tokens = new TokenFileReader(run.directory);
  const gapsOf: GapsOf = (record) => tokens.gapsOf(record);
  const stages = stageResults(measurement, gapsOf);
  const total = stages.length === 1 ? stages[0] : totalOf(measurement, stages, gapsOf);
  const { start_ns, end_ns } = total.window;
  const verdict = verdictOf(measurement, stages, total);
  return {
    schema_version: 2,
    kind: "load",
    run_id: run.run_id,
    benchmark: run.name,
    model: run.api.model,
    endpoint: run.api.endpoint,
    api_type: run.api.api_type,
    transport: run.transport.name,
    complete: measurement.complete,
    stopped_because: outcome.stopped_because,
    stages,
    total,
    total_cost_usd: costOf(records),
    slos: run.plan.slos,
    verdict,
    energy: energyOf(measurement, total),
    server: server && {
      name: server.name,
      summary: summariseServer(server.readings, start_ns, end_ns),
      readings: server.readings,
    },
    notes: notesOf(measurement, total, records),
  };
}

function stageResults({ run, outcome, records }: Measurement, gapsOf: GapsOf): StageResults[] {
  const { plan } = run;
  const measured = plan.stages.flatMap((stage, i) =>
    stage.warmup || !outcome.stages[i] ? [] : [{ stage, i }]
  );
  return measured.map(({ stage, i }, number) => {
    const own = records.filter((record) => record.stage === number && !record.warmup);
    return summarise(own, {
      name: stageName(stage, plan.pattern),
      window: windowOf(stage, outcome.stages[i], own),
      requested_rate_per_s: requestedRate(stage),
      slos: plan.slos,
      gapsOf,
      warmup: records.filter(({ warmup }) => warmup).length,
    });
  });
}

/** All measured stages as one. */
function totalOf(
  { run, records }: Measurement,
  stages: readonly StageResults[],
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
      counts: windows.every(({ counts }) => counts === "end") ? "end" : "turn",
      rule: "from the first to the last stage's window",
    },
    requested_rate_per_s: null,
    slos: run.plan.slos,
    gapsOf,
    isInside: (record) => isInside(record, stages[record.stage].window),
    warmup: records.length - measured.length,
  });
}

function costOf(records: readonly RequestRecord[]): number | null {
  let sum = 0;
  for (const { failure, cost_usd } of records) {
    if (failure !== null) continue;
    if (cost_usd === null) return null;
    sum += cost_usd;
  }
  return sum;
}

function requestedRate(stage: LoadStage): number | null {
  if (stage.rate !== null) return (stage.rate.from_per_s + stage.rate.to_per_s) / 2;
  const last_s = stage.times_s?.at(-1) ?? 0;
  return last_s > 0 ? stage.times_s!.length / last_s : null;
}

function verdictOf(
  { run, outcome, records, cost }: Measurement,
  stages: readonly StageResults[],
  total: StageResults,
): Verdict {
  const late = sortedCopy(records.flatMap((record) => latencies(record).lateness_ms ?? []));
  const { lags } = outcome;
  const { before, after } = cost;
  const client: ClientCost = {
    transport: run.transport.name,
    read_lag_p99_ms: lags.n > 0 ? lags.quantile(0.99)! / NS_PER_MS : null,
    read_lag_max_ms: lags.n > 0 ? lags.max / NS_PER_MS : null,
    lateness_p99_ms: late.length ? quantile(late, 0.99) : null,
    lateness_max_ms: late.length ? late[late.length - 1] : null,
    cpu_cores: cost.cpu_cores,
    thread_cpu_cores: after.cpu_ns === null
      ? null
      : (after.cpu_ns - (before.cpu_ns ?? 0)) / NS_PER_S / cost.wall_s,
    cores: availableParallelism(),
    ring_use: after.ring_use,
    blocked_ms: after.blocked_ns === null
      ? null
      : (after.blocked_ns - (before.blocked_ns ?? 0)) / NS_PER_MS,
    stalled_ms: cost.stalled_ms,
    events_per_s: outcome.events / cost.wall_s,
    scheduling: after.scheduling,
  };
  const thinking = records.some(({ turn }) => turn > 0);
  const closed = thinking ? null : closedConcurrency(run.plan.stages, stages);
  const { sent, unsent } = total.requests;
  const measured = {
    ttft_p50_ms: total.metrics.ttft_ms?.p50 ?? null,
    gap_p50_ms: total.metrics.gap_ms?.p50 ?? null,
    concurrency: closed,
    sent_share: sent + unsent > 0 && !capped(run.plan.stages) ? sent / (sent + unsent) : null,
  };
  const streams = Math.ceil(total.concurrency.max);
  return judge(client, measured, citeCalibration(readCalibration(), streams, client.transport));
}

/** What the first closed stage wanted and had in flight. */
function closedConcurrency(planned: readonly LoadStage[], stages: readonly StageResults[]) {
  const measured = planned.filter(({ warmup }) => !warmup);
  const at = measured.findIndex((stage) => !isOpen(stage));
  if (at < 0 || !stages[at] || stages[at].requests.sent === 0) return null;
  if (stages[at].window.rule.includes("never")) return null;
  return { wanted: measured[at].concurrency!, mean: stages[at].concurrency.mean };
}

function capped(stages: readonly LoadStage[]): boolean {
  return stages.some(({ concurrency }) => concurrency !== null);
}

function energyOf({ sampler }: Measurement, total: StageResults): LoadResults["energy"] {
  if (!sampler) return null;
  const { start_ns, end_ns, duration_s } = total.window;
  const devices = energiesOver(sampler.series, start_ns, end_ns);
  if (devices.length === 0) return null;
  const energy_j = devices.reduce((sum, device) => sum + device.energy_j, 0);
  const tokens = total.output_tokens_per_s * duration_s;
  return {
    energy_j,
    error_j: devices.reduce((sum, device) => sum + device.error_j, 0),
    source: devices.map(({ device, method }) => `${device} (${method})`).join(", "),
    per_token_j: tokens > 0 ? energy_j / tokens : null,
  };
}

const requestsWere = (count: number) => count === 1 ? "1 request was" : `${count} requests were`;

function notesOf(
  { run, outcome, complete }: Measurement,
  total: StageResults,
  records: readonly RequestRecord[],
): string[] {
  const notes = [...run.plan.notes];
  const { requests, token_sources } = total;
  if (outcome.out_of_prompts && complete && !run.plan.stages.some(({ times_s }) => times_s)) {
    notes.push(
      `${run.plan.prompts.name}: used up before the load's end (--repeat goes through them again)`,
    );
  }
  if (run.plan.prompts.repeats) {
    notes.push("prompts were repeated: a prefix cache may have answered for the model");
  }
  if (token_sources.events) {
    notes.push(
      `${token_sources.events} answers came without usage: their events were counted as tokens`,
    );
  }
  if (requests.outside > 0) {
    notes.push(
      run.plan.stages.some((stage) => !isOpen(stage))
        ? `${
          requestsWere(requests.outside)
        } in the ramp or the drain of the closed loop: in no figure`
        : `${requestsWere(requests.outside)} outside of the measured window: in no figure`,
    );
  }
  if (requests.warmup > 0) {
    notes.push(
      requests.warmup === 1
        ? "1 warm-up request is in no figure"
        : `${requests.warmup} warm-up requests are in no figure`,
    );
  }
  if (requests.unfinished > 0) {
    notes.push(`${requestsWere(requests.unfinished)} cut off at the end: in no latency`);
  }
  if (requests.unsent > 0) {
    notes.push(
      `${requestsWere(requests.unsent)} due but not sent until the end: ` +
        (capped(run.plan.stages) ? "they had no place in flight" : "the client fell behind"),
    );
  }
  const first = records.find(({ failure, warmup }) =>
    !warmup && failure !== null && failure !== "unfinished" && failure !== "unsent"
  );
  if (total.requests.failed > 0 && first) notes.push(`first failure: ${first.message}`);
  return notes;
}
