/** The share of answers that arrived within a time. */
import { sortedCopy } from "../../stats/quantile.ts";
import { cumulativeDrawing } from "./cumulative_chart.ts";
import type { Plot } from "./plot.ts";
import type { ResultItem } from "../../suite/results.ts";

/** The curves' colours, which the table below the chart uses too. */
export const CURVES = { ttft_ms: "c1", e2e_ms: "c2" } as const;

/** Cumulative distributions of ttft and e2e; null for fewer than two answered tests. */
export function latencyPlot(items: readonly ResultItem[]): Plot | null {
  const answered = items.filter((item) => item.success);
  const curves = Object.entries(CURVES).map(([name, colour]) => ({
    colour: `var(--${colour})`,
    sorted: sortedCopy(answered.flatMap((item) => item[name as keyof typeof CURVES] ?? [])),
  }));
  const draw = cumulativeDrawing(curves);
  const label = "Share of answers, in per cent, whose ttft and e2e were within a time";
  const legend = [
    { name: "ttft", colour: `var(--${CURVES.ttft_ms})` },
    { name: "e2e", colour: `var(--${CURVES.e2e_ms})` },
  ];
  return draw &&
    { draw, label, legend, note: "", caption: "share of the answers that came within a time" };
}
