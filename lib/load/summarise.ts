/** The figures of a stage, from its request records. */
import { latencies } from "../endpoint/latency.ts";
import { blockEdges, ratioEstimate, seriesEstimates } from "../stats/block_bootstrap.ts";
import { shareEstimate } from "../stats/interval.ts";
import { mean, quantile, sortedCopy } from "../stats/quantile.ts";
import { Samples } from "./samples.ts";
import { judgeSlos, sloText } from "./slo.ts";
import { inFlight, isInside, momentIn } from "./window.ts";
import type { TokenSource } from "../endpoint/answer.ts";
import type { FailureClass } from "../endpoint/errors.ts";
import type { Metric, StageResults } from "./results.ts";
import type { Judged, Slo, SloValues } from "./slo.ts";
import type { Window } from "./window.ts";
import type { RequestRecord } from "../run/request_record.ts";

/** Gives the gaps of a request, ms. */
export type GapsOf = (record: RequestRecord) => Float32Array;

const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;

/** What is summed up beside the records. */
export interface SummaryContext {
  name: string;
  window: Window;
  /** Null in a closed loop. */
  requested_rate_per_s: number | null;
  slos: readonly Slo[];
  gapsOf: GapsOf;
  /** Which requests count, where it is not the window alone that says so. */
  isInside?: (record: RequestRecord) => boolean;
  warmup: number;
}

/**
 * Sums up the requests that count in the window. Latencies are of answered ones; tokens per
 * second count those that came within the window, whichever request they belong to.
 *
 * @param records all of the run, or those of a stage; warm-up left out.
 */
export function summarise(
  records: readonly RequestRecord[],
  context: SummaryContext,
): StageResults {
  const { window, slos } = context;
  const duration_s = Math.max(0, (window.end_ns - window.start_ns) / NS_PER_S);
  const inside = records.filter((record) => (context.isInside ?? isInside)(record, window))
    .sort((a, b) => momentIn(a, window) - momentIn(b, window));
  const answered = inside.filter(({ failure }) => failure === null);
  const counts = countsOf(inside);
  const output_tokens = tokensWithin(records, window, context.gapsOf);
  const judged = counts.successful + counts.failed;
  const per_s = (count: number) => duration_s > 0 ? count / duration_s : 0;
  const prompts = known(answered.map(({ prompt_tokens }) => prompt_tokens));
  return {
    name: context.name,
    window: { ...window, duration_s },
    requested_rate_per_s: context.requested_rate_per_s,
    achieved_rate_per_s: per_s(counts.sent),
    concurrency: inFlight(records, window),
    requests: { ...counts, outside: records.length - inside.length, warmup: context.warmup },
    errors: errorsOf(inside),
    error_rate: judged > 0 ? counts.failed / judged : null,
    requests_per_s: per_s(answered.length),
    output_tokens_per_s: per_s(output_tokens),
    prompt_tokens_per_s: prompts.length ? per_s(prompts.reduce((sum, n) => sum + n, 0)) : null,
    prompt_tokens_mean: meanOf(prompts),
    completion_tokens_mean: meanOf(known(answered.map((record) => record.completion_tokens))),
    token_sources: sourcesOf(answered),
    goodput: slos.length ? goodputOf(records, inside, slos, window, context.gapsOf) : null,
    metrics: metricsOf(inside, answered, context.gapsOf),
  };
}

function metricsOf(
  inside: readonly RequestRecord[],
  answered: readonly RequestRecord[],
  gapsOf: GapsOf,
): StageResults["metrics"] {
  const values = answered.map(latencies);
  const metric = (name: keyof ReturnType<typeof latencies>) =>
    metricOf(known(values.map((value) => value[name])));
  const gaps = new Samples();
  for (const record of answered) for (const gap of gapsOf(record)) gaps.add(gap);
  const sent = inside.filter((record) => record.t_sent_ns !== null);
  const tpots = known(values.map(({ tpot_ms }) => tpot_ms));
  return {
    ttft_ms: metric("ttft_ms"),
    ttft_intended_ms: metric("ttft_intended_ms"),
    tpot_ms: metricOf(tpots),
    gap_ms: gapMetric(gaps),
    e2e_ms: metric("e2e_ms"),
    e2e_intended_ms: metric("e2e_intended_ms"),
    normalized_latency_ms: metric("normalized_latency_ms"),
    lateness_ms: metricOf(known(sent.map((record) => latencies(record).lateness_ms))),
    connect_ms: metricOf(
      sent.filter(({ connect_ns }) => connect_ns > 0).map(({ connect_ns }) =>
        connect_ns / NS_PER_MS
      ),
    ),
    tokens_per_s_per_user: metricOf(tpots.filter((tpot) => tpot > 0).map((tpot) => 1000 / tpot)),
  };
}

function metricOf(values: readonly number[]): Metric | null {
  const samples = new Samples();
  for (const value of values) samples.add(value);
  return gapMetric(samples);
}

function gapMetric(samples: Samples): Metric | null {
  const found = samples.distribution();
  if (found === null) return null;
  const { values } = samples;
  const none = { p50: null, p99: null, mean: null };
  return { ...found, intervals: values === null ? none : seriesEstimates(values) };
}

function countsOf(inside: readonly RequestRecord[]) {
  const count = (wanted: (record: RequestRecord) => boolean) => inside.filter(wanted).length;
  const unfinished = count(({ failure }) => failure === "unfinished");
  const unsent = count(({ failure }) => failure === "unsent");
  const successful = count(({ failure }) => failure === null);
  return {
    sent: count(({ t_sent_ns }) => t_sent_ns !== null),
    successful,
    failed: inside.length - successful - unfinished - unsent,
    unfinished,
    unsent,
  };
}

function errorsOf(inside: readonly RequestRecord[]): StageResults["errors"] {
  const errors: Partial<Record<FailureClass, number>> = {};
  for (const { failure } of inside) {
    if (failure === null || failure === "unfinished" || failure === "unsent") continue;
    errors[failure] = (errors[failure] ?? 0) + 1;
  }
  return errors;
}

function sourcesOf(answered: readonly RequestRecord[]): Partial<Record<TokenSource, number>> {
  const sources: Partial<Record<TokenSource, number>> = {};
  for (const { token_source: source } of answered) {
    if (source !== null) sources[source] = (sources[source] ?? 0) + 1;
  }
  return sources;
}

/** Tokens whose events came within the window; an event with several counts with their mean. */
function tokensWithin(
  records: readonly RequestRecord[],
  { start_ns, end_ns }: Window,
  gapsOf: GapsOf,
): number {
  let tokens = 0;
  for (const record of records) {
    const { t_first_token_ns, t_last_token_ns, token_events, completion_tokens, t_end_ns } = record;
    if (t_first_token_ns === null) {
      // an answer that was not streamed comes at once
      if (t_end_ns >= start_ns && t_end_ns <= end_ns) tokens += completion_tokens ?? 0;
      continue;
    }
    const weight = completion_tokens === null || token_events === 0
      ? 1
      : completion_tokens / token_events;
    if (t_first_token_ns >= start_ns && t_last_token_ns! <= end_ns) {
      tokens += weight * token_events;
      continue;
    }
    if (t_first_token_ns > end_ns || t_last_token_ns! < start_ns) continue;
    let t_ns = t_first_token_ns;
    let events = t_ns >= start_ns ? 1 : 0;
    for (const gap_ms of gapsOf(record)) {
      t_ns += gap_ms * NS_PER_MS;
      if (t_ns >= start_ns && t_ns <= end_ns) events++;
    }
    tokens += weight * events;
  }
  return tokens;
}

/** A request's values for its objectives. */
function sloValues(record: RequestRecord, gaps_ms: Float32Array): SloValues {
  const values = latencies(record);
  return {
    ttft: values.ttft_ms,
    ttft_intended: values.ttft_intended_ms,
    tpot: values.tpot_ms,
    e2e: values.e2e_ms,
    e2e_intended: values.e2e_intended_ms,
    gap_p99: gaps_ms.length ? quantile(sortedCopy(gaps_ms), 0.99) : null,
  };
}

function goodputOf(
  records: readonly RequestRecord[],
  inside: readonly RequestRecord[],
  slos: readonly Slo[],
  window: Window,
  gapsOf: GapsOf,
): StageResults["goodput"] {
  const duration_s = (window.end_ns - window.start_ns) / NS_PER_S;
  const missed: Record<string, number> = {}, unknown: Record<string, number> = {};
  for (const slo of slos) missed[sloText(slo)] = unknown[sloText(slo)] = 0;
  const judgedOf = (record: RequestRecord) =>
    record.failure === null ? judgeSlos(slos, sloValues(record, gapsOf(record))) : null;
  const isGood = (judged: Judged | null) =>
    judged !== null && judged.missed.length === 0 && judged.unknown.length === 0;
  const good = inside.map((record) => {
    const judged = judgedOf(record);
    for (const slo of judged?.missed ?? []) missed[sloText(slo)]++;
    for (const slo of judged?.unknown ?? []) unknown[sloText(slo)]++;
    return isGood(judged);
  });
  // as with all tokens: those that came within the window, whichever request they belong to
  const tokens = tokensWithin(
    records.filter((record) => isGood(judgedOf(record))),
    window,
    gapsOf,
  );
  const edges = blockEdges(inside.length);
  // of stages together, one may have been intended before the first window
  const at = (i: number) =>
    i === 0
      ? window.start_ns
      : i === inside.length
      ? window.end_ns
      : Math.max(window.start_ns, momentIn(inside[i], window));
  const blocks = edges === null ? [] : edges.slice(1).map((end, b) => ({
    numerator: good.slice(edges[b], end).filter(Boolean).length,
    denominator: (at(end) - at(edges[b])) / NS_PER_S,
  }));
  return {
    requests_per_s: ratioEstimate(blocks),
    output_tokens_per_s: duration_s > 0 ? tokens / duration_s : 0,
    share: shareEstimate(good.filter(Boolean).length, inside.length),
    missed,
    unknown,
  };
}

function known<Value>(values: readonly (Value | null)[]): Value[] {
  return values.filter((value): value is Value => value !== null);
}

function meanOf(values: readonly number[]): number | null {
  return values.length ? mean(values) : null;
}
