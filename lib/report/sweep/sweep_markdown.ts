/** A sweep's report as Markdown. */
import { basename } from "node:path";
import { markdownTable, markdownText } from "../../formats/markdown.ts";
import { counted } from "../../text/grouped.ts";
import { notes } from "./sweep_numbers.ts";
import type { SweepAnalysis } from "../../sweep/analyse.ts";
import type { SweepChart } from "./sweep_charts.ts";
import type { SweepTables, TextTable } from "./sweep_tables.ts";

export interface MarkdownParts {
  name: string;
  analysis: SweepAnalysis;
  charts: readonly SweepChart[];
  facts: readonly (readonly [string, string])[];
  tables: SweepTables;
  /** The charts' pictures, in their order. */
  assets: readonly string[];
}

/** The whole document. */
export function sweepMarkdown(parts: MarkdownParts): string {
  const { name, analysis, charts, facts, tables, assets } = parts;
  const paragraphs = [
    `# Sweep ${markdownText(name)}`,
    facts.map(([term, value]) => `- ${term}: ${markdownText(value)}`).join("\n"),
    ...notes(analysis).map((note) => `> ${markdownText(note)}`),
    ...charts.map(({ heading }, i) =>
      `## ${markdownText(heading)}\n\n![${markdownText(heading)}](assets/${basename(assets[i])})`
    ),
    ...titled(`## Means over seeds, ${markdownText(analysis.baseline)}`, tables.policies),
    ...titled("## Ablations, ratios paired by seed", tables.ablations),
    ...titled("## Tiers", tables.tiers),
    ...titled("## Hardware, of the whole host", tables.host),
    "Values are means over seeds with 95 % intervals of a percentile bootstrap over seeds (2,000 " +
    "resamples, fixed seed); ratios are geometric means of pairs on the same seed.",
  ];
  return paragraphs.map((paragraph) => paragraph.trimEnd()).join("\n\n") + "\n";
}

function titled(heading: string, table: TextTable | null): string[] {
  if (table === null) return [];
  const { heads, rows, names, left } = table;
  const text = markdownTable(heads, rows, (column) => column < names);
  return [heading, text, ...(left > 0 ? [`${counted(left, "more row")} left out here.`] : [])];
}
