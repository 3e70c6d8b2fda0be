/**
 * The page's script: it sorts and filters the tests, opens their texts, and lays out more rows of a
 * long table while the user scrolls.
 */
import { SORTED } from "./sort_script.ts";

/** For the page of a suite's tests. */
export const SCRIPT = `
"use strict";
(() => {
const table = document.getElementById("tests");
if (!table) return;
const field = (id) => document.getElementById(id);
const CATEGORY = 1, RESULT = 2;
const more = field("more"), STEP = 500;
let limit = more ? table.querySelectorAll("tr.item:not(.later)").length : Infinity;
let original = null, order = null; // read when they are needed: a long table opens sooner
function entries() {
  original ??= Array.from(table.querySelectorAll("tr.item"), (row) => {
    const next = row.nextElementSibling;
    const texts = next && next.classList.contains("texts") ? next : null;
    return { row, texts, button: row.querySelector("button"), cells: Array.from(row.cells, (cell) => cell.textContent) };
  });
  return order ??= original;
}
const isOpen = (button) => button !== null && button.getAttribute("aria-expanded") === "true";
const words = (entry) =>
  entry.words ??= (entry.cells.join(" ") + " " + (entry.texts ? entry.texts.textContent : "")).toLowerCase();
${SORTED}
function filter() {
  const wanted = field("find").value.toLowerCase(), category = field("category").value, result = field("result").value;
  let shown = 0;
  const all = entries();
  for (const entry of all) {
    const fits = (!category || entry.cells[CATEGORY] === category) && (!result || entry.cells[RESULT] === result) &&
      (!wanted || words(entry).includes(wanted));
    if (fits) shown++;
    const later = fits && shown > limit;
    entry.row.hidden = !fits;
    entry.row.classList.toggle("later", later);
    if (entry.texts) entry.texts.hidden = !fits || later || !isOpen(entry.button);
  }
  if (more) more.hidden = shown <= limit;
  const tests = (n) => n.toLocaleString("en") + (n === 1 ? " test" : " tests");
  field("shown").textContent =
    shown === all.length ? tests(shown) : shown.toLocaleString("en") + " of " + tests(all.length);
}

function sort(head) {
  entries();
  order = sorted(head, original, ({ cells }, column) => cells[column]);
  const rows = document.createDocumentFragment();
  for (const { row, texts } of order) texts ? rows.append(row, texts) : rows.append(row);
  table.tBodies[0].append(rows);
  filter();
}

for (const id of ["find", "category", "result"]) field(id).addEventListener("input", filter);
for (const head of table.tHead.rows[0].cells) head.querySelector("button").addEventListener("click", () => sort(head));
table.tBodies[0].addEventListener("click", ({ target }) => {
  const button = target.closest("button[aria-controls]");
  if (!button) return;
  const open = !isOpen(button);
  button.setAttribute("aria-expanded", String(open));
  field(button.getAttribute("aria-controls")).hidden = !open;
});
function showMore() {
  limit += STEP;
  filter();
}
if (more) {
  more.querySelector("button").addEventListener("click", showMore);
  const root = table.closest(".tall");
  new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && showMore(), { root, rootMargin: "900px" }).observe(more);
}
if (["find", "category", "result"].some((id) => field(id).value)) filter(); // a reload keeps what was in the fields
})();
`;
