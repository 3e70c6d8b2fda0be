/** Draws the requests of a run: one bar each, in lanes, or the number in flight. */
import { inLanes, type ItemSpan } from "./spans.ts";
import { onAxis, type TimeAxis } from "./time_axis.ts";
import { inFlightArea } from "./panel_stack.ts";
import type { ChartSeries } from "./chart.ts";

/** With more requests than this, the number in flight is drawn. */
const MOST_BARS = 400;
const INTERVALS = 240;
const LANE_HEIGHT = 14;
const MOST_LANES_HEIGHT = 280;
/** Colours for categories in the page's palette. */
const COLOURS = 6;
const OTHER = "var(--soft)";
const FAILED = "var(--bad)";

/** The meaning of a colour; names are the suite's own text. */
export interface Legend {
  name: string;
  colour: string;
}

/** The content of the top panel. */
export interface RequestPicture {
  title: string;
  height: number;
  /**
   * The upper end of the vertical axis: the number of lanes; null if the number in flight decides.
   */
  lanes: number | null;
  series: ChartSeries[];
  legend: Legend[];
  /** A note on how it is drawn. */
  note: string;
}

/** The requests on an axis, coloured by category; requests without an answer are red. */
export function requestPicture(spans: readonly ItemSpan[], axis: TimeAxis): RequestPicture {
  const colours = categoryColours(spans);
  const legend = legendOf(spans, colours);
  const colourOf = ({ item }: ItemSpan) =>
    item.success ? colours.get(item.category) ?? OTHER : FAILED;
  if (spans.length > MOST_BARS) {
    return {
      title: "requests in flight",
      height: 140,
      lanes: null,
      series: inFlight(spans, axis, legend.map(({ colour }) => colour), colourOf),
      legend,
      note: "The number of requests in flight is the mean of each interval, stacked by category.",
    };
  }
  const { lanes, placed } = inLanes(spans);
  return {
    title: "requests",
    height: Math.min(MOST_LANES_HEIGHT, Math.max(2, lanes) * LANE_HEIGHT),
    lanes,
    series: [bars(placed, axis, colourOf)],
    legend,
    note: "A bar is a request from sending to its end; it is pale until the first token.",
  };
}

/** Colours for the most frequent categories, in the order in which they appear. */
function categoryColours(spans: readonly ItemSpan[]): Map<string, string> {
  const counts = new Map<string, number>();
  for (const { item } of spans) counts.set(item.category, (counts.get(item.category) ?? 0) + 1);
  const most = [...counts].toSorted((a, b) => b[1] - a[1]).slice(0, COLOURS).map(([name]) => name);
  const shown = [...counts.keys()].filter((name) => most.includes(name));
  return new Map(shown.map((name, i) => [name, `var(--k${i + 1})`]));
}

function legendOf(spans: readonly ItemSpan[], colours: Map<string, string>): Legend[] {
  const legend = [...colours].map(([name, colour]) => ({ name, colour }));
  const answered = spans.filter(({ item }) => item.success);
  if (answered.some(({ item }) => !colours.has(item.category))) {
    legend.push({ name: "other categories", colour: OTHER });
  }
  if (answered.length < spans.length) legend.push({ name: "no answer", colour: FAILED });
  return legend;
}

/** A bar for each request: pale until its first token; only an outline if no answer came. */
function bars(
  placed: readonly [ItemSpan, lane: number][],
  axis: TimeAxis,
  colourOf: (span: ItemSpan) => string,
): ChartSeries {
  const data = placed.map(([span, lane]) => {
    const { start_s, end_s, item } = span;
    const first_s = item.ttft_ms === null ? end_s : start_s + item.ttft_ms / 1000;
    return [...[start_s, first_s, end_s].map((at_s) => onAxis(axis, at_s)), lane];
  });
  return {
    type: "custom",
    data,
    encode: { x: [0, 2], y: 3 },
    renderItem: (params, api) => {
      const [span] = placed[params.dataIndex];
      const [left, bottom] = api.coord([api.value(0), api.value(3)]);
      const [first] = api.coord([api.value(1), api.value(3)]);
      const [right, top] = api.coord([api.value(2), Number(api.value(3)) + 1]);
      const colour = colourOf(span);
      const height = Math.max(1, bottom - top - 3);
      const rect = (from: number, to: number, style: object) => ({
        type: "rect" as const,
        shape: { x: from, y: top + 1.5, width: Math.max(0.5, to - from), height },
        style,
      });
      const end = Math.max(left + 1, right - 1);
      if (!span.item.success) {
        const outline = { fill: colour, fillOpacity: 0.15, stroke: colour, lineWidth: 1 };
        return rect(left, end, outline);
      }
      const turn = Math.min(first, end);
      return {
        type: "group",
        children: [
          rect(left, turn, { fill: colour, opacity: 0.4 }),
          rect(turn, end, { fill: colour }),
        ],
      };
    },
  };
}

/** The mean number in flight in each interval, stacked by colour. */
function inFlight(
  spans: readonly ItemSpan[],
  axis: TimeAxis,
  colours: readonly string[],
  colourOf: (span: ItemSpan) => string,
): ChartSeries[] {
  const width_s = axis.length_s / INTERVALS;
  const sums = new Map(colours.map((colour) => [colour, new Float64Array(INTERVALS)]));
  for (const span of spans) {
    const sum = sums.get(colourOf(span))!;
    const from = onAxis(axis, span.start_s) / width_s, to = onAxis(axis, span.end_s) / width_s;
    for (let i = Math.floor(from); i < Math.min(to, INTERVALS); i++) {
      sum[i] += Math.min(to, i + 1) - Math.max(from, i);
    }
  }
  return [...sums].map(([colour, means]) =>
    inFlightArea(colour, Array.from(means, (mean, i) => [(i + 0.5) * width_s, mean]))
  );
}
