/**
 * The report on a suite run: one HTML file made from results.json, the samples and the items'
 * texts.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { parseSealed } from "../../seal.ts";
import { readSamples, type Samples } from "../../hardware/samples.ts";
import { seriesFrom } from "../../hardware/series.ts";
import { titleOf } from "../../measures/describe.ts";
import { writeFileAtomic } from "../../write.ts";
import { categoryTable, endpointTable } from "./category_table.ts";
import { codingSection } from "./coding_section.ts";
import { definitionList } from "../definitions.ts";
import { energyTable, healthList } from "../energy_section.ts";
import { epochsSection } from "./epochs_section.ts";
import { explainedList } from "../explained.ts";
import { escapeHtml } from "../html.ts";
import { chartFigure } from "../charts/chart.ts";
import { CURVES, latencyPlot } from "../charts/latency_chart.ts";
import { plotFigure } from "../charts/plot.ts";
import { page } from "../page.ts";
import { onOneClock, samplingNote } from "../sampling.ts";
import { bodyParts, type Section } from "../sections.ts";
import { banner, tiles } from "./summary.ts";
import { testsTable } from "./tests_table.ts";
import { timelinePlot } from "../charts/timeline_chart.ts";
import { plainText } from "../../run/plain_file.ts";
import { figure } from "../../text/figure.ts";
import { dataTable, type TableRow } from "../table.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { RunMetadata } from "../../run/metadata.ts";
import type { SuiteResults, SuiteStatistics } from "../../suite/results.ts";
import type { Estimate } from "../../stats/interval.ts";
import type { Distribution } from "../../stats/quantile.ts";

/**
 * Writes report/index.html of a run; returns its path. A large run's page is never in memory as a
 * whole.
 *
 * @param results the content of results.json, if the caller already has it.
 * @throws {InputError} the file cannot be written.
 */
export async function writeSuiteReport(
  directory: RunDirectory,
  results: SuiteResults = JSON.parse(plainText(directory.results)),
): Promise<string> {
  const metadata = parseSealed(plainText(directory.metadata), directory.metadata) as RunMetadata;
  const title = `${results.benchmark} on ${results.model}`;
  const coding = codingSection(results.items);
  const epochs = epochsSection(results);
  const sections: Section[] = [
    ["results", "Results", [tiles(results)]],
    ["shows", "What it shows", [explainedList({ ...metadata, ...results }, results)]],
    ...(epochs === null ? [] : [["epochs", "By epoch", [epochs]] satisfies Section]),
    ...(coding === null ? [] : [["coding", "Coding problems", [coding]] satisfies Section]),
    ["categories", "By category", [categoryTable(results)]],
    ...(results.endpoints
      ? [["endpoints", "By endpoint", [endpointTable(results)]] satisfies Section]
      : []),
    ["latency", "How long answers took", [await latency(results)]],
    ["timeline", "Over time", [await timeline(results, readSamples(directory.path))]],
    ["energy", "Energy and health", [energyTable(results), healthList(directory)]],
    ["test-list", "Tests", testsTable(results.items, directory)],
    ["definitions", "How to read this", [definitionList(results.items)]],
  ];
  mkdirSync(dirname(directory.report), { recursive: true });
  const parts = bodyParts(banner(title, metadata, results), sections, metadata);
  writeFileAtomic(directory.report, page(title, parts));
  return directory.report;
}

async function latency(results: SuiteResults): Promise<string> {
  const { items, aggregate, statistics } = results;
  if (aggregate.successful === 0) return `<p class="note">No test was answered.</p>`;
  const plot = latencyPlot(items);
  const chart = plot && await chartFigure(plot.draw, plot.label); // the table below explains the colours
  const explained = chart &&
    `<p class="note">Share of the answers that came within a time: first token and whole answer.</p>`;
  return `${chart ?? ""}${explained ?? ""}${latencyTable(statistics)}`;
}

async function timeline(results: SuiteResults, sessions: readonly Samples[]): Promise<string> {
  const note = `<p class="note">${escapeHtml(samplingNote(sessions))}</p>`;
  if (!onOneClock(sessions)) {
    return `<p class="note">The run was resumed on another clock (after a reboot, or without CLOCK_MONOTONIC): its
requests cannot be put on one time line.</p>${note}`;
  }
  const plot = timelinePlot(results.items, sessions.map(seriesFrom));
  return (plot ? await plotFigure(plot) : `<p class="note">No request was sent.</p>`) + note;
}

/**
 * Quantiles of ttft, tpot, e2e and tokens/s; the first and third rows are also the chart's curves.
 */
function latencyTable(statistics: SuiteStatistics): string {
  const { ttft_ms, tpot_ms, e2e_ms, tokens_per_second } = statistics;
  const rows = [
    row("ttft", "ms", 1, ttft_ms, statistics.ttft_p50_ms, CURVES.ttft_ms),
    row("tpot", "ms", 2, tpot_ms, null),
    row("e2e", "ms", 1, e2e_ms, statistics.e2e_p50_ms, CURVES.e2e_ms),
    row(titleOf("tokens_per_second"), "", 1, tokens_per_second, null),
  ];
  const heads = ["answers", "mean", "p50", "p50, 95 % interval", "p90", "p95", "p99", "max"];
  return dataTable("distributions", "", heads.map((html) => ({ html })), rows);
}

function row(
  name: string,
  unit: string,
  digits: number,
  values: Distribution | null,
  median: Estimate | null,
  colour?: string,
): TableRow {
  const key = colour ? `<i class="key" style="background:var(--${colour})"></i>` : "";
  const show = (value: number | undefined) => figure(value, digits);
  const cells = [
    values ? String(values.n) : "0",
    show(values?.mean),
    show(values?.p50),
    median ? `${show(median.low)} to ${show(median.high)}` : "–",
    ...[values?.p90, values?.p95, values?.p99, values?.max].map(show),
  ];
  return { head: `${key}${name}${unit && `, ${unit}`}`, cells };
}
