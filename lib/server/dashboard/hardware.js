/** The server's hardware, live. */
import { axisLook, chart, colour, legend, timeAxis, tooltipLook } from "./chart.js";
import { el, fill } from "./dom.js";
import { empty, figureOf, tiles } from "./parts.js";
import { ask, copy } from "./source.js";
import { withUnit } from "./words.js";

const EACH_MS = 1000;
const SHOWN_S = 300;
const LEAST_S = 60;
const GIB = 2 ** 30;

/** The panels to draw: their lines, computed from a point. */
const PANELS = [
  { title: "CPU", unit: "%", max: 100, lines: (point) => ({ busy: point.cpu_usage_percent }) },
  { title: "Memory", unit: "GiB", lines: (point) => ({ used: point.memory_used_gb }) },
  {
    title: "GPU",
    unit: "%",
    max: 100,
    lines: (point) => ofGpus(point, ({ usage_percent }) => usage_percent),
  },
  {
    title: "GPU memory",
    unit: "GiB",
    lines: (point) =>
      ofGpus(point, ({ memory_used_bytes: used }) => used === null ? null : used / GIB),
  },
  { title: "GPU power", unit: "W", lines: (point) => ofGpus(point, ({ power_w }) => power_w) },
  {
    title: "Disk",
    unit: "MB/s",
    lines: (point) => ({ read: point.disk_read_mb_per_s, written: point.disk_write_mb_per_s }),
  },
  {
    title: "Network",
    unit: "MB/s",
    lines: (point) => ({
      received: point.network_receive_mb_per_s,
      sent: point.network_send_mb_per_s,
    }),
  },
  {
    title: "Temperature",
    unit: "°C",
    lines: (point) => ({
      ...point.temperatures_celsius,
      ...ofGpus(point, ({ temperature_celsius }) => temperature_celsius),
    }),
  },
];
const MOST_LINES = 8;

export function hardwarePage({ main, signal, every }) {
  const head = el("div"), body = el("div.charts"), foot = el("div");
  fill(main, el("h1", { tabindex: "-1" }, "Hardware"), head, body, foot);
  if (copy) {
    return fill(
      head,
      empty("A copy has no live figures", "Of a run, its own report has them; of this host:", [
        "dyno serve",
        "dyno sample",
      ]),
    );
  }
  fill(head, el("p.note", { role: "status" }, "Sampling begins …"));
  const charts = PANELS.map(() => chart(signal, 170));
  let points = [], drawn = "";
  every(EACH_MS, async () => {
    const next = await ask("/api/hardware", { since: points.at(-1)?.t_s }, { signal });
    const newest = next.points.at(-1);
    if (newest === undefined) return;
    points = [...points, ...next.points].filter(({ t_s }) => t_s > newest.t_s - SHOWN_S);
    const panels = PANELS.map((panel, i) => ({
      ...panel,
      chart: charts[i],
      names: namesOf(points, panel),
    }))
      .filter(({ names }) => names.length > 0);
    fill(
      head,
      tiles([
        [
          "CPU",
          withUnit(newest.cpu_usage_percent, "%"),
          `${newest.cpu_per_core_percent?.length ?? "–"} cores`,
        ],
        [
          "Memory",
          withUnit(newest.memory_used_gb, "GiB"),
          withUnit(newest.memory_usage_percent, "% of it"),
        ],
        ...newest.gpus.slice(0, 4).map((
          gpu,
        ) => [
          gpu.name,
          withUnit(gpu.usage_percent, "%"),
          `${withUnit(gpu.power_w, "W")}, ${withUnit(gpu.temperature_celsius, "°C")}`,
        ]),
      ]),
    );
    const which = JSON.stringify(panels.map(({ title, names }) => [title, names]));
    if (which !== drawn) {
      drawn = which;
      fill(
        body,
        panels.map(({ title, unit, names, chart }) =>
          figureOf({
            title: `${title}, ${unit}`,
            head: names.length > 1 ? legend(names) : null,
            drawn: chart.box,
          })
        ),
      );
      fill(
        foot,
        next.unavailable.length
          ? el(
            "details",
            {},
            el("summary", {}, "Not sampled on this host"),
            el("ul.notes", {}, next.unavailable.map((line) => el("li", {}, line))),
          )
          : null,
      );
    }
    for (const panel of panels) {
      panel.chart.draw(
        () => lines(points, panel, newest.t_s),
        `${panel.title} over the last five minutes; now ${words(newest, panel)}`,
      );
    }
  });
}

function ofGpus({ gpus }, valueOf) {
  return Object.fromEntries(gpus.map((gpu) => [gpu.name, valueOf(gpu)]));
}

/** The lines of a panel that have any known value. */
function namesOf(points, { lines }) {
  const names = new Set();
  for (const point of points) {
    for (const [name, value] of Object.entries(lines(point))) if (value !== null) names.add(name);
  }
  return [...names].slice(0, MOST_LINES);
}

function words(point, { lines, names, unit }) {
  return names.map((name) => `${name} ${withUnit(lines(point)[name], unit)}`).join(", ");
}

function lines(points, { lines, names, unit, max }, now_s) {
  return {
    grid: { left: 48, right: 14, top: 10, bottom: 26 },
    tooltip: {
      ...tooltipLook,
      trigger: "axis",
      valueFormatter: (value) => withUnit(value, unit),
    },
    xAxis: {
      ...timeAxis(),
      min: Math.min(points[0].t_s, now_s - LEAST_S) * 1000,
      max: now_s * 1000,
    },
    yAxis: { ...axisLook, type: "value", min: 0, max, interval: max && max / 4, splitNumber: 3 },
    series: names.map((name, i) => ({
      type: "line",
      name,
      showSymbol: false,
      emphasis: { disabled: true },
      itemStyle: { color: colour(i) },
      lineStyle: { color: colour(i), width: 1.5 },
      areaStyle: names.length === 1 ? { color: colour(i), opacity: 0.12 } : undefined,
      data: points.map((point) => [point.t_s * 1000, lines(point)[name] ?? null]),
    })),
  };
}
