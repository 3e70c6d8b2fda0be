/** Charts: SVG by ECharts in the page's own colours, as wide as the space allows. */
import { axisLook } from "./look.js";
import { el, plain } from "./dom.js";

export { axisLook };

/** Colours of series, and the symbols that distinguish them without colour. */
const COLOURS = ["--k1", "--c2", "--k2", "--k4", "--k3", "--k5", "--k6", "--c3"];
const SIGNS = [
  "circle",
  "rect",
  "triangle",
  "diamond",
  "emptyCircle",
  "emptyRect",
  "emptyTriangle",
];

/** The most series that can be distinguished. */
export const MOST_SERIES = COLOURS.length;

export function colour(index) {
  return `var(${COLOURS[index % COLOURS.length]})`;
}

export function sign(index) {
  return SIGNS[index % SIGNS.length];
}

/** An axis of time, in the reader's zone. */
export function timeAxis() {
  return {
    ...axisLook,
    type: "time",
    splitLine: { show: false },
    axisLabel: {
      ...axisLook.axisLabel,
      hideOverlap: true,
      formatter: {
        year: "{yyyy}",
        month: "{MMM}",
        day: "{MMM} {d}",
        hour: "{HH}:{mm}",
        minute: "{HH}:{mm}",
        second: "{HH}:{mm}:{ss}",
        millisecond: "{HH}:{mm}:{ss}",
      },
    },
  };
}

/** The style of a tooltip inside the SVG, without HTML. */
export const tooltipLook = {
  renderMode: "richText",
  confine: true,
  backgroundColor: "var(--card)",
  borderColor: "var(--rule)",
  textStyle: { color: "var(--ink)", fontSize: 12 },
};

/**
 * A chart. `draw(options(width), label)` draws or redraws it. It ends with the page that it is on.
 *
 * @param height in CSS pixels.
 */
export function chart(signal, height) {
  const box = el("div.chart", { role: "img" });
  box.style.height = `${height}px`;
  let engine = null, options = null;
  const paint = () => {
    const { clientWidth: width, clientHeight: height } = box;
    if (width === 0 || options === null) return;
    engine ??= globalThis.echarts.init(box, null, { renderer: "svg", width, height });
    engine.resize({ width, height });
    engine.setOption({
      animation: false,
      textStyle: { color: "var(--ink)", fontFamily: "system-ui, sans-serif" },
      ...options(width),
    }, { notMerge: true });
  };
  const watch = new ResizeObserver(paint);
  watch.observe(box);
  signal.addEventListener("abort", () => {
    watch.disconnect();
    engine?.dispose();
  });
  return {
    box,
    draw(next, label) {
      options = next;
      box.setAttribute("aria-label", plain(label));
      paint();
    },
  };
}

/** The legend: each series' symbol and name; `places` if they are not the first series. */
export function legend(names, places = names.map((_, i) => i)) {
  return el("ul.legend", {}, names.map((name, i) => el("li", {}, key(places[i]), name)));
}

/** A symbol in a series' colour. */
export function key(index) {
  return el(`span.key.key-${index % COLOURS.length}`, { "aria-hidden": "true" });
}
