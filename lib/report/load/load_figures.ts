/** Formats figures of load runs. */
import { figure } from "../../text/figure.ts";
import { grouped } from "../../text/grouped.ts";
import type { Estimate } from "../../stats/interval.ts";

/** Three or four significant digits, with thousands separated; a dash if unknown. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return grouped(Math.round(value));
  if (size === 0) return "0";
  return figure(
    value,
    size >= 100 ? 1 : size >= 1 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(size))),
  );
}

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
