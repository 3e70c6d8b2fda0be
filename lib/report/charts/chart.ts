/**
 * Charts as SVG text. ECharts draws them without a browser; their colours are the page's CSS
 * variables.
 */
import { logTicks } from "./scales.ts";
import type * as Echarts from "echarts";

export type ChartOption = Echarts.EChartsOption;
export type ChartSeries = Extract<ChartOption["series"], unknown[]>[number];

/** Draws a chart for a width; its height may depend on the width. */
export type Drawing = (width: number) => { height: number; option: ChartOption };

/**
 * A chart is drawn at two widths, so that its letters have the right size on a phone too; CSS shows
 * one of them.
 */
const WIDTHS = { wide: 880, narrow: 380 };

let loading: Promise<typeof Echarts> | null = null;

/**
 * Loads ECharts, the heaviest library of all, only when a chart is drawn, and as one file instead
 * of hundreds.
 */
function echarts(): Promise<typeof Echarts> {
  return loading ??= import("echarts/dist/echarts.min.js").then((module) => module.default);
}

/** A figure with the chart. `label` is read out instead of the chart; it must not contain HTML. */
export async function chartFigure(draw: Drawing, label: string): Promise<string> {
  const svgs: string[] = [];
  for (const [name, width] of Object.entries(WIDTHS)) {
    svgs.push((await chartText(draw, width)).replace(
      /^<svg width="\d+" height="\d+"/,
      `<svg class="${name}" role="img" aria-label="${label}"`,
    ));
  }
  return `<figure>${svgs.join("")}</figure>`;
}

/** A chart as the text of an SVG with the given width. */
export async function chartText(draw: Drawing, width = WIDTHS.wide): Promise<string> {
  const { height, option } = draw(width);
  return chartSvg(await echarts(), option, width, height);
}

/**
 * Colours of a chart outside a page, where the CSS variables are missing: those of the light theme.
 */
const LIGHT: Record<string, string> = {
  ink: "#1f2328",
  soft: "#59626d",
  rule: "#d8dbe0",
  c1: "#2563ae",
  c2: "#b4500f",
  c3: "#2a7547",
  bad: "#b3261e",
};

/** A chart as an SVG file with a white background, which needs no style sheet. */
export async function standaloneSvg(
  option: ChartOption,
  width: number,
  height: number,
): Promise<string> {
  const svg = chartSvg(await echarts(), { backgroundColor: "#fff", ...option }, width, height);
  return svg.replace(/var\(--(\w+)\)/g, (_, name) => LIGHT[name] ?? "#000") + "\n";
}

function chartSvg(echarts: typeof Echarts, option: ChartOption, width: number, height: number) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    const fontFamily = "system-ui, sans-serif";
    chart.setOption({
      animation: false,
      textStyle: { color: "var(--ink)", fontFamily },
      ...option,
    });
    return chart.renderToSVGString().replace(/<style[^]*?<\/style>/g, "");
  } finally {
    chart.dispose();
  }
}

/** The style of every axis. */
export const axisLook = {
  axisLabel: { color: "var(--soft)", fontSize: 11 },
  axisLine: { show: true, lineStyle: { color: "var(--rule)" } },
  axisTick: { show: true, length: 4, lineStyle: { color: "var(--rule)" } },
  splitLine: { show: true, lineStyle: { color: "var(--rule)", opacity: 0.55 } },
  nameTextStyle: { color: "var(--soft)", fontSize: 11 },
} as const;

/** If the ratio of the largest to the smallest value is at least this, the scale is logarithmic. */
const LOG_FROM = 10;
const MOST_TICKS = 7;

/** A vertical scale for values: it starts at 0, or is logarithmic if their sizes differ much. */
export function valueScale(values: readonly number[]) {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  if (!(low > 0) || high / low < LOG_FROM) {
    return { type: "value" as const, min: 0, splitNumber: 4, axisTick: { show: false } };
  }
  const all = logTicks(low, high);
  const tens = all.filter((tick) => Number.isInteger(Math.log10(tick)));
  const customValues = all.length <= MOST_TICKS || tens.length < 2 ? all : tens;
  return {
    type: "log" as const,
    min: low * 0.9,
    max: high * 1.1,
    axisLabel: { ...axisLook.axisLabel, customValues },
    axisTick: { show: false, customValues },
  };
}
