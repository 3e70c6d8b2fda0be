/** A load run over time: requests, their ttft, the server and the host on one clock. */
import { grouped } from "../../text/grouped.ts";
import { type ChartSeries, type Drawing, valueScale } from "../charts/chart.ts";
import { type HostPanel, hostPanels, type Points } from "../charts/host_panels.ts";
import { firstTokens, inFlightSteps, loadSpan, requestRates, thinned } from "./load_series.ts";
import { inFlightArea, linePanel, panelLook, panelStack } from "../charts/panel_stack.ts";
import { durationLabel } from "../charts/scales.ts";
import { type Series as HostSeries, seriesFrom } from "../../hardware/series.ts";
import { readTelemetry, type TelemetrySeries } from "../../load/telemetry/telemetry.ts";
import { onOneClock } from "../sampling.ts";
import { serverPanels } from "./server_panels.ts";
import { telemetryPanels } from "./telemetry_section.ts";
import type { Samples } from "../../hardware/samples.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { LoadResults } from "../../load/results.ts";
import type { Plot } from "../charts/plot.ts";
import type { Rates } from "./load_series.ts";
import type { StackedPanel } from "../charts/panel_stack.ts";
import type { TimeAxis } from "../charts/time_axis.ts";
import type { RequestRecord } from "../../run/request_record.ts";

const NS_PER_S = 1e9;
const MOST_TTFTS = 4000;
/** With more windows than this, they are not shaded individually. */
const MOST_WINDOWS = 60;

/** A measured part of the axis, with the number of its stage. */
interface Window {
  name: string;
  from_s: number;
  to_s: number;
}

const CAPTION = "over time, on one clock; shaded: the measured windows";

/** The picture and a note on it; null if no request was sent. */
function loadTimelinePlot(
  { stages, total, server }: LoadResults,
  records: readonly RequestRecord[],
  sessions: readonly HostSeries[],
  telemetry: readonly TelemetrySeries[] = [],
): Plot | null {
  const span = loadSpan(records);
  if (!span) return null;
  const { origin_ns, length_s } = span;
  const part = { start_s: 0, end_s: length_s };
  const axis: TimeAxis = { stretches: [{ ...part, at_s: 0 }], length_s };
  const rates = requestRates(span);
  const ttfts = firstTokens(span);
  const shown = thinned(ttfts, MOST_TTFTS);
  const others = [
    ...serverPanels(server?.readings ?? [], origin_ns, length_s),
    ...telemetryPanels(telemetry, origin_ns, length_s),
    ...hostPanels(sessions, origin_ns, [part]),
  ];
  const stacked = [
    ratePanel(rates, axis),
    flightPanel(inFlightSteps(span)),
    ...(shown.length ? [ttftPanel(shown)] : []),
    ...others.map((panel) => linePanel(panel, axis)),
  ];
  const measured = stages.length ? stages.slice(0, MOST_WINDOWS) : [total];
  const windows = measured.map(({ window }, i): Window => ({
    name: measured.length > 1 ? `stage ${i + 1}` : "",
    from_s: clamp((window.start_ns - origin_ns) / NS_PER_S, length_s),
    to_s: clamp((window.end_ns - origin_ns) / NS_PER_S, length_s),
  }));
  const titles = ["requests a second", "in flight", "ttft", ...others.map(({ title }) => title)];
  const draw: Drawing = (width) => {
    const fits = width / Math.max(1, windows.length) > 60;
    return panelStack(
      width,
      stacked.map((each, i) => shaded(each, windows, i === 0 && fits)),
      axis,
    );
  };
  const note = timelineNote(rates, ttfts.length, shown.length);
  return { draw, label: `Over time: ${titles.join("; ")}`, legend: [], note, caption: CAPTION };
}

function timelineNote({ step_s }: Rates, ttfts: number, shown: number): string {
  const thinning = shown < ttfts
    ? ` Of ${grouped(ttfts)} ttft ${
      grouped(shown)
    } are drawn, the lowest and highest of each moment among them.`
    : "";
  return `Shaded: the measured windows; what lies outside of them is excluded (ramp-up or drain). Rates are those of ${
    durationLabel(Number((step_s * 1000).toPrecision(2)))
  } each. A dot is a request at its sending.${thinning}`;
}

function clamp(at_s: number, length_s: number): number {
  return Math.min(Math.max(at_s, 0), length_s);
}

function ratePanel({ sent, answered, failed }: Rates, axis: TimeAxis): StackedPanel {
  const lines: HostPanel["lines"] = [
    { name: "sent", colour: "var(--c1)", points: sent },
    { name: "answered", colour: "var(--c3)", points: answered },
  ];
  if (failed.some(([, rate]) => rate > 0)) {
    lines.push({ name: "failed", colour: "var(--bad)", points: failed });
  }
  return { ...linePanel({ title: "requests a second", lines }, axis), height: 96 };
}

function flightPanel({ first_token, last_token }: ReturnType<typeof inFlightSteps>): StackedPanel {
  const layers = [
    { name: "streaming", colour: "var(--c1)", points: last_token },
    { name: "waiting for the first token", colour: "var(--c2)", points: first_token },
  ];
  return {
    height: 110,
    head: { title: "in flight", names: layers },
    axis: {
      ...panelLook,
      type: "value",
      min: 0,
      minInterval: 1,
      splitNumber: 3,
    },
    series: layers.map(({ colour, points }) => inFlightArea(colour, points)),
  };
}

function ttftPanel(points: Points): StackedPanel {
  return {
    height: 150,
    axis: {
      ...panelLook,
      name: "ttft, ms",
      ...valueScale(points.map(([, ms]) => ms)),
    },
    series: [{
      type: "scatter",
      large: true, // one path for all dots
      largeThreshold: 0,
      symbol: "rect",
      symbolSize: 2.4,
      itemStyle: { color: "var(--c1)", opacity: 0.65 },
      data: points,
    }],
  };
}

/** Shades the measured windows, and names them in the first panel. */
function shaded(panel: StackedPanel, windows: readonly Window[], named: boolean): StackedPanel {
  const band: ChartSeries = {
    type: "line",
    data: [],
    silent: true,
    markArea: {
      silent: true,
      itemStyle: { color: "var(--accent)", opacity: 0.09 },
      label: {
        show: named,
        position: "insideTop",
        color: "var(--soft)",
        fontSize: 11,
        distance: 3,
      },
      data: windows.map(({ name, from_s, to_s }) => [{ name, xAxis: from_s }, { xAxis: to_s }]),
    },
  };
  return { ...panel, series: [band, ...panel.series] };
}

/** The load over time, with everything that was recorded during it; null if no request was sent. */
export function timelineOf(
  results: LoadResults,
  records: readonly RequestRecord[],
  sessions: readonly Samples[],
  directory: RunDirectory,
): Plot | null {
  const series = onOneClock(sessions) ? sessions.map(seriesFrom) : [];
  const telemetry = results.telemetry === undefined ? [] : readTelemetry(directory).known;
  return loadTimelinePlot(results, records, series, telemetry);
}
