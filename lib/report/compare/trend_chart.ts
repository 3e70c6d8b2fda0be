/** A metric over several runs, as a separate SVG file, with its steps marked. */
import { isHigherBetter, isShare } from "../../measures/describe.ts";
import { axisLook, type ChartOption, type ChartSeries, standaloneSvg } from "../charts/chart.ts";
import type { Trend } from "../../compare/trend.ts";

const WIDTH = 880;
const HEIGHT = 360;

/**
 * The chart of a trend: one point per run, the level of each stretch, its steps as vertical lines.
 */
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
      ...modesOf(trend).flatMap(({ first, end }, i): ChartSeries[] => [
        ...levels(trend, first, end, factor),
        {
          type: "line",
          symbol: SYMBOLS[i % SYMBOLS.length],
          symbolSize: 6,
          itemStyle: { color: "var(--c1)" },
          lineStyle: { color: "var(--c1)", width: 1, opacity: 0.45 },
          data: points.slice(first, end).map(({ value }, k) => [at(first + k), value * factor]),
        },
      ]),
    ],
  };
}

/** One for each mode. */
const SYMBOLS = ["circle", "emptyDiamond"];

/** Where the points of each mode begin and end. */
function modesOf({ points }: Trend): { first: number; end: number }[] {
  const cuts = points.flatMap(({ mode }, i) => i === 0 || mode !== points[i - 1].mode ? [i] : []);
  return cuts.map((first, i) => ({ first, end: cuts[i + 1] ?? points.length }));
}

/** A horizontal line for each stretch between steps, joined by vertical lines. */
function levels(
  { points, steps }: Trend,
  first: number,
  end: number,
  factor: number,
): ChartSeries[] {
  const own = steps.filter(({ at }) => at > first && at < end);
  if (own.length === 0) return [];
  const cuts = [first, ...own.map(({ at }) => at), end];
  const heights = [own[0].before, ...own.map(({ after }) => after)];
  const time = (i: number) => points[Math.min(i, end - 1)].started_at_unix_seconds * 1000;
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
