/** Objectives of a run as a whole, such as p99(ttft) < 300 ms: met, missed, or not enough to tell. */
import { columnFigure } from "../text/figure.ts";
import { InputError } from "../errors.ts";
import { latenciesOf, measureNamed, quantileName } from "../measures/measures.ts";
import { type Estimate, quantileEstimate, shareEstimate } from "../stats/interval.ts";
import { quantile, sortedCopy } from "../stats/quantile.ts";
import { parseSlo, type Slo } from "./slo.ts";
import { DURATION_FORM, parseDuration } from "../text/duration.ts";

/** That a quantile of a latency keeps to a limit. */
export interface Statement {
  /** The latency's name in lib/measures, `ttft_ms`. */
  measure: string;
  /** In (0, 1). */
  quantile: number;
  /** The most that it may be, ms. */
  limit_ms: number;
}

/** Objectives of each request, and of the run as a whole. */
export interface Objectives {
  /** Each request keeps to these. */
  slos: Slo[];
  /** The run's quantiles keep to these. */
  statements: Statement[];
}

/** A statement compared with a run. */
export interface JudgedStatement extends Statement {
  /** `ttft_p99_ms ≤ 300 ms`. */
  text: string;
  /** "undecided": too few requests, or too many whose value is not known. */
  verdict: "met" | "missed" | "undecided";
  /** The quantile of the known values, ms; null for none. */
  value_ms: number | null;
  /** Its 95 % interval; null for too few. */
  interval: Estimate | null;
  /** Values that are known. */
  known: number;
  /** Those of them that are at most the limit. */
  within: number;
  /** Answers whose value is not known: they meet nothing, and miss nothing. */
  unknown: number;
}

const FUNCTION = /^p(\d{1,2}(?:\.\d+)?)\s*\(\s*(\w+)\s*\)\s*(?:<=?|≤|:|=)?\s*(.*)$/;
const NAMED = /^(\w+?_p\d{1,2}(?:_\d+)?)(?:_ms)?\s*(?:<=?|≤|:|=)\s*(.+)$/;

/**
 * A quantile and its limit in either form, `p99(ttft)<300ms` or `ttft_p99:300`; null for another form.
 *
 * @returns the quantile's name, `ttft_p99_ms`, and the limit as it stands.
 */
export function quantileLimit(text: string): { name: string; limit: string } | null {
  const called = FUNCTION.exec(text.trim());
  if (called) {
    const [, rank, measure, limit] = called;
    return { name: `${measure}_p${rank.replace(".", "_")}_ms`, limit };
  }
  const [, name, limit] = NAMED.exec(text.trim()) ?? [];
  return name === undefined ? null : { name: `${name}_ms`, limit };
}

/**
 * Reads `p99(ttft)<300ms` or `ttft_p99:300`, in ms where no unit is given. Null for a text of neither
 * form: an objective of each request.
 *
 * @throws {InputError} an unknown latency, or no time.
 */
export function parseStatement(text: string): Statement | null {
  const asked = quantileLimit(text);
  // gap_p99 alone is of one answer's gaps: an objective of each request
  if (asked === null || asked.name === "gap_p99_ms" && !text.includes("(")) return null;
  const { name, limit } = asked;
  const found = measureNamed(name);
  const measured = latenciesOf("load");
  if (!found || found.quantile === null || !measured.includes(found.measure)) {
    const known = measured.map((measure) => measure.name.replace(/_ms$/, ""));
    throw new InputError(
      `--slo: "${text}": no quantile of ${known.join(", ")}; e.g. p99(ttft)<300ms or ttft_p99:300`,
    );
  }
  const limit_ms = parseDuration(limit, "ms");
  if (limit_ms === null || !(limit_ms > 0)) {
    throw new InputError(
      `--slo: "${text}": "${limit}" is not a limit; expected ${DURATION_FORM}, or milliseconds`,
    );
  }
  return { measure: found.measure.name, quantile: found.quantile, limit_ms };
}

/** Objectives as people write them, of either sort. @throws {InputError} one that is neither. */
export function objectivesIn(texts: readonly string[]): Objectives {
  const slos: Slo[] = [], statements: Statement[] = [];
  for (const text of texts) {
    const statement = parseStatement(text);
    if (statement !== null) statements.push(statement);
    else slos.push(parseSlo(text));
  }
  return { slos, statements };
}

/** A statement as people write it. */
export function statementText({ measure, quantile, limit_ms }: Statement): string {
  return `${quantileName(measureNamed(measure)!.measure, quantile)} ≤ ${limit_ms} ms`;
}

/**
 * Holds a statement against a run's answers. That the q-quantile is at most the limit says that the share
 * of values within it is at least q, so Wilson's 95 % interval of that share decides: met where all of
 * it is at least q, even if no unknown value were within; missed where all of it is less, even if every
 * unknown one were.
 *
 * @param values of all answers, ms; null is unknown.
 */
export function judgeStatement(
  statement: Statement,
  values: readonly (number | null)[],
): JudgedStatement {
  const known = values.filter((value) => value !== null);
  const unknown = values.length - known.length;
  const within = known.filter((value) => value <= statement.limit_ms).length;
  const least = shareEstimate(within, values.length);
  const most = shareEstimate(within + unknown, values.length);
  const q = statement.quantile;
  return {
    ...statement,
    text: statementText(statement),
    verdict: least !== null && least.low >= q
      ? "met"
      : most !== null && most.high < q
      ? "missed"
      : "undecided",
    value_ms: known.length ? quantile(sortedCopy(known), q) : null,
    interval: quantileEstimate(known, q),
    known: known.length,
    within,
    unknown,
  };
}

/** The outcome of a statement, in the words of the terminal and of reports. */
export function judgedText(statement: JudgedStatement): string {
  const { text, verdict, value_ms, interval, known, unknown } = statement;
  const range = interval ? ` [${columnFigure(interval.low)}, ${columnFigure(interval.high)}]` : "";
  const words =
    { met: "met", missed: "not met", undecided: "not enough requests to decide" }[verdict];
  const untold = unknown > 0 ? `, ${unknown} unknown` : "";
  return `${text} ${words}: ${columnFigure(value_ms)}${range} ms of ${known}${untold}`;
}
