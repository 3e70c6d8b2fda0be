/** The stages of a load run side by side. */
import { grouped } from "../../text/grouped.ts";
import { measure } from "../../measures/describe.ts";
import { percentText } from "../../text/percent.ts";
import { cutText, escapeHtml } from "../html.ts";
import { short } from "../../text/figure.ts";
import { dataTable } from "../table.ts";
import type { ProbeFigures } from "../../load/probes.ts";
import type { LoadResults, StageResults } from "../../load/results.ts";
import type { Head, TableRow } from "../table.ts";

type Column = [title: string, unit: string, cell: (stage: StageResults) => string];

/** The load on the endpoint, and the outcome of the requests. */
const LOAD: Column[] = [
  ["window", "s", ({ window }) => window.duration_s.toFixed(1)],
  ["wanted", "req/s", (stage) => short(stage.requested_rate_per_s)],
  ["sent", "req/s", (stage) => short(stage.achieved_rate_per_s)],
  [
    "in flight",
    "mean (max)",
    ({ concurrency }) => `${short(concurrency.mean)} <small>(${grouped(concurrency.max)})</small>`,
  ],
  [
    "tokens, mean",
    "prompt / output",
    (stage) => `${short(stage.prompt_tokens_mean)} / ${short(stage.completion_tokens_mean)}`,
  ],
  ["answered", "requests", ({ requests }) => grouped(requests.successful)],
  ["failed", "", ({ requests }) => fault(requests.failed)],
  [measure("error_rate").term, "", (stage) => percentText(stage.error_rate)],
];

/** Shown if there are any. */
const CUT_OFF: Column[] = [
  ["unfinished", "", ({ requests }) => fault(requests.unfinished)],
  ["unsent", "", ({ requests }) => fault(requests.unsent)],
];

/** Shown if requests were cut off on purpose. */
const CANCELLED: Column[] = [
  ["cancelled", "", ({ requests }) => grouped(requests.cancelled ?? 0)],
];

/** The outcome of the requests of a part. */
const SHARE: Column[] = [
  [
    "in flight",
    "mean (max)",
    ({ concurrency }) => `${short(concurrency.mean)} <small>(${grouped(concurrency.max)})</small>`,
  ],
  ["answered", "requests", ({ requests }) => grouped(requests.successful)],
  ["failed", "", ({ requests }) => fault(requests.failed)],
];

/** A quantile of a latency, in a column of its unit. */
function latencyColumn(
  name: keyof StageResults["metrics"],
  rank: "p50" | "p99",
  seconds = false,
): Column {
  const { term, unit } = measure(name);
  return [`${term} ${rank}`, seconds ? "s" : unit, ({ metrics }) => {
    const ms = metrics[name]?.[rank];
    return short(seconds && ms !== undefined ? ms / 1000 : ms);
  }];
}

/** The endpoint's performance. */
const RESULTS: Column[] = [
  ["answered", "req/s", (stage) => ofAnswers(stage, stage.requests_per_s)],
  ["output", "tokens/s", (stage) => ofAnswers(stage, stage.output_tokens_per_s)],
  ["prompt", "tokens/s", (stage) => short(stage.prompt_tokens_per_s)],
  latencyColumn("ttft_ms", "p50"),
  latencyColumn("ttft_ms", "p99"),
  latencyColumn("gap_ms", "p50"),
  latencyColumn("gap_ms", "p99"),
  latencyColumn("e2e_ms", "p50", true),
  latencyColumn("e2e_ms", "p99", true),
];

/** Shown if answers contain sound or images. */
const MEDIA: Column[] = [
  ["sound", "s/s", ({ media }) => short(media?.audio_s_per_s)],
  ["images", "images/s", ({ media }) => short(media?.images_per_s)],
];

const GOODPUT: Column = [
  measure("goodput_requests_per_s").term,
  "req/s",
  ({ goodput }) => short(goodput?.requests_per_s?.value),
];

/** The result columns that these rows need. */
function resultsOf(rows: readonly StageResults[], slos: LoadResults["slos"]): Column[] {
  const media = rows.some((row) => row.media !== undefined);
  return [...RESULTS, ...media ? MEDIA : [], ...slos.length ? [GOODPUT] : []];
}

/** The load and the results: a row for each stage, and their total if there are several. */
export function stageTable(results: LoadResults): string {
  const { stages, total, slos } = results;
  const cutOff = total.requests.unfinished + total.requests.unsent > 0;
  const cut = [...cutOff ? CUT_OFF : [], ...total.requests.cancelled ? CANCELLED : []];
  return columnsTable("load by stage", [...LOAD, ...cut], results) +
    columnsTable("results by stage", resultsOf([total], slos), results) +
    windowNote(stages) + cutOffNote(total);
}

/** Parts of a load side by side: its endpoints, or its models. */
export function partTable(
  what: string,
  parts: readonly StageResults[],
  { slos }: LoadResults,
): string {
  const columns = [...SHARE, ...resultsOf(parts, slos)];
  const rows = parts.map((part): TableRow => ({
    head: escapeHtml(cutText(part.name, 200)),
    cells: columns.map(([, , cell]) => cell(part)),
  }));
  return dataTable(`results by ${what}`, what, headsOf(columns), rows);
}

/** The warm-up's own figures. */
export function warmupTable(warmup: StageResults, results: LoadResults): string {
  return partTable("phase", [warmup], { ...results, slos: [] }) +
    `<p class="note">No other figure includes the warm-up.</p>`;
}

/** The results of probes during the load. */
export function probeTable({ requests, answered, failed, rate_per_s, ttft_ms }: ProbeFigures) {
  const heads = ["probes", "answered", "failed", "ttft p50, ms", "ttft p99, ms", "ttft max, ms"];
  const cells = [
    ...[grouped(requests), grouped(answered), fault(failed)],
    ...[ttft_ms?.p50, ttft_ms?.p99, ttft_ms?.max].map(short),
  ];
  const head = `${short(rate_per_s)}/s`;
  return dataTable("probes during the load", "rate", heads.map((html) => ({ html })), [
    { head, cells },
  ]) +
    `<p class="note">Short requests, sent at a constant rate. No other figure includes them.</p>`;
}

function headsOf(columns: readonly Column[]): Head[] {
  return columns.map(([title, unit]) => ({
    html: `${title}${unit && `<br><small>${unit}</small>`}`,
  }));
}

function columnsTable(
  label: string,
  columns: readonly Column[],
  { stages, total }: LoadResults,
): string {
  const heads = headsOf(columns);
  const row = (stage: StageResults, number: number | null): TableRow => ({
    head: (number === null ? "" : `<b>${number}</b>&ensp;`) + escapeHtml(cutText(stage.name, 80)),
    cells: columns.map(([, , cell]) => cell(stage)),
  });
  const rows = stages.length < 2 ? [row(stages[0] ?? total, null)] : [
    ...stages.map((stage, i) => row(stage, i + 1)),
    { ...row({ ...total, name: "total", window: measured(stages, total) }, null), all: true },
  ];
  return dataTable(label, stages.length < 2 ? "load" : "stage", heads, rows);
}

/** The measured time of all stages, without the time between their windows. */
function measured(stages: readonly StageResults[], { window }: StageResults) {
  return { ...window, duration_s: stages.reduce((sum, { window }) => sum + window.duration_s, 0) };
}

function fault(count: number): string {
  return count ? `<span class="fault">${grouped(count)}</span>` : grouped(count);
}

/** A rate, which is unknown if nothing ended. */
function ofAnswers({ requests }: StageResults, rate: number | null): string {
  return requests.successful + requests.failed > 0 ? short(rate) : "–";
}

function windowNote(stages: readonly StageResults[]): string {
  const rules = [...new Set(stages.map(({ window }) => window.rule))].slice(0, 5)
    .map((rule) => escapeHtml(cutText(rule, 200)));
  return rules.length ? `<p class="note" dir="auto">Measured window: ${rules.join("; ")}.</p>` : "";
}

function cutOffNote({ requests }: StageResults): string {
  const { sent, warmup, unfinished, unsent, cancelled } = requests;
  const counts = [
    `${grouped(sent)} requests were sent in the windows`,
    ...(warmup ? [`${grouped(warmup)} before them, for warming up`] : []),
    ...(unfinished ? [`${grouped(unfinished)} were cut off at the end`] : []),
    ...(unsent ? [`${grouped(unsent)} were due but found no place`] : []),
    ...(cancelled ? [`${grouped(cancelled)} were cancelled by the client, as asked`] : []),
  ];
  return `<p class="note">${counts.join("; ")}.</p>`;
}
