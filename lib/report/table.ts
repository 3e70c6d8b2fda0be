/** A table of figures that scrolls by itself where the page is narrow. */

/** A column's heading, HTML; figures stand to the right. */
export interface Head {
  html: string;
  text?: boolean;
}

/** A row: its head and its cells, HTML. */
export interface TableRow {
  head: string;
  cells: readonly string[];
  /** The row that sums up the others. */
  all?: boolean;
}

/** Tables of so few columns are as wide as what they hold. */
const SLIM = 2;

/** The table; `heads` are those of the cells, `first` is that of the rows' heads. */
export function dataTable(
  label: string,
  first: string,
  heads: readonly Head[],
  rows: readonly TableRow[],
): string {
  const kind = ({ text }: Head) => text ? "" : ` class="n"`;
  const top = heads.map((head) => `<th scope="col"${kind(head)}>${head.html}</th>`).join("");
  const body = rows.map(({ head, cells, all }) =>
    `<tr${all ? ` class="all"` : ""}><th scope="row" dir="auto">${head}</th>${
      cells.map((cell, i) => `<td${kind(heads[i])}>${cell}</td>`).join("")
    }</tr>`
  );
  return `<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table class="data${
    heads.length <= SLIM ? " slim" : ""
  }">
<thead><tr><th scope="col">${first}</th>${top}</tr></thead>
<tbody>${body.join("\n")}</tbody></table></div>`;
}
