/** A sweep's means and ratios with intervals, for charts and tables. */
import { type Estimate, meanEstimate } from "../../stats/interval.ts";
import { pairedRatioEstimate } from "../../stats/paired.ts";
import { mean } from "../../stats/quantile.ts";
import { type Group, groupAt, seedValues, type SweepAnalysis } from "../../sweep/analyse.ts";
import { cutText } from "../html.ts";
import { counted } from "../../text/grouped.ts";

/** Of fewer seeds an interval depends much on how values are distributed. */
const FEW_SEEDS = 10;

/** A mean over seeds; with a single seed it has no interval. */
export interface SeedMean {
  n: number;
  value: number;
  interval: Estimate | null;
}

/** Caches means that both charts and tables show, by group and metric. */
const known = new WeakMap<Group, Map<string, SeedMean | null>>();

/** The mean of a metric in a group; null if none of its runs counts. */
export function seedMean(
  analysis: SweepAnalysis,
  [policy, workload, ablation]: readonly [string, string, string],
  metric: string,
): SeedMean | null {
  const group = groupAt(analysis, policy, workload, ablation);
  if (group === undefined) return null;
  const means = known.get(group) ?? new Map<string, SeedMean | null>();
  known.set(group, means);
  let found = means.get(metric);
  if (found === undefined) {
    const values = [...seedValues(analysis, group, metric).values()];
    found = values.length === 0
      ? null
      : { n: values.length, value: mean(values), interval: atLeastZero(values) };
    means.set(metric, found);
  }
  return found;
}

/** Of values none of which is below 0, such as times, the mean is not below 0 either. */
function atLeastZero(values: readonly number[]): Estimate | null {
  const interval = meanEstimate(values);
  const low = values.some((value) => value < 0) ? -Infinity : 0;
  return interval && { ...interval, low: Math.max(low, interval.low) };
}

/**
 * The ratio of an ablation to the baseline on the seeds that both have; null if they share none.
 */
export function ablationRatio(
  analysis: SweepAnalysis,
  [policy, workload, ablation]: readonly [string, string, string],
  metric: string,
): SeedMean | null {
  const of = (name: string) =>
    seedValues(analysis, groupAt(analysis, policy, workload, name), metric);
  const base = of(analysis.baseline);
  const pairs = [...of(ablation)].flatMap(([seed, value]) => {
    const against = base.get(seed);
    return against !== undefined && against > 0 && value > 0 ? [[value, against] as const] : [];
  });
  if (pairs.length === 0) return null;
  const interval = pairedRatioEstimate(pairs);
  const [[value, against]] = pairs;
  return { n: pairs.length, value: interval?.value ?? value / against, interval };
}

/** Ablations other than the baseline. */
export function othersOf({ ablations, baseline }: SweepAnalysis): string[] {
  return ablations.filter((name) => name !== baseline);
}

/** The policy whose ablations are drawn: full, else the last policy that has any. */
export function ablatedPolicy(analysis: SweepAnalysis): string | null {
  const has = (policy: string) =>
    analysis.workloads.some((workload) =>
      othersOf(analysis).some((name) => groupAt(analysis, policy, workload, name))
    );
  if (has("full")) return "full";
  return analysis.policies.findLast(has) ?? null;
}

/** A sentence on how far the intervals can be trusted; null if there are none. */
function sampleNote({ groups }: SweepAnalysis): string | null {
  const counts = groups.map(({ seeds }) => seeds.size);
  if (counts.length === 0) return null;
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const seeds = least === most ? `${least}` : `${least} to ${most}`;
  if (most === 1) {
    return "One seed for each setting: there are no intervals, and a difference may be chance.";
  }
  if (least >= FEW_SEEDS) return null;
  return `Small sample: ${seeds} seeds for each setting. An interval of so few values is wide, and holds the ` +
    "true mean less often than 95 % of the time where values are skewed: take it as a rough range, or " +
    `run ${FEW_SEEDS} seeds or more.`;
}

/** Notes that a reader needs before the numbers. */
export function notes(analysis: SweepAnalysis): string[] {
  const said: string[] = [];
  const missing = analysis.runs - analysis.measured;
  if (missing > 0) {
    const reasons = analysis.warnings.slice(0, 3)
      .map(([warning, count]) => `${cutText(warning, 120)} (${count})`);
    said.push(
      `${counted(missing, "run")} of ${analysis.runs} without results${
        reasons.length ? `: ${reasons.join("; ")}` : ""
      }. Means use the runs that exist; ratios use the seeds that both sides have.`,
    );
  }
  const sample = sampleNote(analysis);
  if (sample) said.push(sample);
  return said;
}

/** From this many milliseconds on, seconds are easier to read. */
const SECONDS_FROM_MS = 10_000;

/** `makespan p95, ms` for makespan_p95_ms. */
export function metricTitle(metric: string): string {
  const { name, unit } = nameAndUnit(metric);
  return unit ? `${name}, ${unit}` : name;
}

function nameAndUnit(metric: string): { name: string; unit?: string } {
  const [end = "", unit] = /_(ms|bytes|(?<!_per_)s)$/.exec(metric) ?? [];
  return { name: metric.slice(0, metric.length - end.length).replaceAll("_", " "), unit };
}

/** The unit in which a metric is shown, and the factor that converts its values. */
export function metricUnit(
  { columns, groups }: SweepAnalysis,
  metric: string,
): { title: string; scale: number } {
  const { name, unit } = nameAndUnit(metric);
  if (unit === undefined) return { title: name, scale: 1 };
  if (unit === "bytes") return { title: `${name}, MB`, scale: 1e-6 };
  const place = columns.indexOf(metric);
  const large = unit === "ms" &&
    groups.some(({ seeds }) =>
      [...seeds.values()].some((values) => values[place] >= SECONDS_FROM_MS)
    );
  return large ? { title: `${name}, s`, scale: 1e-3 } : { title: `${name}, ${unit}`, scale: 1 };
}

/** A mean converted to another unit. */
export function scaled(mean: SeedMean | null, scale: number): SeedMean | null {
  if (mean === null || scale === 1) return mean;
  const { interval } = mean;
  const times = (value: number) => value * scale;
  return {
    ...mean,
    value: times(mean.value),
    interval: interval && {
      ...interval,
      value: times(interval.value),
      low: times(interval.low),
      high: times(interval.high),
    },
  };
}
