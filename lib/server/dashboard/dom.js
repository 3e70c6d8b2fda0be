/** Elements of the page. External data becomes text, never markup. */

/** Control characters, and those that turn the direction of the text around them. */
// deno-lint-ignore no-control-regex
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** A text in which characters that could deceive a reader are visible. */
export function plain(value) {
  return String(value).toWellFormed().replace(UNSEEN, "\ufffd");
}

/**
 * Creates an element: `el("p.note", { id: "x" }, "text", other)`. A function as an attribute
 * listens to the event of that name; null and false leave out an attribute or a child.
 */
export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  setAttributes(element, attributes);
  element.append(...nodesOf(children));
  return element;
}

/** Replaces an element's children. */
export function fill(element, ...children) {
  element.replaceChildren(...nodesOf(children));
  return element;
}

function setAttributes(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value === true ? "" : plain(value));
  }
}

function nodesOf(children) {
  return children.flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => child instanceof Node ? child : document.createTextNode(plain(child)));
}
