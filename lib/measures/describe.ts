/** Formats names and values of measures for people. */
import { FEWEST_PAIRS } from "../stats/sign_flips.ts";
import { dollars } from "../text/dollars.ts";
import { grouped, inDigits } from "../text/grouped.ts";
import { percentText } from "../text/percent.ts";
import { measureNamed } from "./measures.ts";
import type { Measure, MeasureKind } from "./measure.ts";

/** Whether a higher value is better, for a measure or a quantile of it. */
export function isHigherBetter(name: string): boolean {
  return measureNamed(name)?.measure.better === "higher";
}

/** Whether a measure is a share from 0 to 1, which is written in percent. */
export function isShare(name: string): boolean {
  return measureNamed(name)?.measure.kind === "share";
}

/** Formats a value of a measure with its unit; a bare number if the name is not a measure's. */
export function describeValue(name: string, value: number): string {
  const known = measureNamed(name)?.measure;
  if (!known) return fourDigits(value);
  return WRITTEN[known.kind](value, known.unit);
}

/** Returns a measure by its name. @throws {RangeError} there is no such measure. */
export function measure(name: string): Measure {
  const found = measureNamed(name);
  if (found === null) throw new RangeError(`${name} is not a measure`);
  return found.measure;
}

/** Returns a measure's title in a table: `gap (ITL)`. */
export function titleOf(name: string): string {
  const { term, alias } = measure(name);
  return alias === null ? term : `${term} (${alias})`;
}

/**
 * Returns the title and the unit: `gap (ITL) p99, ms`.
 *
 * @param quantile such as `p99`; empty for the measure itself.
 */
export function headingOf(name: string, quantile = ""): string {
  const { unit } = measure(name);
  return [[titleOf(name), quantile].filter(Boolean).join(" "), unit].filter(Boolean).join(", ");
}

/** Returns the definition as a help text for Prometheus: a sentence without backticks. */
export function helpOf(name: string, note = ""): string {
  const { term, definition } = measure(name);
  return `${term}: ${definition.replaceAll("`", "")}${note && `; ${note}`}.`;
}

const WRITTEN: Record<MeasureKind, (value: number, unit: string) => string> = {
  latency: (ms) => `${fourDigits(ms)} ms`,
  rate: (per_s) => `${fourDigits(per_s)}/s`,
  share: (share) => percentText(share),
  percent: (percent) => `${percent.toFixed(1)} %`,
  count: (count) => fourDigits(count),
  money: (usd) => dollars(usd),
  duration: (s) => `${s.toFixed(1)} s`,
  energy: (j) => `${fourDigits(j)} J`,
  power: (w) => `${fourDigits(w)} W`,
  temperature: (c) => `${fourDigits(c)} °C`,
  frequency: (mhz) => `${fourDigits(mhz)} MHz`,
  bytes: (bytes, unit) => `${fourDigits(bytes)} ${unit}`,
};

/** At least four significant digits, and no exponent for large values. */
function fourDigits(value: number): string {
  return Number.isInteger(value) ? grouped(value) : inDigits(value);
}

/**
 * What it takes to tell a change of a measure from chance, by the tests of lib/stats/paired.ts, which need
 * {@linkcode FEWEST_PAIRS} problems that changed in one direction.
 *
 * @param problems that both runs have.
 */
export function chanceText(name: string, problems: number): string {
  return problems < FEWEST_PAIRS
    ? `${grouped(problems)} ${
      problems === 1 ? "problem is" : "problems are"
    } too few to tell any change of ${name} from chance: ${FEWEST_PAIRS} are needed`
    : `to tell a change of ${name} from chance, at least ${FEWEST_PAIRS} of the ` +
      `${grouped(problems)} problems must change in one direction`;
}

/**
 * Formats a difference between values of a measure; shares in percentage points.
 *
 * @param signed whether an increase has a plus sign.
 */
export function describeDelta(name: string, delta: number, signed = false): string {
  const sign = signed && delta > 0 ? "+" : delta < 0 ? "−" : "";
  const size = Math.abs(delta);
  return sign + (isShare(name) ? `${(size * 100).toFixed(1)} pp` : describeValue(name, size));
}
