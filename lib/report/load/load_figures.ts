/** Formats figures of load runs. */
import { grouped } from "../../text/grouped.ts";
import type { Estimate } from "../../stats/interval.ts";

/** The decimals with which a value like this one has four significant digits. */
export function digitsFor(value: number): number {
  const size = Math.abs(value);
  return size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
}

/** A number with this many decimals, with thousands separated. */
export function fixed(value: number | null | undefined, digits: number): string {
  if (value === null || value === undefined) return "–";
  return grouped(value, digits);
}

/** "95 %: 1.20 to 1.40", or a note that there is no interval. */
export function intervalText(estimate: Estimate | null | undefined, digits: number): string {
  if (!estimate) return "no interval";
  return `95 %: ${fixed(estimate.low, digits)} to ${fixed(estimate.high, digits)}`;
}
