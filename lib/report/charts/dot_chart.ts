/** Dots with whiskers, one per row, in panels above each other. */
import { grouped } from "../../text/grouped.ts";
import { axisLook, type ChartOption, type ChartSeries, type Drawing } from "./chart.ts";
import { cutText, visibleText } from "../html.ts";
import type { Estimate } from "../../stats/interval.ts";

/** The value of a dot; without an interval it has no whiskers. */
export interface Dot {
  value: number;
  interval: Pick<Estimate, "low" | "high"> | null;
  /** The name of a CSS variable, without its dashes. */
  colour: string;
}

export interface DotRow {
  label: string;
  dots: readonly Dot[];
}

export interface Panel {
  title: string;
  rows: readonly DotRow[];
}

export interface DotChart {
  panels: readonly Panel[];
  /** Name of the value axis, with its unit. */
  axis: string;
  /** The position of a vertical line; with one, the axis need not begin at 0. */
  reference?: number;
}

const DOT_PX = 16;
const ROW_GAP_PX = 14;
const TITLE_PX = 30;
const AXIS_PX = 48;
const LETTER_PX = 6.6;

/** The drawing of a chart, for use with chartFigure and chartText. */
export function dotDrawing({ panels, axis, reference }: DotChart): Drawing {
  return (width) => {
    const labels = panels.flatMap(({ rows }) => rows.map(({ label }) => label));
    const most = width > 600 ? 28 : 15;
    const longest = Math.max(...labels.map((label) => Math.min(label.length, most + 1)));
    const left = Math.ceil(longest * LETTER_PX) + 18;
    const [low, high] = extent(panels, reference);
    const grids: object[] = [], xAxes: object[] = [], yAxes: object[] = [];
    const series: ChartSeries[] = [];
    const titles: object[] = [];
    let top = 0;
    panels.forEach((panel, i) => {
      const rowPx = Math.max(...panel.rows.map(({ dots }) => dots.length)) * DOT_PX + ROW_GAP_PX;
      const height = panel.rows.length * rowPx;
      titles.push({ text: panel.title, left: 0, top: top + 4, textStyle: titleStyle });
      grids.push({ left, right: 22, top: top + TITLE_PX, height });
      const last = i === panels.length - 1;
      xAxes.push(valueAxis(i, low, high, width, last ? axis : ""));
      yAxes.push(rowAxis(i, panel.rows.map(({ label }) => cutLabel(label, most))));
      series.push(...panelSeries(panel, i, rowPx, [low, high], reference));
      top += TITLE_PX + height + (last ? AXIS_PX : AXIS_PX - 18);
    });
    const option = { title: titles, grid: grids, xAxis: xAxes, yAxis: yAxes, series };
    return { height: top, option: option as ChartOption };
  };
}

const titleStyle = { fontSize: 13, fontWeight: 600, color: "var(--ink)" };

function cutLabel(text: string, most: number): string {
  const label = visibleText(text);
  return label.length > most ? `${label.slice(0, most)}…` : label;
}

/**
 * From 0 to slightly above all values; if there is a reference, the range around it. Whiskers of very few
 * values may be far longer than the rest of the chart: they are cut off at three times the largest value.
 */
function extent(panels: readonly Panel[], reference?: number): [number, number] {
  const dots = panels.flatMap(({ rows }) => rows.flatMap(({ dots }) => dots));
  const largest = Math.max(...dots.map(({ value }) => value), reference ?? 0);
  const values = dots.flatMap(({ value, interval }) => [
    value,
    interval?.low ?? value,
    Math.min(interval?.high ?? value, Math.max(value, 3 * largest)),
  ]);
  const high = Math.max(...values, reference ?? 0);
  if (reference === undefined) return [0, high > 0 ? high * 1.05 : 1];
  const low = Math.min(...values, reference);
  const room = Math.max((high - low) * 0.08, 0.02 * reference);
  return [low - room, high + room];
}

/** A value with at most four significant digits. */
function fourDigits(value: number): string {
  const short = Number(value.toPrecision(4));
  return Number.isInteger(short) ? grouped(short) : String(short);
}

function valueAxis(gridIndex: number, low: number, high: number, width: number, name: string) {
  return {
    ...axisLook,
    type: "value",
    gridIndex,
    min: low,
    max: high,
    splitNumber: width > 600 ? 8 : 4,
    name,
    nameLocation: "middle",
    nameGap: 28,
    axisLine: { ...axisLook.axisLine, onZero: false },
    axisLabel: {
      ...axisLook.axisLabel,
      showMinLabel: low === 0,
      showMaxLabel: false,
      hideOverlap: true,
      formatter: fourDigits,
    },
  };
}

function rowAxis(gridIndex: number, labels: readonly string[]) {
  const customValues = labels.map((_, i) => i);
  return {
    type: "value",
    gridIndex,
    inverse: true,
    min: -0.5,
    max: labels.length - 0.5,
    axisLine: { ...axisLook.axisLine, onZero: false },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: {
      ...axisLook.axisLabel,
      color: "var(--ink)",
      customValues,
      formatter: (value: number) => labels[value] ?? "",
    },
  };
}

/** The whiskers, then the dots above them; both at their height in the row. */
function panelSeries(
  { rows }: Panel,
  index: number,
  rowPx: number,
  [least, most]: [number, number],
  reference?: number,
): ChartSeries[] {
  const places = rows.flatMap(({ dots }, row) =>
    dots.map((dot, i) => ({ dot, y: row + (i - (dots.length - 1) / 2) * DOT_PX / rowPx }))
  );
  const axes = { xAxisIndex: index, yAxisIndex: index, silent: true, animation: false };
  const whiskers = places.flatMap(({ dot: { interval, colour }, y }) =>
    interval
      ? [{
        lineStyle: { color: `var(--${colour})`, width: 1.8, type: "solid" },
        low: [Math.max(least, interval.low), y],
        high: [Math.min(most, interval.high), y],
      }]
      : []
  );
  const lines = whiskers.map(({ low, high, lineStyle }) => [
    { coord: low, lineStyle, symbol: "none" },
    { coord: high, symbol: "none" },
  ]);
  const line = reference === undefined ? [] : [{
    xAxis: reference,
    lineStyle: { color: "var(--soft)", type: "dashed", width: 1 },
  }];
  return [{
    type: "scatter",
    ...axes,
    symbolSize: 9,
    z: 6, // above the whiskers
    data: places.map(({ dot: { value, colour }, y }) => ({
      value: [value, y],
      itemStyle: { color: `var(--${colour})`, opacity: 1 },
    })),
    markLine: {
      silent: true,
      symbol: "none",
      animation: false,
      label: { show: false },
      data: [...line, ...lines],
    },
  }] as ChartSeries[];
}

/** A name for an aria-label: shortened, without HTML. */
export function plainLabel(text: string): string {
  return cutText(visibleText(text).replace(/[&<>"']/g, ""), 120);
}
