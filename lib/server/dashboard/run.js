/** One run: its settings, its results, its items or its stages. */
import { axisLook, chart, tooltipLook } from "./chart.js";
import { el, fill } from "./dom.js";
import { choice, figureOf, pager, part, state, table, tiles } from "./parts.js";
import { ask, copy } from "./source.js";
import {
  count,
  counted,
  dollars,
  moment,
  notJudged,
  passRates,
  percent,
  seconds,
  short,
  suiteOrLoad,
  withUnit,
} from "./words.js";

const RENEW_MS = 3000;
/** A copy contains this many items of a run. */
const LIMIT = copy ? 500 : 50;

export function runPage({ main, signal, params: [id], query, go, every }) {
  const head = el("div"), body = el("div");
  fill(main, el("h1", { tabindex: "-1" }, id), head, body);
  const curve = chart(signal, 240);
  let shown = "";
  every(RENEW_MS, async () => {
    const page = await ask(`/api/runs/${encodeURIComponent(id)}`, { ...query, limit: LIMIT }, {
      signal,
    });
    if (JSON.stringify(page) === shown) return;
    shown = JSON.stringify(page);
    fill(
      head,
      facts(page.run),
      tiles(figures(page)),
      page.run.warnings.map((line) => el("p.warn", {}, line)),
      page.run.status === "incomplete"
        ? el(
          "p.note",
          {},
          "This run is still going, or was cut off: the same command with --resume continues it.",
        )
        : null,
    );
    fill(
      body,
      page.load ? loadParts(page, curve) : null,
      page.categories.length > 1 ? categories(page) : null,
      page.items ? items(page, query, go) : null,
      el(
        "p.note",
        {},
        "More of it: ",
        el("code", {}, `dyno runs show ${id}`),
        ", and its own report, ",
        el("code", {}, `${id}/report/index.html`),
        " in the folder of runs.",
      ),
    );
  });
}

function facts(run) {
  const entries = [
    ["State", state(run.status)],
    ["Suite or load", suiteOrLoad(run)],
    ["Model", run.model],
    ["Kind", [run.kind, run.mode].filter(Boolean).join(", ")],
    ["Started", moment(run.started_at_unix_seconds)],
    ["Took", seconds(run.duration_s)],
    ["Agent", run.agent],
    ["Tags", run.tags.join(", ")],
    ["Form", run.source_form === "dyno" ? null : run.source_form],
  ];
  return el(
    "dl.facts",
    {},
    entries.filter(([, value]) => value).map(([name, value]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, value))
    ),
  );
}

/** How many requests a sum does not include. */
function unknown(requests, cut_off) {
  const most = cut_off ? "up to " : "";
  return requests ? `, those of ${most}${counted(requests, "request")} unknown` : "";
}

function figures({ run, pass_rate, latency_ms, ttft_ms, load }) {
  const of95 = (estimate) =>
    estimate ? `95 %: ${percent(estimate.low)} to ${percent(estimate.high)}` : "";
  const shared = [
    [
      "Failed",
      count(run.failed),
      run.timed_out ? `${count(run.timed_out)} by time limit` : `of ${count(run.items_total)}`,
    ],
    [
      "Output tokens",
      count(run.completion_tokens),
      `${count(run.prompt_tokens)} prompt tokens${
        run.requests === null ? "" : `, of all ${counted(run.requests, "request")}`
      }${unknown(run.requests_of_unknown_tokens, run.requests_cut_off)}`,
    ],
    [
      "Cost",
      dollars(run.cost_usd),
      unknown(run.requests_of_unknown_cost, run.requests_cut_off).replace(/^, /, ""),
    ],
  ];
  if (load) {
    return [
      ["Verdict", load.verdict ?? "–", load.reasons[0] ?? load.stopped_because ?? ""],
      ["Output tokens/s", short(run.output_tokens_per_s), counted(load.stages.length, "stage")],
      ["ttft p50", withUnit(run.ttft_p50_ms, "ms"), `p99 ${withUnit(run.ttft_p99_ms, "ms")}`],
      ...shared,
    ];
  }
  return [
    [
      "Pass rate",
      passRates(run)?.join(", ") ?? percent(pass_rate?.value),
      [of95(pass_rate), notJudged(run)].filter(Boolean).join("; "),
    ],
    [
      "Latency p50",
      latency_ms ? `${short(latency_ms.p50)} ms` : "–",
      latency_ms ? `p99 ${short(latency_ms.p99)} ms` : "",
    ],
    ...(ttft_ms ? [["ttft p50", `${short(ttft_ms.p50)} ms`, `p99 ${short(ttft_ms.p99)} ms`]] : []),
    ...shared,
  ];
}

function categories({ categories }) {
  return part(
    "By category",
    table("Pass rate by category", [
      { title: "category", value: ({ category }) => category },
      { title: "judged", number: true, value: ({ items }) => count(items) },
      { title: "pass rate", number: true, value: ({ pass_rate }) => percent(pass_rate?.value) },
      {
        title: "95 %",
        number: true,
        value: ({ pass_rate: rate }) => rate && `${percent(rate.low)} to ${percent(rate.high)}`,
      },
    ], categories),
  );
}

function items({ items }, query, go) {
  const filter = choice("Result", query.result ?? "", [
    ["", "all"],
    "passed",
    "wrong",
    "answered",
    "not judged",
    "error",
  ], (value) => go({ result: value }));
  return part(
    "Items",
    copy ? null : el("div.filter", {}, filter),
    table("Items", [
      { title: "item", wide: true, value: ({ name }) => el("span", { title: name }, name) },
      { title: "result", value: ({ result }) => state(result) },
      { title: "category", value: ({ category }) => category },
      { title: "score", number: true, value: ({ score }) => short(score) },
      { title: "latency", note: "ms", number: true, value: ({ latency_ms }) => short(latency_ms) },
      { title: "ttft", note: "ms", number: true, value: ({ ttft_ms }) => short(ttft_ms) },
      {
        title: "tokens",
        note: "prompt, output",
        number: true,
        value: (item) => `${count(item.prompt_tokens)}, ${count(item.completion_tokens)}`,
      },
      {
        title: "error",
        wide: true,
        value: ({ error }) => error ? el("span", { title: error }, error) : "",
      },
    ], items.shown),
    copy
      ? el("p.note", {}, `${count(items.shown.length)} of ${count(items.total)}`)
      : pager(items, (to) => go({ ...query, offset: to || "" })),
  );
}

function loadParts({ load }, curve) {
  const { stages, notes, reasons } = load;
  const parts = [];
  if (stages.length > 1) {
    parts.push(el(
      "div.charts",
      {},
      el(
        "div.whole",
        {},
        figureOf({
          title: "Throughput and latency by stage",
          note: "Bars: output tokens a second. Line: ttft p99.",
          drawn: curve.box,
        }),
      ),
    ));
    curve.draw(
      () => stageChart(stages),
      `Output tokens a second and ttft p99 of ${stages.length} stages; the table of stages has the values`,
    );
  }
  parts.push(part(
    "Stages",
    table("Stages", [
      { title: "stage", value: (stage) => `${stages.indexOf(stage) + 1}: ${stage.name}` },
      {
        title: "wanted",
        note: "/s",
        number: true,
        value: (stage) => short(stage.requested_rate_per_s),
      },
      {
        title: "sent",
        note: "/s",
        number: true,
        value: (stage) => short(stage.achieved_rate_per_s),
      },
      { title: "in flight", number: true, value: (stage) => short(stage.in_flight) },
      { title: "answered", number: true, value: ({ successful }) => count(successful) },
      { title: "failed", number: true, value: ({ failed }) => count(failed) },
      {
        title: "output tokens/s",
        number: true,
        value: (stage) => short(stage.output_tokens_per_s),
      },
      { title: "ttft p50", note: "ms", number: true, value: (stage) => short(stage.ttft_p50_ms) },
      { title: "p99", note: "ms", number: true, value: (stage) => short(stage.ttft_p99_ms) },
      { title: "gap p50", note: "ms", number: true, value: (stage) => short(stage.gap_p50_ms) },
      { title: "p99", note: "ms", number: true, value: (stage) => short(stage.gap_p99_ms) },
      { title: "e2e p99", note: "ms", number: true, value: (stage) => short(stage.e2e_p99_ms) },
      { title: "within SLOs", number: true, value: (stage) => percent(stage.goodput_share) },
    ], stages),
  ));
  if (reasons.length + notes.length) {
    parts.push(
      part("Notes", el("ul.notes", {}, [...reasons, ...notes].map((line) => el("li", {}, line)))),
    );
  }
  return parts;
}

function stageChart(stages) {
  return {
    grid: { left: 56, right: 56, top: 26, bottom: 40 },
    tooltip: { ...tooltipLook, trigger: "axis" },
    xAxis: {
      ...axisLook,
      type: "category",
      data: stages.map((_, i) => String(i + 1)),
      name: "stage",
      nameLocation: "middle",
      nameGap: 22,
      splitLine: { show: false },
      axisLabel: { ...axisLook.axisLabel, hideOverlap: true },
    },
    yAxis: [
      { ...axisLook, type: "value", name: "output tokens/s", min: 0, splitNumber: 4 },
      {
        ...axisLook,
        type: "value",
        name: "ttft p99, ms",
        min: 0,
        splitNumber: 4,
        splitLine: { show: false },
      },
    ],
    series: [
      {
        type: "bar",
        name: "output tokens/s",
        barMaxWidth: 46,
        emphasis: { disabled: true },
        itemStyle: { color: "var(--c1)", opacity: 0.75 },
        data: stages.map((stage) => stage.output_tokens_per_s),
      },
      {
        type: "line",
        name: "ttft p99, ms",
        yAxisIndex: 1,
        symbol: "circle",
        symbolSize: 6,
        emphasis: { disabled: true },
        itemStyle: { color: "var(--c2)" },
        lineStyle: { color: "var(--c2)", width: 1.8 },
        data: stages.map((stage) => stage.ttft_p99_ms),
      },
    ],
  };
}
