/** The names someone may have meant. */
import { levenshteinDistance } from "@std/text/levenshtein-distance";

/**
 * The known names closest to `name`, best first, three at most; empty if none is close.
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
    const distance = other.includes(wanted) || wanted.includes(other)
      ? 1
      : levenshteinDistance(wanted, other);
    if (distance <= Math.max(2, wanted.length / 3)) near.push({ candidate, distance });
  }
  near.sort((a, b) => a.distance - b.distance || a.candidate.localeCompare(b.candidate));
  return near.slice(0, 3).map((entry) => entry.candidate);
}

/** `; did you mean "a" or "b"?`, or the empty string. Made to end an error message. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const names = nearest(name, known).map((n) => `"${n}"`);
  return names.length ? `; did you mean ${names.join(" or ")}?` : "";
}
