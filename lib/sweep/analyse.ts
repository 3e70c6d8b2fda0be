/**
 * Analyses a sweep's table: groups of runs that differ only in their seed, and ablations against
 * their baseline.
 */
import { InputError } from "../errors.ts";
import { furtherColumns, HOST_FIGURES, METRICS, PROCESS_FIGURES, tierColumns } from "./columns.ts";
import { readCsv } from "../formats/csv.ts";

/** Parameters that may distinguish workloads; policy and seed are handled separately. */
const WORKLOAD = [
  "workflows",
  "pdfs",
  "iters",
  "subqueries",
  "time_scale",
  "enable_model_routing",
  "heavy_tail_prob",
  "heavy_tail_mult",
];

/** A run that counts: it succeeded and has its figures. */
interface Measured {
  policy: string;
  ablation: string;
  seed: string;
  /** The values of the workload's parameters. */
  workload: string[];
  values: number[];
}

/** Runs that differ only in their seed. */
export interface Group {
  policy: string;
  /** The varied parameters of the workload, such as `workflows 50`. */
  workload: string;
  ablation: string;
  /** By seed: values in the order of the analysis's columns, NaN if unknown. */
  seeds: Map<string, number[]>;
}

/** The analysis of a sweep. */
export interface SweepAnalysis {
  runs: number;
  /** Runs that succeeded and have metrics. */
  measured: number;
  policies: string[];
  workloads: string[];
  ablations: string[];
  seeds: string[];
  /** The ablation that the others are compared with. */
  baseline: string;
  /** The columns of the groups' values. */
  columns: string[];
  /** The columns that hold numbers, except those of tiers and of the host. */
  metrics: string[];
  /** Columns of tiers and of the host that hold numbers. */
  tier_columns: string[];
  host_columns: typeof HOST_FIGURES[number][];
  groups: Group[];
  /** The groups by policy, workload and ablation. */
  index: Map<string, Group>;
  /** How many rows have each warning, most frequent first. */
  warnings: [warning: string, count: number][];
}

/**
 * The columns of results in a table: those of the simulator, and all others but the parameters. Without
 * any, as of a program that writes no summary.csv, the figures of each run's process.
 */
export function metricsOf(row: object, parameters: readonly string[]): string[] {
  const further = furtherColumns(Object.keys(row)).filter((name) => !parameters.includes(name));
  const own = [...METRICS, ...further];
  return own.some((name) => Object.hasOwn(row, name)) ? own : PROCESS_FIGURES;
}

/**
 * Reads runs.csv.
 *
 * @param parameters further names of parameters, if the sweep file is known; other columns with
 * numbers are metrics.
 * @param onRow called with each row, in order.
 * @throws {InputError} the file cannot be read.
 */
export async function analyseSweep(
  runs_csv: string,
  parameters: readonly string[],
  onRow?: (row: Record<string, string>) => void,
): Promise<SweepAnalysis> {
  const warnings = new Map<string, number>();
  const seen = { policies: new Set<string>(), ablations: new Map<string, boolean>() };
  const names = [
    ...new Set([...WORKLOAD, ...parameters.filter((name) => name !== "policy" && name !== "seed")]),
  ];
  const measured: Measured[] = [];
  let metrics: string[] = [], columns: string[] = [];
  let runs = 0;
  for await (const row of readCsv(runs_csv)) {
    onRow?.(row);
    if (runs++ === 0) {
      if (row.exit_code === undefined) {
        throw new InputError(
          `${runs_csv}: has no column exit_code; expected a table of dyno collect`,
        );
      }
      metrics = metricsOf(row, names);
      columns = [...metrics, ...tierColumns(Object.keys(row)), ...HOST_FIGURES];
    }
    const policy = row.policy || "–";
    const ablation = row.ablation_name || "–";
    seen.policies.add(policy);
    seen.ablations.set(ablation, (row.ablation_flags ?? "") === "");
    if (row.warning) warnings.set(row.warning, (warnings.get(row.warning) ?? 0) + 1);
    if (row.exit_code !== "0") continue;
    const values = columns.map((name) => row[name] ? Number(row[name]) : NaN);
    const owed = row.warning ? values.slice(0, metrics.length) : values; // its summary may be missing
    if (owed.every(Number.isNaN)) continue;
    measured.push({
      policy,
      ablation,
      seed: row.seed ?? "",
      workload: names.map((name) => row[name] ?? ""),
      values,
    });
  }
  const index = groupsOf(measured, names);
  const groups = [...index.values()];
  const known = columns.filter((_, i) => measured.some(({ values }) => !Number.isNaN(values[i])));
  const ablations = [...seen.ablations.keys()];
  return {
    runs,
    measured: measured.length,
    policies: [...seen.policies],
    workloads: unique(groups.map(({ workload }) => workload)),
    ablations,
    seeds: unique(measured.map(({ seed }) => seed)),
    baseline: ablations.find((name) => seen.ablations.get(name)) ?? ablations[0] ?? "–",
    columns,
    metrics: known.filter((name) => metrics.includes(name)),
    tier_columns: tierColumns(known),
    host_columns: HOST_FIGURES.filter((name) => known.includes(name)),
    groups,
    index,
    warnings: [...warnings].sort((a, b) => b[1] - a[1]),
  };
}

/** The workload's name in a sweep that varies none. */
export const ALL_RUNS = "all runs";

/** The values of a metric in a group, by seed; seeds without a value are omitted. */
export function seedValues(
  { columns }: SweepAnalysis,
  group: Group | undefined,
  metric: string,
): Map<string, number> {
  const place = columns.indexOf(metric);
  const values = new Map<string, number>();
  for (const [seed, all] of group?.seeds ?? []) {
    if (!Number.isNaN(all[place] ?? NaN)) values.set(seed, all[place]);
  }
  return values;
}

/** The group of a policy, a workload and an ablation; undefined if none of its runs counts. */
export function groupAt(
  { index }: SweepAnalysis,
  policy: string,
  workload: string,
  ablation: string,
): Group | undefined {
  return index.get(groupKey(policy, workload, ablation));
}

function groupKey(policy: string, workload: string, ablation: string): string {
  return JSON.stringify([policy, workload, ablation]);
}

function groupsOf(measured: readonly Measured[], names: readonly string[]): Map<string, Group> {
  const varied = names.map((_, i) => new Set(measured.map((run) => run.workload[i])).size > 1);
  const label = ({ workload }: Measured) => {
    const shown = names.flatMap((name, i) =>
      (varied[i] || name === "workflows") && workload[i] !== "" ? [`${name} ${workload[i]}`] : []
    );
    return shown.join(", ") || ALL_RUNS;
  };
  const groups = new Map<string, Group>();
  for (const run of measured) {
    const workload = label(run);
    const key = groupKey(run.policy, workload, run.ablation);
    let group = groups.get(key);
    if (group === undefined) {
      group = { policy: run.policy, workload, ablation: run.ablation, seeds: new Map() };
      groups.set(key, group);
    }
    group.seeds.set(run.seed, run.values);
  }
  return groups;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
