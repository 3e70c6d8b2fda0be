/** The load curve: throughput and latencies of the stages over their load. */
import { axisLook, type ChartOption, type ChartSeries, valueScale } from "../charts/chart.ts";
import { isPareto } from "../../load/levels.ts";
import { panelTitle } from "../charts/panel_stack.ts";
import { headingOf } from "../../measures/describe.ts";
import type { LoadResults, Metric, StageResults } from "../../load/results.ts";
import type { Estimate } from "../../stats/interval.ts";
import type { Plot } from "../charts/plot.ts";

const PANEL_HEIGHT = 190;
const TITLE_HEIGHT = 34;
const AXIS_HEIGHT = 44;
const LEFT = 48;
const RIGHT = 22;

/** A stage in a panel: its position, its value, and the value's 95 % interval if there is one. */
interface Point {
  x: number;
  y: number;
  interval: Estimate | null;
}

interface Line {
  name: string;
  colour: string;
  points: Point[];
  dashed?: boolean;
  /** Its points also belong to another line, so they are drawn bigger and without a name. */
  bare?: boolean;
}

interface CurvePanel {
  title: string;
  x: string;
  lines: Line[];
  /** Its scale may be logarithmic, unlike throughput's. */
  latency?: boolean;
  /** Points show the name of their stage, because the horizontal axis is not the load. */
  named?: boolean;
}

const CAPTION = "a dot is a stage; bars are 95 % intervals";

/** The curve, for at least two stages; null for fewer. */
export function loadCurvePlot(
  { stages, slos }: Pick<LoadResults, "stages" | "slos">,
): Plot | null {
  if (stages.length < 2) return null;
  const panels = curvePanels(stages, slos.length > 0)
    .filter(({ lines }) => lines.some(({ points }) => points.length > 1));
  if (panels.length === 0) return null;
  const label = panels.map(({ title }) => title).join("; ");
  const draw = (width: number) => curveOption(width, panels);
  return { draw, label: `By stage: ${label}`, legend: [], note: "", caption: CAPTION };
}

/**
 * The curve of several loads, each drawn as a stage, from the smallest to the largest load; null
 * for fewer than two.
 */
export function levelsCurvePlot(runs: readonly LoadResults[]): Plot | null {
  const stages = runs.map(({ total }) => total);
  const load = (stage: StageResults) => stage.requested_rate_per_s ?? stage.concurrency.mean;
  return loadCurvePlot({
    stages: stages.toSorted((a, b) => load(a) - load(b)),
    slos: runs[0]?.slos ?? [],
  });
}

function curvePanels(stages: readonly StageResults[], goodput: boolean): CurvePanel[] {
  const open = stages.every((stage) => stage.requested_rate_per_s !== null);
  const load = (stage: StageResults) => open ? stage.requested_rate_per_s! : stage.concurrency.mean;
  const x = open ? "wanted requests/s" : "requests in flight, mean";
  const answered = stages.filter(({ requests }) => requests.successful > 0);
  const quantiles = (name: "ttft_ms" | "gap_ms"): Line[] => [
    { name: "p50", colour: "var(--c1)", points: metricPoints(stages, load, name, "p50") },
    { name: "p99", colour: "var(--c2)", points: metricPoints(stages, load, name, "p99") },
  ];
  const plain = (value: (stage: StageResults) => number | null | undefined): Point[] =>
    ordered(answered.flatMap((stage) => {
      const y = value(stage);
      return y === undefined || y === null ? [] : [{ x: load(stage), y, interval: null }];
    }));
  const throughput: Line[] = [{
    name: "all",
    colour: "var(--c1)",
    points: plain((stage) => stage.output_tokens_per_s),
  }];
  if (goodput) {
    throughput.push({
      name: "within the SLOs",
      colour: "var(--c3)",
      dashed: true, // it may cover the other line
      points: plain((stage) => stage.goodput?.output_tokens_per_s),
    });
  }
  return [
    { title: headingOf("output_tokens_per_s"), x, lines: throughput },
    { title: headingOf("ttft_ms"), x, latency: true, lines: quantiles("ttft_ms") },
    { title: headingOf("gap_ms"), x, latency: true, lines: quantiles("gap_ms") },
    {
      title: "output tokens/s over tokens/s a user",
      x: "tokens/s a user, median",
      named: true,
      lines: [
        { name: "stages", colour: "var(--c1)", points: perUser(stages) },
        { name: "Pareto", colour: "var(--c3)", points: pareto(perUser(stages)), bare: true },
      ],
    },
    {
      title: "e2e, ms over requests/s",
      x: "answered requests/s",
      latency: true,
      lines: [
        { name: "p50", colour: "var(--c1)", points: overThroughput(stages, "p50") },
        { name: "p99", colour: "var(--c2)", points: overThroughput(stages, "p99") },
      ],
    },
  ];
}

function metricPoints(
  stages: readonly StageResults[],
  load: (stage: StageResults) => number,
  name: "ttft_ms" | "gap_ms",
  quantile: "p50" | "p99",
): Point[] {
  return ordered(stages.flatMap((stage) => {
    const metric: Metric | null = stage.metrics[name];
    return metric
      ? [{ x: load(stage), y: metric[quantile], interval: metric.intervals[quantile] }]
      : [];
  }));
}

/** Points in the order of the stages, in which the line connects them. */
function perUser(stages: readonly StageResults[]): Point[] {
  return stages.flatMap(({ metrics, output_tokens_per_s }) => {
    const speed = metrics.tokens_per_s_per_user;
    return speed && output_tokens_per_s !== null
      ? [{ x: speed.p50, y: output_tokens_per_s, interval: null }]
      : [];
  });
}

/** The points on the Pareto front, from left to right. */
function pareto(points: readonly Point[]): Point[] {
  const speeds = points.map(({ x, y }) => ({ tokens_per_s_per_user: x, output_tokens_per_s: y }));
  return ordered(points.filter((_, i) => isPareto(speeds[i], speeds)));
}

/**
 * Latency over throughput, in the order of the stages: where the curve turns back, the capacity is
 * exceeded.
 */
function overThroughput(stages: readonly StageResults[], quantile: "p50" | "p99"): Point[] {
  return stages.flatMap(({ metrics: { e2e_ms }, requests_per_s }) =>
    e2e_ms && requests_per_s !== null
      ? [{ x: requests_per_s, y: e2e_ms[quantile], interval: e2e_ms.intervals[quantile] }]
      : []
  );
}

function ordered(points: Point[]): Point[] {
  return points.toSorted((a, b) => a.x - b.x);
}

function curveOption(
  width: number,
  panels: readonly CurvePanel[],
): { height: number; option: ChartOption } {
  const columns = width > 600 ? 2 : 1;
  const rows = Math.ceil(panels.length / columns);
  const rowHeight = TITLE_HEIGHT + PANEL_HEIGHT + AXIS_HEIGHT;
  const panelWidth = width / columns - LEFT - RIGHT;
  return {
    height: rows * rowHeight,
    option: {
      grid: panels.map((_, i) => ({
        left: LEFT + (i % columns) * (width / columns),
        top: TITLE_HEIGHT + Math.floor(i / columns) * rowHeight,
        width: panelWidth,
        height: PANEL_HEIGHT,
        outerBoundsMode: "none",
      })),
      xAxis: panels.map(({ x, named }, gridIndex) => ({
        ...axisLook,
        type: "value",
        gridIndex,
        ...(named ? { scale: true } : { min: 0 }), // dots with names need space between them
        name: x,
        nameLocation: "middle",
        nameGap: 26,
        splitNumber: 5,
        splitLine: { show: false },
      })),
      yAxis: panels.map(({ title, lines, latency }, gridIndex) => ({
        ...axisLook,
        ...panelHead(title, lines),
        ...valueScale(latency ? lines.flatMap(({ points }) => points.flatMap(extent)) : []),
        gridIndex,
      })),
      series: panels.flatMap((panel, i) =>
        panel.lines.flatMap((line) =>
          lineSeries(line, panel.named === true && !line.bare).map((series) =>
            ({ ...series, xAxisIndex: i, yAxisIndex: i }) as ChartSeries
          )
        )
      ),
    },
  };
}

/** The values that the scale must include for a point: its value and its interval. */
function extent({ y, interval }: Point): number[] {
  return interval ? [interval.low, y, interval.high] : [y];
}

function panelHead(title: string, lines: readonly Line[]) {
  const { axis } = panelTitle({ title, names: lines.length > 1 ? lines : [] }, Infinity);
  const nameTextStyle = { ...axis.nameTextStyle, padding: [0, 0, 0, -LEFT], fontSize: 12 };
  return { ...axis, nameTextStyle, nameGap: 12 };
}

/** A line through the points, and a bar for each interval. */
function lineSeries({ colour, points, dashed, bare }: Line, named: boolean): ChartSeries[] {
  const line: ChartSeries = {
    type: "line",
    symbol: "circle",
    symbolSize: bare ? 10 : 7,
    itemStyle: { color: colour },
    lineStyle: { color: colour, width: 1.8, type: dashed ? "dashed" : "solid" },
    data: points.map(({ x, y }, i) => ({
      value: [x, y],
      label: {
        show: named,
        formatter: String(i + 1),
        position: "top",
        color: "var(--ink)",
        fontSize: 11,
      },
    })),
  };
  const bars = points.flatMap(({ x, interval }) =>
    interval ? [[x, interval.low, interval.high]] : []
  );
  return bars.length ? [line, errorBars(bars, colour)] : [line];
}

function errorBars(data: number[][], colour: string): ChartSeries {
  return {
    type: "custom",
    data,
    encode: { x: 0, y: [1, 2] },
    renderItem: (_, api) => {
      const [x, low] = api.coord([api.value(0), api.value(1)]);
      const [, high] = api.coord([api.value(0), api.value(2)]);
      const stroke = (x1: number, y1: number, x2: number, y2: number) => ({
        type: "line" as const,
        shape: { x1, y1, x2, y2 },
        style: { stroke: colour, lineWidth: 1.4 },
      });
      return {
        type: "group",
        children: [
          stroke(x, low, x, high),
          stroke(x - 4, low, x + 4, low),
          stroke(x - 4, high, x + 4, high),
        ],
      };
    },
  };
}
