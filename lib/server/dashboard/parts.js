/** Parts that several pages have: headings, tables, tiles, states without content. */
import { el, fill } from "./dom.js";
import { count, UNKNOWN } from "./words.js";

/** Figures in boxes: `[name, value, remark, link]`. */
export function tiles(entries) {
  return el(
    "ul.tiles",
    {},
    entries.map(([name, value, remark = "", href = null]) =>
      el(
        "li",
        {},
        el("span", {}, name),
        el("b", {}, href ? el("a", { href }, value) : value),
        el("em", {}, remark),
      )
    ),
  );
}

/** A part of a page under its own heading. */
export function part(title, ...children) {
  return el("section", {}, el("h2", {}, title), children);
}

/** Nothing to show: why, and what to do. `commands` are shown as such. */
export function empty(title, says, commands = []) {
  return el(
    "div.empty",
    {},
    el("h2", {}, title),
    el("p", {}, says),
    commands.length ? el("pre", {}, commands.join("\n")) : null,
  );
}

/**
 * A table. `columns`: { title, note, number, wide, value(row) } with text or a node; the first column heads the
 * row.
 */
export function table(caption, columns, rows) {
  const head = el(
    "tr",
    {},
    columns.map(({ title, note, number }) =>
      el(number ? "th.n" : "th", { scope: "col" }, title, note ? el("small", {}, ` ${note}`) : null)
    ),
  );
  const body = rows.map((row) =>
    el(
      "tr",
      {},
      columns.map(({ number, wide, value }, i) => {
        const tag = `${i === 0 ? "th" : "td"}${number ? ".n" : ""}${wide ? ".wide" : ""}`;
        return el(tag, i === 0 ? { scope: "row" } : {}, value(row) ?? UNKNOWN);
      }),
    )
  );
  return el(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, body)),
  );
}

/** Steps through a long table. */
export function pager({ offset, limit, total }, goTo) {
  if (total <= limit) return el("p.note", {}, `${count(total)} in all`);
  const step = (to, title) =>
    el("button", { type: "button", click: () => goTo(to), disabled: to < 0 || to >= total }, title);
  return el(
    "nav.pager",
    { "aria-label": "Pages of the table" },
    step(offset - limit, "Back"),
    el(
      "span",
      { role: "status" },
      `${count(offset + 1)} to ${count(Math.min(total, offset + limit))} of ${count(total)}`,
    ),
    step(offset + limit, "On"),
  );
}

/** A field with its name; `choices`: values, or [value, name]. */
export function choice(name, value, choices, change) {
  const options = choices.map((each) => {
    const [given, shown] = Array.isArray(each) ? each : [each, each];
    return el("option", { value: given, selected: String(given) === String(value) }, shown);
  });
  return el(
    "label",
    {},
    name,
    el("select", { change: (event) => change(event.target.value) }, options),
  );
}

/** How a run or a task stands, in a word that does not need its colour. */
export function state(word) {
  return el(`span.mark.${word}`, {}, word);
}

/** A chart with its heading, its legend, and its values as a table for whoever cannot see it. */
export function figureOf({ title, note, head = null, drawn, values }) {
  const details = el("details", {
    toggle: () => details.open && fill(slot, values()),
  });
  const slot = el("div");
  details.append(el("summary", {}, "Values as a table"), slot);
  return el(
    "section.figure",
    {},
    el("h2", {}, title),
    note ? el("p.note", {}, note) : null,
    head,
    drawn,
    values ? details : null,
  );
}
