/** The share of answers that came within a time. */
import { sortedCopy } from "../stats/quantile.ts";
import { axisLook, chartSvg } from "./chart.ts";
import type { ResultItem } from "../suite/results.ts";

const MOST_POINTS = 600;
/** From this ratio of largest to smallest on, the axis is logarithmic. */
const LOG_FROM = 20;

/** Cumulative distributions of ttft and e2e; null without an answered test. */
export function latencyChart(items: readonly ResultItem[]): Promise<string> | null {
  const answered = items.filter((item) => item.success);
  const series = [
    { name: "ttft", colour: "var(--c1)", values: answered.flatMap((item) => item.ttft_ms ?? []) },
    { name: "e2e", colour: "var(--c2)", values: answered.flatMap((item) => item.e2e_ms ?? []) },
  ].filter(({ values }) => values.length > 0);
  if (series.length === 0) return null;
  const all = series.flatMap(({ values }) => values);
  const low = all.reduce((a, b) => Math.min(a, b)), high = all.reduce((a, b) => Math.max(a, b));
  return chartSvg(
    {
      grid: { left: 48, right: 20, top: 34, bottom: 42 },
      legend: { top: 0, right: 10, textStyle: { color: "var(--ink)" }, icon: "roundRect" },
      xAxis: {
        ...axisLook,
        type: low > 0 && high / low > LOG_FROM ? "log" : "value",
        name: "ms",
        nameLocation: "middle",
        nameGap: 26,
      },
      yAxis: { ...axisLook, type: "value", min: 0, max: 100, name: "% of answers" },
      series: series.map(({ name, colour, values }) => ({
        type: "line",
        name,
        step: "end",
        symbol: "none",
        lineStyle: { color: colour, width: 2 },
        itemStyle: { color: colour },
        data: cumulative(values),
      })),
    },
    { width: 720, height: 280 },
    "share of answers that came within a time",
  );
}

function cumulative(values: number[]): [number, number][] {
  const sorted = sortedCopy(values);
  const step = Math.max(1, Math.ceil(sorted.length / MOST_POINTS));
  const points: [number, number][] = [[sorted[0], 0]];
  for (let i = step - 1; i < sorted.length; i += step) {
    points.push([sorted[i], 100 * (i + 1) / sorted.length]);
  }
  points.push([sorted[sorted.length - 1], 100]);
  return points;
}
