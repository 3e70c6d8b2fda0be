/** Finds the names that someone may have meant. */
import { levenshteinDistance } from "@std/text/levenshtein-distance";

/** The least number of letters that two names share by more than chance. */
const LEAST_PART = 3;

/**
 * The known names closest to `name`, best first, at most three; empty if none is close.
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
  near.sort((a, b) => a.distance - b.distance || a.candidate.localeCompare(b.candidate));
  return near.slice(0, 3).map((entry) => entry.candidate);
}

/** `; did you mean "a" or "b"?`, or the empty string; used at the end of an error message. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const names = nearest(name, known).map((n) => `"${n}"`);
  return names.length ? `; did you mean ${names.join(" or ")}?` : "";
}
