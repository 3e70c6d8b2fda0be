/** The table of tests: figures of all tests, texts of the most important ones. */
import { figure } from "../../text/figure.ts";
import { mostImportant, scrollBox } from "../table.ts";
import { grouped } from "../../text/grouped.ts";
import { filterForm } from "../filter_form.ts";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { testTexts, verdictOf, VERDICTS } from "./test_texts.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { ResultItem } from "../../suite/results.ts";

/** More rows than this would be slow to open in a browser. */
const MOST_ROWS = 20_000;
/** The total letters of names and errors; with very many tests, each has fewer. */
const NAME_LETTERS = 800_000;
const ERROR_LETTERS = 300_000;

interface Column {
  title: string;
  unit?: string;
  number?: (item: ResultItem) => string;
}

const COLUMNS: Column[] = [
  { title: "test" },
  { title: "category" },
  { title: "result" },
  { title: "score", number: (item) => figure(item.score?.hit_rate, 2) },
  { title: "ttft", unit: "ms", number: (item) => figure(item.ttft_ms, 1) },
  { title: "tpot", unit: "ms", number: (item) => figure(item.tpot_ms, 2) },
  { title: "e2e", unit: "ms", number: (item) => figure(item.e2e_ms, 1) },
  { title: "output tokens", number: (item) => figure(item.completion_tokens, 0) },
  { title: "tokens/s of it", number: (item) => figure(item.tokens_per_second, 1) },
];
const ENERGY: Column = {
  title: "energy",
  unit: "J",
  number: (item) => figure(item.energy_j, 2),
};

/** Rows that are laid out when the page opens; more follow while the user scrolls. */
const FIRST_ROWS = 300;

/** The class of a row that is laid out later. */
export function laterClass(place: number): string {
  return place < FIRST_ROWS ? "" : " later";
}

/** The button that lays out more rows, if the table has more. */
export function moreButton(rows: number): string {
  return rows > FIRST_ROWS
    ? `<p class="note" id="more"><button type="button">Show more tests</button></p>`
    : "";
}

/** How many letters of its texts a row may show. */
interface Letters {
  name: number;
  error: number;
}

/** The table with its filter, in parts. */
export function* testsTable(
  items: readonly ResultItem[],
  directory: RunDirectory,
): Generator<string> {
  if (items.length === 0) {
    yield `<p class="note">No test was finished.</p>`;
    return;
  }
  const rows = mostImportant(items, (item) => VERDICTS.indexOf(verdictOf(item)), MOST_ROWS);
  const texts = testTexts(rows, directory);
  const columns = items.some((item) => item.energy_j !== null) ? [...COLUMNS, ENERGY] : COLUMNS;
  const letters = {
    name: share(NAME_LETTERS, rows.length, 24, 160),
    error: share(ERROR_LETTERS, rows.filter((item) => faultOf(item)).length, 24, 300),
  };
  yield filterOf(rows, letters);
  yield `${scrollBox("tests", rows.length)}<table id="tests">
<thead><tr>${columns.map(headCell).join("")}</tr></thead>
<tbody>
`;
  let place = 0;
  for (const item of rows) {
    yield row(item, columns, letters, place++, texts.get(item.item_id)) + "\n";
  }
  yield `</tbody></table>${moreButton(rows.length)}</div>${
    leftOut(items.length, rows.length, texts.size)
  }`;
}

function share(all: number, count: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.floor(all / Math.max(1, count))));
}

function leftOut(tests: number, rows: number, texts: number): string {
  const lines: string[] = [];
  if (rows < tests) {
    lines.push(
      `The table has ${counted(rows, "test")} of ${grouped(tests)}, errors and wrong ` +
        "answers first; results.json has all.",
    );
  }
  if (texts < rows) {
    lines.push(
      `Prompt and answer are shown for ${
        counted(texts, "test")
      }, errors and wrong answers first; ` +
        `those of the other ${grouped(tests - texts)} are in the run's folder items/.`,
    );
  }
  return lines.map((line) => `<p class="note">${line}</p>`).join("");
}

/** `abbr` is the text for paper, where a button is not repeated on each page. */
function headCell({ title, unit, number }: Column): string {
  const button = `<button type="button">${title}</button>`;
  const small = unit ? `<small>${unit}</small>` : "";
  return `<th scope="col" abbr="${title}"${number ? ` class="n"` : ""}>${button}${small}</th>`;
}

function filterOf(items: readonly ResultItem[], letters: Letters): string {
  const categories = [...new Set(items.map((item) => shortCategory(item, letters)))];
  const verdicts = new Set(items.map(verdictOf));
  return filterForm(items.length, categories, VERDICTS.filter((verdict) => verdicts.has(verdict)));
}

function shortCategory(item: ResultItem, letters: Letters): string {
  return cutText(item.category, Math.min(60, letters.name));
}

function faultOf(item: ResultItem): string | null {
  return item.error ?? item.evaluation_error;
}

function row(
  item: ResultItem,
  columns: readonly Column[],
  letters: Letters,
  place: number,
  texts: string | undefined,
): string {
  const verdict = verdictOf(item);
  const name = escapeHtml(cutText(item.test_name, letters.name));
  const fault = faultOf(item);
  const said = fault
    ? `<p class="fault" dir="auto">${escapeHtml(cutText(fault, letters.error))}</p>`
    : "";
  const title = texts === undefined
    ? name
    : `<button type="button" aria-expanded="false" aria-controls="t${place}">${name}</button>`;
  const numbers = columns.flatMap(({ number }) => number ? `<td>${number(item)}</td>` : []);
  const main =
    `<tr class="item ${verdict.replace(" ", "-")}${
      laterClass(place)
    }"><th scope="row" dir="auto">${title}${said}</th>` +
    `<td dir="auto">${escapeHtml(shortCategory(item, letters))}</td><td>${verdict}</td>` +
    `${numbers.join("")}</tr>`;
  return texts === undefined
    ? main
    : `${main}\n<tr id="t${place}" class="texts" hidden><td colspan="${columns.length}"><div>${texts}</div></td></tr>`;
}
