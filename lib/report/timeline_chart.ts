/** Requests over time, with the host's samples on the same clock below them. */
import { axisLook, chartSvg } from "./chart.ts";
import { hostPanels } from "./host_panels.ts";
import { inLanes, requestSpans } from "./spans.ts";
import type { ChartOption } from "./chart.ts";
import type { Series as HostSeries } from "../hardware/series.ts";
import type { ResultItem } from "../suite/results.ts";
import type { RequestSpan } from "./spans.ts";

/** More requests are drawn as the number in flight. */
const MOST_BARS = 400;
const MOST_POINTS = 800;
const PANEL_HEIGHT = 90;

/** The picture; null without a request that was sent. */
export function timelineChart(
  items: readonly ResultItem[],
  sessions: readonly HostSeries[],
): Promise<string> | null {
  const { spans, origin_ns, end_s } = requestSpans(items);
  if (spans.length === 0) return null;
  const panels = hostPanels(sessions, origin_ns, end_s);
  const bars = spans.length <= MOST_BARS ? inLanes(spans) : null;
  const barsHeight = bars ? Math.min(260, Math.max(70, 14 * bars.lanes)) : 110;
  const height = 40 + barsHeight + panels.length * (PANEL_HEIGHT + 36) + 30;
  const tops = [34, ...panels.map((_, i) => 34 + barsHeight + 36 + i * (PANEL_HEIGHT + 36))];
  const option: ChartOption = {
    grid: tops.map((top, i) => ({
      left: 56,
      right: 70,
      top,
      height: i === 0 ? barsHeight : PANEL_HEIGHT,
    })),
    xAxis: tops.map((_, i) => ({
      ...axisLook,
      gridIndex: i,
      type: "value",
      min: 0,
      max: end_s,
      axisLabel: {
        ...axisLook.axisLabel,
        show: i === tops.length - 1,
        formatter: secondsLabel,
        showMaxLabel: false,
      },
    })),
    yAxis: [
      {
        ...axisLook,
        type: "value",
        gridIndex: 0,
        min: 0,
        max: bars?.lanes,
        minInterval: 1,
        name: bars ? "requests" : "requests in flight",
        axisLabel: { ...axisLook.axisLabel, show: bars === null },
        splitLine: { show: bars === null, lineStyle: axisLook.splitLine.lineStyle },
      },
      ...panels.map((panel, i) => ({
        ...axisLook,
        type: "value" as const,
        gridIndex: i + 1,
        min: 0,
        max: panel.max,
        splitNumber: 2,
        name: panel.title,
        nameTextStyle: { ...axisLook.nameTextStyle, align: "left" as const },
      })),
    ],
    series: [
      bars ? barSeries(bars.placed) : inFlightSeries(spans),
      ...panels.flatMap((panel, i) =>
        panel.lines.map((line) => ({
          type: "line" as const,
          name: line.name,
          xAxisIndex: i + 1,
          yAxisIndex: i + 1,
          symbol: "none",
          lineStyle: { color: line.colour, width: 1.5 },
          itemStyle: { color: line.colour },
          endLabel: { show: panel.lines.length > 1, formatter: line.name, color: line.colour },
          labelLayout: { moveOverlap: "shiftY" as const },
          data: line.points,
        }))
      ),
    ],
  };
  return chartSvg(option, { width: 960, height }, "requests and host samples over time");
}

function secondsLabel(value: number): string {
  return `${Number(value.toFixed(2))} s`;
}

type ChartSeries = Extract<ChartOption["series"], unknown[]>[number];

function barSeries(bars: [RequestSpan, lane: number][]): ChartSeries {
  return {
    type: "custom",
    data: bars.map(([span, lane]) => [span.start_s, span.end_s, lane, span.item.success ? 1 : 0]),
    encode: { x: [0, 1], y: 2 },
    renderItem: (_params, api) => {
      const [left, bottom] = api.coord([api.value(0), api.value(2)]);
      const [right, top] = api.coord([api.value(1), Number(api.value(2)) + 1]);
      const width = Math.max(1, right - left - 1);
      const shape = { x: left, y: top + 1, width, height: Math.max(1, bottom - top - 2), r: 2 };
      return { type: "rect", shape, style: { fill: api.value(3) ? "var(--c1)" : "var(--bad)" } };
    },
  };
}

function inFlightSeries(spans: readonly RequestSpan[]): ChartSeries {
  const changes = spans.flatMap((span) => [[span.start_s, 1], [span.end_s, -1]])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let running = 0;
  const points = changes.map(([at_s, change]): [number, number] => [at_s, running += change]);
  return {
    type: "line",
    step: "end",
    symbol: "none",
    lineStyle: { color: "var(--c1)", width: 1 },
    data: thinned(points),
  };
}

/** Keeps the highest point of each of 800 stretches. */
function thinned(points: [number, number][]): [number, number][] {
  const width = Math.ceil(points.length / MOST_POINTS);
  if (width <= 1) return points;
  return Array.from(
    { length: Math.ceil(points.length / width) },
    (_, i) => points.slice(i * width, (i + 1) * width).reduce((a, b) => b[1] > a[1] ? b : a),
  );
}
