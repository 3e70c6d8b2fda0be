/** Counts of runs of words or letters, which measures of overlap are made of. */
import { z } from "zod";
import { someTexts } from "./text.ts";

/** How often each run of n parts occurs. */
export function ngrams(parts: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= parts.length; i++) {
    const run = parts.slice(i, i + n).join("\u0001");
    counts.set(run, (counts.get(run) ?? 0) + 1);
  }
  return counts;
}

/** How many runs two texts have in common, each as often as both have it. */
export function overlap(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
): number {
  let common = 0;
  for (const [run, count] of one) common += Math.min(count, other.get(run) ?? 0);
  return common;
}

/** All runs counted. */
export function total(counts: ReadonlyMap<string, number>): number {
  return counts.values().reduce((sum, count) => sum + count, 0);
}

/** The words of a text, by its space. */
export function wordsOf(text: string): string[] {
  return text.split(/\s+/u).filter((word) => word !== "");
}

/** Options of every measure of overlap. */
export const overlapOptions = {
  /** A reference, or several. */
  expected: someTexts,
  /** The score, 0..1, from which the test is passed. */
  pass_at: z.number().gt(0).max(1).default(0.5),
};
