/** How figures of a load run are written. */
import { figure } from "../../text/figure.ts";
import { grouped } from "../../text/grouped.ts";
import type { Estimate } from "../../stats/interval.ts";

/** Four significant digits or so, thousands apart; a dash when unknown. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return grouped(Math.round(value));
  if (size === 0) return "0";
  return figure(value, size >= 100 ? 1 : size >= 1 ? 2 : 3);
}

/** Digits after the point so that a value like this one has four significant ones. */
export function digitsFor(value: number): number {
  const size = Math.abs(value);
  return size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
}

/** A number with its digits, thousands apart. */
export function fixed(value: number | null | undefined, digits: number): string {
  if (value === null || value === undefined) return "–";
  return grouped(value, digits);
}

/** "95 %: 1.20 to 1.40", or that there is none. */
export function intervalText(estimate: Estimate | null | undefined, digits: number): string {
  if (!estimate) return "no interval";
  return `95 %: ${fixed(estimate.low, digits)} to ${fixed(estimate.high, digits)}`;
}
