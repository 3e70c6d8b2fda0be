/** The charts of a sweep, and the names of their picture files. */
import { METRICS, tierMetric } from "../../sweep/columns.ts";
import {
  ablatedPolicy,
  ablationRatio,
  metricUnit,
  othersOf,
  scaled,
  seedMean,
} from "./sweep_numbers.ts";
import type { SweepAnalysis } from "../../sweep/analyse.ts";
import type { Dot, DotChart, DotRow, Panel } from "../charts/dot_chart.ts";
import type { SeedMean } from "./sweep_numbers.ts";

const MOST_PANELS = 6;
const MOST_ROWS = 24;
/** The most charts of metrics that are not the simulator's. */
const MOST_OTHERS = 3;
const TIER_COLOURS = ["c1", "c2", "c3"];

/** A chart with its texts. */
export interface SweepChart {
  /** The name of the section and of the picture file, without extension. */
  name: string;
  /** Its place: a separate section, or next to a table. */
  section: "own" | "ablations" | "tiers";
  heading: string;
  chart: DotChart;
  legend: { label: string; colour: string }[];
  /** A note on what was not drawn; empty for none. */
  left_out: string;
}

/** The charts for which there is data. */
export function sweepCharts(analysis: SweepAnalysis): SweepChart[] {
  const { metrics } = analysis;
  const charts = [
    makespanChart(analysis),
    metrics.includes("cost_mean") ? costChart(analysis) : null,
    ...otherCharts(analysis),
    metrics.includes("makespan_p95_ms") ? ablationChart(analysis) : null,
    tierChart(analysis),
  ];
  return charts.filter((chart) => chart !== null);
}

const QUANTILES = [
  { metric: "makespan_p50_ms", label: "p50", colour: "c3" },
  { metric: "makespan_p95_ms", label: "p95", colour: "c1" },
  { metric: "makespan_p99_ms", label: "p99", colour: "c2" },
];

function makespanChart(analysis: SweepAnalysis): SweepChart | null {
  const shown = QUANTILES.filter(({ metric }) => analysis.metrics.includes(metric));
  if (shown.length === 0) return null;
  const { title, scale } = metricUnit(analysis, "makespan_p95_ms");
  return {
    name: "makespan_by_policy",
    section: "own",
    heading: "Makespan by policy",
    chart: { panels: policyPanels(analysis, shown, scale), axis: title.replace(" p95", "") },
    legend: shown,
    left_out: leftOut(analysis),
  };
}

function costChart(analysis: SweepAnalysis): SweepChart {
  const shown = [{ metric: "cost_mean", label: "mean cost of a workflow", colour: "c1" }];
  return {
    name: "cost_by_policy",
    section: "own",
    heading: "Cost by policy",
    chart: { panels: policyPanels(analysis, shown, 1), axis: "cost of a workflow" },
    legend: shown,
    left_out: leftOut(analysis),
  };
}

/**
 * One chart for each of the first metrics of another program; the simulator's have special charts.
 */
function otherCharts(analysis: SweepAnalysis): SweepChart[] {
  const others = analysis.metrics.filter((name) => !METRICS.includes(name)).slice(0, MOST_OTHERS);
  return others.map((metric, i) => {
    const { title, scale } = metricUnit(analysis, metric);
    return {
      name: `metric_${i + 1}`,
      section: "own",
      heading: metric,
      chart: { panels: policyPanels(analysis, [{ metric, colour: "c1" }], scale), axis: title },
      legend: [],
      left_out: leftOut(analysis),
    };
  });
}

function ablationChart(analysis: SweepAnalysis): SweepChart | null {
  const policy = ablatedPolicy(analysis);
  if (policy === null) return null;
  const panels = analysis.workloads.slice(0, MOST_PANELS).map((title) => ({
    title,
    rows: othersOf(analysis).flatMap((name): DotRow[] => {
      const ratio = ablationRatio(analysis, [policy, title, name], "makespan_p95_ms");
      return ratio ? [{ label: name, dots: [dotOf(ratio, "c1")] }] : [];
    }).slice(0, MOST_ROWS),
  })).filter(({ rows }) => rows.length > 0);
  if (panels.length === 0) return null;
  return {
    name: `ablation_deltas_${policy.replace(/[^\w.-]/g, "_")}_p95_ratio`,
    section: "ablations",
    heading: `Ablations of ${policy}`,
    chart: {
      panels,
      axis: `makespan p95: ratio to ${analysis.baseline}`,
      reference: 1,
    },
    legend: [],
    left_out: leftOut(analysis),
  };
}

/** The utilization of the tiers that are used at all; if there are very many, the first ones. */
function tierChart(analysis: SweepAnalysis): SweepChart | null {
  const { columns, groups, tier_columns } = analysis;
  const used = tier_columns.filter((name) => {
    const place = columns.indexOf(name);
    const isUsed = groups.some(({ seeds }) => [...seeds.values()].some((all) => all[place] > 0));
    return tierMetric(name) === "utilization" && isUsed;
  });
  const shown = TIER_COLOURS.slice(0, used.length).map((colour, i) => ({
    metric: used[i],
    label: tierTitle(used[i]),
    colour,
  }));
  if (shown.length === 0) return null;
  const more = used.length - shown.length;
  return {
    name: "tier_utilization_by_policy",
    section: "tiers",
    heading: "Utilization of tiers by policy",
    chart: { panels: policyPanels(analysis, shown, 1), axis: "utilization" },
    legend: shown,
    left_out: more > 0
      ? `The table has ${more} more ${more === 1 ? "tier" : "tiers"}.`
      : leftOut(analysis),
  };
}

/** `llm_provider, tier 0`, for any column of that tier. */
export function tierTitle(column: string): string {
  return column.replace(/_tier(\d+)(_.*)?$/, ", tier $1");
}

/**
 * A panel for each workload with a row for each policy; if there is one policy, a row for each
 * workload.
 */
function policyPanels(
  analysis: SweepAnalysis,
  shown: readonly { metric: string; colour: string }[],
  scale: number,
): Panel[] {
  const { policies, workloads, baseline } = analysis;
  const row = (label: string, policy: string, workload: string): DotRow[] => {
    const dots = shown.flatMap(({ metric, colour }) => {
      const mean = scaled(seedMean(analysis, [policy, workload, baseline], metric), scale);
      return mean ? [dotOf(mean, colour)] : [];
    });
    return dots.length > 0 ? [{ label, dots }] : [];
  };
  const panels = policies.length === 1
    ? [{
      title: policies[0] === "–" ? "" : policies[0],
      rows: workloads.flatMap((workload) => row(workload, policies[0], workload)),
    }]
    : workloads.slice(0, MOST_PANELS).map((workload) => ({
      title: workload,
      rows: policies.flatMap((policy) => row(policy, policy, workload)),
    }));
  return panels.map(({ title, rows }) => ({ title, rows: rows.slice(0, MOST_ROWS) }))
    .filter(({ rows }) => rows.length > 0);
}

function dotOf({ value, interval }: SeedMean, colour: string): Dot {
  return { value, interval, colour };
}

function leftOut({ policies, workloads }: SweepAnalysis): string {
  if (policies.length === 1) {
    const more = workloads.length - MOST_ROWS;
    return more > 0 ? `The table has ${more} more ${more === 1 ? "setting" : "settings"}.` : "";
  }
  const more = workloads.length - MOST_PANELS;
  return more > 0 ? `The table has ${more} more ${more === 1 ? "workload" : "workloads"}.` : "";
}
