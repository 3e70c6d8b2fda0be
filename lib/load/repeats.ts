/** Several runs of one load: a figure's interval between them, and where its variance comes from. */
import { InputError } from "../errors.ts";
import { studentTQuantile } from "../stats/distributions.ts";
import { mean } from "../stats/quantile.ts";
import { isDistribution } from "./results.ts";
import type { Estimate } from "../stats/interval.ts";
import type { LoadResults, StageResults } from "./results.ts";

/** A figure over several runs of one load. */
export interface RepeatedFigure {
  /** `ttft_p99_ms`, `output_tokens_per_s`. */
  name: string;
  /** Of each run; those that do not know it are left out. */
  values: number[];
  /** The mean of the runs. */
  mean: number;
  /** Its 95 % interval by Student's t over runs; null for fewer than two. */
  interval: { low: number; high: number } | null;
  /**
   * Which part of the variance between the runs' values, 0 to 1, is more than requests within a run vary
   * by chance; null where it is not known.
   */
  between_share: number | null;
}

/** Runs go on until a figure's interval is this narrow. */
export interface Until {
  /** As {@linkcode RepeatedFigure.name}. */
  figure: string;
  /** The interval's half width as a share of the mean. */
  share: number;
}

/** What is told of repeated loads. */
export const REPEATED_FIGURES: readonly string[] = [
  "requests_per_s",
  "output_tokens_per_s",
  "ttft_p50_ms",
  "ttft_p99_ms",
  "tpot_p50_ms",
  "gap_p99_ms",
  "e2e_p50_ms",
  "e2e_p99_ms",
];

const RATES = ["requests_per_s", "output_tokens_per_s", "prompt_tokens_per_s"] as const;
/** Of the standard normal distribution, as the runs' own 95 % intervals have it. */
const Z = 1.959964;

/**
 * Reads `ttft_p99:5%`.
 *
 * @throws {InputError} an unknown figure, or no share.
 */
export function parseUntil(text: string): Until {
  const [, name, percent] = /^(\w+):(\d+(?:\.\d+)?)\s*%$/.exec(text.trim()) ?? [];
  const known = (RATES as readonly string[]).includes(name) ? name : `${name}_ms`;
  const share = Number(percent) / 100;
  const parts = /^(\w+)_(p50|p99|mean)_ms$/.exec(known);
  const isFigure = known === name || (parts !== null && isDistribution(`${parts[1]}_ms`));
  if (!isFigure || !(share > 0)) {
    throw new InputError(
      `--until: "${text}"; expected FIGURE:PERCENT%, as ttft_p99:5% or output_tokens_per_s:2%; a figure is ` +
        `${RATES.join(", ")}, or _p50, _p99 or _mean of ttft, tpot, gap, e2e`,
    );
  }
  return { figure: known, share };
}

/** A figure of a run with its own interval; null where it is not known. */
function figureOf(
  total: StageResults,
  name: string,
): { value: number; interval: Estimate | null } | null {
  const rate = RATES.find((each) => each === name);
  if (rate !== undefined) {
    const value = total[rate];
    const interval = total.intervals?.[rate] ?? null;
    return value === null || total.requests.successful === 0 ? null : { value, interval };
  }
  const [, measure, point] = /^(\w+)_(p50|p99|mean)_ms$/.exec(name) ?? [];
  const key = `${measure}_ms`;
  const metric = isDistribution(key) ? total.metrics[key] : null;
  if (!metric) return null;
  const at = point as "p50" | "p99" | "mean";
  return { value: metric[at], interval: metric.intervals[at] };
}

/**
 * A figure over runs of one load; null where none knows it. The variance of the runs' values is that of what
 * differs between runs and that of what a run's own interval tells; the first is what the second leaves
 * (the method of moments of a random-effects model: R. DerSimonian and N. Laird, Controlled Clinical Trials 7,
 * 1986).
 */
export function repeatedFigure(
  name: string,
  runs: readonly Pick<LoadResults, "total">[],
): RepeatedFigure | null {
  const found = runs.flatMap(({ total }) => figureOf(total, name) ?? []);
  if (found.length === 0) return null;
  const values = found.map(({ value }) => value);
  const centre = mean(values);
  const n = values.length;
  if (n < 2) return { name, values, mean: centre, interval: null, between_share: null };
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (n - 1);
  const half = studentTQuantile(0.975, n - 1) * Math.sqrt(variance / n);
  const within = found.map(({ interval }) =>
    interval === null ? null : ((interval.high - interval.low) / (2 * Z)) ** 2
  );
  const known = within.filter((each) => each !== null);
  const between_share = known.length < n || variance === 0
    ? null
    : Math.max(0, 1 - mean(known) / variance);
  return {
    name,
    values,
    mean: centre,
    // no figure is below 0
    interval: { low: Math.max(0, centre - half), high: centre + half },
    between_share,
  };
}

/** Whether a figure's interval over these runs is as narrow as wanted. */
export function isNarrow({ figure, share }: Until, runs: readonly LoadResults[]): boolean {
  const found = repeatedFigure(figure, runs);
  if (!found?.interval) return false;
  return (found.interval.high - found.interval.low) / 2 <= share * Math.abs(found.mean);
}
