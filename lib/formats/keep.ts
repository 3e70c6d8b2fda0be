/**
 * Copies data that has no field in a run's summary: limited in size, and unable to change a
 * prototype.
 */
import { objectOr } from "../json_fields.ts";

const DEEPEST = 64;

/** How much of a value to keep. */
export interface KeepLimits {
  /** Longer lists are replaced by a description. */
  list: number;
  /** Longer texts are cut. */
  text: number;
}

/** Keeps everything, for formats that are written back. */
export const KEEP_ALL: KeepLimits = { list: Infinity, text: Infinity };

/** Keeps what a reader wants to see of other programs' details; the original file has the rest. */
export const KEEP_SMALL: KeepLimits = { list: 100, text: 4000 };

/** Copies a parsed JSON value. The key `__proto__` is omitted, because it is never data. */
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

/** Adds the list of unread fields under a key, unless all of them are empty. */
export function keepRests(key: string, rests: Record<string, unknown>[]): Record<string, unknown> {
  return rests.some((rest) => Object.keys(rest).length > 0) ? { [key]: rests } : {};
}

/** What {@linkcode keepRests} kept for the entry at `index`. */
export function restAt(unmapped: unknown, key: string, index: number): Record<string, unknown> {
  const rests = objectOr(unmapped)[key];
  return Array.isArray(rests) ? objectOr(rests[index]) : {};
}
