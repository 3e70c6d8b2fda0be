/** The report on several runs: one HTML file that shows them side by side. */
import { InputError } from "../../errors.ts";
import { type ComparedRun, compareRuns } from "../../compare/compare.ts";
import { areLoads } from "../../compare/one_kind.ts";
import { compareLoads } from "../../compare/compare_load.ts";
import { dynoVersion } from "../../run/metadata.ts";
import { writeFileAtomic } from "../../write.ts";
import { categoryChart, distributionCharts } from "./compared_charts.ts";
import { comparedItems } from "./compared_items.ts";
import { differenceTables, flipLists, headlineTable, letterHead } from "./compared_numbers.ts";
import { MOST_RUNS, type ReportedRun, reportedRun } from "./compared_run.ts";
import { comparedDefinitionList } from "../definitions.ts";
import { cutText, escapeHtml } from "../html.ts";
import { page } from "../page.ts";
import { type Section, sectionParts } from "../sections.ts";

/**
 * Writes a report of runs compared with the first one, or of one run from any source.
 *
 * @param path of the page.
 * @throws {InputError} runs of different kinds, too many runs, or the file cannot be written.
 */
export async function writeComparedReport(
  compared: readonly ComparedRun[],
  path: string,
): Promise<string> {
  const runs = await reportedRuns(compared, path);
  const loads = runs.some(({ load }) => load !== null);
  const comparisons = loads
    ? compareLoads(runs.map(({ load }) => load!.sample))
    : compareRuns(runs);
  const paired = comparisons.filter((comparison) => "flips" in comparison);
  const categories = await categoryChart(runs);
  const judged = runs.filter(({ items }) => items.some(({ passed }) => passed !== null)).length;
  const several = runs.length > 1;
  const sections: (Section | null)[] = [
    ["results", "Results", [headlineTable(runs)]],
    several ? ["differences", "Differences", [differenceTables(comparisons, runs)]] : null,
    categories ? ["categories", "By category", [categories]] : null,
    ["latency", "How long answers took", [await distributionCharts(runs)]],
    several && !loads && judged > 1 ? ["flips", "Flips", [flipLists(paired, runs)]] : null,
    loads ? null : ["test-list", "Tests", comparedItems(runs)],
    ["definitions", "How to read this", [comparedDefinitionList(loads)]],
  ];
  const title = titleOf(runs);
  const shown = sections.filter((section) => section !== null);
  const footer = `Written by dyno ${escapeHtml(dynoVersion)}.`;
  writeFileAtomic(
    path,
    page(title, sectionParts(header(title, runs), shown, footer), { style: STYLE }),
  );
  return path;
}

async function reportedRuns(
  compared: readonly ComparedRun[],
  path: string,
): Promise<ReportedRun[]> {
  if (compared.length > MOST_RUNS) {
    throw new InputError(
      `${compared.length} runs given; a report takes ${MOST_RUNS}, more cannot be told apart`,
    );
  }
  areLoads(compared);
  const runs: ReportedRun[] = [];
  for (const [place, run] of compared.entries()) {
    try {
      const reported = await reportedRun(run, place);
      // links to the items' files are relative to this page
      runs.push({ ...reported, directory: { ...reported.directory, report: path } });
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw new InputError(
        `${run.summary.run_id}: its results.json or events.jsonl is missing or damaged`,
      );
    }
  }
  return runs;
}

function titleOf(runs: readonly ReportedRun[]): string {
  const distinct = (key: "benchmark" | "model") => [
    ...new Set(runs.map(({ summary }) => summary[key])),
  ];
  const models = distinct("model"), benchmarks = distinct("benchmark");
  return `${benchmarks.slice(0, 2).join(", ")}: ${
    models.length > 1
      ? models.join(" and ")
      : `${models[0]}${runs.length > 1 ? `, ${runs.length} runs` : ""}`
  }`;
}

function header(title: string, runs: readonly ReportedRun[]): string {
  const facts = runs.map((run) => {
    const { run_id, model, benchmark, status, started_at_unix_seconds: started } = run.summary;
    const time = started === null
      ? "time unknown"
      : `${new Date(started * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
    const state = status === "complete" ? "" : `, ${status}`;
    return `<div><dt>${letterHead(run)}</dt><dd dir="auto">${
      escapeHtml(cutText(`${model}, ${benchmark}, ${run_id}, ${time}${state}`, 400))
    }</dd></div>`;
  });
  return `<header>
<p class="kind">dyno ${runs.length > 1 ? "runs compared" : "run"}</p>
<h1 dir="auto">${escapeHtml(cutText(title, 200))}</h1>
<dl class="facts runs">${facts.join("")}</dl>
</header>`;
}

/** Styles that only this page has. */
const STYLE = `
dl.facts.runs { grid-template-columns: minmax(0, 1fr); } dl.facts.runs dt { flex-basis: 2.2rem; color: var(--ink); }
abbr { text-decoration: none; }
td.good, td.o4 { color: var(--good); } td.bad, td.o1, td.o2 { color: var(--bad); } td.o0 { color: var(--c2); font-weight: 600; }
#tests thead th:nth-child(n+4) { text-align: end; }
p.run { margin: 1rem 0 0; font-weight: 600; }
ul.flips { columns: 16rem; margin: .4rem 0 0; padding-inline-start: 1.1rem; font-size: .87rem; overflow-wrap: anywhere; }
`;
