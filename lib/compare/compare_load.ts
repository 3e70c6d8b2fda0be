/** Load runs compared: quantiles of latencies and throughput, with bootstrap intervals. */
import { rateEstimate, rateOf } from "../load/rates.ts";
import { isAnswered, outputTokens } from "../load/summarise.ts";
import { shareEstimate } from "../stats/interval.ts";
import { quantile, sortedCopy } from "../stats/quantile.ts";
import { quantileDifference } from "../stats/quantile_difference.ts";
import type { Estimate } from "../stats/interval.ts";
import type { LoadSample } from "./load_sample.ts";

/** What load runs are compared by. */
export const LOAD_METRICS = [
  "ttft_p50_ms",
  "ttft_p99_ms",
  "tpot_p50_ms",
  "tpot_p99_ms",
  "e2e_p50_ms",
  "e2e_p99_ms",
  "requests_per_s",
  "output_tokens_per_s",
  "error_rate",
] as const;

export type LoadMetric = typeof LOAD_METRICS[number];

export interface LoadMetricComparison {
  metric: LoadMetric;
  first: number;
  second: number;
  /** second − first with its 95 % interval; null where there are too few requests for one. */
  difference: Estimate | null;
  /** The interval leaves out 0. Null without one. */
  differs: boolean | null;
}

export interface LoadComparison {
  baseline: string;
  candidate: string;
  requests: [first: number, second: number];
  metrics: LoadMetricComparison[];
  notes: string[];
}

const COUNTS = { requests_per_s: isAnswered, output_tokens_per_s: outputTokens };

/** Compares each further load with the first. */
export function compareLoads(samples: readonly LoadSample[]): LoadComparison[] {
  const [baseline, ...others] = samples;
  return others.map((candidate) => ({
    baseline: baseline.run_id,
    candidate: candidate.run_id,
    requests: [baseline.requests, candidate.requests],
    metrics: LOAD_METRICS.flatMap((metric) => compareLoadMetric(baseline, candidate, metric) ?? []),
    notes: [
      "one run each: the intervals hold for these two stretches of time, not for days that differ",
      ...(baseline.stages > 1 || candidate.stages > 1
        ? ["several stages are taken together; loads of one stage give narrower intervals"]
        : []),
      ...(others.length > 1 ? ["intervals are of single comparisons, not of all at once"] : []),
    ],
  }));
}

/** One metric of two loads; null where one of them has no value. */
export function compareLoadMetric(
  first: LoadSample,
  second: LoadSample,
  metric: LoadMetric,
): LoadMetricComparison | null {
  const values = [first, second].map((sample) => loadValue(sample, metric));
  if (values[0] === null || values[1] === null) return null;
  const difference = differenceOf(first, second, metric);
  return {
    metric,
    first: values[0],
    second: values[1],
    difference,
    differs: difference && (difference.low > 0 || difference.high < 0),
  };
}

/** A load's value of a metric; null where there is none. */
export function loadValue(sample: LoadSample, metric: LoadMetric): number | null {
  if (metric === "error_rate") {
    return sample.requests > 0 ? sample.failed / sample.requests : null;
  }
  if (metric === "requests_per_s" || metric === "output_tokens_per_s") {
    const { rates } = sample;
    return Array.isArray(rates) ? rateOf(rates, COUNTS[metric]) : rates[metric];
  }
  const { name, q } = latencyOf(metric);
  const { values } = sample.latencies[name];
  return values.length ? quantile(sortedCopy(values), q) : null;
}

/** A load's rate of answers, tokens or errors with its interval; null where there is none. */
export function loadRate(
  sample: LoadSample,
  metric: "error_rate" | "requests_per_s" | "output_tokens_per_s",
): Estimate | null {
  if (metric === "error_rate") return shareEstimate(sample.failed, sample.requests);
  return Array.isArray(sample.rates) ? rateEstimate(sample.rates, COUNTS[metric]) : null;
}

function differenceOf(first: LoadSample, second: LoadSample, metric: LoadMetric): Estimate | null {
  if (
    metric === "error_rate" || metric === "requests_per_s" || metric === "output_tokens_per_s"
  ) return differenceOfEstimates(loadRate(first, metric), loadRate(second, metric));
  const { name, q } = latencyOf(metric);
  return quantileDifference(first.latencies[name], second.latencies[name], q);
}

function latencyOf(metric: Exclude<LoadMetric, "error_rate" | `${string}_per_s`>) {
  const [name, rank] = metric.split("_") as ["ttft" | "tpot" | "e2e", "p50" | "p99"];
  return { name: `${name}_ms` as const, q: rank === "p50" ? 0.5 : 0.99 };
}

/**
 * second − first of two independent estimates, its interval from theirs: each limit lies as far from
 * the difference as the root of the squared distances to the limits that lead there (G. Zou and A.
 * Donner, Statistics in Medicine 27, 2008). Null where one is null.
 */
export function differenceOfEstimates(
  first: Estimate | null,
  second: Estimate | null,
): Estimate | null {
  if (first === null || second === null) return null;
  const value = second.value - first.value;
  return {
    value,
    low: value - Math.hypot(second.value - second.low, first.high - first.value),
    high: value + Math.hypot(second.high - second.value, first.value - first.low),
    n: first.n + second.n,
    method: second.method,
  };
}
