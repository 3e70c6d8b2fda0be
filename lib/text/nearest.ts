/** Finds the names that someone may have meant. */
import { levenshteinDistance } from "@std/text/levenshtein-distance";

/** The least number of letters that two names share by more than chance. */
const LEAST_PART = 3;

/**
 * The known names closest to `name`, all at the same distance and at most three; empty if none is
 * close.
 *
 * @example
 * ```ts
 * nearest("aritmetic", ["arithmetic", "logic"]); // ["arithmetic"]
 * ```
 */
export function nearest(name: string, known: Iterable<string>): string[] {
  const wanted = name.toLowerCase();
  const near: { candidate: string; distance: number }[] = [];
  for (const candidate of known) {
    const other = candidate.toLowerCase();
    const isPart = Math.min(wanted.length, other.length) >= LEAST_PART &&
      (other.includes(wanted) || wanted.includes(other));
    const distance = isPart ? 1 : levenshteinDistance(wanted, other);
    const most = Math.min(Math.max(2, wanted.length / 3), wanted.length - 1);
    if (distance <= most) near.push({ candidate, distance });
  }
  const least = Math.min(...near.map(({ distance }) => distance));
  return near.filter(({ distance }) => distance === least).map(({ candidate }) => candidate)
    .sort((a, b) => a.localeCompare(b)).slice(0, 3);
}

/** `; did you mean "a" or "b"?`, or the empty string; used at the end of an error message. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const names = nearest(name, known).map((n) => `"${n}"`);
  return names.length ? `; did you mean ${names.join(" or ")}?` : "";
}
