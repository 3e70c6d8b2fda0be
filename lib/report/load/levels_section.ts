/** A page's section with the figures of loads at several levels. */
import { escapeHtml } from "../html.ts";
import { meaningOf } from "../definitions.ts";
import { dataTable } from "../table.ts";
import { short } from "../../text/figure.ts";
import { type LevelFigures, levelMarks } from "../../load/levels.ts";

const HEADS = [
  "requests/s",
  "output tokens/s",
  "tokens/s a GPU",
  "tokens/s a user, median",
  "e2e mean, ms",
  "",
];

/** The section, HTML. */
export function levelsSection(levels: readonly LevelFigures[]): string {
  const rows = levels.map((level) => ({
    head: escapeHtml(level.name),
    cells: [
      ...[
        level.requests_per_s,
        level.output_tokens_per_s,
        level.tokens_per_s_per_gpu,
        level.tokens_per_s_per_user,
        level.e2e_mean_ms,
      ].map(short),
      levelMarks(level),
    ],
  }));
  const heads = HEADS.map((html) => html === "" ? { html, text: true, label: "marked" } : { html });
  return `<section><h2>Levels</h2>${dataTable("Levels", "level", heads, rows)}` +
    `<p class="note">${NOTE}</p></section>`;
}

const NOTE = `Knee: ${meaningOf("knee")}. Pareto: ${meaningOf("Pareto")}. ` +
  "Of several runs of a level, their mean.";
