/** The names of fields that could not be mapped. */
import { isJsonObject } from "../json_fields.ts";

const DEEPEST = 3;
const MOST_NAMES = 100;

/**
 * The names of the fields in a value, such as `metadata.rpc_url` and `packages[].plan_attempts`: at
 * most 100, the last one an ellipsis if there are more.
 */
export function unmappedNames(unmapped: Record<string, unknown>): string[] {
  const names = new Set<string>();
  collect(unmapped, "", 0, names);
  const sorted = [...names].sort();
  return sorted.length > MOST_NAMES ? [...sorted.slice(0, MOST_NAMES - 1), "…"] : sorted;
}

function collect(value: unknown, path: string, depth: number, names: Set<string>): void {
  if (names.size > MOST_NAMES || value === null) return;
  const list = Array.isArray(value) && value.some(isJsonObject);
  if (list) {
    for (const entry of value) collect(entry, `${path}[]`, depth, names);
  } else if (isJsonObject(value) && depth < DEEPEST && Object.keys(value).length > 0) {
    for (const [key, below] of Object.entries(value)) {
      collect(below, path === "" ? key : `${path}.${key}`, depth + 1, names);
    }
  } else if (path !== "" && !(isJsonObject(value) && path.endsWith("[]"))) {
    names.add(path);
  }
}
