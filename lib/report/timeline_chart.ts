/** Requests over time, with the host's samples on the same clock below them. */
import { axisLook, chartSvg } from "./chart.ts";
import { hostPanels } from "./host_panels.ts";
import type { ChartOption } from "./chart.ts";
import type { Series as HostSeries } from "../hardware/series.ts";
import type { ResultItem } from "../suite/results.ts";

/** More requests are drawn as the number in flight. */
const MOST_BARS = 400;
const MOST_POINTS = 800;
const NS_PER_S = 1e9;
const PANEL_HEIGHT = 90;

interface Span {
  start_s: number;
  end_s: number;
  good: boolean;
}

/** The picture; null without a request that was sent. */
export function timelineChart(
  items: readonly ResultItem[],
  sessions: readonly HostSeries[],
): Promise<string> | null {
  const sent = items.filter((item) => item.t_sent_ns !== null && item.e2e_ms !== null);
  if (sent.length === 0) return null;
  const origin_ns = sent.map((item) => item.t_sent_ns!).reduce((a, b) => Math.min(a, b));
  const spans = sent.map((item): Span => {
    const start_s = (item.t_sent_ns! - origin_ns) / NS_PER_S;
    return { start_s, end_s: start_s + item.e2e_ms! / 1000, good: item.success };
  }).sort((a, b) => a.start_s - b.start_s);
  const end_s = spans.map((span) => span.end_s).reduce((a, b) => Math.max(a, b));
  const panels = hostPanels(sessions, origin_ns, end_s);
  const bars = spans.length <= MOST_BARS ? laned(spans) : null;
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
      bars ? barSeries(bars.bars) : inFlightSeries(spans),
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

/** Gives each request the lowest lane that is free when it starts. */
function laned(spans: Span[]): { lanes: number; bars: [Span, number][] } {
  const freeAt_s: number[] = [];
  const bars = spans.map((span): [Span, number] => {
    let lane = freeAt_s.findIndex((free_s) => free_s <= span.start_s);
    if (lane < 0) lane = freeAt_s.length;
    freeAt_s[lane] = span.end_s;
    return [span, lane];
  });
  return { lanes: freeAt_s.length, bars };
}

type ChartSeries = Extract<ChartOption["series"], unknown[]>[number];

function barSeries(bars: [Span, number][]): ChartSeries {
  return {
    type: "custom",
    data: bars.map(([span, lane]) => [span.start_s, span.end_s, lane, span.good ? 1 : 0]),
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

function inFlightSeries(spans: Span[]): ChartSeries {
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
