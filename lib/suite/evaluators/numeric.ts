/** numeric: the answer's last (or first) number is the expected one. */
import { z } from "zod";
import { verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  expected: z.number(),
  /** Largest absolute difference. */
  tolerance: z.number().min(0).default(1e-9),
  /** Largest difference as a share of the expected value. */
  relative_tolerance: z.number().min(0).default(0),
  take: z.enum(["last", "first"]).default("last"),
});

const NUMBER = /-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/;
/** A divisor, but not of a date such as 9/3/2027. */
const DIVISOR = /(?:\s?\/\s?(\d+)(?![\d.]|\s?\/))?/;
const NUMBERS = new RegExp(`(${NUMBER.source})${DIVISOR.source}`, "g");

/**
 * The numbers in a text: `-1,234.5`, `.5`, `1e-3`, `3/4`, a minus sign of any form. Digits behind a
 * letter (`v2`, `GPT-4`) are part of a word; a dash behind a digit (`3-5`) is a range; a full stop
 * that ends a sentence is no decimal point.
 */
export function numbersIn(text: string): number[] {
  const plain = text.replace(/[\u2212\u2013](?=[\d.])/g, "-")
    .replace(/(?<=\d)[\u00a0\u202f](?=\d{3})/g, "");
  const numbers: number[] = [];
  for (const { 1: found, 2: divisor, index } of plain.matchAll(NUMBERS)) {
    const before = plain.slice(0, index);
    if (/[\p{L}_]$/u.test(before)) continue;
    const isRange = found.startsWith("-") && /\d\s?$/.test(before);
    const values = valuesOf(isRange ? found.slice(1) : found);
    if (divisor !== undefined && Number(divisor) !== 0) {
      values.push(values.pop()! / Number(divisor));
    }
    numbers.push(...values);
  }
  return numbers;
}

/** `1,234,567` is one number; other commas stand between numbers. */
function valuesOf(found: string): number[] {
  if (/^-?\d{1,3}(,\d{3})+(\.\d+)?$/.test(found)) return [Number(found.replaceAll(",", ""))];
  return found.split(",").filter((part) => part !== "").map(Number);
}

export const numeric: Evaluator<z.infer<typeof options>> = {
  name: "numeric",
  options: options as z.ZodType<z.infer<typeof options>>,
  evaluate({ response_text }, { expected, tolerance, relative_tolerance, take }) {
    const boxed = [...response_text.matchAll(/\\boxed\{([^{}]*)\}/g)].at(-1)?.[1];
    const found = numbersIn(boxed ?? response_text);
    const value = take === "last" ? found.at(-1) : found[0];
    if (value === undefined) return verdict("numeric", false, "no number in the answer");
    const allowed = Math.max(tolerance, relative_tolerance * Math.abs(expected));
    const passed = Math.abs(value - expected) <= allowed;
    return verdict("numeric", passed, `${value}, expected ${expected}`);
  },
};
