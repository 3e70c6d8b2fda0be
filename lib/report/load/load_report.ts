/**
 * The report on a load run: one HTML file made from the results, the request records and the
 * samples.
 */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { parseSealed } from "../../seal.ts";
import { readSamples } from "../../hardware/samples.ts";
import { writeFileAtomic } from "../../write.ts";
import { clientSection } from "./client_section.ts";
import { loadDefinitionList } from "../definitions.ts";
import { healthList } from "../energy_section.ts";
import { errorTable } from "./error_table.ts";
import { explainedList } from "../explained.ts";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { plotFigure } from "../charts/plot.ts";
import { loadCurvePlot } from "./load_curve.ts";
import { short } from "../../text/figure.ts";
import { gapTimeline } from "./gap_timeline.ts";
import { loadLatencyPlot } from "./load_latency.ts";
import { loadBanner, loadTiles } from "./load_summary.ts";
import { timelineOf } from "./load_timeline.ts";
import { sliceTable, turnTable } from "./time_tables.ts";
import { metricTables } from "./metric_table.ts";
import { page } from "../page.ts";
import { samplingNote } from "../sampling.ts";
import { bodyParts } from "../sections.ts";
import { serverSection } from "./server_section.ts";
import { sloTable } from "./slo_table.ts";
import { shardSection } from "./shard_section.ts";
import { partTable, probeTable, stageTable, warmupTable } from "./stage_table.ts";
import { telemetrySection } from "./telemetry_section.ts";
import { plainText } from "../../run/plain_file.ts";
import { tokenFilePath, TokenFileReader } from "../../run/token_file.ts";
import type { GapsOf } from "../../load/rates.ts";
import type { Samples } from "../../hardware/samples.ts";
import type { LoadResults } from "../../load/results.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { RunMetadata } from "../../run/metadata.ts";
import type { Section } from "../sections.ts";
import type { RequestRecord } from "../../run/request_record.ts";

const MOST_NOTES = 100;

/**
 * Writes report/index.html of a load run; returns its path.
 *
 * @param records the requests in the journal, including those of the warm-up.
 * @throws {InputError} the file cannot be written.
 */
export async function writeLoadReport(
  directory: RunDirectory,
  results: LoadResults,
  records: readonly RequestRecord[],
): Promise<string> {
  const metadata = parseSealed(plainText(directory.metadata), directory.metadata) as RunMetadata;
  const title = `${results.benchmark} on ${results.model}`;
  const curvePlot = loadCurvePlot(results);
  const curve = curvePlot && await plotFigure(curvePlot);
  const turns = turnTable(results);
  const sections: (Section | null)[] = [
    ["results", "Results", [loadTiles(results)]],
    ["shows", "What it shows", [explainedList({ ...metadata, ...results }, results)]],
    results.notes.length ? ["notes", "Notes", [noteList(results.notes)]] : null,
    ["stages", results.stages.length > 1 ? "Stages" : "Load", [stageTable(results)]],
    results.endpoints
      ? ["endpoints", "By endpoint", [partTable("endpoint", results.endpoints, results)]]
      : null,
    results.shards ? ["shards", "By shard", [shardSection(results.shards, results)]] : null,
    results.models ? ["models", "By model", [partTable("model", results.models, results)]] : null,
    results.warmup ? ["warmup", "Warm-up", [warmupTable(results.warmup, results)]] : null,
    results.probes ? ["probes", "Probes during the load", [probeTable(results.probes)]] : null,
    turns ? ["turns", "By turn", [turns]] : null,
    curve ? ["curve", "Load curve", [curve, CURVE_NOTE]] : null,
    ["latency", "How long answers took", [await latency(results, records)]],
    ["timeline", "Over time", [
      await timeline(results, records, readSamples(directory.path), directory),
      tokenParts(results, records, directory),
    ]],
    results.slos.length || results.statements?.length
      ? ["slos", "Service-level objectives", [sloTable(results)]]
      : null,
    ["errors", "Errors", [errorTable(results, records)]],
    ["client", "The client's own cost", [clientSection(results.verdict)]],
    ["server", "The server's own metrics", [serverSection(results)]],
    results.telemetry ? ["telemetry", "Recorded pages", [telemetrySection(results)]] : null,
    ["energy", "Energy and health", [energyText(results), healthList(directory)]],
    ["definitions", "How to read this", [loadDefinitionList(results.total)]],
  ];
  mkdirSync(dirname(directory.report), { recursive: true });
  const shown = sections.filter((section) => section !== null);
  const parts = bodyParts(loadBanner(title, metadata, results), shown, metadata);
  writeFileAtomic(directory.report, page(title, parts));
  return directory.report;
}

const CURVE_NOTE =
  `<p class="note">A dot is a stage; bars are 95 % intervals (bootstrap over blocks of time). Where
throughput no longer rises with the load and ttft does, the endpoint is saturated. Pareto: no other stage gives more
tokens/s both to a user and in all. A scale of latencies that spans a factor of ten is logarithmic.</p>`;

function noteList(notes: readonly string[]): string {
  const items = notes.slice(0, MOST_NOTES).map((note) =>
    `<li dir="auto">${escapeHtml(cutText(note, 500))}</li>`
  );
  const left = notes.length - items.length;
  if (left > 0) items.push(`<li>${left} more in results.json</li>`);
  return `<ul class="notes">${items.join("")}</ul>`;
}

async function latency(results: LoadResults, records: readonly RequestRecord[]): Promise<string> {
  if (results.total.requests.successful === 0) {
    return `<p class="note">No request was answered.</p>`;
  }
  const plot = loadLatencyPlot(results, records);
  return (plot ? await plotFigure(plot) : "") + metricTables(results);
}

async function timeline(
  results: LoadResults,
  records: readonly RequestRecord[],
  sessions: readonly Samples[],
  directory: RunDirectory,
): Promise<string> {
  const plot = timelineOf(results, records, sessions, directory);
  return (plot ? await plotFigure(plot) : `<p class="note">No request was sent.</p>`) +
    `<p class="note">${escapeHtml(samplingNote(sessions))}</p>`;
}

/** The sections that need the gaps of single requests; empty if these were not recorded. */
function tokenParts(
  results: LoadResults,
  records: readonly RequestRecord[],
  directory: RunDirectory,
): string {
  if (!existsSync(tokenFilePath(directory))) return "";
  using tokens = new TokenFileReader(directory);
  const gapsOf: GapsOf = (record) => tokens.gapsOf(record);
  return [gapTimeline(results, records, gapsOf), sliceTable(records, gapsOf)].join("\n");
}

function energyText({ energy, total, shards }: LoadResults): string {
  if (!energy) {
    const host = shards ? "none of the shards' hosts" : "this host";
    const has = shards ? "has an" : "has no";
    return `<p class="note">Energy: ${host} ${has} energy source that could be read.</p>`;
  }
  const { energy_j, error_j, source, per_token_j, unknown = [] } = energy;
  const { duration_s } = total.window;
  const power = duration_s > 0 ? `, ${short(energy_j / duration_s)} W on average` : "";
  const token = per_token_j === null ? "" : `; ${short(per_token_j)} J an output token`;
  const missing = unknown.length > 0
    ? ` Not in it, since unknown: ${escapeHtml(cutText(unknown.join(", "), 300))}.`
    : "";
  return `<p>${short(energy_j)} ± ${short(error_j)} J in the measured ${
    counted(Math.round(duration_s), "second")
  }${power}${token}.${missing}</p>
<p class="note" dir="auto">Source: ${
    escapeHtml(cutText(source, 300))
  }. Idle power is included. The ± does not include errors of the sensors.</p>`;
}
