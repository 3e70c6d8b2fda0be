/** The page around a report: one file, no network, light and dark, small screens and paper. */
import { escapeHtml } from "./html.ts";

const STYLE = `
:root { --paper: #fbfbf9; --ink: #1f2328; --soft: #5d6570; --rule: #d9dce1; --card: #fff;
  --c1: #2f6fbf; --c2: #c2571a; --c3: #3b8557; --good: #227a3f; --bad: #b3261e; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --ink: #e4e7eb; --soft: #9aa4b0; --rule: #333a43;
  --card: #1c2026; --c1: #6aa5ee; --c2: #ee9a5c; --c3: #74c292; --good: #74c292; --bad: #f28b82; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; }
.facts, .note { color: var(--soft); font-size: .87rem; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem; margin: 1.4rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: .7rem .9rem; }
.tiles b { display: block; font-size: 1.45rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--soft); font-size: .82rem; } .tiles small { display: block; color: var(--soft); }
.warn { border-left: 4px solid var(--c2); padding: .4rem .8rem; background: var(--card); }
.scroll { overflow-x: auto; max-width: 100%; }
figure { margin: 0; overflow-x: auto; } figure svg { display: block; width: 100%; min-width: 32rem; height: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--rule); vertical-align: top; }
thead th { font-size: .82rem; color: var(--soft); white-space: nowrap; } tbody th { font-weight: 400; } #tests tbody th { min-width: 14rem; }
td.n, th.n, th[data-kind=number] { text-align: right; } td { white-space: nowrap; } tr.all { font-weight: 600; }
thead button { all: unset; cursor: pointer; } thead button:focus-visible, summary:focus-visible { outline: 2px solid var(--c1); }
th[aria-sort=ascending] button::after { content: " ▲"; } th[aria-sort=descending] button::after { content: " ▼"; }
td.passed { color: var(--good); } td.wrong, td.error, .bad { color: var(--bad); } .bad { margin: .2rem 0; font-size: .87rem; }
.ci { position: relative; display: block; min-width: 8rem; height: 1.2rem; }
.ci i { position: absolute; top: .55rem; height: 2px; background: var(--c1); }
.ci b { position: absolute; top: .25rem; width: .6rem; height: .6rem; margin-left: -.3rem; border-radius: 50%; background: var(--c1); }
.filter { display: flex; flex-wrap: wrap; gap: .8rem; align-items: center; margin-bottom: .6rem; font-size: .87rem; }
.filter input, .filter select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--rule); border-radius: .3rem; padding: .2rem .4rem; }
summary { cursor: pointer; } pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--card); border: 1px solid var(--rule);
  border-radius: .4rem; padding: .6rem .8rem; font-size: .82rem; max-width: 46rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font-size: .87rem; } dd { margin: 0; color: var(--soft); }
@media print { body { max-width: none; } .filter { display: none; } .scroll, figure { overflow: visible; } }
`;

const SCRIPT = `
"use strict";
const body = document.querySelector("#tests tbody"), rows = [...body.rows];
const field = (id) => document.getElementById(id);
function filter() {
  const text = field("find").value.toLowerCase(), category = field("category").value, result = field("result").value;
  let shown = 0;
  for (const row of rows) {
    const fits = (!category || row.dataset.category === category) && (!result || row.dataset.result === result) &&
      (!text || row.textContent.toLowerCase().includes(text));
    row.hidden = !fits;
    shown += fits;
  }
  field("shown").textContent = shown === rows.length ? rows.length + " tests" : shown + " of " + rows.length + " tests";
}
for (const id of ["find", "category", "result"]) field(id).addEventListener("input", filter);
document.querySelectorAll("#tests thead th").forEach((head, column) => {
  head.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.children) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const text = (row) => row.cells[column].textContent;
    const number = (row) => { const value = parseFloat(text(row)); return isNaN(value) ? -Infinity : value; };
    const order = head.dataset.kind === "number" ? (a, b) => number(a) - number(b) : (a, b) => text(a).localeCompare(text(b));
    rows.sort((a, b) => down ? order(b, a) : order(a, b));
    body.append(...rows);
  });
});
`;

/** A whole page in parts. `main` is HTML that is already safe; the title is text. */
export function* page(title: string, main: Iterable<string>): Generator<string> {
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>`;
  yield* main;
  yield `</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
