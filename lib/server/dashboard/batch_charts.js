/** Charts of a batch's records: over time, and by model. */
import { axisLook, colour, MOST_SERIES, sign, timeAxis, tooltipLook } from "./chart.js";
import { count, moment, percent, short } from "./words.js";

const GRID = { left: 48, right: 18, top: 16, bottom: 28 };
const BAR_PX = 14;
const BAR_GAP = "20%";

/** The height of a bar chart. */
export function barsHeight(views, groups = 1) {
  return 44 + Math.max(1, shown(views).length) * (groups * (BAR_PX + 3) + 14);
}

/** The models to draw: those with the most records, in alphabetical order. */
export function shown({ models }) {
  if (models.length <= MOST_SERIES) return models;
  const most = models.toSorted((a, b) => b.records - a.records).slice(0, MOST_SERIES);
  return models.filter((model) => most.includes(model));
}

/** @param field `latency_p50_s` or `latency_p95_s`. */
export function latencyOverTime(views, places, field) {
  return {
    ...lines(views, places, (point) => point[field], (value) => `${short(value)} s`),
    yAxis: {
      ...axisLook,
      type: "value",
      min: 0,
      splitNumber: 4,
      axisLabel: { ...axisLook.axisLabel, formatter: "{value} s" },
    },
  };
}

export function successOverTime(views, places) {
  const shares = shown(views).flatMap(({ points }) => points.map(({ success }) => success.value));
  const lowest = Math.min(1, ...shares), min = lowest >= 0.9 ? 90 : Math.floor(lowest * 5) * 20;
  return {
    ...lines(
      views,
      places,
      ({ success }) => 100 * success.value,
      (value, { records }) => `${percent(value / 100)} of ${count(records)}`,
    ),
    yAxis: {
      ...axisLook,
      type: "value",
      min,
      max: 100,
      interval: (100 - min) / 2,
      axisLabel: { ...axisLook.axisLabel, formatter: "{value} %" },
    },
  };
}

function lines(views, places, valueOf, words) {
  const models = shown(views);
  const few = Math.max(0, ...models.map(({ points }) => points.length)) < 40;
  return {
    grid: GRID,
    tooltip: {
      ...tooltipLook,
      trigger: "axis",
      axisPointer: { lineStyle: { color: "var(--soft)" } },
      formatter: (items) =>
        [
          moment(items[0].value[0] / 1000),
          ...items.map(({ seriesName, data }) => `${seriesName}: ${data.words}`),
        ].join("\n"),
    },
    xAxis: { ...timeAxis(), ...timeRange(models, views.bucket_s) },
    series: models.map((model) => ({
      type: "line",
      name: model.model,
      symbol: sign(places.get(model.model)),
      showSymbol: few,
      symbolSize: 6,
      emphasis: { disabled: true },
      itemStyle: { color: colour(places.get(model.model)) },
      lineStyle: { color: colour(places.get(model.model)), width: 1.6 },
      data: withGaps(model.points, views.bucket_s).map((point) => {
        const value = point.records ? valueOf(point) : null;
        return {
          value: [point.t_s * 1000, value],
          words: value === null ? "none" : words(value, point),
        };
      }),
    })),
  };
}

/** From one bucket before the first point to one after the last, so that a single point has room. */
function timeRange(models, bucket_s) {
  const times = models.flatMap(({ points }) => points.map(({ t_s }) => t_s));
  return {
    min: (Math.min(...times) - bucket_s) * 1000,
    max: (Math.max(...times) + bucket_s) * 1000,
  };
}

/** A line has gaps where there are no records, such as the nights between windows. */
function withGaps(points, bucket_s) {
  return points.flatMap((point, i) => {
    const before = points[i - 1];
    const gap = before !== undefined && point.t_s - before.t_s > 4 * bucket_s;
    return gap ? [{ t_s: before.t_s + bucket_s, records: 0 }, point] : [point];
  });
}

/** Medians as bars, and the middle 80 % of requests as lines over them. */
export function throughputBars(views, places) {
  const rows = shown(views).map((model) => {
    const spread = model.throughput_tps;
    return {
      model: model.model,
      value: spread?.p50 ?? null,
      low: spread?.p10,
      high: spread?.p90,
      words: spread ? short(spread.p50) : "none",
    };
  });
  return (width) => bars(width, [{ name: null, rows }], places, { formatter: "{value}" });
}

/** Mean coverage by industry, with its 95 % interval. */
export function coverageBars(views, places, industries) {
  const groups = industries.map((industry) => ({
    name: industry,
    rows: shown(views).map((model) => {
      const found = model.coverage.find((each) => each.industry === industry);
      return {
        model: model.model,
        value: found?.mean ?? null,
        low: found?.interval?.low,
        high: found?.interval?.high,
        words: found ? short(found.mean) : "none",
      };
    }),
  }));
  return (width) => bars(width, groups, places, { formatter: "{value}" }, 1);
}

/** A model's name, without its provider where that is unique. */
function shortName(name, names) {
  const end = (whole) => whole.slice(whole.lastIndexOf("/") + 1);
  return names.filter((other) => end(other) === end(name)).length > 1 ? name : end(name);
}

/** Horizontal bars, one or several groups per model; the first model is at the top. */
function bars(width, groups, places, axisLabel, max) {
  const names = groups[0]?.rows.map(({ model }) => model) ?? [];
  const room = Math.min(190, Math.round(width * 0.34));
  return {
    grid: { left: room + 10, right: 52, top: 6, bottom: 26 },
    tooltip: {
      ...tooltipLook,
      trigger: "item",
      formatter: ({ data, seriesName, name }) =>
        `${name}${seriesName ? `, ${seriesName}` : ""}\n${data.words}`,
    },
    xAxis: {
      ...axisLook,
      type: "value",
      min: 0,
      max,
      interval: max && max / 4,
      splitNumber: 4,
      axisLabel: { ...axisLook.axisLabel, ...axisLabel },
    },
    yAxis: {
      ...axisLook,
      type: "category",
      inverse: true,
      data: names.map((name) => shortName(name, names)),
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: { color: "var(--ink)", fontSize: 12, width: room, overflow: "truncate" },
    },
    series: groups.flatMap((group, g) => [
      {
        type: "bar",
        name: group.name ?? "",
        barWidth: BAR_PX,
        barGap: BAR_GAP,
        emphasis: { disabled: true },
        data: group.rows.map(({ model, value, low, high, words }) => ({
          value,
          words: low === undefined ? words : `${words} (${short(low)} to ${short(high)})`,
          itemStyle: { color: colour(places.get(model)), opacity: g % 2 ? 0.5 : 0.9 },
        })),
      },
      whiskers(
        group.rows,
        (g - (groups.length - 1) / 2) * BAR_PX * (1 + parseFloat(BAR_GAP) / 100),
      ),
    ]),
  };
}

/** Lines from low to high over the bars of a group, with the bars' values after them. */
function whiskers(rows, offset) {
  return {
    type: "custom",
    silent: true,
    tooltip: { show: false },
    z: 3,
    data: rows.map(({ value, low, high }, i) => [i, value, low ?? value, high ?? value]),
    encode: { x: [1, 2, 3], y: 0 },
    renderItem(_, api) {
      const [place, value, low, high] = [0, 1, 2, 3].map((i) => api.value(i));
      if (Number.isNaN(value)) return null;
      const [from, middle] = api.coord([low, place]);
      const [to] = api.coord([high, place]);
      const y = middle + offset;
      const line = (x1, y1, x2, y2) => ({
        type: "line",
        shape: { x1, y1, x2, y2 },
        style: { stroke: "var(--ink)", lineWidth: 1.2 },
      });
      const cap = (x) => line(x, y - 3, x, y + 3);
      return {
        type: "group",
        children: [
          ...(low < high ? [line(from, y, to, y), cap(from), cap(to)] : []),
          {
            type: "text",
            style: {
              text: short(value),
              x: Math.max(to, from) + 7,
              y,
              verticalAlign: "middle",
              fill: "var(--soft)",
              fontSize: 11,
            },
          },
        ],
      };
    },
  };
}
