/** A sweep's report as Markdown. */
import { basename } from "node:path";
import { notes } from "./sweep_numbers.ts";
import { markdownTable } from "./sweep_tables.ts";
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
    `# Sweep ${inline(name)}`,
    facts.map(([term, value]) => `- ${term}: ${inline(value)}`).join("\n"),
    ...notes(analysis).map((note) => `> ${inline(note)}`),
    ...charts.map(({ heading }, i) =>
      `## ${inline(heading)}\n\n![${inline(heading)}](assets/${basename(assets[i])})`
    ),
    ...titled(`## Means over seeds, ${inline(analysis.baseline)}`, tables.policies),
    ...titled("## Ablations, ratios paired by seed", tables.ablations),
    ...titled("## Tiers", tables.tiers),
    ...titled("## Hardware, of the whole host", tables.host),
    "Values are means over seeds with 95 % intervals of a percentile bootstrap over seeds (2,000 " +
    "resamples, fixed seed); ratios are geometric means of pairs on the same seed.",
  ];
  return paragraphs.map((paragraph) => paragraph.trimEnd()).join("\n\n") + "\n";
}

function titled(heading: string, table: TextTable | null): string[] {
  return table ? [heading, markdownTable(table)] : [];
}

/** Text on one line that Markdown does not read. */
function inline(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_<>[\]|]/g, "\\$&");
}
