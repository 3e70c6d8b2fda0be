/** Requests over time, with the host's samples on the same clock below them. */
import { axisLook, chartFigure } from "./chart.ts";
import { hostPanels } from "./host_panels.ts";
import { cutText, escapeHtml } from "./html.ts";
import { requestPicture } from "./request_series.ts";
import { durationLabel, timeLabel, timeStep } from "./scales.ts";
import { requestSpans } from "./spans.ts";
import { onAxis, timeAxis } from "./time_axis.ts";
import type { Series as HostSeries } from "../hardware/series.ts";
import type { ResultItem } from "../suite/results.ts";
import type { ChartOption, ChartSeries } from "./chart.ts";
import type { Panel, Points } from "./host_panels.ts";
import type { Legend, RequestPicture } from "./request_series.ts";
import type { TimeAxis } from "./time_axis.ts";

const PANEL_HEIGHT = 72;
/** Room on the left for the figures of the axes. */
const LEFT = 40;
/** Room above a panel for its title. */
const TITLE_HEIGHT = 30;

/** The picture with its legend; null without a request that was sent. */
export async function timelineChart(
  items: readonly ResultItem[],
  sessions: readonly HostSeries[],
): Promise<string | null> {
  const { spans, origin_ns } = requestSpans(items);
  if (spans.length === 0) return null;
  const axis = timeAxis(spans);
  const panels = hostPanels(sessions, origin_ns, axis.stretches);
  const picture = requestPicture(spans, axis);
  const draw = (width: number) => timelineOption(width, picture, panels, axis);
  const label = ["requests", ...panels.map(({ title }) => title)].join("; ");
  const figure = await chartFigure(draw, `Over time: ${label}`);
  return `${legendList(picture.legend)}${figure}<p class="note">${picture.note}${
    pauseNote(axis)
  }</p>`;
}

function legendList(legend: readonly Legend[]): string {
  const entries = legend.map(({ name, colour }) =>
    `<li dir="auto"><i class="key" style="background:${colour}"></i>${
      escapeHtml(cutText(name, 40))
    }</li>`
  );
  return `<ul class="legend">${entries.join("")}</ul>`;
}

function pauseNote({ stretches }: TimeAxis): string {
  const pauses = stretches.slice(1).map(({ start_s }, i) =>
    durationLabel((start_s - stretches[i].end_s) * 1000)
  );
  if (pauses.length === 0) return "";
  return ` Dashed lines: pauses that are left out (${pauses.slice(0, 10).join(", ")}${
    pauses.length > 10 ? ", …" : ""
  }).`;
}

function timelineOption(
  width: number,
  picture: RequestPicture,
  panels: readonly Panel[],
  axis: TimeAxis,
): { height: number; option: ChartOption } {
  const heights = [picture.height, ...panels.map(() => PANEL_HEIGHT)];
  const tops = heights.map((_, i) =>
    heights.slice(0, i).reduce((sum, each) => sum + each, 0) + (i + 1) * TITLE_HEIGHT
  );
  const last = heights.length - 1;
  const step_s = timeStep(axis.length_s, Math.floor(width / 75));
  return {
    height: tops[last] + heights[last] + 28,
    option: {
      grid: heights.map((height, i) => ({ left: LEFT, right: 12, top: tops[i], height })),
      xAxis: heights.map((_, i) => ({
        ...axisLook,
        gridIndex: i,
        type: "value",
        min: 0,
        max: axis.length_s,
        interval: step_s,
        axisTick: { ...axisLook.axisTick, show: i === last },
        axisLabel: {
          ...axisLook.axisLabel,
          show: i === last,
          showMaxLabel: false,
          formatter: (at_s: number) => timeLabel(at_s, step_s),
        },
      })),
      yAxis: [requestAxis(picture), ...panels.map((panel, i) => panelAxis(panel, i + 1))],
      series: [
        ...withPauses(picture.series, axis),
        ...panels.flatMap((panel, i) => panelLines(panel, i + 1, axis)),
      ],
    },
  };
}

type YAxis = Extract<ChartOption["yAxis"], unknown[]>[number];

/** A panel's title starts at the picture's left edge. */
const TITLE = {
  align: "left" as const,
  padding: [0, 0, 0, -LEFT],
  color: "var(--ink)",
  fontSize: 11,
};

function requestAxis({ title, lanes }: RequestPicture): YAxis {
  const counted = lanes === null;
  return {
    ...axisLook,
    type: "value",
    gridIndex: 0,
    min: 0,
    max: lanes ?? undefined,
    minInterval: 1,
    splitNumber: 3,
    name: title,
    nameTextStyle: TITLE,
    nameGap: 10,
    axisLabel: { ...axisLook.axisLabel, show: counted },
    axisTick: { show: false },
    splitLine: { ...axisLook.splitLine, show: counted },
  };
}

/** Where a panel has several lines, its title names them in their colours. */
function panelAxis({ title, max, lines }: Panel, gridIndex: number): YAxis {
  const names = lines.length > 1 ? lines.map(({ name }, i) => `{l${i}|${name}}`) : [];
  const rich = Object.fromEntries(
    lines.map((
      { colour },
      i,
    ) => [`l${i}`, { color: colour, fontSize: 11, padding: [0, 0, 0, 16] }]),
  );
  return {
    ...axisLook,
    type: "value",
    gridIndex,
    min: 0,
    max,
    splitNumber: 2,
    name: [title, ...names].join(""),
    nameTextStyle: { ...TITLE, rich },
    nameGap: 10,
    axisTick: { show: false },
  };
}

function panelLines({ lines }: Panel, index: number, axis: TimeAxis): ChartSeries[] {
  return lines.map((line): ChartSeries => ({
    type: "line",
    xAxisIndex: index,
    yAxisIndex: index,
    symbol: "none",
    lineStyle: { color: line.colour, width: 1.4 },
    data: placed(line.points, axis),
  }));
}

/** Points on the axis, with a break in the line where a pause is left out. */
function placed(points: Points, axis: TimeAxis): [number, number | null][] {
  let stretch = 0;
  return points.flatMap(([at_s, value]) => {
    const here = axis.stretches.findLastIndex(({ start_s }) => start_s <= at_s);
    const broken = here !== stretch;
    stretch = here;
    const point: [number, number] = [onAxis(axis, at_s), value];
    return broken ? [[point[0], null], point] : [point];
  });
}

/** Adds a dashed line for each pause. */
function withPauses(series: ChartSeries[], { stretches }: TimeAxis): ChartSeries[] {
  const pauses = stretches.slice(1).map(({ at_s }) => ({ xAxis: at_s }));
  if (pauses.length === 0) return series;
  const markLine = {
    symbol: "none",
    label: { show: false },
    lineStyle: { color: "var(--ink)", type: "dashed" as const, width: 1 },
    data: pauses,
  };
  return [...series, { type: "line", data: [], markLine }];
}
