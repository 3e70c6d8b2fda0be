/** Compares runs in charts: overlaid distributions, success by category. */
import { markOf, passRateOf } from "../../run/problems.ts";
import { chartFigure } from "../charts/chart.ts";
import { type LatencyKind, type ReportedRun, sortedLatencies } from "./compared_run.ts";
import { cumulativeChart } from "../charts/cumulative_chart.ts";
import { type Dot, dotDrawing, type DotRow, plainLabel } from "../charts/dot_chart.ts";
import { counted } from "../../text/grouped.ts";
import { legendList } from "../charts/plot.ts";
import type { Estimate } from "../../stats/interval.ts";

const MOST_CATEGORIES = 24;

/** The meaning of the colours. */
function runLegend(runs: readonly ReportedRun[]): string {
  return legendList(runs.map(({ letter, colour, summary }) => ({
    name: `${letter}: ${summary.model}`,
    colour: `var(--${colour})`,
  })));
}

const KINDS: [LatencyKind, string][] = [
  ["ttft_ms", "Time to the first token (ttft)"],
  ["tpot_ms", "Time a token after the first (tpot)"],
  ["e2e_ms", "Time to the end of the answer (e2e)"],
];

/** The share of answers within a time, with one curve per run. */
export async function distributionCharts(runs: readonly ReportedRun[]): Promise<string> {
  const parts: string[] = [];
  for (const [kind, title] of KINDS) {
    const curves = runs.map((run) => ({
      colour: `var(--${run.colour})`,
      sorted: sortedLatencies(run, kind),
    }));
    const letters = runs.map(({ letter }) => letter).join(", ");
    const label = `Share of answers, in per cent, within a time: ${title}, runs ${letters}`;
    const chart = await cumulativeChart(curves, label);
    if (chart) parts.push(`<h3>${title}</h3>${runLegend(runs)}${chart}`);
  }
  if (parts.length === 0) return `<p class="note">No latency was measured.</p>`;
  return parts.join("\n") + `<p class="note">Share of the answers that came within a time.</p>`;
}

/** Right answers by category, one dot per run; null if nothing is judged or has a category. */
export async function categoryChart(runs: readonly ReportedRun[]): Promise<string | null> {
  const marks = new Map<string, Map<string, string[]>[]>();
  runs.forEach((run, place) => {
    if (!run.items.some(({ passed }) => passed !== null)) return;
    for (const item of run.items) {
      const category = item.category ?? "without a category";
      const of = marks.get(category) ?? runs.map(() => new Map());
      marks.set(category, of);
      const own = of[place].get(item.problem_id) ?? [];
      of[place].set(item.problem_id, [...own, markOf(item)]);
    }
  });
  if (marks.size === 0) return null;
  const rows = [...marks].map(([label, of]): DotRow => ({
    label,
    dots: of.flatMap((problems, place): Dot[] => {
      const share = passRateOf(problems.values());
      return share ? [dotOf(share, runs[place].colour)] : [];
    }),
  }));
  const chart = {
    panels: [{ title: "", rows: rows.slice(0, MOST_CATEGORIES) }],
    axis: "right answers, %",
  };
  const label = `Right answers by category, in per cent, with 95 % intervals: ${
    rows.slice(0, MOST_CATEGORIES).map(({ label, dots }) =>
      `${plainLabel(label)} ${dots.map(({ value }) => value.toFixed(0)).join(" and ")}`
    ).join("; ")
  }`;
  const left = rows.length - MOST_CATEGORIES;
  return runLegend(runs) + await chartFigure(dotDrawing(chart), label) +
    `<p class="note">Bars are 95 % intervals.${
      left > 0
        ? ` ${counted(left, "more category").replace("categorys", "categories")}: filter the tests.`
        : ""
    }</p>`;
}

function dotOf({ value, low, high }: Estimate, colour: string): Dot {
  return { value: 100 * value, interval: { low: 100 * low, high: 100 * high }, colour };
}
