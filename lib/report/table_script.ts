/** The script of a page with one table: it sorts the rows by a column, and filters them. */
import { SORTED } from "./sort_script.ts";

/** For the one table of a page. */
export const TABLE_SCRIPT = `
"use strict";
(() => {
const table = document.getElementById("runs-table");
if (!table) return;
const find = document.getElementById("find"), shown = document.getElementById("shown");
const rows = Array.from(table.tBodies[0].rows, (row) => ({ row, text: row.textContent.toLowerCase() }));
const noun = " " + (table.dataset.noun || "run");
const counted = (n) => n.toLocaleString("en") + noun + (n === 1 ? "" : "s");
${SORTED}
function filter() {
  const words = find.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let fitting = 0;
  for (const { row, text } of rows) {
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) fitting++;
  }
  shown.textContent = fitting === rows.length ? counted(fitting) : fitting.toLocaleString("en") + " of " + counted(rows.length);
}

function sort(head) {
  const order = sorted(head, rows, ({ row }, column) => row.cells[column].textContent);
  table.tBodies[0].append(...order.map(({ row }) => row));
}

find.addEventListener("input", filter);
for (const head of table.tHead.rows[0].cells) head.querySelector("button").addEventListener("click", () => sort(head));
filter(); // a reload keeps what was in the field
})();
`;

/** Styles that only such a page has. */
export const TABLE_STYLE = `
.groups small { color: var(--soft); } .groups tbody td, .groups tbody th { white-space: nowrap; }
#runs-table thead th { position: sticky; top: 0; background: var(--paper); z-index: 1; box-shadow: inset 0 -1px var(--rule); }
#runs-table button { all: unset; cursor: pointer; }
#runs-table button:hover { color: var(--ink); }
#runs-table button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
#runs-table th[aria-sort] button { color: var(--ink); }
#runs-table th[aria-sort=ascending] button::after { content: " \\2191"; } #runs-table th[aria-sort=descending] button::after { content: " \\2193"; }
#runs-table tbody th { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .82rem; }
#runs-table tr.bad td:last-child { color: var(--bad); white-space: normal; min-width: 12rem; }
@media print { #runs-table thead th { position: static; } #runs-table thead button { all: unset; } }
`;
