/** Values of measures as people write them. */
import { dollars } from "../text/dollars.ts";
import { grouped } from "../text/grouped.ts";
import { percentText } from "../text/percent.ts";
import { measureNamed } from "./measures.ts";
import type { MeasureKind } from "./measures.ts";

/** Whether more of a measure, or of a quantile of it, is better. */
export function isHigherBetter(name: string): boolean {
  return measureNamed(name)?.measure.better === "higher";
}

/** Whether a measure lies in 0 to 1, and is written in percent. */
export function isShare(name: string): boolean {
  return measureNamed(name)?.measure.kind === "share";
}

/** A value of a measure with its unit; a bare number for a name that is no measure's. */
export function describeValue(name: string, value: number): string {
  const kind = measureNamed(name)?.measure.kind;
  return kind ? WRITTEN[kind](value) : fourDigits(value);
}

const WRITTEN: Record<MeasureKind, (value: number) => string> = {
  latency: (ms) => `${fourDigits(ms)} ms`,
  rate: (per_s) => `${fourDigits(per_s)}/s`,
  share: percentText,
  count: fourDigits,
  money: dollars,
  duration: (s) => `${s.toFixed(1)} s`,
  energy: (j) => `${fourDigits(j)} J`,
  power: (w) => `${fourDigits(w)} W`,
  temperature: (c) => `${fourDigits(c)} °C`,
  bytes: (bytes) => `${fourDigits(bytes)} bytes`,
};

/** Four digits at least, and no exponent for what is large. */
function fourDigits(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) {
    return grouped(Math.round(value));
  }
  return value.toPrecision(4);
}

/** A difference of a measure: of shares in percentage points. @param signed a + in front of a rise. */
export function describeDelta(name: string, delta: number, signed = false): string {
  const sign = signed && delta > 0 ? "+" : delta < 0 ? "−" : "";
  const size = Math.abs(delta);
  return sign + (isShare(name) ? `${(size * 100).toFixed(1)} pp` : describeValue(name, size));
}
