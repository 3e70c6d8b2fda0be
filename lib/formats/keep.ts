/** Copies of what has no place in a run's summary: bounded, and never able to change a prototype. */
import { objectOr } from "../json_fields.ts";

const DEEPEST = 64;

/** How much of a value is kept. */
export interface KeepLimits {
  /** Longer lists are described instead. */
  list: number;
  /** Longer texts are cut. */
  text: number;
}

/** Everything, for forms that are written back. */
export const KEEP_ALL: KeepLimits = { list: Infinity, text: Infinity };

/** What a reader wants to see of other programs' details; the original file has the rest. */
export const KEEP_SMALL: KeepLimits = { list: 100, text: 4000 };

/** A copy of a parsed JSON value. A key `__proto__` is left out: it is never data. */
export function keep(value: unknown, limits: KeepLimits = KEEP_ALL, depth = 0): unknown {
  if (typeof value === "string" && value.length > limits.text) {
    return `${value.slice(0, limits.text)}… (${value.length} characters)`;
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEEPEST) return "(nested too deeply)";
  if (Array.isArray(value)) {
    if (value.length > limits.list) return `(a list of ${value.length})`;
    return value.map((entry) => keep(entry, limits, depth + 1));
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "__proto__")
      .map(([key, entry]) => [key, keep(entry, limits, depth + 1)]),
  );
}

/** Adds the lists of rests under a key, unless all of them are empty. */
export function keepRests(key: string, rests: Record<string, unknown>[]): Record<string, unknown> {
  return rests.some((rest) => Object.keys(rest).length > 0) ? { [key]: rests } : {};
}

/** What {@linkcode keepRests} kept for the entry at `index`. */
export function restAt(unmapped: unknown, key: string, index: number): Record<string, unknown> {
  const rests = objectOr(unmapped)[key];
  return Array.isArray(rests) ? objectOr(rests[index]) : {};
}
