/** What the page does by itself: sorts and filters the tests, and opens their texts. */
export const SCRIPT = `
"use strict";
(() => {
const table = document.getElementById("tests");
if (!table) return;
const field = (id) => document.getElementById(id);
const CATEGORY = 1, RESULT = 2;
const entries = Array.from(table.querySelectorAll("tr.item"), (row) => {
  const next = row.nextElementSibling;
  const texts = next && next.classList.contains("texts") ? next : null;
  return { row, texts, button: row.querySelector("button"), cells: Array.from(row.cells, (cell) => cell.textContent) };
});
const isOpen = ({ button }) => button !== null && button.getAttribute("aria-expanded") === "true";
const words = (entry) =>
  entry.words ??= (entry.cells.join(" ") + " " + (entry.texts ? entry.texts.textContent : "")).toLowerCase();

function filter() {
  const wanted = field("find").value.toLowerCase(), category = field("category").value, result = field("result").value;
  let shown = 0;
  for (const entry of entries) {
    const fits = (!category || entry.cells[CATEGORY] === category) && (!result || entry.cells[RESULT] === result) &&
      (!wanted || words(entry).includes(wanted));
    entry.row.hidden = !fits;
    if (entry.texts) entry.texts.hidden = !fits || !isOpen(entry);
    if (fits) shown++;
  }
  const tests = (n) => n.toLocaleString("en") + (n === 1 ? " test" : " tests");
  field("shown").textContent =
    shown === entries.length ? tests(shown) : shown.toLocaleString("en") + " of " + tests(entries.length);
}

function sort(head) {
  const column = head.cellIndex, numbers = head.classList.contains("n");
  const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
  const direction = next === undefined ? "ascending" : next;
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  if (direction) head.setAttribute("aria-sort", direction);
  const sign = direction === "descending" ? -1 : 1;
  const value = (entry) => numbers ? parseFloat(entry.cells[column]) : entry.cells[column].toLowerCase();
  const keyed = entries.map((entry) => ({ entry, key: value(entry) }));
  if (direction) {
    keyed.sort(({ key: a }, { key: b }) => {
      if (!numbers) return sign * (a < b ? -1 : a > b ? 1 : 0);
      if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b); // unknown values stay at the end
      return sign * (a - b);
    });
  }
  table.tBodies[0].append(...keyed.flatMap(({ entry }) => entry.texts ? [entry.row, entry.texts] : [entry.row]));
}

for (const id of ["find", "category", "result"]) field(id).addEventListener("input", filter);
for (const head of table.tHead.rows[0].cells) head.querySelector("button").addEventListener("click", () => sort(head));
for (const entry of entries) {
  if (!entry.texts) continue;
  entry.button.addEventListener("click", () => {
    const open = !isOpen(entry);
    entry.button.setAttribute("aria-expanded", String(open));
    entry.texts.hidden = !open;
  });
}
filter(); // a reload keeps what was in the fields
})();
`;
