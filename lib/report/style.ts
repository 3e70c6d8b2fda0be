/**
 * A table's row on a narrow page: its heading on top, its cells next to each other, each under its
 * column's name.
 */
const FOLDED_ROW =
  "display: grid; grid-template-columns: repeat(auto-fill, minmax(6.4rem, 1fr)); gap: .3rem .8rem; padding: .5rem 0; border-bottom: 1px solid var(--rule);";
const FOLDED_HEAD =
  "grid-column: 1 / -1; max-width: none; padding: 0; border: 0; font-weight: 600; overflow-wrap: anywhere;";
const FOLDED_CELL =
  "min-width: 0; padding: 0; border: 0; text-align: start; white-space: normal; overflow-wrap: anywhere;";
const FOLDED_LABEL =
  "content: attr(data-label); display: block; color: var(--soft); font-size: .82rem; font-weight: 400; line-height: 1.3;";

/** The page's style: light and dark, on a phone, on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #fff; --ink: #1f2328; --soft: #59626d; --rule: #d8dbe0;
  --good: #1f7038; --bad: #b3261e; --amber: #946200; --accent: #2563ae;
  --c1: #2563ae; --c2: #b4500f; --c3: #2a7547;
  --k1: #2f6fbf; --k2: #2f8f5b; --k3: #b8860b; --k4: #7b5cb8; --k5: #1b8fa0; --k6: #8a5a3b;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1b1f24; --ink: #e3e6ea; --soft: #9aa4af; --rule: #353c45;
    --good: #77c690; --bad: #f28b82; --amber: #e0b94f; --accent: #7fb2ef;
    --c1: #6aa5ee; --c2: #ee9a5c; --c3: #74c292;
    --k1: #6aa5ee; --k2: #6cc08f; --k3: #e0b94f; --k4: #b39ae6; --k5: #5cc3d3; --k6: #cf9b78;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 3rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; print-color-adjust: exact; -webkit-print-color-adjust: exact;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; letter-spacing: -.01em; overflow-wrap: anywhere; text-wrap: balance; }
h2 { font-size: 1.15rem; margin: 0 0 .8rem; }
section { margin-top: 2.6rem; }
section#results { margin-top: 1.4rem; }
section#results h2 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
small { font-size: .8em; }
a { color: var(--accent); }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .87em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
.note { color: var(--soft); font-size: .87rem; margin: .6rem 0; overflow-wrap: anywhere; max-width: 52rem; }
.kind { margin: 0 0 .2rem; color: var(--soft); font-size: .82rem; letter-spacing: .04em; }
.state { color: var(--c2); font-weight: 600; margin-left: .5em; }
.warn { border-left: 4px solid var(--c2); margin: .9rem 0 0; padding: .5rem .9rem; background: var(--card); overflow-wrap: anywhere; }

dl.facts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .15rem 2rem; margin: 1rem 0 0; font-size: .87rem; }
dl.facts div { display: flex; gap: .8rem; }
dl.facts dt { flex: 0 0 5rem; color: var(--soft); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: 1.2rem 0 0; padding: .5rem 0; list-style: none;
  border-block: 1px solid var(--rule); font-size: .87rem; }
nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
footer { margin-top: 3rem; padding-top: .8rem; border-top: 1px solid var(--rule); color: var(--soft); font-size: .82rem; overflow-wrap: anywhere; }

.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: .7rem; margin: 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: .65rem .85rem .7rem; min-width: 0; break-inside: avoid; }
.tiles span, .tiles em { display: block; color: var(--soft); font-size: .82rem; font-style: normal; line-height: 1.35; overflow-wrap: anywhere; }
.tiles b { display: block; font-size: 1.5rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.tiles b small { font-size: .62em; font-weight: 400; color: var(--soft); }

.scroll { overflow-x: auto; max-width: 100%; }
.scroll.cut::before { content: "Some columns are out of sight: this table scrolls sideways."; display: block; position: sticky; left: 0;
  width: max-content; max-width: min(100%, calc(100vw - 2.5rem)); padding: .1rem 0 .3rem; color: var(--soft); font-size: .82rem; }
.scroll.tall { overflow: auto; max-height: 92vh; border-bottom: 1px solid var(--rule); }
table { border-spacing: 0; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .34rem .7rem; border-bottom: 1px solid var(--rule); vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; }
thead th { font-size: .82rem; font-weight: 600; color: var(--soft); line-height: 1.25; vertical-align: bottom; }
thead small { font-weight: 400; }
tbody th { font-weight: 400; }
.n { text-align: right; }
tr.all > * { font-weight: 600; border-bottom: 0; }
th.ci, td.ci { min-width: 11.5rem; padding-inline: 1rem 1.6rem; } td.ci { vertical-align: middle; }
th.ci small { display: flex; justify-content: space-between; margin-inline: -.3rem -1.4rem; }
svg.ci { display: block; width: 100%; height: 20px; overflow: visible; }
svg.ci line { stroke: var(--c1); stroke-width: 1.6; } svg.ci line.grid { stroke: var(--rule); stroke-width: 1; } svg.ci circle { fill: var(--c1); }

figure { margin: 0; break-inside: avoid; } figure svg { width: 100%; height: auto; } figure svg.wide { display: block; } figure svg.narrow { display: none; }
.key { display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin-inline-end: .45em; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin: 0 0 .2rem; padding: 0; list-style: none; font-size: .82rem; }
.legend li { overflow-wrap: anywhere; } .legend + figure { margin-top: .4rem; }

.filter { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin-bottom: .7rem; font-size: .87rem; }
.filter input, .filter select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--rule); border-radius: .3rem;
  padding: .25rem .45rem; max-width: 14rem; min-height: 2rem; }
.filter output { color: var(--soft); }
#tests thead th { position: sticky; top: 0; background: var(--paper); z-index: 1; box-shadow: inset 0 -1px var(--rule); }
#tests button { all: unset; cursor: pointer; }
#tests tr.later { display: none; }
#tests button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
#tests thead small { display: block; }
#tests thead button:hover { color: var(--ink); }
#tests th[aria-sort] button { color: var(--ink); }
#tests th[aria-sort=ascending] button::after { content: " \\2191"; } #tests th[aria-sort=descending] button::after { content: " \\2193"; }
#tests tbody th { white-space: normal; min-width: 13rem; max-width: 26rem; overflow-wrap: anywhere; }
#tests tbody td:nth-child(n+4) { text-align: right; }
#tests tbody td:nth-child(2) { white-space: normal; min-width: 6rem; max-width: 12rem; overflow-wrap: break-word; }
#tests th[scope=row] button { display: inline-block; padding-inline-start: 1.1em; text-indent: -1.1em; }
#tests th[scope=row] button::before { content: ""; display: inline-block; width: 1.1em; height: .62em; text-indent: 0;
  background: var(--soft); clip-path: polygon(0 0, .55em 50%, 0 100%); }
#tests th[scope=row] button[aria-expanded=true]::before { height: .5em; clip-path: polygon(0 0, .66em 0, .33em 100%); }
#tests th[scope=row] button:hover { color: var(--accent); }
tr.passed td:nth-child(3) { color: var(--good); }
tr.wrong td:nth-child(3), tr.error td:nth-child(3), .fault { color: var(--bad); } tr.not-judged td:nth-child(3) { color: var(--c2); }
p.fault, div.fault { margin: .1rem 0 .1rem; font-size: .87em; padding-inline-start: 1.25em; }
#tests tr.texts > td { white-space: normal; text-align: start; padding: 0 0 1rem; }
.texts > td > div { position: sticky; left: 0; max-width: min(48rem, calc(100vw - 2.5rem)); padding-inline-start: 1.1em; }
.label { margin: .7rem 0 .2rem; font-size: .82rem; color: var(--soft); }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--card); border: 1px solid var(--rule); border-radius: .4rem;
  padding: .55rem .75rem; line-height: 1.45; max-height: 26rem; overflow: auto; unicode-bidi: plaintext; }
dl.terms { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .3rem 1.2rem; margin: 0; font-size: .9rem; max-width: 58rem; }
dl.terms dt { font-weight: 600; } dl.terms dd { margin: 0; color: var(--soft); }

.verdict { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1.6rem; align-items: center; margin: 1.1rem 0 0; padding: .9rem 1.2rem;
  background: var(--card); border: 1px solid var(--rule); border-left: 6px solid var(--tone); border-radius: .5rem; break-inside: avoid; }
.verdict.trusted { --tone: var(--good); } .verdict.client_limited, .verdict.cached { --tone: var(--bad); } .verdict.unknown { --tone: var(--amber); }
.verdict .word { margin: 0; font-size: 1.9rem; line-height: 1.15; font-weight: 700; letter-spacing: -.01em; color: var(--tone); }
.verdict div p { margin: 0; } .verdict ul { margin: .25rem 0 0; padding-inline-start: 1.1rem; color: var(--soft); font-size: .87rem; overflow-wrap: anywhere; }
h3 { font-size: .95rem; margin: 1.3rem 0 .5rem; }
td small.interval { display: block; color: var(--soft); font-size: .78em; line-height: 1.3; }
table.data { margin-bottom: .4rem; } table.slim { width: auto; min-width: min(30rem, 100%); } table.data thead th { white-space: nowrap; }
.data tbody th { max-width: 18rem; white-space: normal; overflow-wrap: break-word; }
td.text { white-space: normal; min-width: 14rem; overflow-wrap: anywhere; }
.scroll + .scroll { margin-top: 1.2rem; }
details { border-bottom: 1px solid var(--rule); padding: .45rem 0; } details[open] { padding-bottom: .9rem; }
summary { cursor: pointer; overflow-wrap: anywhere; } summary:hover { color: var(--accent); }
ul.notes { margin: 0; padding-inline-start: 1.1rem; max-width: 52rem; overflow-wrap: anywhere; }

@media screen and (max-width: 1000px) {
  th, td { padding-inline: .45rem; }
  table.many, .many tbody, .many tr { display: block; } .many thead { display: none; }
  .many tr { ${FOLDED_ROW} }
  .many tbody th { ${FOLDED_HEAD} } .many tbody td { ${FOLDED_CELL} } .many td::before { ${FOLDED_LABEL} }
}
@media (max-width: 760px) {
  .verdict { grid-template-columns: minmax(0, 1fr); }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  dl.facts { grid-template-columns: minmax(0, 1fr); }
}
@media screen and (max-width: 640px) {
  body { padding: 1.2rem .9rem 2.5rem; }
  h1 { font-size: 1.4rem; }
  figure svg.wide { display: none; } figure svg.narrow { display: block; }
  .tiles b { font-size: 1.3rem; }
  #tests tbody th { min-width: 9.5rem; max-width: 9.5rem; }
  table.fold, .fold tbody, .fold tr { display: block; } .fold thead { display: none; }
  .fold tr { ${FOLDED_ROW} }
  .fold tbody th { ${FOLDED_HEAD} } .fold tbody td { ${FOLDED_CELL} } .fold td::before { ${FOLDED_LABEL} }
  .verdict { padding: .8rem 1rem; } .verdict .word { font-size: 1.6rem; }
  dl.terms { grid-template-columns: minmax(0, 1fr); gap: 0; } dl.terms dd { margin-bottom: .5rem; }
}
@media print {
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 10.5pt; background: #fff; }
  nav, .filter { display: none; }
  .scroll, .scroll.tall, pre { overflow: visible; max-height: none; } .scroll.cut::before { display: none; }
  table { font-size: 8.5pt; } th, td { padding: .2rem .4rem; } tr, .tiles li, figure { break-inside: avoid; }
  h2 { break-after: avoid; }
  #tests thead th { position: static; background: none; } #tests thead button { display: none; } #tests thead th::before { content: attr(abbr); }
  #tests tbody th { min-width: 8rem; }
  #tests tr.later:not([hidden]) { display: table-row; } #more { display: none; }
  th.ci, td.ci { min-width: 7rem; }
}
`;
