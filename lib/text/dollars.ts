/** Money: its sums, and how it is written wherever a person reads it. */
import { counted, grouped } from "./grouped.ts";

/**
 * An amount without what binary fractions add to a sum of decimal ones: 0.1 + 0.2 is 0.3. To 15 digits,
 * which a double holds of every decimal number.
 */
export function exactUsd(value: number): number {
  return Number(value.toPrecision(15));
}

/** Dollars with four decimals, or with as many more as three digits of a small amount take: never 0 for some. */
export function dollars(value: number): string {
  const size = Math.abs(value);
  const decimals = size > 0 ? Math.max(4, 2 - Math.floor(Math.log10(size))) : 4;
  const text = size.toFixed(Math.min(decimals, 20)).replace(/(\.\d{4}\d*?)0+$/, "$1");
  return `${value < 0 ? "-" : ""}$${text}`;
}

/**
 * A total for a person: what is known of it, and how many requests are not in it.
 *
 * @param usd null: nothing is known.
 * @param unknown requests of unknown cost.
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

/** What is said of requests that may have been in flight at a kill. */
export function cutOffText(requests: number): string {
  return `up to ${
    counted(requests, "request")
  } in flight when dyno was killed: what they took is unknown`;
}

/** How many requests are in no sum; an upper bound where some may have been in flight at a kill. */
export function unknownText(unknown: number, cut_off: number | null): string {
  return `${cut_off ? "up to " : ""}${grouped(unknown)} unknown`;
}
