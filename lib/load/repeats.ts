/** Several runs of one load: a figure's interval over them, and the sources of its variance. */
import { InputError } from "../errors.ts";
import { studentTQuantile } from "../stats/distributions.ts";
import { mean } from "../stats/quantile.ts";
import { latenciesOf, measureNamed, MEASURES } from "../measures/measures.ts";
import { isDistribution, type LoadResults, type Metric, type StageResults } from "./results.ts";
import type { Estimate } from "../stats/interval.ts";

/** A figure over several runs of one load. */
export interface RepeatedFigure {
  /** Such as `ttft_p99_ms` or `output_tokens_per_s`. */
  name: string;
  /** The value of each run; runs where it is unknown are left out. */
  values: number[];
  mean: number;
  /** 95 % interval by Student's t over runs; null for fewer than two. */
  interval: { low: number; high: number } | null;
  /**
   * Share of the variance between runs, 0 to 1, that is not explained by chance within runs; null
   * where unknown.
   */
  between_share: number | null;
}

/** A precision at which repeated runs stop. */
export interface Until {
  /** As {@linkcode RepeatedFigure.name}. */
  figure: string;
  /** Half width of the interval, as a share of the mean. */
  share: number;
}

/** The figures of repeated loads that are shown with their intervals. */
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

/** The 97.5 % point of the standard normal distribution, as used by the 95 % interval of a run. */
const Z = 1.959964;

/** What a figure is: a rate of the whole load, or a point of a distribution. */
type FigureOf =
  | { rate: Rate }
  | { distribution: keyof StageResults["metrics"]; point: Point };

type Rate = keyof NonNullable<StageResults["intervals"]> | "goodput_requests_per_s";
type Point = keyof Metric["intervals"];

/** Rates of a whole load. */
const RATES = MEASURES.filter(({ kind, where, name }) =>
  kind === "rate" && where.includes("load") && !isDistribution(name)
).map(({ name }) => name as Rate);

/** Points that have an interval, by quantile; null for the mean. */
const POINTS: ReadonlyMap<number | null, Point> = new Map([
  [0.5, "p50"],
  [0.99, "p99"],
  [null, "mean"],
]);

/** Returns what a name stands for; null where results hold no such figure with an interval. */
function figureNamed(name: string): FigureOf | null {
  const rate = RATES.find((each) => each === name);
  if (rate !== undefined) return { rate };
  const of = /^(.+)_mean_ms$/.exec(name)?.[1];
  const found = measureNamed(of === undefined ? name : `${of}_ms`);
  const point = POINTS.get(found?.quantile ?? null);
  if (!found || !isDistribution(found.measure.name)) return null;
  // only measures, not quantiles, have means
  if (point === undefined || (point === "mean") !== (of !== undefined)) return null;
  return { distribution: found.measure.name, point };
}

/**
 * Reads a target such as `ttft_p99:5%`. The unit of a latency, `_ms`, is optional.
 *
 * @throws {InputError} an unknown figure, or a share that is missing or invalid.
 */
export function parseUntil(text: string): Until {
  const [, name = "", percent] = /^(\w+):(\d+(?:\.\d+)?)\s*%$/.exec(text.trim()) ?? [];
  const figure = [name, `${name}_ms`].find((each) => figureNamed(each) !== null);
  const share = Number(percent) / 100;
  if (figure === undefined || !(share > 0)) {
    const latencies = latenciesOf("load").map((measure) => measure.name).filter(isDistribution);
    throw new InputError(
      `--until: "${text}"; expected FIGURE:PERCENT%, as ttft_p99:5% or output_tokens_per_s:2%; a figure is ` +
        `${RATES.join(", ")}, or _p50, _p99 or _mean of ${
          latencies.map((each) => each.replace(/_ms$/, "")).join(", ")
        }`,
    );
  }
  return { figure, share };
}

/** A figure of one run with its interval; null where unknown. */
function figureOf(
  total: StageResults,
  name: string,
): { value: number; interval: Estimate | null } | null {
  const figure = figureNamed(name);
  if (figure === null) return null;
  if ("distribution" in figure) {
    const metric = total.metrics[figure.distribution];
    return metric
      ? { value: metric[figure.point], interval: metric.intervals[figure.point] }
      : null;
  }
  const { rate } = figure;
  if (total.requests.successful === 0) return null;
  if (rate === "goodput_requests_per_s") {
    const interval = total.goodput?.requests_per_s ?? null;
    return interval && { value: interval.value, interval };
  }
  const value = total[rate];
  return value === null ? null : { value, interval: total.intervals?.[rate] ?? null };
}

/**
 * Returns a figure over the runs of one load; null where unknown. The variance between runs is the
 * sum of the variance that the runs' own intervals show and that of real differences between runs.
 * The latter is what remains after subtracting the former (the method of moments of a
 * random-effects model: R. DerSimonian and N. Laird, Controlled Clinical Trials 7, 1986).
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
    // a figure is never below 0
    interval: { low: Math.max(0, centre - half), high: centre + half },
    between_share,
  };
}

/** Whether a figure's interval over these runs is as narrow as required. */
export function isNarrow({ figure, share }: Until, runs: readonly LoadResults[]): boolean {
  const found = repeatedFigure(figure, runs);
  if (!found?.interval) return false;
  return (found.interval.high - found.interval.low) / 2 <= share * Math.abs(found.mean);
}
