/** Panels below each other, with one shared time axis. */
import { axisLook, type ChartOption, type ChartSeries } from "./chart.ts";
import { timeLabel, timeStep } from "./scales.ts";
import { onAxis, type TimeAxis } from "./time_axis.ts";
import type { HostPanel, Points } from "./host_panels.ts";

/** The height of a panel of lines. */
const LINES_HEIGHT = 72;
/** Room on the left for the figures of the axes. */
const LEFT = 40;
/** Room above a panel for its title, and for each further row of the title. */
const TITLE_HEIGHT = 30;
const ROW_HEIGHT = 14;
/** Average width of a title's letter; and the room before each name. */
const LETTER_WIDTH = 6;
const NAME_GAP = 16;

type YAxis = Extract<ChartOption["yAxis"], unknown[]>[number];

/** A panel: its height, its vertical axis, and its series, with times on the shared axis. */
export interface StackedPanel {
  height: number;
  /** The heading above it, if the axis does not name it. */
  head?: PanelHead;
  axis: YAxis;
  series: ChartSeries[];
}

/** A title, and names with their colours. */
export interface PanelHead {
  title: string;
  names: readonly { name: string; colour: string }[];
}

/** The number in flight over time as an area, stacked on the previous ones. */
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

/** The style of every panel's vertical axis; a title starts at the left edge of the picture. */
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

/** The picture of all panels, at a given width. */
export function panelStack(
  width: number,
  panels: readonly StackedPanel[],
  { length_s }: TimeAxis,
): { height: number; option: ChartOption } {
  const heights = panels.map(({ height }) => height);
  const heads = panels.map(({ head }) => head && panelTitle(head, width));
  let bottom = 0;
  const tops = panels.map(({ height }, i) => {
    const top = bottom + TITLE_HEIGHT + ((heads[i]?.rows ?? 1) - 1) * ROW_HEIGHT;
    bottom = top + height;
    return top;
  });
  const last = heights.length - 1;
  const step_s = timeStep(length_s, Math.floor(width / 75));
  return {
    height: tops[last] + heights[last] + 28,
    option: {
      grid: heights.map((height, i) => ({
        left: LEFT,
        right: 12,
        top: tops[i],
        height,
        outerBoundsMode: "none", // one time axis for all panels, however long their titles are
      })),
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
      yAxis: panels.map(({ axis }, gridIndex) =>
        ({ ...axis, ...heads[gridIndex]?.axis, gridIndex }) as YAxis
      ),
      series: panels.flatMap(({ series }, i) =>
        series.map((each) => ({ ...each, xAxisIndex: i, yAxisIndex: i }) as ChartSeries)
      ),
    },
  };
}

/** A panel of lines; if there are several, its title names them in their colours. */
export function linePanel({ title, max, lines }: HostPanel, axis: TimeAxis): StackedPanel {
  return {
    height: LINES_HEIGHT,
    head: { title, names: lines.length > 1 ? lines : [] },
    axis: {
      ...panelLook,
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

/**
 * The name of an axis: the title, followed by the names in their colours, in as many rows as
 * needed.
 */
export function panelTitle({ title, names }: PanelHead, room: number) {
  const rich = Object.fromEntries(
    names.map(({ colour }, i) => [
      `l${i}`,
      { color: colour, fontSize: 11, padding: [0, 0, 0, NAME_GAP] },
    ]),
  );
  let name = names.length > 0 ? `${title}\u2003` : title;
  let used = name.length * LETTER_WIDTH, rows = 1;
  for (const [i, { name: each }] of names.entries()) {
    const needed = NAME_GAP + each.length * LETTER_WIDTH;
    if (used + needed > room) {
      name += "\n";
      rows++;
      used = 0;
    }
    name += `{l${i}|${each}}`;
    used += needed;
  }
  const lineHeight = rows > 1 ? { lineHeight: ROW_HEIGHT } : {};
  const nameTextStyle = { ...panelLook.nameTextStyle, rich, ...lineHeight };
  return { rows, axis: { name, nameTextStyle } };
}

/** Points on the axis, with a gap in the line where a pause is left out. */
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
