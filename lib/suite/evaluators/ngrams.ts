/** Counts n-grams of words or characters, for measures of overlap. */
import { z } from "zod";
import { someTexts } from "./text.ts";

/** How often each n-gram occurs. */
export function ngrams(parts: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= parts.length; i++) {
    const run = parts.slice(i, i + n).join("\u0001");
    counts.set(run, (counts.get(run) ?? 0) + 1);
  }
  return counts;
}

/** The number of n-grams that two texts share, each as often as both have it. */
export function overlap(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
): number {
  let common = 0;
  for (const [run, count] of one) common += Math.min(count, other.get(run) ?? 0);
  return common;
}

/** The total number of n-grams. */
export function total(counts: ReadonlyMap<string, number>): number {
  return counts.values().reduce((sum, count) => sum + count, 0);
}

/** Splits a text into words at white space. */
export function wordsOf(text: string): string[] {
  return text.split(/\s+/u).filter((word) => word !== "");
}

/** Options that all measures of overlap have. */
export const overlapOptions = {
  /** A reference, or several. */
  expected: someTexts,
  /** The score, 0..1, that a test needs to pass. */
  pass_at: z.number().gt(0).max(1).default(0.5),
};
