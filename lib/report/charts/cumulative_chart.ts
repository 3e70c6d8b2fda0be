/** Cumulative distributions: the share of values up to a time. */
import { axisLook, chartFigure, type ChartOption, type Drawing } from "./chart.ts";
import { durationLabel, logTicks } from "./scales.ts";

const MOST_POINTS = 500;
/** If the ratio of the largest to the smallest value is at least this, the axis is logarithmic. */
const LOG_FROM = 10;

/** A curve: its CSS colour and its values in ms, ascending. */
export interface Curve {
  colour: string;
  sorted: Float64Array;
  dashed?: boolean;
}

/**
 * The curves with more than one value, as a figure; null if there are none.
 *
 * @param label is read out instead of the chart.
 */
export function cumulativeChart(all: readonly Curve[], label: string): Promise<string> | null {
  const draw = cumulativeDrawing(all);
  return draw && chartFigure(draw, label);
}

/** The curves with more than one value; null if there are none. */
export function cumulativeDrawing(all: readonly Curve[]): Drawing | null {
  const curves = all.filter(({ sorted }) => sorted.length > 1);
  if (curves.length === 0) return null;
  const low = Math.min(...curves.map(({ sorted }) => sorted[0]));
  const high = Math.max(...curves.map(({ sorted }) => sorted[sorted.length - 1]));
  return (width) => ({
    height: width > 600 ? 280 : 240,
    option: {
      grid: { left: 44, right: 16, top: 14, bottom: 30 },
      xAxis: timeAxisOption(low, high, width),
      yAxis: {
        ...axisLook,
        type: "value",
        min: 0,
        max: 100,
        interval: 25,
        axisLabel: { ...axisLook.axisLabel, formatter: "{value} %" },
      },
      series: curves.map(({ colour, sorted, dashed }) => ({
        type: "line",
        step: "end",
        symbol: "none",
        lineStyle: { color: colour, width: 2, type: dashed ? "dashed" : "solid" },
        data: cumulative(sorted, low, high),
      })),
    },
  });
}

function timeAxisOption(low: number, high: number, width: number): ChartOption["xAxis"] {
  const most = Math.floor(width / 70);
  const axisLabel = { ...axisLook.axisLabel, formatter: durationLabel, hideOverlap: true };
  if (low <= 0 || high / low < LOG_FROM) {
    return { ...axisLook, axisLabel, type: "value", min: 0, splitNumber: Math.min(most, 8) };
  }
  const all = logTicks(low, high);
  const tens = all.filter((tick) => Number.isInteger(Math.log10(tick)));
  const customValues = all.length <= most || tens.length < 2 ? all : tens;
  return {
    ...axisLook,
    type: "log",
    min: low,
    max: high,
    axisLabel: { ...axisLabel, customValues },
    axisTick: { ...axisLook.axisTick, customValues },
  };
}

/** Points of the curve, from one end of the axis to the other. */
function cumulative(sorted: Float64Array, low: number, high: number): [number, number][] {
  const step = Math.max(1, Math.ceil(sorted.length / MOST_POINTS));
  const points: [number, number][] = [[low, 0]];
  for (let i = step - 1; i < sorted.length; i += step) {
    points.push([sorted[i], 100 * (i + 1) / sorted.length]);
  }
  points.push([sorted[sorted.length - 1], 100], [high, 100]);
  return points;
}
