/** A page with one table that can be searched and sorted; it loads nothing. */
import { scrollBox } from "./table.ts";
import { grouped } from "../text/grouped.ts";
import { dynoVersion } from "../run/metadata.ts";
import { cutText, escapeHtml } from "./html.ts";
import { counted } from "../text/grouped.ts";
import { page } from "./page.ts";
import { TABLE_SCRIPT, TABLE_STYLE } from "./table_script.ts";

/** More rows than this would be slow to open in a browser. */
const MOST_ROWS = 20_000;
const LONGEST_TEXT = 300;

/** The content of the page. */
export interface TablePage {
  title: string;
  /** The name of a row: run, item. */
  noun: string;
  facts: readonly (readonly [name: string, value: string])[];
  columns: readonly { title: string; number: boolean }[];
  /** Cells as text; `bad` marks rows that deserve a look. */
  rows: readonly { cells: readonly string[]; bad: boolean }[];
}

/** The page in parts. */
export function tablePage({ title, noun, facts, columns, rows }: TablePage): Iterable<string> {
  const heads = columns.map(({ title, number }) =>
    `<th scope="col"${number ? ` class="n"` : ""}><button type="button">${
      escapeHtml(title)
    }</button></th>`
  );
  function* body(): Generator<string> {
    yield `<header>\n<p class="kind">dyno runs</p>\n<h1 dir="auto">${
      escapeHtml(cutText(title, 200))
    }</h1>\n<dl class="facts">${
      facts.map(([name, value]) =>
        `<div><dt>${escapeHtml(name)}</dt><dd dir="auto">${
          escapeHtml(cutText(value, LONGEST_TEXT))
        }</dd></div>`
      ).join("")
    }</dl>\n</header>\n<main><section aria-label="${escapeHtml(`${noun}s`)}">\n`;
    yield `<div class="filter" role="search"><label>Find <input type="search" id="find"></label>` +
      `<output id="shown" aria-live="polite">${counted(rows.length, noun)}</output></div>
${scrollBox(escapeHtml(`${noun}s`), rows.length)}<table id="runs-table" data-noun="${
        escapeHtml(noun)
      }"><thead><tr>${heads.join("")}</tr></thead>\n<tbody>\n`;
    for (const { cells, bad } of rows.slice(0, MOST_ROWS)) {
      yield `<tr${bad ? ` class="bad"` : ""}>${
        cells.map((cell, i) => cellOf(cell, i === 0, columns[i].number)).join("")
      }</tr>\n`;
    }
    yield "</tbody></table></div>";
    const left = rows.length - MOST_ROWS;
    if (left > 0) {
      yield `<p class="note">The first ${counted(MOST_ROWS, noun)}; ${
        grouped(left)
      } more are in the other export formats.</p>`;
    }
    yield `</section></main>\n<footer>Written by dyno ${escapeHtml(dynoVersion)}.</footer>`;
  }
  return page(title, body(), { script: TABLE_SCRIPT, style: TABLE_STYLE });
}

function cellOf(text: string, first: boolean, number: boolean): string {
  const shown = text === "" ? "–" : escapeHtml(cutText(text, LONGEST_TEXT));
  if (first) return `<th scope="row" dir="auto">${shown}</th>`;
  return number ? `<td class="n">${shown}</td>` : `<td dir="auto">${shown}</td>`;
}
