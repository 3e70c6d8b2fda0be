/** Compares load runs: quantiles of latencies, and throughput, with bootstrap intervals. */
import { type CountOf, rateEstimate, rateOf } from "../load/rates.ts";
import { isAnswered, outputTokens, promptTokens } from "../load/summarise.ts";
import { latenciesOf, measureNamed, quantileName } from "../measures/measures.ts";
import { type Estimate, shareEstimate } from "../stats/interval.ts";
import { grouped } from "../text/grouped.ts";
import { quantile, sortedCopy } from "../stats/quantile.ts";
import { quantileDifference } from "../stats/quantile_difference.ts";
import { differencesText, type SettingDifference, settingsThatDiffer } from "./load_differences.ts";
import type { LoadSample } from "./load_sample.ts";

/** The metrics by which load runs are compared by default. */
const LOAD_METRICS: readonly string[] = [
  ...["ttft_ms", "tpot_ms", "e2e_ms"].flatMap((name) => {
    const { measure } = measureNamed(name)!;
    return [quantileName(measure, 0.5), quantileName(measure, 0.99)];
  }),
  ...["requests_per_s", "output_tokens_per_s", "error_rate"],
];

const COUNTS: Record<string, CountOf> = {
  requests_per_s: isAnswered,
  output_tokens_per_s: outputTokens,
  prompt_tokens_per_s: promptTokens,
};

/** A description of the metrics of a load: any quantile of its latencies, rates, the error rate. */
export const LOAD_METRIC_NAMES = `${
  latenciesOf("load").map(({ name }) => name.replace(/_ms$/, "")).join(", ")
} as in ttft_p99_ms, with any quantile; ${Object.keys(COUNTS).join(", ")}, error_rate`;

/** Whether loads can be compared by a metric: a rate, the error rate, or a quantile of a latency. */
export function isLoadMetric(name: string): boolean {
  if (name === "error_rate" || Object.hasOwn(COUNTS, name)) return true;
  const found = measureNamed(name);
  return found !== null && found.quantile !== null && found.measure.where.includes("load");
}

/** One metric of two loads. */
export interface LoadMetricComparison {
  /** Its name in lib/measures, or the name of a quantile. */
  metric: string;
  first: number;
  second: number;
  /** second − first with its 95 % interval; null when there are too few requests for an interval. */
  difference: Estimate | null;
  /** Whether the interval excludes 0; null without an interval. */
  differs: boolean | null;
}

export interface LoadComparison {
  baseline: string;
  candidate: string;
  requests: [first: number, second: number];
  /** The settings whose values differ; null where those of a load are unknown. */
  settings: SettingDifference[] | null;
  metrics: LoadMetricComparison[];
  notes: string[];
}

/** Compares each later load with the first one. */
export function compareLoads(samples: readonly LoadSample[]): LoadComparison[] {
  const [baseline, ...others] = samples;
  return others.map((candidate) => ({
    baseline: baseline.run_id,
    candidate: candidate.run_id,
    requests: [baseline.requests, candidate.requests],
    settings: settingsThatDiffer(baseline.settings, candidate.settings),
    metrics: LOAD_METRICS.flatMap((metric) => compareLoadMetric(baseline, candidate, metric) ?? []),
    notes: [
      "one run each: the intervals cover these two periods only, not differences between days",
      ...(baseline.stages > 1 || candidate.stages > 1
        ? ["several stages are taken together; loads of one stage give narrower intervals"]
        : []),
      ...(others.length > 1
        ? ["each interval is for one comparison, not for all of them together"]
        : []),
    ],
  }));
}

/** What a comparison is based on: the numbers of requests, and the settings that differ. */
export function basisText({ requests: [first, second], settings }: LoadComparison): string {
  const differences = differencesText(settings);
  return `${grouped(first)} and ${grouped(second)} requests${differences && `; ${differences}`}`;
}

/** Compares one metric of two loads; null when one of them has no value. */
export function compareLoadMetric(
  first: LoadSample,
  second: LoadSample,
  metric: string,
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

/** A load's value of a metric; null when it has none. */
export function loadValue(sample: LoadSample, metric: string): number | null {
  if (metric === "error_rate") {
    return sample.requests > 0 ? sample.failed / sample.requests : null;
  }
  const { rates } = sample;
  if (Object.hasOwn(COUNTS, metric)) {
    return Array.isArray(rates) ? rateOf(rates, COUNTS[metric]) : rates[metric] ?? null;
  }
  const { name, q } = latencyOf(metric);
  const { values } = sample.latency(name);
  return values.length ? quantile(sortedCopy(values), q) : null;
}

/** A load's rate of answers, tokens or errors with its interval; null when it has none. */
export function loadRate(sample: LoadSample, metric: string): Estimate | null {
  if (metric === "error_rate") return shareEstimate(sample.failed, sample.requests);
  return Array.isArray(sample.rates) ? rateEstimate(sample.rates, COUNTS[metric]) : null;
}

function differenceOf(first: LoadSample, second: LoadSample, metric: string): Estimate | null {
  if (metric === "error_rate" || Object.hasOwn(COUNTS, metric)) {
    return differenceOfEstimates(loadRate(first, metric), loadRate(second, metric));
  }
  const { name, q } = latencyOf(metric);
  return quantileDifference(first.latency(name), second.latency(name), q);
}

function latencyOf(metric: string): { name: string; q: number } {
  const found = measureNamed(metric);
  if (found === null || found.quantile === null) throw new RangeError(`${metric}: no load has it`);
  return { name: found.measure.name, q: found.quantile };
}

/**
 * second − first of two independent estimates. Each limit of its interval is as far from the difference
 * as the root of the sum of the squared distances to the estimates' limits on that side (G. Zou and A.
 * Donner, Statistics in Medicine 27, 2008). Null when one estimate is null.
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
