/** A metric of runs over time as an SVG file of its own, with its steps. */
import { isHigherBetter, isShare } from "../../compare/metric_names.ts";
import { axisLook, standaloneSvg } from "../charts/chart.ts";
import type { Trend } from "../../compare/trend.ts";
import type { ChartOption, ChartSeries } from "../charts/chart.ts";

const WIDTH = 880;
const HEIGHT = 360;

/** The chart of a trend: a point a run, the level of each stretch, its steps as vertical lines. */
export function trendSvg(trend: Trend, title: string): Promise<string> {
  return standaloneSvg(trendOption(trend, title), WIDTH, HEIGHT);
}

function trendOption(trend: Trend, title: string): ChartOption {
  const { metric, points } = trend;
  const factor = isShare(metric) ? 100 : 1;
  const at = (i: number) => points[i].started_at_unix_seconds * 1000;
  return {
    title: { text: title, left: 12, top: 8, textStyle: { fontSize: 14, color: "var(--ink)" } },
    grid: { left: 64, right: 24, top: 66, bottom: 36 },
    xAxis: { ...axisLook, type: "time", splitLine: { show: false } },
    yAxis: {
      ...axisLook,
      type: "value",
      name: isShare(metric) ? `${metric}, %` : metric,
      scale: !isShare(metric) || isHigherBetter(metric),
      max: isShare(metric)
        ? (extent: { max: number }) => Math.min(100, Math.ceil((extent.max + 2) / 5) * 5)
        : undefined,
    },
    series: [
      ...levels(trend, factor),
      {
        type: "line",
        symbol: "circle",
        symbolSize: 6,
        itemStyle: { color: "var(--c1)" },
        lineStyle: { color: "var(--c1)", width: 1, opacity: 0.45 },
        data: points.map(({ value }, i) => [at(i), value * factor]),
      },
    ],
  };
}

/** A horizontal line over each stretch between steps, joined by vertical ones. */
function levels({ points, steps }: Trend, factor: number): ChartSeries[] {
  if (steps.length === 0) return [];
  const cuts = [0, ...steps.map((step) => step.at), points.length];
  const heights = [steps[0].before, ...steps.map((step) => step.after)];
  const time = (i: number) => points[Math.min(i, points.length - 1)].started_at_unix_seconds * 1000;
  return [{
    type: "line",
    symbol: "none",
    lineStyle: { color: "var(--c2)", width: 2 },
    data: heights.flatMap((height, i) => [
      [time(cuts[i]), height * factor],
      [time(cuts[i + 1]), height * factor],
    ]),
  }];
}
