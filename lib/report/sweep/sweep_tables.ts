/** The tables of a sweep, for both HTML and Markdown. */
import { escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { groupAt, type SweepAnalysis } from "../../sweep/analyse.ts";
import { dataTable, type Head } from "../table.ts";
import {
  ablationRatio,
  metricTitle,
  metricUnit,
  othersOf,
  scaled,
  seedMean,
} from "./sweep_numbers.ts";
import type { SeedMean } from "./sweep_numbers.ts";

const MOST_ROWS = 400;
const MOST_METRICS = 5;

/** Cells as text; the first `names` columns are words, the others numbers. */
export interface TextTable {
  caption: string;
  heads: string[];
  names: number;
  rows: string[][];
  /** The number of rows that are left out. */
  left: number;
}

/** The tables of a report; null if there is nothing to show. */
export interface SweepTables {
  policies: TextTable | null;
  ablations: TextTable | null;
  tiers: TextTable | null;
  host: TextTable | null;
}

/** Means over seeds for each workload and policy, in the baseline; null if runs have no figures. */
export function policyTable(analysis: SweepAnalysis): TextTable | null {
  const { baseline, policies, workloads } = analysis;
  if (analysis.metrics.length === 0) return null;
  const metrics = analysis.metrics.slice(0, MOST_METRICS);
  const units = metrics.map((metric) => metricUnit(analysis, metric));
  const settings = workloads.flatMap((workload) =>
    policies.filter((policy) => groupAt(analysis, policy, workload, baseline))
      .map((policy) => [policy, workload, baseline] as const)
  );
  return inUse({
    caption: `means over seeds${inBaseline(analysis, ", in ")}`,
    heads: ["workload", "policy", "seeds", ...units.map(({ title }) => title)],
    names: 2,
    rows: settings.slice(0, MOST_ROWS).map((setting) =>
      rowOf(
        [setting[1], setting[0]],
        metrics.map((metric, i) => scaled(seedMean(analysis, setting, metric), units[i].scale)),
      )
    ),
    left: Math.max(0, settings.length - MOST_ROWS),
  });
}

/** Ratios to the baseline on the same seeds; null if there is no ablation. */
export function ablationTable(analysis: SweepAnalysis): TextTable | null {
  const metrics = ["makespan_p95_ms", "makespan_mean_ms", "cost_mean"]
    .filter((metric) => analysis.metrics.includes(metric));
  const shown = metrics.length > 0 ? metrics : analysis.metrics.slice(0, 3);
  const settings = analysis.workloads.flatMap((workload) =>
    analysis.policies.flatMap((policy) =>
      othersOf(analysis).filter((name) => groupAt(analysis, policy, workload, name))
        .map((name) => [policy, workload, name] as const)
    )
  );
  if (settings.length === 0) return null;
  return inUse({
    caption: `ratios to ${analysis.baseline}, paired by seed`,
    heads: [
      ...["workload", "policy", "ablation", "pairs"],
      ...shown.map((metric) => `${metricTitle(metric).replace(/, m?s$/, "")} ratio`),
    ],
    names: 3,
    rows: settings.slice(0, MOST_ROWS).map((setting) =>
      rowOf(
        [setting[1], setting[0], setting[2]],
        shown.map((metric) => ablationRatio(analysis, setting, metric)),
      )
    ),
    left: Math.max(0, settings.length - MOST_ROWS),
  });
}

/** A table of means with their intervals; rows without any are omitted. */
export function textTable(
  caption: string,
  names: readonly string[],
  titles: readonly string[],
  rows: readonly { names: readonly string[]; means: readonly (SeedMean | null)[] }[],
): TextTable {
  const known = rows.filter(({ means }) => means.some((mean) => mean !== null));
  return inUse({
    caption,
    heads: [...names, "seeds", ...titles],
    names: names.length,
    rows: known.slice(0, MOST_ROWS).map(({ names, means }) => rowOf(names, means)),
    left: Math.max(0, known.length - MOST_ROWS),
  });
}

/** The table without columns of names that the sweep does not use, such as a policy. */
function inUse(table: TextTable): TextTable {
  const kept = table.heads.map((_, i) =>
    i >= table.names || table.rows.some((cells) => cells[i] !== "–")
  );
  const ofKept = (cells: string[]) => cells.filter((_, i) => kept[i]);
  const names = ofKept(table.heads.slice(0, table.names)).length;
  return { ...table, names, heads: ofKept(table.heads), rows: table.rows.map(ofKept) };
}

/** The baseline's name after other words; empty if a sweep has no ablations. */
export function inBaseline({ ablations, baseline }: SweepAnalysis, words: string): string {
  return ablations.length > 1 ? `${words}${baseline}` : "";
}

function rowOf(names: readonly string[], means: readonly (SeedMean | null)[]): string[] {
  const n = Math.max(0, ...means.map((mean) => mean?.n ?? 0));
  return [...names, String(n), ...means.map(withInterval)];
}

function withInterval(mean: SeedMean | null): string {
  if (mean === null) return "–";
  const { value, interval } = mean;
  if (interval === null) return figureText(value, value);
  const span = interval.high - interval.low;
  const [at, low, high] = [value, interval.low, interval.high].map((each) =>
    figureText(each, span > 0 ? Math.min(Math.abs(value), span * 20) : value)
  );
  return `${at} [${low}, ${high}]`;
}

/** A value with about four significant digits for numbers of size `size`. */
function figureText(value: number, size: number): string {
  const digits = size === 0 ? 0 : 3 - Math.floor(Math.log10(Math.abs(size)));
  return value.toFixed(Math.max(0, Math.min(6, digits)));
}

/** The table in HTML. */
export function htmlTable(table: TextTable): string {
  const heads = table.heads.map((head, i): Head => ({
    html: escapeHtml(head).replace(/, (\w+|%)$/, "<br><small>$1</small>"),
    ...(i < table.names ? { kind: "name" } : {}),
  }));
  const rows = table.rows.map((cells) => {
    const [head, ...others] = cells.map((cell) =>
      escapeHtml(cell).replace(/ (\[.*\])$/, "<br><small>$1</small>")
    );
    return { head, cells: others };
  });
  const more = table.left > 0
    ? `<p class="note">${counted(table.left, "more row")} left out here.</p>`
    : "";
  return dataTable(escapeHtml(table.caption), heads[0].html, heads.slice(1), rows) + more;
}
