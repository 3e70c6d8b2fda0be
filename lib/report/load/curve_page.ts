/** A page with the curve of several loads: latency over throughput, one dot for each level. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { escapeHtml } from "../html.ts";
import { page } from "../page.ts";
import { writeFileAtomic } from "../../write.ts";
import { plotFigure } from "../charts/plot.ts";
import { levelsCurvePlot } from "./load_curve.ts";
import type { LoadResults } from "../../load/results.ts";

/**
 * Writes the page.
 *
 * @param lines the text above the curves.
 * @param curves the runs of each curve, and its heading; "" for none.
 * @param section the HTML below them.
 * @returns whether there was a curve: it needs at least two levels with known figures.
 * @throws {InputError} the file cannot be written.
 */
export async function writeCurvePage(
  path: string,
  title: string,
  lines: readonly string[],
  curves: readonly { heading: string; runs: readonly LoadResults[] }[],
  section = "",
): Promise<boolean> {
  const drawn: string[] = [];
  for (const { heading, runs } of curves) {
    const plot = levelsCurvePlot(runs);
    if (plot === null) continue;
    const head = heading === "" ? "" : `<h2>${escapeHtml(heading)}</h2>`;
    drawn.push(`<section>${head}${await plotFigure(plot)}</section>`);
  }
  if (drawn.length === 0) return false;
  mkdirSync(dirname(path), { recursive: true });
  const said = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join("");
  const body = `<main><h1>${escapeHtml(title)}</h1>${said}${drawn.join("\n")}${section}</main>`;
  writeFileAtomic(path, page(title, [body]));
  return true;
}
