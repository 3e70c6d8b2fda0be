/** How metrics are called, written, and which way they should go. */
import { InputError } from "../errors.ts";
import { grouped } from "../text/grouped.ts";
import type { Tolerance } from "./gate.ts";

const HIGHER = /^(pass_rate|answer_rate|score|avg_hit_rate)$|_per_s$/;
const SHARES = /^(pass_rate|answer_rate|score|avg_hit_rate|error_rate)$/;

/** Whether more of a metric is better. */
export function isHigherBetter(metric: string): boolean {
  return HIGHER.test(metric);
}

/** Whether a metric lies in 0 to 1, and is written in percent. */
export function isShare(metric: string): boolean {
  return SHARES.test(metric);
}

/** A value of a metric with its unit. */
export function describeValue(metric: string, value: number): string {
  if (isShare(metric)) return `${(value * 100).toFixed(1)} %`;
  if (metric.endsWith("_usd")) return `$${value.toFixed(value < 1 ? 6 : 2)}`;
  if (metric.endsWith("_ms")) return `${fourDigits(value)} ms`;
  if (metric.endsWith("_per_s")) return `${fourDigits(value)}/s`;
  if (metric.endsWith("_s")) return `${value.toFixed(1)} s`;
  return fourDigits(value);
}

/** Four digits at least, and no exponent for what is large. */
function fourDigits(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) {
    return grouped(Math.round(value));
  }
  return value.toPrecision(4);
}

/** A difference of a metric: of shares in percentage points. @param signed a + in front of a rise. */
export function describeDelta(metric: string, delta: number, signed = false): string {
  const sign = signed && delta > 0 ? "+" : delta < 0 ? "−" : "";
  const size = Math.abs(delta);
  return sign +
    (isShare(metric) ? `${(size * 100).toFixed(1)} pp` : describeValue(metric, size));
}

/**
 * Reads `5pp` (percentage points, of shares), `5%` (of the baseline's value) or a plain number in the
 * metric's own unit.
 *
 * @throws {InputError} anything else.
 */
export function parseTolerance(flag: string, text: string): Tolerance {
  const found = /^(\d+(?:\.\d+)?)\s*(pp|%)?$/.exec(text.trim());
  if (found === null) {
    throw new InputError(
      `--${flag}: "${text}" is not valid; expected 5pp (percentage points), 5% (of the ` +
        `baseline's value) or a number in the metric's unit`,
    );
  }
  const number = Number(found[1]);
  if (found[2] === "%") return { amount: number / 100, relative: true };
  return { amount: found[2] === "pp" ? number / 100 : number, relative: false };
}
