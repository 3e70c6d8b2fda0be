/** Exports for people: HTML and Markdown. */
import { countFigure, known } from "../../text/figure.ts";
import { durationText } from "../../text/duration.ts";
import { existsSync } from "node:fs";
import { itemRows, runRows } from "../../compare/export_rows.ts";
import { costText } from "../../text/dollars.ts";
import { priceRun } from "../../compare/cost.ts";
import { markdownTable } from "../../formats/markdown.ts";
import { grouped } from "../../text/grouped.ts";
import { percentText } from "../../text/percent.ts";
import { tablePage } from "../../report/table_page.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { readStated, readUnmapped } from "../../run/imported.ts";
import { notJudged, shownTime, shownTokens, statedLines } from "./text.ts";
import { plainText } from "../../run/plain_file.ts";
import type { Row, RowColumn } from "../../formats/parquet.ts";
import type { IndexedRun } from "../../run/index.ts";
import type { PriceTable } from "../../run/prices.ts";
import type { RunSummary } from "../../run/summary.ts";

/** A run's own report page if it has one, else a page of its items. */
export async function runPage(
  run: IndexedRun,
  prices: PriceTable,
  warn: (line: string) => void,
): Promise<Iterable<string>> {
  const { report } = runDirectoryAt(run.path);
  if (existsSync(report)) return [plainText(report)];
  return await itemsPage([run], prices, warn);
}

/** The page of an imported run without items: its figures, and its source's fields unchanged. */
export function importedPage(run: RunSummary, prices: PriceTable): Iterable<string> {
  return tablePage({
    title: `${run.benchmark} on ${run.model}`,
    noun: "field",
    facts: factsOf(run, prices),
    columns: [{ title: "field of the source", number: false }, { title: "value", number: false }],
    rows: Object.entries(readUnmapped(run.path)).map(([name, value]) => ({
      cells: [name, typeof value === "string" ? value : JSON.stringify(value)],
      bad: false,
    })),
  });
}

/** A page with one row per item. */
export async function itemsPage(
  runs: readonly IndexedRun[],
  prices: PriceTable,
  warn: (line: string) => void,
): Promise<Iterable<string>> {
  const { columns, rows } = await itemRows(runs, prices, warn);
  const [only] = runs.length === 1 ? runs : [];
  if (only && only.source_form !== "dyno" && rows.length === 0) return importedPage(only, prices);
  const shown = shownColumns(columns, rows, only ? ITEM_ORDER.slice(2) : ITEM_ORDER);
  return tablePage({
    title: only ? `${only.benchmark} on ${only.model}` : `${runs.length} runs, item by item`,
    noun: "item",
    facts: only ? factsOf(only, prices) : [],
    columns: shown.map(headOf),
    rows: rows.map((row) => ({
      cells: shown.map((column) => shownCell(row, column)),
      bad: row.success === false || row.passed === false,
    })),
  });
}

/** A page with one row per run. */
export async function runsPage(
  runs: readonly IndexedRun[],
  prices: PriceTable,
): Promise<Iterable<string>> {
  const { columns, rows } = await runRows(runs, prices);
  const shown = shownColumns(columns, rows, RUN_ORDER);
  return tablePage({
    title: runs.length === 1 ? runs[0].run_id : `${grouped(runs.length)} runs`,
    noun: "run",
    facts: [],
    columns: shown.map(headOf),
    rows: rows.map((row) => ({
      cells: shown.map((column) => shownCell(row, column)),
      bad: row.status === "failed",
    })),
  });
}

/** Columns in the order in which people read them. */
const ITEM_ORDER = [
  ...["run_id", "model", "item_id", "category", "success", "passed", "score", "latency_ms"],
  ...["ttft_ms", "prompt_tokens", "completion_tokens", "cost_usd", "timed_out", "error"],
];
const RUN_ORDER = [
  ...["run_id", "started_at_unix_seconds", "benchmark", "model", "status", "items_total", "failed"],
  ...[
    "passed",
    "not_judged",
    "avg_hit_rate",
    "output_tokens_per_s",
    "ttft_p50_ms",
    "ttft_p99_ms",
    "duration_s",
  ],
  ...["prompt_tokens", "completion_tokens", "cost_usd", "mode", "tags", "kind", "source_form"],
];

/** The columns with at least one known value. */
function shownColumns(columns: readonly RowColumn[], rows: readonly Row[], order: string[]) {
  return order.flatMap((wanted) => columns.find(({ name }) => name === wanted) ?? [])
    .filter(({ name }) => rows.some((row) => row[name] !== null && row[name] !== ""));
}

function factsOf(run: RunSummary & Partial<IndexedRun>, prices: PriceTable): [string, string][] {
  const facts: [string, string | null][] = [
    ["run", run.run_id],
    ["from", run.source_form === "dyno" ? null : run.source_form],
    ["suite", run.benchmark],
    ["model", run.model],
    ["status", run.status],
    ["started", shownTime(run.started_at_unix_seconds)],
    ["items", countFigure(run.items_total)],
    ["answered", countFigure(run.successful)],
    ["right", run.passed === null ? null : countFigure(run.passed)],
    ["not judged", run.not_judged ? countFigure(run.not_judged) : null],
    ["hit rate", run.avg_hit_rate == null ? null : percentText(run.avg_hit_rate)],
    ["took", run.duration_s === null ? null : known(run.duration_s, durationText)],
    ["output", perSecond(run.output_tokens_per_s)],
    ["ttft, median", milliseconds(run.ttft_p50_ms)],
    ["ttft, p99", milliseconds(run.ttft_p99_ms)],
    ["prompt tokens", shownTokens(run.prompt_tokens, run)],
    ["completion tokens", shownTokens(run.completion_tokens, run)],
    ["cost", costOfRun(run, prices)],
    ...(run.source_form === "dyno" ? [] : statedLines(readStated(run.path))),
    ["tags", run.tags.join(", ") || null],
  ];
  return facts.flatMap(([name, value]) => value === null ? [] : [[name, value]]);
}

function costOfRun(run: RunSummary, prices: PriceTable): string {
  const { cost } = priceRun(run, prices);
  return costText(cost.total_cost_usd, cost.requests_of_unknown_cost, cost.requests_cut_off);
}

function perSecond(tokens: number | null): string | null {
  return tokens === null ? null : `${Number(tokens.toPrecision(4))} tokens/s`;
}

function milliseconds(value: number | null): string | null {
  return value === null ? null : `${Number(value.toPrecision(4))} ms`;
}

function headOf({ name, type }: RowColumn) {
  const title = name.replace("_at_unix_seconds", "").replaceAll("_", " ");
  return { title, number: (type === "number" || type === "count") && !isTime(name) };
}

const isTime = (name: string) => name === "started_at_unix_seconds";

function shownCell(row: Row, { name }: RowColumn): string {
  const value = row[name];
  if (value === null) return "";
  if (isTime(name)) return shownTime(Number(value));
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : value;
}

/** A Markdown table of runs. */
export function markdown(runs: readonly IndexedRun[], prices: PriceTable): string[] {
  const heads = [
    ...["Run", "Suite", "Model", "Status"],
    ...["Items", "Passed", "Hit rate", "Cost", "Started"],
  ];
  const rows = runs.map((run) => {
    return [
      run.run_id,
      run.benchmark,
      run.model,
      [run.status, notJudged(run)].filter(Boolean).join(", "),
      countFigure(run.items_total),
      countFigure(run.passed),
      percentText(run.avg_hit_rate),
      costOfRun(run, prices),
      shownTime(run.started_at_unix_seconds),
    ];
  });
  return [markdownTable(heads, rows, (column) => column < 4 || column === 8)];
}
