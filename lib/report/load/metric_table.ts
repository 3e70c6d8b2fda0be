/** The distributions of a load run in numbers, with 95 % intervals for those that are compared. */
import { grouped } from "../../text/grouped.ts";
import { isDistribution } from "../../load/results.ts";
import { titleOf } from "../../measures/describe.ts";
import { MEASURES } from "../../measures/measures.ts";
import { cutText, escapeHtml } from "../html.ts";
import { digitsFor, fixed } from "./load_figures.ts";
import { dataTable, type TableRow } from "../table.ts";
import type { LoadResults, Metric, StageResults } from "../../load/results.ts";
import type { Estimate } from "../../stats/interval.ts";

/** The distributions in the results, in the order of the list of measures. */
const ROWS = MEASURES.flatMap(({ name }) =>
  isDistribution(name) ? [[name, titleOf(name)] as const] : []
);

/** If these are missing they are not unknown: there were no new connections, or none with TLS. */
const OF_NEW_CONNECTIONS: ReadonlySet<string> = new Set(["connect_ms", "tls_ms"]);

const HEADS = ["n", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"].map((html) => ({ html }));

/** The table of all stages together, and below it one for each stage if there are several. */
export function metricTables({ stages, total }: LoadResults): string {
  const single = stages.length < 2;
  const all = metricTable(total, single ? "distributions" : "distributions of all stages");
  if (single) return all + NOTE;
  const each = stages.map((stage, i) =>
    `<details><summary dir="auto">Stage ${i + 1}: ${escapeHtml(cutText(stage.name, 80))}</summary>${
      metricTable(stage, `distributions of stage ${i + 1}`)
    }</details>`
  );
  return `<h3>All stages</h3>${all}${NOTE}<h3>By stage</h3>${each.join("\n")}`;
}

const NOTE =
  `<p class="note">Milliseconds, but for tokens/s. Small: 95 % intervals, from a bootstrap over
blocks of time, since requests that are in flight together are not independent of each other.</p>`;

function metricTable({ metrics }: StageResults, label: string): string {
  const rows = ROWS.filter(([name]) => metrics[name] || !OF_NEW_CONNECTIONS.has(name))
    .map(([name, title]) => row(title, metrics[name] ?? null));
  return dataTable(label, "", HEADS, rows);
}

function row(head: string, metric: Metric | null): TableRow {
  if (!metric) return { head, cells: ["0", ...HEADS.slice(1).map(() => "–")] };
  const digits = metric.max === 0 ? 0 : digitsFor(metric.p50 || metric.max);
  const show = (value: number) => fixed(value, digits);
  const { p50, p99, mean } = metric.max === 0 ? NO_INTERVALS : metric.intervals;
  return {
    head,
    cells: [
      grouped(metric.n),
      show(metric.mean) + small(mean, digits),
      show(metric.p50) + small(p50, digits),
      show(metric.p90),
      show(metric.p95),
      show(metric.p99) + small(p99, digits),
      show(metric.p99_9),
      show(metric.max),
    ],
  };
}

const NO_INTERVALS = { p50: null, p99: null, mean: null };

function small(estimate: Estimate | null, digits: number): string {
  if (!estimate) return "";
  return `<small class="interval">${fixed(estimate.low, digits)} to ${
    fixed(estimate.high, digits)
  }</small>`;
}
