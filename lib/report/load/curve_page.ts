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
 * @param lines the text above the curve.
 * @param section the HTML below it.
 * @returns whether there was a curve: it needs at least two runs with known figures.
 * @throws {InputError} the file cannot be written.
 */
export async function writeCurvePage(
  path: string,
  title: string,
  lines: readonly string[],
  runs: readonly LoadResults[],
  section = "",
): Promise<boolean> {
  const plot = levelsCurvePlot(runs);
  if (plot === null) return false;
  const curve = await plotFigure(plot);
  mkdirSync(dirname(path), { recursive: true });
  const said = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join("");
  const body = `<main><h1>${
    escapeHtml(title)
  }</h1>${said}<section>${curve}</section>${section}</main>`;
  writeFileAtomic(path, page(title, [body]));
  return true;
}
