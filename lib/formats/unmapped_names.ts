/** What could not be mapped, by name. */
import { isJsonObject } from "../json_fields.ts";

const DEEPEST = 3;
const MOST_NAMES = 100;

/**
 * The names of the fields in a value, such as `metadata.rpc_url` and `packages[].plan_attempts`; 100
 * at most, the last of them an ellipsis where there are more.
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
