/** Panels one below the other on one axis of time. */
import { axisLook, type ChartOption, type ChartSeries } from "./chart.ts";
import { timeLabel, timeStep } from "./scales.ts";
import { onAxis, type TimeAxis } from "./time_axis.ts";
import type { HostPanel, Points } from "./host_panels.ts";

/** The height of a panel of lines. */
const LINES_HEIGHT = 72;
/** Room on the left for the figures of the axes. */
const LEFT = 40;
/** Room above a panel for its title. */
const TITLE_HEIGHT = 30;

type YAxis = Extract<ChartOption["yAxis"], unknown[]>[number];

/** A panel: its height, its vertical axis, and its series, whose times are those of the axis. */
export interface StackedPanel {
  height: number;
  axis: YAxis;
  series: ChartSeries[];
}

/** What is in flight over time as an area, which lies on those before it. */
export function inFlightArea(colour: string, points: readonly [number, number][]): ChartSeries {
  return {
    type: "line",
    stack: "in flight",
    symbol: "none",
    step: "middle",
    lineStyle: { width: 0 },
    areaStyle: { color: colour, opacity: 0.8 },
    data: [...points],
  };
}

/** What the vertical axis of every panel looks like; a title starts at the picture's left edge. */
export const panelLook = {
  ...axisLook,
  nameTextStyle: {
    align: "left" as const,
    padding: [0, 0, 0, -LEFT],
    color: "var(--ink)",
    fontSize: 11,
  },
  nameGap: 10,
  axisTick: { show: false },
};

/** The picture of all panels at a width. */
export function panelStack(
  width: number,
  panels: readonly StackedPanel[],
  { length_s }: TimeAxis,
): { height: number; option: ChartOption } {
  const heights = panels.map(({ height }) => height);
  const tops = heights.map((_, i) =>
    heights.slice(0, i).reduce((sum, each) => sum + each, 0) + (i + 1) * TITLE_HEIGHT
  );
  const last = heights.length - 1;
  const step_s = timeStep(length_s, Math.floor(width / 75));
  return {
    height: tops[last] + heights[last] + 28,
    option: {
      grid: heights.map((height, i) => ({ left: LEFT, right: 12, top: tops[i], height })),
      xAxis: heights.map((_, i) => ({
        ...axisLook,
        gridIndex: i,
        type: "value",
        min: 0,
        max: length_s,
        interval: step_s,
        axisTick: { ...axisLook.axisTick, show: i === last },
        axisLabel: {
          ...axisLook.axisLabel,
          show: i === last,
          showMaxLabel: false,
          formatter: (at_s: number) => timeLabel(at_s, step_s),
        },
      })),
      yAxis: panels.map(({ axis }, gridIndex) => ({ ...axis, gridIndex }) as YAxis),
      series: panels.flatMap(({ series }, i) =>
        series.map((each) => ({ ...each, xAxisIndex: i, yAxisIndex: i }) as ChartSeries)
      ),
    },
  };
}

/** A panel of lines; where there are several, its title names them in their colours. */
export function linePanel({ title, max, lines }: HostPanel, axis: TimeAxis): StackedPanel {
  return {
    height: LINES_HEIGHT,
    axis: {
      ...panelLook,
      ...panelTitle(title, lines.length > 1 ? lines : []),
      type: "value",
      min: 0,
      max,
      splitNumber: 2,
    },
    series: lines.map((line): ChartSeries => ({
      type: "line",
      symbol: "none",
      lineStyle: { color: line.colour, width: 1.4 },
      data: placed(line.points, axis),
    })),
  };
}

/** An axis's name: the title, and names in their colours after it. */
export function panelTitle(title: string, names: readonly { name: string; colour: string }[]) {
  const rich = Object.fromEntries(
    names.map((
      { colour },
      i,
    ) => [`l${i}`, { color: colour, fontSize: 11, padding: [0, 0, 0, 16] }]),
  );
  return {
    name: [
      names.length ? `${title}\u2003` : title,
      ...names.map(({ name }, i) => `{l${i}|${name}}`),
    ].join(""),
    nameTextStyle: { ...panelLook.nameTextStyle, rich },
  };
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
