/** Requests over time, with the host's samples below them on the same clock. */
import { hostPanels } from "./host_panels.ts";
import { linePanel, panelLook, panelStack, type StackedPanel } from "./panel_stack.ts";
import { type RequestPicture, requestPicture } from "./request_series.ts";
import { durationLabel } from "./scales.ts";
import { requestSpans } from "../../suite/spans.ts";
import { type TimeAxis, timeAxis } from "./time_axis.ts";
import type { Series as HostSeries } from "../../hardware/series.ts";
import type { ResultItem } from "../../suite/results.ts";
import type { ChartSeries } from "./chart.ts";
import type { Plot } from "./plot.ts";

/** The picture with its legend; null if no request was sent. */
export function timelinePlot(
  items: readonly ResultItem[],
  sessions: readonly HostSeries[],
): Plot | null {
  const { spans, origin_ns } = requestSpans(items);
  if (spans.length === 0) return null;
  const axis = timeAxis(spans);
  const panels = hostPanels(sessions, origin_ns, axis.stretches);
  const picture = requestPicture(spans, axis);
  const stacked = [
    requestPanel(picture, axis),
    ...panels.map((panel) => linePanel(panel, axis)),
  ];
  const label = ["requests", ...panels.map(({ title }) => title)].join("; ");
  return {
    draw: (width) => panelStack(width, stacked, axis),
    label: `Over time: ${label}`,
    legend: picture.legend,
    note: `${picture.note}${pauseNote(axis)}`,
    caption: "requests over time, with the host's figures on the same clock",
  };
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

function requestPanel(picture: RequestPicture, axis: TimeAxis): StackedPanel {
  const { title, lanes, height } = picture;
  const counted = lanes === null;
  return {
    height,
    axis: {
      ...panelLook,
      type: "value",
      min: 0,
      max: lanes ?? undefined,
      minInterval: 1,
      splitNumber: 3,
      name: title,
      axisLabel: { ...panelLook.axisLabel, show: counted },
      splitLine: { ...panelLook.splitLine, show: counted },
    },
    series: withPauses(picture.series, axis),
  };
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
