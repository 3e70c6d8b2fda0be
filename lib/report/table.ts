/**
 * Tables of the reports. On a narrow page a table of figures folds: each row becomes a block, with
 * its cells next to each other under their columns' names. Long tables scroll in a box, which shows
 * when columns are out of sight.
 */

/**
 * A column's heading, as HTML. Figures are right-aligned, prose is wrapped, names and intervals are
 * not wrapped.
 */
export interface Head {
  html: string;
  text?: boolean;
  kind?: "name" | "ci";
  /** The heading as one line of text. Default: its text. */
  label?: string;
}

/** A row: its heading and its cells, as HTML. */
export interface TableRow {
  head: string;
  cells: readonly string[];
  /** Whether it is the row that sums up the others. */
  all?: boolean;
}

/**
 * Tables with this few columns are only as wide as their content; tables with this many fold on a
 * tablet already.
 */
const SLIM = 2;
const MANY = 8;
/** A table with at least this many rows scrolls in a box, below its headings. */
const TALL_FROM = 40;

/** At most `most` of the rows, those with the lowest ranks, in their original order. */
export function mostImportant<Row>(
  rows: readonly Row[],
  rankOf: (row: Row) => number,
  most: number,
): readonly Row[] {
  if (rows.length <= most) return rows;
  const chosen = new Set(rows.toSorted((a, b) => rankOf(a) - rankOf(b)).slice(0, most));
  return rows.filter((row) => chosen.has(row));
}

/** Opens the box in which a table with this many rows scrolls, as HTML; `</div>` closes it. */
export function scrollBox(label: string, rows = 0): string {
  const tall = rows > TALL_FROM ? " tall" : "";
  return `<div class="scroll${tall}" tabindex="0" role="region" aria-label="${label}">`;
}

/**
 * The script that shows when columns are out of sight, while a box is narrower than its table. It
 * goes at the end of every page's script.
 */
export const SIDEWAYS = `
(() => {
const tell = (box) => box.classList.toggle("cut", box.scrollWidth > box.clientWidth + 1);
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => tell(target.closest(".scroll"))));
for (const box of document.querySelectorAll(".scroll")) {
  tell(box);
  sizes.observe(box);
  if (box.firstElementChild) sizes.observe(box.firstElementChild);
}
})();
`;

/** The table; `heads` are the headings of the cells, `first` the heading of the row headings. */
export function dataTable(
  label: string,
  first: string,
  heads: readonly Head[],
  rows: readonly TableRow[],
): string {
  const labels = heads.map(({ html, label = labelOf(html) }) => ` data-label="${label}"`);
  const kinds = heads.map(({ text, kind = text ? "text" : "n" }) => ` class="${kind}"`);
  const top = heads.map(({ html }, i) => `<th scope="col"${kinds[i]}>${html}</th>`).join("");
  const body = rows.map(({ head, cells, all }) =>
    `<tr${all ? ` class="all"` : ""}><th scope="row" dir="auto">${head}</th>${
      cells.map((cell, i) => `<td${kinds[i]}${labels[i]}>${cell}</td>`).join("")
    }</tr>`
  );
  const folds = heads.length > SLIM ? heads.length > MANY ? " fold many" : " fold" : " slim";
  return `${scrollBox(label)}<table class="data${folds}">
<thead><tr><th scope="col">${first}</th>${top}</tr></thead>
<tbody>${body.join("\n")}</tbody></table></div>`;
}

/** A heading as one line of text: `ttft p50, ms`. */
function labelOf(html: string): string {
  return html.replace(/<br>(?=.)/g, ", ").replace(/<[^>]*>/g, "").replaceAll('"', "&quot;");
}
