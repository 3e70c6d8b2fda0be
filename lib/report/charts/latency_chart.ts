/** The share of answers that came within a time. */
import { sortedCopy } from "../../stats/quantile.ts";
import { cumulativeChart } from "./cumulative_chart.ts";
import type { ResultItem } from "../../suite/results.ts";

/** The curves' colours, which the table below uses too. */
export const CURVES = { ttft_ms: "c1", e2e_ms: "c2" } as const;

/** Cumulative distributions of ttft and e2e; null for fewer than two answered tests. */
export function latencyChart(items: readonly ResultItem[]): Promise<string> | null {
  const answered = items.filter((item) => item.success);
  const curves = Object.entries(CURVES).map(([name, colour]) => ({
    colour: `var(--${colour})`,
    sorted: sortedCopy(answered.flatMap((item) => item[name as keyof typeof CURVES] ?? [])),
  }));
  return cumulativeChart(
    curves,
    "Share of answers, in per cent, whose ttft and e2e were within a time",
  );
}
