/** The load curve: throughput and latencies of the stages over their load. */
import { axisLook, type ChartOption, type ChartSeries, valueScale } from "../charts/chart.ts";
import { isPareto } from "../../load/levels.ts";
import { panelTitle } from "../charts/panel_stack.ts";
import { headingOf } from "../../measures/describe.ts";
import type { LoadResults, Metric, StageResults } from "../../load/results.ts";
import type { Slo } from "../../load/slo.ts";
import type { Statement } from "../../load/statement.ts";
import { mean } from "../../stats/quantile.ts";
import type { Estimate } from "../../stats/interval.ts";
import type { Plot } from "../charts/plot.ts";

const PANEL_HEIGHT = 190;
const TITLE_HEIGHT = 34;
const AXIS_HEIGHT = 44;
const LEFT = 48;
const RIGHT = 22;

/**
 * A level: a stage of a load, or the runs of a load at one concurrency or rate, of whose figures it
 * has the means.
 */
interface Level {
  name: string;
  runs: readonly StageResults[];
}

/** A level in a panel: its position, its value, and the value's 95 % interval if there is one. */
interface Point {
  name: string;
  x: number;
  y: number;
  interval: Estimate | null;
}

/** The latencies that have a panel. */
const LATENCIES = ["ttft_ms", "gap_ms", "e2e_ms"] as const;

/** A limit on a latency, which its panel shows. */
interface Limit {
  metric: typeof LATENCIES[number];
  /** Null for a limit on each request. */
  quantile: Quantile | null;
  limit_ms: number;
}

const QUANTILES = ["p50", "p90", "p95", "p99"] as const;
type Quantile = typeof QUANTILES[number];

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
  /** Points show the name of their level, because the horizontal axis is not the load. */
  named?: boolean;
  limits_ms?: number[];
}

const CAPTION = "a dot is a stage; bars are 95 % intervals";
const LEVELS_CAPTION =
  "a dot is a level, the mean of its runs; bars are 95 % intervals of a single run";

/** The curve, for at least two stages; null for fewer. */
export function loadCurvePlot(
  { stages, slos }: Pick<LoadResults, "stages" | "slos">,
): Plot | null {
  const levels = stages.map((stage, i) => ({ name: String(i + 1), runs: [stage] }));
  return curvePlot(levels, slos.length > 0, [], "stage", CAPTION);
}

/**
 * The curve of several loads, from the smallest to the largest; null for fewer than two. Runs whose
 * stages have the same names are of one level. It shows the limits of objectives on quantiles.
 */
export function levelsCurvePlot(runs: readonly LoadResults[]): Plot | null {
  const name = ({ name }: StageResults) => name;
  const found = Map.groupBy(runs, ({ stages }) => stages.map(name).join("; "));
  const load = (stage: StageResults) => stage.requested_rate_per_s ?? stage.concurrency.mean;
  const levels = [...found.values()]
    .map((of) => ({
      name: of[0].stages.map(name).map((each) => each.replace(/,.*/, "")).join(", "),
      runs: of.map(({ total }) => total),
    }))
    .sort((a, b) => load(a.runs[0]) - load(b.runs[0]));
  const { slos = [], statements = [] } = runs[0] ?? {};
  const limits = [
    ...statements.flatMap((statement) => limitOfQuantile(statement) ?? []),
    ...slos.flatMap((slo) => limitOfEach(slo) ?? []),
  ];
  return curvePlot(levels, slos.length > 0, limits, "level", LEVELS_CAPTION);
}

/** The limit of an objective on a quantile of a latency that has a panel; null for any other. */
function limitOfQuantile({ measure, quantile, limit_ms }: Statement): Limit | null {
  const metric = LATENCIES.find((name) => name === measure);
  const drawn = QUANTILES.find((name) => Number(name.slice(1)) / 100 === quantile);
  return metric && drawn ? { metric, quantile: drawn, limit_ms } : null;
}

function limitOfEach({ metric, limit_ms }: Slo): Limit | null {
  const found = LATENCIES.find((name) => name === `${metric}_ms`);
  return found ? { metric: found, quantile: null, limit_ms } : null;
}

function curvePlot(
  levels: readonly Level[],
  goodput: boolean,
  limits: readonly Limit[],
  noun: string,
  caption: string,
): Plot | null {
  if (levels.length < 2) return null;
  const panels = curvePanels(levels, goodput, limits)
    .filter(({ lines }) => lines.some(({ points }) => points.length > 1));
  if (panels.length === 0) return null;
  const label = panels.map(({ title }) => title).join("; ");
  const draw = (width: number) => curveOption(width, panels);
  return { draw, label: `By ${noun}: ${label}`, legend: [], note: "", caption };
}

const COLOURS = { p50: "var(--c1)", p90: "var(--c3)", p95: "var(--c3)", p99: "var(--c2)" };

function curvePanels(
  levels: readonly Level[],
  goodput: boolean,
  limits: readonly Limit[],
): CurvePanel[] {
  const open = levels.every(({ runs }) => runs[0].requested_rate_per_s !== null);
  const load = (stage: StageResults) => open ? stage.requested_rate_per_s : stage.concurrency.mean;
  const x = open ? "wanted requests/s" : "requests in flight, mean";
  const latency = (
    metric: Limit["metric"],
    title: string,
    xTitle: string,
    over: (stage: StageResults) => number | null,
  ): CurvePanel => {
    const asked = limits.filter((limit) => limit.metric === metric);
    const own = asked.flatMap(({ quantile }) => quantile ?? []);
    const names = QUANTILES.filter((name) =>
      name === "p50" || name === "p99" || own.includes(name)
    );
    const lines = names.map((name) => {
      const points = metricPoints(levels, over, metric, name);
      return { name, colour: COLOURS[name], points: xTitle === x ? ordered(points) : points };
    });
    return {
      title,
      x: xTitle,
      latency: true,
      lines,
      limits_ms: asked.map(({ limit_ms }) => limit_ms),
    };
  };
  const plain = (value: (stage: StageResults) => number | null | undefined): Point[] =>
    ordered(pointsOf(levels, load, (stage) => isAnswered(stage) ? value(stage) : null));
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
  const perUser = pointsOf(
    levels,
    ({ metrics }) => metrics.tokens_per_s_per_user?.p50,
    ({ output_tokens_per_s }) => output_tokens_per_s,
  );
  return [
    { title: headingOf("output_tokens_per_s"), x, lines: throughput },
    latency("ttft_ms", headingOf("ttft_ms"), x, load),
    latency("gap_ms", headingOf("gap_ms"), x, load),
    {
      title: "output tokens/s over tokens/s a user",
      x: "tokens/s a user, median",
      named: true,
      lines: [
        { name: "levels", colour: "var(--c1)", points: perUser },
        { name: "Pareto", colour: "var(--c3)", points: pareto(perUser), bare: true },
      ],
    },
    // in the order of the levels: where the curve turns back, the capacity is exceeded
    latency(
      "e2e_ms",
      "e2e, ms over requests/s",
      "answered requests/s",
      (stage) => stage.requests_per_s,
    ),
  ];
}

const isAnswered = ({ requests }: StageResults) => requests.successful > 0;

type Value = (stage: StageResults) => number | null | undefined;

/** The mean of a value over a level's runs; null where unknown. */
function meanOf({ runs }: Level, value: Value): number | null {
  const known = runs.flatMap((stage) => value(stage) ?? []);
  return known.length ? mean(known) : null;
}

/** Points in the order of the levels, in which the line connects them. */
function pointsOf(
  levels: readonly Level[],
  over: Value,
  value: Value,
  interval: (stage: StageResults) => Estimate | null = () => null,
): Point[] {
  return levels.flatMap((level) => {
    const x = meanOf(level, over), y = meanOf(level, value);
    const single = level.runs.length === 1 ? interval(level.runs[0]) : null;
    return x === null || y === null ? [] : [{ name: level.name, x, y, interval: single }];
  });
}

function metricPoints(
  levels: readonly Level[],
  over: Value,
  name: Limit["metric"],
  quantile: Quantile,
): Point[] {
  const found = ({ metrics }: StageResults): Metric | null => metrics[name];
  const sure = quantile === "p50" || quantile === "p99" ? quantile : null;
  return pointsOf(
    levels,
    over,
    (stage) => found(stage)?.[quantile],
    (stage) => sure && (found(stage)?.intervals[sure] ?? null),
  );
}

/** The points on the Pareto front, from left to right. */
function pareto(points: readonly Point[]): Point[] {
  const speeds = points.map(({ x, y }) => ({ tokens_per_s_per_user: x, output_tokens_per_s: y }));
  return ordered(points.filter((_, i) => isPareto(speeds[i], speeds)));
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
      yAxis: panels.map(({ title, lines, latency, named, limits_ms = [] }, gridIndex) => ({
        ...axisLook,
        ...(named ? { boundaryGap: [0, "15%"] } : {}), // room for the highest dot's name
        ...panelHead(title, lines),
        ...valueScale(
          latency ? [...limits_ms, ...lines.flatMap(({ points }) => points.flatMap(extent))] : [],
        ),
        gridIndex,
      })),
      series: panels.flatMap((panel, i) =>
        [
          ...panel.lines.flatMap((line) => lineSeries(line, panel.named === true && !line.bare)),
          ...(panel.limits_ms ?? []).map(limitSeries),
        ].map((series) => ({ ...series, xAxisIndex: i, yAxisIndex: i }) as ChartSeries)
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
    labelLayout: { hideOverlap: true },
    data: points.map(({ name, x, y }) => ({
      value: [x, y],
      label: {
        show: named,
        formatter: name,
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

/** A horizontal line at a limit. */
function limitSeries(limit_ms: number): ChartSeries {
  return {
    type: "line",
    data: [{ value: [0, limit_ms] }], // not drawn: the scale includes it
    symbol: "none",
    markLine: {
      silent: true,
      symbol: "none",
      lineStyle: { color: "var(--bad)", type: "dashed", width: 1.4 },
      label: {
        formatter: `limit ${limit_ms} ms`,
        position: "insideStartBottom" as const,
        color: "var(--bad)",
        fontSize: 11,
      },
      data: [{ yAxis: limit_ms }],
    },
  };
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
