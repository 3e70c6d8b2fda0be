/** Computes the figures of a stage from its request records. */
import { connectMs, latencies, tlsMs } from "../endpoint/latency.ts";
import { shareEstimate } from "../stats/interval.ts";
import { distributionOf, mean, quantile, sortedCopy } from "../stats/quantile.ts";
import {
  type CountOf,
  type GapsOf,
  meanInFlight,
  rateEstimate,
  rateOf,
  type StageTurnover,
  type Turnover,
} from "./rates.ts";
import { judgeSlos, type Slo, sloText, type SloValues } from "./slo.ts";
import { inFlight, isInside, momentIn, type Window } from "./window.ts";
import { failureClass, type RequestRecord } from "../run/request_record.ts";
import { seriesEstimates } from "../stats/block_bootstrap.ts";
import { LogHistogram } from "../stats/histogram.ts";
import type { TokenSource } from "../endpoint/answer.ts";
import type { FailureClass } from "../endpoint/errors.ts";
import type { Media } from "../endpoint/said.ts";
import type { MediaFigures, Metric, StageResults } from "./results.ts";

const NS_PER_S = 1e9;

/** What a summary needs besides the records. */
export interface SummaryContext {
  name: string;
  window: Window;
  /** The turnover of each stage in the summary. */
  turnovers: readonly StageTurnover[];
  /** Null in a closed loop. */
  requested_rate_per_s: number | null;
  slos: readonly Slo[];
  gapsOf: GapsOf;
  /** Whether a request counts, where the window alone does not decide that. */
  isInside?: (record: RequestRecord) => boolean;
  warmup: number;
}

/**
 * Summarises the requests that count in the window. Latencies are those of answered requests.
 *
 * @param records those of the run or of a stage, without the warm-up.
 */
export function summarise(
  records: readonly RequestRecord[],
  context: SummaryContext,
): StageResults {
  const { window, slos, turnovers, gapsOf } = context;
  const duration_s = Math.max(0, (window.end_ns - window.start_ns) / NS_PER_S);
  const inside = records.filter((record) => (context.isInside ?? isInside)(record, window))
    .sort((a, b) => momentIn(a, window) - momentIn(b, window));
  const answered = inside.filter(({ failure }) => failure === null);
  const counts = countsOf(inside);
  const judged = counts.successful + counts.failed;
  const ends = turnovers.map((turnover) => turnover.ends);
  const sends = turnovers.map((turnover) => turnover.sends);
  const isSent: CountOf = ({ t_sent_ns }) => t_sent_ns === null ? 0 : 1;
  return {
    name: context.name,
    window: { ...window, duration_s },
    requested_rate_per_s: context.requested_rate_per_s,
    achieved_rate_per_s: rateOf(sends, isSent) ?? 0,
    concurrency: { mean: meanInFlight(ends), max: inFlight(records, window).max },
    requests: { ...counts, outside: records.length - inside.length, warmup: context.warmup },
    errors: errorsOf(inside),
    error_rate: judged > 0 ? counts.failed / judged : null,
    requests_per_s: rateOf(ends, isAnswered),
    output_tokens_per_s: rateOf(ends, outputTokens),
    prompt_tokens_per_s: answered.length ? rateOf(ends, promptTokens) : null,
    intervals: {
      requests_per_s: rateEstimate(ends, isAnswered),
      output_tokens_per_s: rateEstimate(ends, outputTokens),
      prompt_tokens_per_s: answered.length ? rateEstimate(ends, promptTokens) : null,
    },
    ...(answered.some(({ media }) => media !== undefined)
      ? { media: mediaFigures(answered, ends) }
      : {}),
    prompt_tokens_mean: meanOf(known(answered.map(({ prompt_tokens }) => prompt_tokens))),
    completion_tokens_mean: meanOf(known(answered.map((record) => record.completion_tokens))),
    token_sources: sourcesOf(answered),
    goodput: slos.length ? goodputOf(inside, slos, ends, gapsOf) : null,
    metrics: metricsOf(inside, answered, gapsOf),
  };
}

/** 1 for an answered request, otherwise 0. */
export const isAnswered: CountOf = ({ failure }) => failure === null ? 1 : 0;

/** Output tokens of a request: 0 for a failed one; for an unfinished one, the tokens received so far. */
export const outputTokens: CountOf = ({ failure, completion_tokens, token_events }) =>
  failure === null ? completion_tokens : failure === "unfinished" ? token_events : 0;

/** Prompt tokens of an answered request. */
export const promptTokens: CountOf = ({ failure, prompt_tokens }) =>
  failure === null ? prompt_tokens : 0;

/** The amount of one kind of media of an answered request. */
const mediaCount = (kind: keyof Media): CountOf => ({ failure, media }) =>
  failure === null ? media?.[kind] ?? null : 0;

function mediaFigures(
  answered: readonly RequestRecord[],
  ends: readonly Turnover[],
): MediaFigures {
  const meanBy = (kind: keyof Media) => meanOf(known(answered.map(mediaCount(kind))));
  const rateBy = (kind: keyof Media) =>
    meanBy(kind) === null ? null : rateOf(ends, mediaCount(kind));
  return {
    audio_s_per_s: rateBy("audio_s"),
    audio_s_mean: meanBy("audio_s"),
    images_per_s: rateBy("images"),
    images_mean: meanBy("images"),
    bytes_mean: meanBy("bytes"),
  };
}

function metricsOf(
  inside: readonly RequestRecord[],
  answered: readonly RequestRecord[],
  gapsOf: GapsOf,
): StageResults["metrics"] {
  const columns = new Map<keyof StageResults["metrics"], LatencySamples>();
  const add = (name: keyof StageResults["metrics"], value: number | null) => {
    if (value === null) return;
    let column = columns.get(name);
    if (!column) columns.set(name, column = new LatencySamples(inside.length));
    column.add(value);
  };
  const gaps = new LatencySamples(
    answered.reduce((sum, record) => sum + record.gaps, 0),
    Float32Array, // the precision of tokens.bin
  );
  for (const record of answered) {
    const { lateness_ms: _, ...times } = latencies(record);
    for (const [name, value] of Object.entries(times)) add(name as keyof typeof times, value);
    if (times.tpot_ms) add("tokens_per_s_per_user", 1000 / times.tpot_ms);
    for (const gap of gapsOf(record)) gaps.add(gap);
  }
  for (const record of inside) {
    if (record.t_sent_ns === null) continue;
    add("lateness_ms", latencies(record).lateness_ms);
    add("connect_ms", connectMs(record));
    add("tls_ms", tlsMs(record));
  }
  const metric = (name: keyof StageResults["metrics"]) => columns.get(name)?.metric() ?? null;
  return {
    ttft_ms: metric("ttft_ms"),
    ttft_intended_ms: metric("ttft_intended_ms"),
    tpot_ms: metric("tpot_ms"),
    gap_ms: gaps.metric(),
    e2e_ms: metric("e2e_ms"),
    e2e_intended_ms: metric("e2e_intended_ms"),
    normalized_latency_ms: metric("normalized_latency_ms"),
    lateness_ms: metric("lateness_ms"),
    connect_ms: metric("connect_ms"),
    tls_ms: metric("tls_ms"),
    tokens_per_s_per_user: metric("tokens_per_s_per_user"),
  };
}

function countsOf(inside: readonly RequestRecord[]) {
  const count = (wanted: (record: RequestRecord) => boolean) => inside.filter(wanted).length;
  const unfinished = count(({ failure }) => failure === "unfinished");
  const unsent = count(({ failure }) => failure === "unsent");
  const cancelled = count(({ failure }) => failure === "cancelled");
  const successful = count(({ failure }) => failure === null);
  return {
    sent: count(({ t_sent_ns }) => t_sent_ns !== null),
    successful,
    failed: count((record) => failureClass(record) !== null),
    unfinished,
    unsent,
    ...(cancelled > 0 ? { cancelled } : {}),
  };
}

function errorsOf(inside: readonly RequestRecord[]): StageResults["errors"] {
  const errors: Partial<Record<FailureClass, number>> = {};
  for (const record of inside) {
    const failure = failureClass(record);
    if (failure !== null) errors[failure] = (errors[failure] ?? 0) + 1;
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

/**
 * Returns the values of a latency of lib/measures, ms, one per answer in order; null where unknown.
 * For gaps and new connections, it returns only those that occurred.
 */
export function latencyValues(
  name: string,
  answered: readonly RequestRecord[],
  gapsOf: GapsOf,
): (number | null)[] {
  if (name === "gap_ms") return answered.flatMap((record) => [...gapsOf(record)]);
  if (name === "connect_ms") return known(answered.map(connectMs));
  if (name === "tls_ms") return known(answered.map(tlsMs));
  return answered.map((record) => {
    const values: Partial<Record<string, number | null>> = { ...latencies(record) };
    return values[name] ?? null;
  });
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
  inside: readonly RequestRecord[],
  slos: readonly Slo[],
  turnovers: readonly Turnover[],
  gapsOf: GapsOf,
): StageResults["goodput"] {
  const missed: Record<string, number> = {}, unknown: Record<string, number> = {};
  for (const slo of slos) missed[sloText(slo)] = unknown[sloText(slo)] = 0;
  const good = new Set<RequestRecord>();
  let undecided = 0;
  for (const record of inside) {
    if (record.failure !== null) continue;
    const judged = judgeSlos(slos, sloValues(record, gapsOf(record)));
    for (const slo of judged.missed) missed[sloText(slo)]++;
    for (const slo of judged.unknown) unknown[sloText(slo)]++;
    if (judged.missed.length > 0) continue;
    if (judged.unknown.length > 0) undecided++;
    else good.add(record);
  }
  const isGood: CountOf = (record) => good.has(record) ? 1 : 0;
  return {
    requests_per_s: rateEstimate(turnovers, isGood),
    output_tokens_per_s: rateOf(turnovers, (record) => good.has(record) ? outputTokens(record) : 0),
    // a cancelled request neither met nor missed its objectives
    share: shareEstimate(
      good.size,
      inside.filter(({ failure }) => failure !== "cancelled").length,
    ),
    missed,
    unknown,
    undecided,
  };
}

function known<Value>(values: readonly (Value | null)[]): Value[] {
  return values.filter((value): value is Value => value !== null);
}

function meanOf(values: readonly number[]): number | null {
  return values.length ? mean(values) : null;
}

const MOST_EXACT = 1e6;
const NS_PER_MS = 1e6;
const UNKNOWN = { p50: null, p99: null, mean: null };

/** Collects values in milliseconds. */
class LatencySamples {
  #exact: Float64Array | Float32Array | null;
  #count = 0;
  #histogram = new LogHistogram();

  /**
   * @param expected how many values to expect.
   * @param Kind the array type for exact values.
   */
  constructor(expected: number, Kind: typeof Float64Array | typeof Float32Array = Float64Array) {
    this.#exact = new Kind(Math.min(Math.max(1, expected), MOST_EXACT));
  }

  add(value_ms: number): void {
    if (this.#exact === null) {
      this.#histogram.add(value_ms * NS_PER_MS);
      return;
    }
    if (this.#count === MOST_EXACT) {
      for (const value of this.#exact) this.#histogram.add(value * NS_PER_MS);
      this.#exact = null;
      return this.add(value_ms);
    }
    if (this.#count === this.#exact.length) throw new Error("more values than were expected");
    this.#exact[this.#count++] = value_ms;
  }

  /**
   * Returns the distribution: exact and with intervals up to a million values, to 0.1 % and without
   * intervals above; null for none.
   */
  metric(): Metric | null {
    if (this.#exact === null) {
      return { ...this.#histogram.distribution(1 / NS_PER_MS)!, intervals: UNKNOWN };
    }
    const values = this.#exact.subarray(0, this.#count);
    const sorted = values.slice().sort();
    const found = distributionOf(sorted);
    return found && { ...found, intervals: seriesEstimates(values, sorted) };
  }
}
