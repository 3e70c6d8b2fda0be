/** The distributions in numbers, as a table below their chart. */
import { figure } from "../../text/figure.ts";
import { CURVES } from "../charts/latency_chart.ts";
import { dataTable } from "../table.ts";
import type { Estimate } from "../../stats/interval.ts";
import type { Distribution } from "../../stats/quantile.ts";
import type { SuiteStatistics } from "../../suite/results.ts";
import type { TableRow } from "../table.ts";

/** Quantiles of ttft, tpot, e2e and tokens/s; the first and third rows are the chart's curves. */
export function latencyTable(statistics: SuiteStatistics): string {
  const { ttft_ms, tpot_ms, e2e_ms, tokens_per_second } = statistics;
  const rows = [
    row("ttft", "ms", 1, ttft_ms, statistics.ttft_p50_ms, CURVES.ttft_ms),
    row("tpot", "ms", 2, tpot_ms, null),
    row("e2e", "ms", 1, e2e_ms, statistics.e2e_p50_ms, CURVES.e2e_ms),
    row("tokens/s of an answer", "", 1, tokens_per_second, null),
  ];
  const heads = ["answers", "mean", "p50", "p50, 95 % interval", "p90", "p95", "p99", "max"];
  return dataTable("distributions", "", heads.map((html) => ({ html })), rows);
}

function row(
  name: string,
  unit: string,
  digits: number,
  values: Distribution | null,
  median: Estimate | null,
  colour?: string,
): TableRow {
  const key = colour ? `<i class="key" style="background:var(--${colour})"></i>` : "";
  const show = (value: number | undefined) => figure(value, digits);
  const cells = [
    values ? String(values.n) : "0",
    show(values?.mean),
    show(values?.p50),
    median ? `${show(median.low)} to ${show(median.high)}` : "–",
    ...[values?.p90, values?.p95, values?.p99, values?.max].map(show),
  ];
  return { head: `${key}${name}${unit && `, ${unit}`}`, cells };
}
