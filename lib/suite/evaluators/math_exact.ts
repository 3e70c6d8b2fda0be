/**
 * Exact arithmetic: values of written numbers under sums, products, powers and factorials, without
 * rounding.
 */
import type { Expression } from "./math_value.ts";

/** A numerator and its positive denominator. */
export type Ratio = readonly [bigint, bigint];

/** Larger powers and factorials are not computed. */
const LARGEST_POWER = 10_000n, LARGEST_FACTORIAL = 3000n;

/** The exact value of an expression; null when it cannot be computed here. Tells 2^100 - 1 from 2^100. */
export function exactly(of: Expression): Ratio | null {
  if (of.kind === "number") return written(of.written ?? String(of.value));
  if (of.kind === "name") return null;
  const on = of.on.map(exactly);
  if (on.some((value) => value === null)) return null;
  const [a, b] = on as Ratio[];
  switch (of.of) {
    case "add":
      return [a[0] * b[1] + b[0] * a[1], a[1] * b[1]];
    case "minus":
      return [a[0] * b[1] - b[0] * a[1], a[1] * b[1]];
    case "times":
      return [a[0] * b[0], a[1] * b[1]];
    case "over":
      return b[0] === 0n ? null : positive(a[0] * b[1], a[1] * b[0]);
    case "negate":
      return [-a[0], a[1]];
    case "factorial":
      return a[1] === 1n && a[0] >= 0n && a[0] <= LARGEST_FACTORIAL ? [factorial(a[0]), 1n] : null;
    case "power":
      return powerOf(a, b);
    default:
      return null;
  }
}

/** Whether a number in an expression is a decimal, which may be rounded. */
export function isRounded(of: Expression): boolean {
  if (of.kind === "number") return of.written?.includes(".") ?? !Number.isInteger(of.value);
  return of.kind === "call" && of.on.some(isRounded);
}

/** The difference of two values as a share of the first, which is not 0; Infinity above 1. */
export function shareApart(a: Ratio, b: Ratio): number {
  const apart = abs(a[0] * b[1] - b[0] * a[1]), size = abs(a[0]) * b[1];
  return apart > size ? Infinity : Number(apart * 10n ** 18n / size) / 1e18;
}

const abs = (value: bigint) => value < 0n ? -value : value;

const positive = (a: bigint, b: bigint): Ratio => b < 0n ? [-a, -b] : [a, b];

function written(number: string): Ratio | null {
  const [, whole, part = ""] = /^(\d*)\.?(\d*)$/.exec(number.replaceAll(",", "")) ?? [];
  return whole === undefined ? null : [BigInt(whole + part), 10n ** BigInt(part.length)];
}

function factorial(n: bigint): bigint {
  let product = 1n;
  for (let i = 2n; i <= n; i++) product *= i;
  return product;
}

function powerOf([a, b]: Ratio, [n, by]: Ratio): Ratio | null {
  if (by !== 1n || abs(n) > LARGEST_POWER || abs(a) >= 10_000n || b >= 10_000n) return null;
  if (n >= 0n) return [a ** n, b ** n];
  return a === 0n ? null : positive(b ** -n, a ** -n);
}
