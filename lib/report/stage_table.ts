/** The stages of a load run side by side. */
import { cutText, escapeHtml } from "./html.ts";
import { shareText, short } from "./load_figures.ts";
import { dataTable } from "./table.ts";
import type { LoadResults, StageResults } from "../load/results.ts";
import type { Head, Row } from "./table.ts";

const HEADS = [
  ["window", "s"],
  ["wanted", "req/s"],
  ["sent", "req/s"],
  ["in flight", "mean (max)"],
  ["answered", ""],
  ["failed", ""],
  ["error rate", ""],
  ["answered", "req/s"],
  ["output", "tokens/s"],
  ["ttft p50", "ms"],
  ["ttft p99", "ms"],
  ["gap p50", "ms"],
  ["gap p99", "ms"],
  ["e2e p50", "s"],
];

/** A row for each stage, and their total where there are several. */
export function stageTable({ stages, total, slos }: LoadResults): string {
  const heads: Head[] = [...HEADS, ...(slos.length ? [["goodput", "req/s"]] : [])]
    .map(([title, unit]) => ({ html: `${title}${unit && `<br><small>${unit}</small>`}` }));
  const single = stages.length < 2;
  const rows = (single ? [] : stages).map((stage, i) => row(stage, slos.length > 0, i + 1));
  const last = single
    ? row(stages[0] ?? total, slos.length > 0, null)
    : { ...row({ ...total, name: "total" }, slos.length > 0, null), all: true };
  return dataTable("load and results by stage", "stage", heads, [...rows, last]) +
    windowNote(stages) + cutOffNote(total);
}

function row(stage: StageResults, goodput: boolean, number: number | null): Row {
  const { window, concurrency, requests, metrics } = stage;
  const many = (count: number) => count.toLocaleString("en");
  const answered = requests.successful > 0;
  const failed = many(requests.failed);
  return {
    head: (number === null ? "" : `<b>${number}</b>&ensp;`) + escapeHtml(cutText(stage.name, 80)),
    cells: [
      window.duration_s.toFixed(1),
      short(stage.requested_rate_per_s),
      short(stage.achieved_rate_per_s),
      `${short(concurrency.mean)} <small>(${many(concurrency.max)})</small>`,
      many(requests.successful),
      requests.failed ? `<span class="fault">${failed}</span>` : failed,
      shareText(stage.error_rate),
      answered ? short(stage.requests_per_s) : "–",
      answered ? short(stage.output_tokens_per_s) : "–",
      short(metrics.ttft_ms?.p50),
      short(metrics.ttft_ms?.p99),
      short(metrics.gap_ms?.p50),
      short(metrics.gap_ms?.p99),
      short(metrics.e2e_ms && metrics.e2e_ms.p50 / 1000),
      ...(goodput ? [short(stage.goodput?.requests_per_s?.value)] : []),
    ],
  };
}

function windowNote(stages: readonly StageResults[]): string {
  const rules = [...new Set(stages.map(({ window }) => window.rule))].slice(0, 5)
    .map((rule) => escapeHtml(cutText(rule, 200)));
  return rules.length ? `<p class="note" dir="auto">Measured window: ${rules.join("; ")}.</p>` : "";
}

function cutOffNote({ requests: { sent, warmup, unfinished, unsent } }: StageResults): string {
  const counts = [
    `${sent.toLocaleString("en")} requests were sent in the windows`,
    ...(warmup ? [`${warmup.toLocaleString("en")} before them, for warming up`] : []),
    ...(unfinished ? [`${unfinished.toLocaleString("en")} were cut off at the end`] : []),
    ...(unsent ? [`${unsent.toLocaleString("en")} were due but found no place`] : []),
  ];
  return `<p class="note">${counts.join("; ")}.</p>`;
}
