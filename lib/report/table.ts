/**
 * Tables of the reports. On a narrow page a table of figures folds: each row becomes a block with its
 * cells beside one another under their columns' names. Long tables scroll in their own box, which
 * says so where columns are out of sight.
 */

/** A column's heading, HTML. Figures stand to the right, prose is wrapped, names and intervals are not. */
export interface Head {
  html: string;
  text?: boolean;
  kind?: "name" | "ci";
  /** What it is called on one line. Default: its text. */
  label?: string;
}

/** A row: its head and its cells, HTML. */
export interface TableRow {
  head: string;
  cells: readonly string[];
  /** The row that sums up the others. */
  all?: boolean;
}

/** Tables of this few columns are as wide as what they hold, and of this many fold on a tablet already. */
const SLIM = 2;
const MANY = 8;
/** From this many rows on a table scrolls in its own box, below its heads. */
const TALL_FROM = 40;

/** At most `most` of the rows, those of the lowest ranks, in the order of all. */
export function mostImportant<Row>(
  rows: readonly Row[],
  rankOf: (row: Row) => number,
  most: number,
): readonly Row[] {
  if (rows.length <= most) return rows;
  const chosen = new Set(rows.toSorted((a, b) => rankOf(a) - rankOf(b)).slice(0, most));
  return rows.filter((row) => chosen.has(row));
}

/** Begins the box in which a table of this many rows scrolls, HTML; `</div>` ends it. */
export function scrollBox(label: string, rows = 0): string {
  const tall = rows > TALL_FROM ? " tall" : "";
  return `<div class="scroll${tall}" tabindex="0" role="region" aria-label="${label}">`;
}

/**
 * What of a page says where columns are out of sight: as long as a box is narrower than its table. For
 * the end of every page's script.
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

/** The table; `heads` are those of the cells, `first` is that of the rows' heads. */
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

/** A head as text on one line: `ttft p50, ms`. */
function labelOf(html: string): string {
  return html.replace(/<br>(?=.)/g, ", ").replace(/<[^>]*>/g, "").replaceAll('"', "&quot;");
}
