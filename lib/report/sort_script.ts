/** The part of the scripts that all pages with tables share: sorting rows by a column. */

/**
 * A function for a page. `sorted(head, entries, textOf)` returns the entries sorted by a heading's
 * column: first ascending, then descending, then in the original order. It also marks the heading.
 * `textOf(entry, column)` is the text of a cell; unknown numbers stay at the end.
 */
export const SORTED = `
function sorted(head, entries, textOf) {
  const column = head.cellIndex, numbers = head.classList.contains("n");
  const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
  const direction = next === undefined ? "ascending" : next;
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  if (!direction) return entries;
  head.setAttribute("aria-sort", direction);
  const sign = direction === "descending" ? -1 : 1;
  const keyed = entries.map((entry) => {
    const text = textOf(entry, column);
    return { entry, key: numbers ? parseFloat(text) : text.toLowerCase() };
  });
  keyed.sort(({ key: a }, { key: b }) => {
    if (!numbers) return sign * (a < b ? -1 : a > b ? 1 : 0);
    if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
    return sign * (a - b);
  });
  return keyed.map(({ entry }) => entry);
}
`;
