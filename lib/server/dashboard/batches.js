/** A batch's records: the five views, filtered by model, industry and time. */
import { chart, legend } from "./chart.js";
import {
  barsHeight,
  coverageBars,
  latencyOverTime,
  shown,
  successOverTime,
  throughputBars,
} from "./batch_charts.js";
import { el, fill } from "./dom.js";
import { ask, copy } from "./source.js";
import { choice, empty, figureOf, named, pager, state, table, tiles } from "./parts.js";
import { ago, count, counted, moment, percent, short } from "./words.js";

const RENEW_MS = 5000;
const LIMIT = 25;
const HOUR_S = 3600;
const SPANS = [
  ["", "all of it"],
  ...[1, 6, 12, 24, 48, 168].map((
    hours,
  ) => [hours, hours < 48 ? `its last ${hours} h` : `its last ${hours / 24} days`]),
];

export function batchesPage({ main, signal, query, go, every }) {
  const fields = el("div.filter", { role: "group", "aria-label": "Filters" }),
    head = el("div"),
    body = el("div"),
    records = el("div");
  fill(main, el("h1", { tabindex: "-1" }, "Batches"), fields, head, body, records);
  const charts = {
    latency: chart(signal, 260),
    success: chart(signal, 260),
    throughput: chart(signal, 200),
    coverage: chart(signal, 200),
  };
  const change = (key) => (value) => go({ ...query, offset: "", [key]: value });
  let shownBatches = "", shownViews = "";

  every(RENEW_MS, async () => {
    const { batches } = await ask("/api/batches", {}, { signal });
    if (batches.length === 0) {
      return fill(
        body,
        empty(
          "No batches yet",
          "A batch puts the same questions to several models, again and again. Its records appear here:",
          [
            "dyno batch plan experiments/batch.json",
            "dyno batch run experiments/batch.json",
          ],
        ),
      );
    }
    const batch = batches.find(({ name }) => name === query.batch) ?? batches[0];
    if (JSON.stringify(batches) !== shownBatches) {
      shownBatches = JSON.stringify(batches);
      fill(fields, filters(batches, batch, query, change));
    }
    const filter = { model: query.model, industry: query.industry, ...timesOf(query, batch) };
    const address = `/api/batches/${encodeURIComponent(batch.name)}`;
    const views = await ask(address, filter, { signal });
    if (JSON.stringify(views) === shownViews) return;
    shownViews = JSON.stringify(views);
    if (views.records === 0) {
      fill(head);
      fill(records);
      return fill(body, empty("No record fits", "Widen the filters above."));
    }
    draw(views, batch, query, { head, body, charts });
    const page = await ask(
      `${address}/records`,
      { ...filter, offset: query.offset, limit: LIMIT },
      { signal },
    ).catch((error) => {
      if (error.kind === "absent") return null;
      throw error;
    });
    fill(
      records,
      page && recordTable(page, (to) => go({ ...query, offset: to || "" })),
    );
  });
}

function filters(batches, batch, query, change) {
  const time = (key, name) =>
    named(name, el("input", { type: "datetime-local", value: query[key] }), change(key));
  return [
    batches.length > 1
      ? choice("Batch", batch.name, batches.map(({ name }) => name), change("batch"))
      : null,
    choice("Model", query.model ?? "", [["", "all"], ...batch.models], change("model")),
    choice(
      "Industry",
      query.industry ?? "",
      [["", "all"], ...batch.industries],
      change("industry"),
    ),
    choice("Time", query.span ?? "", SPANS, change("span")),
    choice("Latency", query.quantile ?? "", [["", "p50"], ["p95", "p95"]], change("quantile")),
    copy || query.span ? null : [time("from", "From"), time("to", "To")],
  ];
}

/** A span ends at the batch's last record. */
function timesOf({ span, from, to }, { last_s }) {
  if (span) return { since: Math.floor(last_s) - Number(span) * HOUR_S };
  const unix_s = (given) => given ? Date.parse(given) / 1000 : undefined;
  return { since: unix_s(from), until: unix_s(to) };
}

function draw(views, batch, query, { head, body, charts }) {
  const places = new Map(batch.models.map((model, i) => [model, i]));
  const drawn = shown(views);
  const industries = batch.industries.filter((name) =>
    drawn.some(({ coverage }) => coverage.some(({ industry }) => industry === name))
  );
  const answered = views.models.reduce(
    (sum, { records, success }) => sum + Math.round(success.value * records),
    0,
  );
  const field = query.quantile === "p95" ? "latency_p95_s" : "latency_p50_s";
  const word = query.quantile === "p95" ? "95 of 100 requests were faster" : "the median";
  fill(
    head,
    tiles([
      ["Records", count(views.records), batch.name],
      ["Answered", percent(answered / views.records), `${count(views.records - answered)} failed`],
      [
        "Models",
        count(views.models.length),
        counted(batch.industries.length, "industry", "industries"),
      ],
      ["Newest record", ago(views.last_s), `${moment(views.first_s)} to ${moment(views.last_s)}`],
    ]),
    views.models.length > drawn.length
      ? el(
        "p.note",
        {},
        `The charts show the ${drawn.length} models of most records, the table all ${views.models.length}.`,
      )
      : null,
    batch.left_out
      ? el(
        "p.note",
        {},
        `${
          counted(batch.left_out, "entry", "entries")
        } of its file are no records and are left out.`,
      )
      : null,
  );

  charts.throughput.box.style.height = `${barsHeight(views)}px`;
  charts.coverage.box.style.height = `${barsHeight(views, Math.max(1, industries.length))}px`;
  const names = drawn.map(({ model }) => model);
  fill(
    body,
    el("div.key-line", {}, legend(names, names.map((name) => places.get(name)))),
    el(
      "div.charts",
      {},
      figureOf({
        title: "Latency over time",
        note: `Whole answers, ${word} of each ${width(views.bucket_s)}.`,
        drawn: charts.latency.box,
        values: () => pointTable("Latency over time", drawn),
      }),
      figureOf({
        title: "Success rate",
        note: `Answered requests of all, in each ${width(views.bucket_s)}.`,
        drawn: charts.success.box,
        values: () => pointTable("Success rate", drawn),
      }),
      figureOf({
        title: "Throughput",
        note:
          "Output tokens a second of an answer: the median; the line is the middle 80 % of requests.",
        drawn: charts.throughput.box,
        values: () => modelTable(views, places),
      }),
      figureOf({
        title: "Coverage",
        note: [
          industries.length > 1
            ? `The share of key points in the answers, for ${industries.join(", then ")}. `
            : "The share of key points in the answers. ",
          "The line is the mean's 95 % interval over questions.",
        ],
        drawn: charts.coverage.box,
        values: () => coverageTable(drawn),
      }),
    ),
    el("section", {}, el("h2", {}, "Models"), modelTable(views, places)),
    el("section", {}, el("h2", {}, "Questions"), ...questionTable(views)),
  );

  charts.latency.draw(
    () => latencyOverTime(views, places, field),
    `Latency over time, a line a model: ${names.join(", ")}`,
  );
  charts.success.draw(
    () => successOverTime(views, places),
    `Success rate over time, a line a model: ${names.join(", ")}`,
  );
  charts.throughput.draw(
    throughputBars(views, places),
    "Median throughput, a bar a model; the table of models has the values",
  );
  charts.coverage.draw(
    coverageBars(views, places, industries),
    "Mean coverage by model and industry; the table of models has the values",
  );
}

function modelTable({ models }, places) {
  const interval = (estimate, words) =>
    estimate ? el("small.interval", {}, ` ${words(estimate.low)}–${words(estimate.high)}`) : null;
  const of = (model) => model.coverage.find(({ industry }) => industry === null);
  return table("Models compared", [
    {
      title: "model",
      value: ({ model }) => el("span", {}, el(`span.key.key-${places.get(model) % 8}`), model),
    },
    { title: "records", number: true, value: ({ records }) => count(records) },
    {
      title: "answered",
      note: "95 %",
      number: true,
      value: ({ success }) => [percent(success.value), interval(success, percent)],
    },
    {
      title: "latency p50",
      note: "s, 95 %",
      number: true,
      value: ({ latency_s: s }) => s && [short(s.p50), interval(s.interval, short)],
    },
    { title: "p95", note: "s", number: true, value: ({ latency_s: s }) => s && short(s.p95) },
    {
      title: "tokens/s of an answer, p50",
      note: "95 %",
      number: true,
      value: ({ throughput_tps: s }) => s && [short(s.p50), interval(s.interval, short)],
    },
    { title: "p10", number: true, value: ({ throughput_tps: s }) => s && short(s.p10) },
    {
      title: "coverage",
      note: "95 %",
      number: true,
      value: (model) => {
        const told = of(model);
        return told && [
          short(told.mean),
          interval(told.interval, short) ?? el("small.interval", {}, ` ${told.no_interval}`),
        ];
      },
    },
    { title: "prompt tokens", number: true, value: (model) => count(model.prompt_tokens) },
    { title: "response tokens", number: true, value: (model) => count(model.response_tokens) },
  ], models);
}

/** Each question over all models: how often it was answered, and how well. */
function questionTable({ questions, questions_left, models }) {
  const several = models.length > 1;
  const lowest = {
    title: "lowest",
    note: "of a model",
    value: ({ lowest: l }) => l && `${short(l.coverage)} ${l.model}`,
  };
  return [
    table("Questions, least covered first", [
      {
        title: "question",
        wide: true,
        value: ({ question }) => el("span", { title: question }, question),
      },
      { title: "industry", value: ({ industry }) => industry },
      { title: "records", number: true, value: ({ records }) => count(records) },
      { title: "answered", number: true, value: (row) => percent(row.answered / row.records) },
      { title: "latency p50", note: "s", number: true, value: (row) => short(row.latency_p50_s) },
      { title: "coverage", number: true, value: ({ coverage }) => short(coverage) },
      ...(several ? [lowest] : []),
    ], questions),
    questions_left
      ? el("p.note", {}, `${counted(questions_left, "more question")}: filter by industry.`)
      : null,
  ];
}

/** The values of the charts over time. */
function pointTable(caption, models) {
  const points = models.flatMap(({ model, points }) =>
    points.map((point) => ({ model, ...point }))
  );
  return table(caption, [
    { title: "from", value: ({ t_s }) => moment(t_s) },
    { title: "model", value: ({ model }) => model },
    { title: "records", number: true, value: ({ records }) => count(records) },
    { title: "answered", number: true, value: ({ success }) => percent(success.value) },
    {
      title: "latency p50",
      note: "s",
      number: true,
      value: ({ latency_p50_s }) => short(latency_p50_s),
    },
    { title: "p95", note: "s", number: true, value: ({ latency_p95_s }) => short(latency_p95_s) },
  ], points.sort((a, b) => b.t_s - a.t_s));
}

function coverageTable(models) {
  const rows = models.flatMap(({ model, coverage }) =>
    coverage.map((each) => ({ model, ...each }))
  );
  return table("Coverage by model and industry", [
    { title: "model", value: ({ model }) => model },
    { title: "industry", value: ({ industry }) => industry ?? "all" },
    { title: "answers", number: true, value: ({ n }) => count(n) },
    { title: "mean", number: true, value: ({ mean }) => short(mean) },
    {
      title: "95 %",
      number: true,
      value: ({ interval: i, no_interval }) =>
        i ? `${short(i.low)} to ${short(i.high)}` : no_interval,
    },
  ], rows);
}

function recordTable(page, goTo) {
  return el(
    "section",
    {},
    el("h2", {}, "Records"),
    table("Records, newest first", [
      { title: "asked", value: ({ t_s }) => moment(t_s) },
      {
        title: "state",
        value: ({ success }) =>
          state(success ? "passed" : "failed", success ? "answered" : "failed"),
      },
      {
        title: "model",
        wide: true,
        value: (record) => `${record.llm_provider}/${record.llm_model}`,
      },
      { title: "industry", value: ({ industry }) => industry },
      {
        title: "question",
        wide: true,
        value: ({ question }) => el("span", { title: question }, question),
      },
      { title: "latency", note: "s", number: true, value: ({ latency_sec }) => short(latency_sec) },
      {
        title: "tokens/s of it",
        number: true,
        value: ({ throughput_tps }) => short(throughput_tps),
      },
      { title: "coverage", number: true, value: ({ coverage_score }) => short(coverage_score) },
      {
        title: "tokens",
        note: "prompt, output",
        number: true,
        value: (record) => `${count(record.prompt_tokens)}, ${count(record.response_tokens)}`,
      },
    ], page.records),
    pager(page, goTo),
  );
}

/** A length of time in words. */
function width(bucket_s) {
  if (bucket_s < HOUR_S) return bucket_s === 60 ? "minute" : `${bucket_s / 60} minutes`;
  if (bucket_s < 24 * HOUR_S) return bucket_s === HOUR_S ? "hour" : `${bucket_s / HOUR_S} hours`;
  return bucket_s === 24 * HOUR_S ? "day" : `${bucket_s / (24 * HOUR_S)} days`;
}
