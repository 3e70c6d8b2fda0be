/**
 * JSON that keeps the form of numbers: 50 and 50.0 are different texts to the programs that read a
 * sweep's parameters, and to the hash in a run's id.
 */
import { asciiJson } from "../text/printable.ts";

/** A number written with a point or an exponent. */
export class Float {
  /** The number; it is written with a point again. */
  constructor(readonly value: number) {}
}

/** A JSON value; whole numbers beyond 2^53 are bigint. */
export type Exact =
  | null
  | boolean
  | string
  | number
  | bigint
  | Float
  | Exact[]
  | { [key: string]: Exact };

/** Parses JSON that is known to be valid. */
export function parseExact(text: string): Exact {
  const revive = (_key: string, value: unknown, context?: { source?: string }) => {
    if (typeof value !== "number") return value;
    const source = context?.source ?? String(value);
    if (/[.eE]/.test(source)) return new Float(value);
    return Number.isSafeInteger(value) ? value : BigInt(source);
  };
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}

/**
 * The value as JSON.parse would return it: the form of numbers, and digits beyond a double, are
 * lost.
 */
export function plainOf(value: Exact): unknown {
  if (value instanceof Float) return value.value;
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainOf(inner)]));
}

/**
 * ASCII-only JSON with keys sorted by code point and numbers as Python writes them. With `indent` 0
 * it is one line without spaces.
 */
export function exactJson(value: Exact, indent = 0, depth = 0): string {
  if (value instanceof Float) return floatText(value.value);
  if (typeof value === "string") return asciiJson(value);
  if (typeof value !== "object" || value === null) return String(value);
  const list = Array.isArray(value);
  const parts = list
    ? value.map((inner) => exactJson(inner, indent, depth + 1))
    : Object.keys(value).sort(byCodePoint).map((key) =>
      `${asciiJson(key)}:${indent ? " " : ""}${exactJson(value[key], indent, depth + 1)}`
    );
  const [open, close] = list ? "[]" : "{}";
  if (!indent || parts.length === 0) return open + parts.join(",") + close;
  const line = (level: number) => `\n${" ".repeat(indent * level)}`;
  return open + line(depth + 1) + parts.join(`,${line(depth + 1)}`) + line(depth) + close;
}

/** A value as a program's argument: numbers as above, texts unchanged. */
export function argumentText(value: Exact): string {
  return typeof value === "string" ? value : exactJson(value);
}

/**
 * The shortest digits from which the same double is read, in Python's layout: an exponent below
 * 1e-4 and from 1e16 on.
 */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity"; // 1e999
  const [, sign, first, rest = "", power] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(
    Object.is(value, -0) ? "-0e+0" : value.toExponential(),
  )!;
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const digits = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${first}${rest && `.${rest}`}e${exponent < 0 ? "-" : "+"}${digits}`;
  }
  const digits = first + rest;
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

function byCodePoint(a: string, b: string): number {
  const left = Array.from(a, (letter) => letter.codePointAt(0)!);
  const right = Array.from(b, (letter) => letter.codePointAt(0)!);
  const at = left.findIndex((point, i) => point !== right[i]);
  return at < 0 ? left.length - right.length : left[at] - (right[at] ?? -1);
}
