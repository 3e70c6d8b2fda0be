/** The report on a sweep: a page, a Markdown file and pictures, made from its runs.csv. */
import { mkdirSync, rmSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { readJsonFile } from "../../settings/json_file.ts";
import { dynoVersion } from "../../run/version.ts";
import { notWritten, writeFileAtomic } from "../../write.ts";
import { ALL_RUNS, analyseSweep, metricsOf, type SweepAnalysis } from "../../sweep/analyse.ts";
import { sweepConfigOf } from "../../sweep/config.ts";
import { sweepTreeAt } from "../../sweep/tree.ts";
import { chartFigure, chartText } from "../charts/chart.ts";
import { dotDrawing, plainLabel } from "../charts/dot_chart.ts";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { page } from "../page.ts";
import { pngOf, withLightColours } from "../charts/png.ts";
import { TABLE_SCRIPT, TABLE_STYLE } from "../table_script.ts";
import { RunsTable } from "./runs_table.ts";
import { type SweepChart, sweepCharts } from "./sweep_charts.ts";
import { notes } from "./sweep_numbers.ts";
import { hostTable, tierTable } from "./sweep_side_tables.ts";
import { ablationTable, htmlTable, inBaseline, policyTable } from "./sweep_tables.ts";
import { markdownTable, markdownText } from "../../formats/markdown.ts";
import type { SweepTables, TextTable } from "./sweep_tables.ts";

/** The files of a report. */
export interface SweepReport {
  /** Path of index.html. */
  index: string;
  /** Path of the same tables as Markdown. */
  markdown: string;
  /** The charts' pictures. */
  assets: string[];
  /** Why there are no PNG files; null if there are. */
  no_png: string | null;
  /** Runs in the report. */
  runs: number;
  /** Runs with hardware samples. */
  measured: number;
}

/**
 * Writes the report of the sweep in `exp_dir`.
 *
 * @throws {InputError} there is no table, or the folder cannot be written.
 */
export async function writeSweepReport(
  exp_dir: string,
  { runs_csv, out_dir }: { runs_csv?: string; out_dir?: string } = {},
): Promise<SweepReport> {
  const tree = sweepTreeAt(exp_dir);
  const table = runs_csv ?? tree.runs_csv;
  const folder = out_dir ?? tree.report;
  const { all, varied } = await parametersAt(tree.experiment);
  let runsTable: RunsTable | null = null;
  const analysis = await analyseSweep(table, all, (row) => {
    runsTable ??= new RunsTable(
      varied,
      metricsOf(row, all).filter((name) => row[name] !== undefined).slice(0, 5),
    );
    runsTable.add(row);
  });
  const charts = sweepCharts(analysis);
  const name = basename(resolve(exp_dir));
  const { assets, no_png } = await writePictures(charts, join(folder, "assets"));
  const facts = factsOf(analysis);
  const tables = {
    policies: policyTable(analysis),
    ablations: ablationTable(analysis),
    tiers: tierTable(analysis),
    host: hostTable(analysis),
  };
  const figures = new Map<string, string>();
  for (const each of charts) figures.set(each.name, await figureOf(each));
  const body = bodyOf({
    name,
    analysis,
    charts,
    figures,
    facts,
    tables,
    runs: runsTable ?? new RunsTable([], []),
    links: assets.map((path) => relative(resolve(folder), resolve(path))),
  });
  const index = join(folder, "index.html");
  const markdown = join(folder, "report.md");
  writeFileAtomic(index, page(`Sweep ${name}`, body, { script: TABLE_SCRIPT, style: TABLE_STYLE }));
  writeFileAtomic(markdown, sweepMarkdown({ name, analysis, charts, facts, tables, assets }));
  return { index, markdown, assets, no_png, runs: analysis.runs, measured: analysis.measured };
}

/** The names of parameters, and of those that the matrix varies, if the sweep file exists. */
async function parametersAt(path: string): Promise<{ all: string[]; varied: string[] }> {
  try {
    const { common_args, matrix } = sweepConfigOf(await readJsonFile(path));
    const varied = Object.keys(matrix);
    return { all: [...Object.keys(common_args), ...varied], varied };
  } catch {
    return { all: [], varied: [] }; // an older runner's tree
  }
}

/** Writes each chart as PNG, or as SVG if PNG is not possible. */
async function writePictures(
  charts: readonly SweepChart[],
  folder: string,
): Promise<{ assets: string[]; no_png: string | null }> {
  const assets: string[] = [];
  let no_png: string | null = null;
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const { name, chart } of charts) {
      const svg = await chartText(dotDrawing(chart));
      const png = await pngOf(svg);
      const path = join(folder, `${name}.${typeof png === "string" ? "svg" : "png"}`);
      if (typeof png === "string") no_png = png;
      writeFileAtomic(path, [typeof png === "string" ? withLightColours(svg) : png], {
        sync: false,
      });
      assets.push(path);
    }
  } catch (error) {
    throw notWritten(folder, error);
  }
  return { assets, no_png };
}

/** The summary: names and values. */
function factsOf(analysis: SweepAnalysis): [name: string, value: string][] {
  const { runs, measured, policies, workloads, ablations, seeds } = analysis;
  const listed = (values: readonly string[]) =>
    cutText(values.join(values.some((value) => value.includes(",")) ? "; " : ", "), 300);
  const facts: [name: string, value: string, applies: boolean][] = [
    ["runs", measured === runs ? counted(runs, "run") : `${runs}, ${measured} with results`, true],
    ["policies", listed(policies), policies.some((name) => name !== "–")],
    ["workloads", listed(workloads), workloads.some((name) => name !== ALL_RUNS)],
    ["ablations", listed(ablations), ablations.length > 1],
    ["seeds", `${seeds.length} (${listed(seeds)})`, seeds.length > 0],
    ["baseline", analysis.baseline, ablations.length > 1],
  ];
  return facts.filter(([, , applies]) => applies).map(([name, value]) => [name, value]);
}

async function figureOf({ chart, heading, legend, left_out }: SweepChart): Promise<string> {
  const keys = legend.length > 1
    ? `<ul class="legend">${
      legend.map(({ label, colour }) =>
        `<li><i class="key" style="background:var(--${colour})"></i>${escapeHtml(label)}</li>`
      ).join("")
    }</ul>`
    : "";
  const more = left_out && `<p class="note">${escapeHtml(left_out)}</p>`;
  return keys + await chartFigure(dotDrawing(chart), plainLabel(`${heading}: ${chart.axis}`)) +
    more;
}

interface BodyParts {
  name: string;
  analysis: SweepAnalysis;
  charts: readonly SweepChart[];
  figures: ReadonlyMap<string, string>;
  facts: readonly (readonly [string, string])[];
  tables: SweepTables;
  runs: RunsTable;
  /** Paths of the pictures, relative to the page. */
  links: readonly string[];
}

function* bodyOf(parts: BodyParts): Generator<string> {
  const { name, analysis, charts, facts, tables } = parts;
  const drawn = (wanted: SweepChart["section"]) =>
    charts.filter(({ section }) => section === wanted);
  yield `<header><p class="kind">sweep</p><h1>${escapeHtml(name)}</h1><dl class="facts">${
    facts.map(([term, value]) => `<div><dt>${term}</dt><dd>${escapeHtml(value)}</dd></div>`).join(
      "",
    )
  }</dl>`;
  for (const note of notes(analysis)) yield `<p class="warn">${escapeHtml(note)}</p>`;
  yield "</header>\n";
  const links = [
    ...drawn("own").map(({ name, heading }) => [name, heading]),
    ["means", "Means"],
    ...(tables.ablations ? [["ablations", "Ablations"]] : []),
    ...(tables.tiers ? [["tiers", "Tiers"]] : []),
    ...(tables.host ? [["hardware", "Hardware"]] : []),
    ["runs", "Runs"],
    ["reading", "How to read this"],
  ];
  yield `<nav aria-label="sections"><ul>${
    links.map(([id, heading]) => `<li><a href="#${id}">${escapeHtml(heading)}</a></li>`).join("")
  }</ul></nav><main>`;
  for (const chart of drawn("own")) {
    yield section(chart.name, chart.heading, parts.figures.get(chart.name)!);
  }
  const means = tables.policies
    ? htmlTable(tables.policies)
    : `<p class="note">The program reported no figures.</p>`;
  yield section("means", `Means over seeds${inBaseline(analysis, ", ")}`, means);
  const ratios = drawn("ablations").map((chart) =>
    `<p class="note">${escapeHtml(chart.heading)}: above 1, switching it off costs time.</p>` +
    parts.figures.get(chart.name)!
  );
  if (tables.ablations) {
    yield section("ablations", "Ablations", ratios.join("") + htmlTable(tables.ablations));
  }
  const over = `<p class="note">Means over seeds${escapeHtml(inBaseline(analysis, ", "))}.`;
  if (tables.tiers) {
    const used = `${over} Tiers that no attempt used are left out.</p>`;
    const figures = drawn("tiers").map(({ name }) => parts.figures.get(name)!).join("");
    yield section("tiers", "Tiers", used + figures + htmlTable(tables.tiers));
  }
  if (tables.host) {
    const whole =
      `${over} These are figures of the whole host: runs at the same time share them.</p>`;
    yield section("hardware", "Hardware", whole + htmlTable(tables.host));
  }
  yield `<section id="runs"><h2>Runs</h2>`;
  yield* parts.runs.html();
  yield "</section>";
  yield section("reading", "How to read this", readingOf(analysis, tables));
  const pictures = parts.links.map((path) =>
    `<a href="${escapeHtml(path)}">${escapeHtml(basename(path))}</a>`
  );
  yield `</main><footer>Written by dyno ${escapeHtml(dynoVersion)}.${
    pictures.length ? ` The charts as files: ${pictures.join(", ")}.` : ""
  }</footer>`;
}

function section(id: string, heading: string, content: string): string {
  return `<section id="${id}"><h2>${escapeHtml(heading)}</h2>${content}</section>\n`;
}

/** Explains the words of a report, only those that this report uses. */
function readingOf({ metrics }: SweepAnalysis, { ablations, tiers }: SweepTables): string {
  const measured = (name: string) => metrics.some((metric) => metric.startsWith(name));
  const terms: [term: string, meaning: string, isUsed: boolean][] = [
    [
      "makespan",
      "from a workflow's arrival to its end, in simulated time; p50, p95 and p99 over a run's workflows",
      measured("makespan_"),
    ],
    [
      "cost",
      "prices of all attempts of a workflow, in the simulator's unit",
      measured("cost_mean"),
    ],
    ["dot, value", "mean over seeds of the runs' values", true],
    [
      "whisker, [ ]",
      "95 % interval: Student's t over seeds",
      true,
    ],
    [
      "ratio",
      "geometric mean of an ablation's value / the baseline's on the same seed; its interval is " +
      "Student's t on logarithms over seeds, so that what a seed does to both sides cancels",
      ablations !== null,
    ],
    [
      "utilization, in flight",
      "the share of a tier's slots in use and their number, means over simulated time",
      tiers !== null,
    ],
    [
      "queue wait",
      "from when an attempt was ready to its start in that tier; p95 over a run's attempts",
      tiers !== null,
    ],
    ["–", "unknown; never 0", true],
  ];
  const rows = terms.filter(([, , isUsed]) => isUsed)
    .map(([term, meaning]) => `<dt>${term}</dt><dd>${meaning}</dd>\n`);
  return `<dl class="terms">\n${rows.join("")}</dl>`;
}

interface MarkdownParts {
  name: string;
  analysis: SweepAnalysis;
  charts: readonly SweepChart[];
  facts: readonly (readonly [string, string])[];
  tables: SweepTables;
  /** The charts' pictures, in order. */
  assets: readonly string[];
}

/** The whole document. */
function sweepMarkdown(parts: MarkdownParts): string {
  const { name, analysis, charts, facts, tables, assets } = parts;
  const paragraphs = [
    `# Sweep ${markdownText(name)}`,
    facts.map(([term, value]) => `- ${term}: ${markdownText(value)}`).join("\n"),
    ...notes(analysis).map((note) => `> ${markdownText(note)}`),
    ...charts.map(({ heading }, i) =>
      `## ${markdownText(heading)}\n\n![${markdownText(heading)}](assets/${basename(assets[i])})`
    ),
    ...titled(
      `## Means over seeds${markdownText(inBaseline(analysis, ", "))}`,
      tables.policies,
    ),
    ...titled("## Ablations, ratios paired by seed", tables.ablations),
    ...titled("## Tiers", tables.tiers),
    ...titled("## Hardware, of the whole host", tables.host),
    `Values are means over seeds with 95 % intervals of Student's t over seeds${
      tables.ablations === null ? "." : "; ratios are geometric means of pairs on the same seed."
    }`,
  ];
  return paragraphs.map((paragraph) => paragraph.trimEnd()).join("\n\n") + "\n";
}

function titled(heading: string, table: TextTable | null): string[] {
  if (table === null) return [];
  const { heads, rows, names, left } = table;
  const text = markdownTable(heads, rows, (column) => column < names);
  return [heading, text, ...(left > 0 ? [`${counted(left, "more row")} left out here.`] : [])];
}
