/** Charts as SVG text, drawn by ECharts on the server side; colours are the page's CSS variables. */
import type * as Echarts from "echarts";

export type ChartOption = Echarts.EChartsOption;

let loading: Promise<typeof Echarts> | null = null;

/** Draws a chart; `label` is read out in its place. */
export async function chartSvg(
  option: ChartOption,
  size: { width: number; height: number },
  label: string,
): Promise<string> {
  loading ??= import("echarts"); // the heaviest module there is: only where it is drawn
  const echarts = await loading;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
  try {
    chart.setOption({ animation: false, textStyle: { color: "var(--ink)" }, ...option });
    const svg = chart.renderToSVGString().replace(/<style[^]*?<\/style>/g, "");
    return svg.replace(/^<svg width="\d+" height="\d+"/, `<svg role="img" aria-label="${label}"`);
  } finally {
    chart.dispose();
  }
}

/** What every axis looks like. */
export const axisLook = {
  axisLabel: { color: "var(--ink)", fontSize: 11 },
  axisLine: { lineStyle: { color: "var(--rule)" } },
  axisTick: { lineStyle: { color: "var(--rule)" } },
  splitLine: { lineStyle: { color: "var(--rule)", opacity: 0.6 } },
  nameTextStyle: { color: "var(--soft)", fontSize: 11 },
} as const;
