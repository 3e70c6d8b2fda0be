/** Reads values in JSON by their paths. */
import { asObject } from "../../json_fields.ts";

/**
 * The values at a path, in a part of JSONPath (RFC 9535): names after dots or in brackets, indexes (from
 * the end when negative) and `[*]` for all. The `$` of the root may be left out.
 *
 * @example
 * ```ts
 * valuesAt({ outputs: [{ data: ["a", "b"] }] }, "outputs[0].data[*]"); // ["a", "b"]
 * ```
 */
export function valuesAt(json: unknown, path: string): unknown[] {
  let found: unknown[] = [json];
  for (const [, name, index, quoted] of path.replace(/^\$/, "").matchAll(STEP)) {
    found = found.flatMap((value) => {
      if (index === "*") return Array.isArray(value) ? value : Object.values(asObject(value) ?? {});
      if (index !== undefined) return Array.isArray(value) ? present(value.at(Number(index))) : [];
      const key = name ?? quoted.slice(1, -1);
      const object = asObject(value);
      return object !== null && Object.hasOwn(object, key) ? present(object[key]) : [];
    });
  }
  return found;
}

const STEP = /\.?([\w-]+)|\[(?:(-?\d+|\*)|('[^']*'|"[^"]*"))\]/g;

function present(value: unknown): unknown[] {
  return value === undefined || value === null ? [] : [value];
}
