/** Parts that several pages use: headings, tables, tiles, empty states. */
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

/** A part of a page with its heading. */
export function part(title, ...children) {
  return el("section", {}, el("h2", {}, title), children);
}

/** An empty state: why there is nothing, and what to do. `commands` are formatted as commands. */
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
 * Tables with at most this many rows fold on a phone, or on a tablet if they have many columns;
 * longer ones scroll.
 */
const MOST_FOLDED = 25;
const FEW = 4;
const MANY = 9;

/** Marks a box that is narrower than its table. */
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const box = target.closest(".scroll");
    box?.classList.toggle("cut", box.scrollWidth > box.clientWidth + 1);
  }
});

/**
 * A table. `columns`: { title, note, number, wide, value(row) } where value returns text or a node;
 * the first column is the row's heading.
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
      columns.map(({ title, note, number, wide, value }, i) => {
        const tag = `${i === 0 ? "th" : "td"}${number ? ".n" : ""}${wide ? ".wide" : ""}`;
        const label = typeof title === "string" ? `${title}${note ? `, ${note}` : ""}` : "";
        const named = i === 0 ? { scope: "row" } : { "data-label": label };
        return el(tag, named, value(row) ?? UNKNOWN);
      }),
    )
  );
  const folds = rows.length <= MOST_FOLDED && columns.length >= FEW;
  const made = el(
    folds ? columns.length > MANY ? "table.fold.many" : "table.fold" : "table",
    {},
    el("caption", {}, caption),
    el("thead", {}, head),
    el("tbody", {}, body),
  );
  const box = el("div.scroll", { tabindex: "0", role: "region", "aria-label": caption }, made);
  sizes.observe(box);
  sizes.observe(made);
  return box;
}

/** The field that was used last: after a redraw it gets the keyboard's focus again. */
let used = null;

function keptFocus(name, field) {
  if (used === name) requestAnimationFrame(() => field.isConnected && field.focus());
  return field;
}

/** Buttons that page through a long table. */
export function pager({ offset, limit, total }, goTo) {
  if (total <= limit) return el("p.note", {}, `${count(total)} in all`);
  const step = (name, to, useless) =>
    keptFocus(
      name,
      el("button", {
        type: "button",
        disabled: useless,
        click: () => {
          used = name;
          goTo(to);
        },
      }, name),
    );
  return el(
    "nav.pager",
    { "aria-label": "Pages of the table" },
    step("Previous", Math.max(0, offset - limit), offset === 0),
    el(
      "span",
      { role: "status" },
      `${count(offset + 1)} to ${count(Math.min(total, offset + limit))} of ${count(total)}`,
    ),
    step("Next", offset + limit, offset + limit >= total),
  );
}

/** A field with its label. */
export function named(name, field, change) {
  field.addEventListener("change", () => {
    used = name;
    change(field.value);
  });
  return el("label", {}, name, keptFocus(name, field));
}

/** A field with choices; `choices`: values, or [value, label]. */
export function choice(name, value, choices, change) {
  const options = choices.map((each) => {
    const [given, shown] = Array.isArray(each) ? each : [each, each];
    return el("option", { value: given, selected: String(given) === String(value) }, shown);
  });
  return named(name, el("select", {}, options), change);
}

/** The state of a run or a task, in words and in colour. */
export function state(word, words = word) {
  return el(`span.mark.${word.replace(/\W+/g, "-")}`, {}, words);
}

/** A chart with its heading, its legend, and its values as a table for people who cannot see it. */
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
