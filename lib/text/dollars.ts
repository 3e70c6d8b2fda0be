/** Money: sums, and how amounts are shown to people. */
import { counted, grouped } from "./grouped.ts";

/**
 * An amount without the error that binary fractions add to a sum of decimal ones: 0.1 + 0.2 is 0.3.
 * It is rounded to 15 digits, which a double holds of every decimal number.
 */
export function exactUsd(value: number): number {
  return Number(value.toPrecision(15));
}

/**
 * Dollars with four decimals, or with more if a small amount needs them for three digits: an amount
 * above 0 is never shown as 0.
 */
export function dollars(value: number): string {
  const size = Math.abs(value);
  const decimals = size > 0 ? Math.max(4, 2 - Math.floor(Math.log10(size))) : 4;
  const text = size.toFixed(Math.min(decimals, 20)).replace(/(\.\d{4}\d*?)0+$/, "$1");
  return `${value < 0 ? "-" : ""}$${text}`;
}

/**
 * A total for a person: the known part, and the number of requests that it does not include.
 *
 * @param usd null if nothing is known.
 * @param unknown requests whose cost is unknown.
 * @param cut_off those of them that may have been in flight when dyno was killed.
 */
export function costText(
  usd: number | null,
  unknown: number | null = null,
  cut_off: number | null = null,
): string {
  if (usd === null) return "unknown";
  return unknown ? `${dollars(usd)} + ${unknownText(unknown, cut_off)}` : dollars(usd);
}

/** The note on requests that may have been in flight when dyno was killed. */
export function cutOffText(requests: number): string {
  return `up to ${
    counted(requests, "request")
  } in flight when dyno was killed: what they took is unknown`;
}

/**
 * The number of requests that a sum does not include; an upper bound if some may have been in
 * flight at a kill.
 */
export function unknownText(unknown: number, cut_off: number | null): string {
  return `${cut_off ? "up to " : ""}${grouped(unknown)} unknown`;
}
