/** Liquid templates in a suite, for texts and for values that keep their type. */
import { Liquid } from "liquidjs";
import { messageOf } from "../../errors.ts";
import { boxesIn } from "../evaluators/final_answer.ts";

/** Much more than a prompt needs; stops a template that would loop forever. */
const LIMITS = { parseLimit: 1e7, renderLimit: 5000, memoryLimit: 1e8 };

/** Strict: an unknown variable or filter is an error. Templates cannot read files. */
const liquid = new Liquid({
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  templates: {},
  ...LIMITS,
});

/** What follows the last occurrence of a mark: `{{ row.answer | after: "####" }}`. */
liquid.registerFilter("after", (text: unknown, mark: unknown) => {
  const [whole, sign] = [String(text), String(mark)];
  const at = whole.lastIndexOf(sign);
  if (at < 0) {
    throw new Error(`after: no ${JSON.stringify(sign)} in ${JSON.stringify(whole.slice(-60))}`);
  }
  return whole.slice(at + sign.length).trim();
});
/** A number written with thousands separators: `1,234`. */
liquid.registerFilter("number", (text: unknown) => {
  const plain = String(text).replace(/[,\s$€£%]/g, "");
  const value = Number(plain);
  if (plain === "" || !Number.isFinite(value)) {
    throw new Error(`number: ${JSON.stringify(text)} is not a number`);
  }
  return value;
});
/** The content of the last `\boxed{…}`. */
liquid.registerFilter("boxed", (text: unknown) => {
  const box = boxesIn(String(text)).at(-1);
  if (box === undefined) throw new Error("boxed: there is no \\boxed{…}");
  return box.content;
});
/** The index of a value in a list, from 0. */
liquid.registerFilter("index_of", (list: unknown, value: unknown) => {
  const at = Array.isArray(list) ? list.indexOf(value) : -1;
  if (at < 0) throw new Error(`index_of: ${JSON.stringify(value)} is not in the list`);
  return at;
});

const ALONE = /^\s*\{\{-?((?:(?!\}\}|\{\{)[^])*?)-?\}\}\s*$/;

/** A template that does not fit a row. */
export class TemplateFault extends Error {
  /** Where in the template, when that is a list or an object. */
  readonly path: readonly (string | number)[];

  constructor(path: readonly (string | number)[], error: unknown) {
    super(messageOf(error).split("\n")[0].replace(/, line:1, col:\d+$/, ""));
    this.path = path;
  }
}

/**
 * Fills in a template. A text that is only one `{{ … }}` becomes the value itself, such as a number or a
 * list; in lists and objects, each part is filled in.
 *
 * @throws {TemplateFault} an unknown variable or filter, or a filter that does not fit, with the place in
 * the template.
 */
export function filled(
  template: unknown,
  variables: object,
  path: readonly (string | number)[] = [],
): unknown {
  if (typeof template === "string") {
    if (!/\{\{|\{%/.test(template)) return template;
    const alone = ALONE.exec(template);
    try {
      return alone
        ? liquid.evalValueSync(alone[1].trim(), variables)
        : liquid.parseAndRenderSync(template, variables);
    } catch (error) {
      throw new TemplateFault(path, error);
    }
  }
  if (Array.isArray(template)) {
    return template.map((part, i) => filled(part, variables, [...path, i]));
  }
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(
    Object.entries(template).map((
      [name, part],
    ) => [name, filled(part, variables, [...path, name])]),
  );
}
