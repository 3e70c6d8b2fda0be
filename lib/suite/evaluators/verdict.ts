/** Makes evaluations of the kinds that most evaluators return. */
import type { Evaluation } from "../../run/test_result.ts";

/** Right or wrong: one target, hit or not. */
export function verdict(evaluator: string, passed: boolean, detail: string): Evaluation {
  return hits(evaluator, passed ? 1 : 0, 1, 1, detail);
}

/** Some of several targets. Passes when the hit rate reaches `pass_at`. */
export function hits(
  evaluator: string,
  created_hits: number,
  targets: number,
  pass_at: number,
  detail: string,
): Evaluation {
  const hit_rate = created_hits / targets;
  return { evaluator, passed: hit_rate >= pass_at, targets, created_hits, hit_rate, detail };
}

/** `contains ✓: holds every expected text; regex ✗: …` */
export function verdictsText(judged: readonly Evaluation[]): string {
  return judged.map(({ evaluator, passed, detail }) =>
    `${evaluator} ${passed ? "✓" : "✗"}: ${detail}`
  ).join("; ");
}

/** Shortens a text to one line for a detail. */
export function quoted(text: string, length = 80): string {
  const line = text.replace(/\s+/g, " ").trim();
  return JSON.stringify(line.length > length ? `${line.slice(0, length)}…` : line);
}

/** Returns one value or several as a list. */
export function listed<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}
