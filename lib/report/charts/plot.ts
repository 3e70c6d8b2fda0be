/** A chart with its title, legend and notes: as a figure on a page, or as a separate picture. */
import { cutText, escapeHtml } from "../html.ts";
import { chartFigure, chartText, type Drawing } from "./chart.ts";
import { withLightColours } from "./png.ts";
import type { Legend } from "./request_series.ts";

/** A chart and its texts. */
export interface Plot {
  draw: Drawing;
  /** Read out instead of the chart. */
  label: string;
  /** The meaning of the colours; empty if the chart itself shows it. */
  legend: readonly Legend[];
  /** How to read it, as HTML; empty for no note. */
  note: string;
  /** The same in one short line of text, for a picture outside a page. */
  caption: string;
}

/** The plot as a figure on a page. */
export async function plotFigure({ draw, label, legend, note }: Plot): Promise<string> {
  const figure = await chartFigure(draw, label);
  return (legend.length > 0 ? legendList(legend) : "") + figure +
    (note && `<p class="note">${note}</p>`);
}

/** A list of the colours' meanings. */
export function legendList(legend: readonly Legend[]): string {
  const entries = legend.map(({ name, colour }) =>
    `<li dir="auto"><i class="key" style="background:${colour}"></i>${
      escapeHtml(legendName(name))
    }</li>`
  );
  return `<ul class="legend">${entries.join("")}</ul>`;
}

const LONGEST_NAME = 48;
const MARGIN = 14;
const TITLE_HEIGHT = 48;
const LEGEND_HEIGHT = 20;
const SWATCH = 10;
/** Average width of a letter of the legend. */
const LETTER_WIDTH = 6.4;
const FONT = 'font-family="system-ui, sans-serif"';

/**
 * The plot as an SVG file with a white background, its title and its legend.
 *
 * @param width in pixels.
 */
export async function plotSvg(plot: Plot, title: string, width: number): Promise<string> {
  const inner = await chartText(plot.draw, width - 2 * MARGIN);
  const height = Number(/^<svg width="\d+" height="(\d+)"/.exec(inner)![1]);
  const rows = legendRows(plot.legend, width - 2 * MARGIN);
  const top = TITLE_HEIGHT + rows.length * LEGEND_HEIGHT;
  const legend = rows.flatMap((row, i) =>
    row.map(({ name, colour, x }) => {
      const y = TITLE_HEIGHT + i * LEGEND_HEIGHT;
      return `<rect x="${x}" y="${y}" width="${SWATCH}" height="${SWATCH}" fill="${colour}"/>` +
        `<text x="${x + SWATCH + 5}" y="${
          y + SWATCH - 1
        }" font-size="11" ${FONT} fill="var(--ink)">${escapeHtml(name)}</text>`;
    })
  );
  const whole = top + height + MARGIN;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}" ` +
    `viewBox="0 0 ${width} ${whole}" role="img">` +
    `<title>${escapeHtml(plot.label)}</title><rect width="100%" height="100%" fill="#ffffff"/>` +
    `<text x="${MARGIN}" y="20" font-size="13" font-weight="600" ${FONT} fill="var(--ink)">${
      escapeHtml(cutText(title, Math.floor(width / 8)))
    }</text><text x="${MARGIN}" y="37" font-size="11" ${FONT} fill="var(--soft)">${
      escapeHtml(plot.caption)
    }</text>${legend.join("")}` +
    inner.replace(/^<svg /, `<svg x="${MARGIN}" y="${top}" `) + "</svg>";
  return withLightColours(svg) + "\n";
}

/** As much of a name as fits in the legend. */
function legendName(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1)}…`;
}

/** Distributes the legend's entries over rows. */
function legendRows(legend: readonly Legend[], width: number) {
  const rows: (Legend & { x: number })[][] = [];
  let x = Infinity;
  for (const { name, colour } of legend) {
    const shown = legendName(name);
    const needed = SWATCH + 21 + shown.length * LETTER_WIDTH;
    if (x + needed > width) {
      rows.push([]);
      x = MARGIN;
    }
    rows[rows.length - 1].push({ name: shown, colour, x });
    x += needed;
  }
  return rows;
}
