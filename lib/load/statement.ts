/** Objectives of a whole run, such as p99(ttft) < 300 ms: met, missed, or not enough data to decide. */
import { columnFigure } from "../text/figure.ts";
import { counted, grouped } from "../text/grouped.ts";
import { latenciesOf, measureNamed, quantileName } from "../measures/measures.ts";
import { type Estimate, quantileEstimate, shareEstimate, trialsToTell } from "../stats/interval.ts";
import { quantile, sortedCopy } from "../stats/quantile.ts";
import { parseSlo, type Slo, wrongObjective } from "./slo.ts";
import { parseDuration } from "../text/duration.ts";

/** An objective of the run: a limit on a quantile of a latency. */
export interface Statement {
  /** The latency's name in lib/measures, such as `ttft_ms`. */
  measure: string;
  /** In (0, 1). */
  quantile: number;
  /** The highest value that meets it, ms. */
  limit_ms: number;
}

/** Objectives of each request, and of the whole run. */
export interface Objectives {
  /** Objectives of each request. */
  slos: Slo[];
  /** Objectives of the whole run. */
  statements: Statement[];
}

/** An objective of the run, with its outcome. */
export interface JudgedStatement extends Statement {
  /** The objective in words: `ttft_p99_ms ≤ 300 ms`. */
  text: string;
  /** "undecided": too few requests, or too many with unknown values. */
  verdict: "met" | "missed" | "undecided";
  /** The quantile of the known values, ms; null for none. */
  value_ms: number | null;
  /** The 95 % interval of that quantile; null for too few values. */
  interval: Estimate | null;
  /** How many values are known. */
  known: number;
  /** How many of these are within the limit. */
  within: number;
  /** Answers whose value is unknown: they count neither as met nor as missed. */
  unknown: number;
}

const FUNCTION = /^p(\d{1,2}(?:\.\d+)?)\s*\(\s*(\w+)\s*\)\s*(?:<=?|≤|:|=)?\s*(.*)$/;
const NAMED = /^(\w+?_p\d{1,2}(?:_\d+)?)(?:_ms)?\s*(?:<=?|≤|:|=)\s*(.+)$/;

/**
 * Reads a quantile and its limit, `p99(ttft)<300ms` or `ttft_p99:300`; null for another form.
 *
 * @returns the quantile's name, such as `ttft_p99_ms`, and the text of the limit.
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
 * Reads `p99(ttft)<300ms` or `ttft_p99:300`, in ms if no unit is given. Null for any other form,
 * which is an objective of each request.
 *
 * @throws {InputError} an unknown latency, or an invalid time.
 */
export function parseStatement(text: string): Statement | null {
  const asked = quantileLimit(text);
  // `gap_p99` without parentheses is about the gaps of one answer: an objective of each request
  if (asked === null || asked.name === "gap_p99_ms" && !text.includes("(")) return null;
  const { name, limit } = asked;
  const found = measureNamed(name);
  const limit_ms = parseDuration(limit, "ms") ?? 0;
  if (
    !found || found.quantile === null || !latenciesOf("load").includes(found.measure) ||
    !(limit_ms > 0)
  ) {
    throw wrongObjective(text);
  }
  return { measure: found.measure.name, quantile: found.quantile, limit_ms };
}

/** Reads objectives of both kinds. @throws {InputError} a text that is neither. */
export function objectivesIn(texts: readonly string[]): Objectives {
  const slos: Slo[] = [], statements: Statement[] = [];
  for (const text of texts) {
    const statement = parseStatement(text);
    if (statement !== null) statements.push(statement);
    else slos.push(parseSlo(text));
  }
  return { slos, statements };
}

/** Formats a statement for people. */
export function statementText({ measure, quantile, limit_ms }: Statement): string {
  return `${quantileName(measureNamed(measure)!.measure, quantile)} ≤ ${limit_ms} ms`;
}

/**
 * Judges a statement by a run's answers. The q-quantile is at most the limit if the share of values
 * within the limit is at least q, so Wilson's 95 % interval of that share decides. The statement is
 * met where the whole interval is at least q even if no unknown value were within the limit, and
 * missed where the whole interval is below q even if all unknown values were.
 *
 * @param values one for each answer, ms; null where unknown.
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

/** Describes the outcome of a statement, for the terminal and for reports. */
export function judgedText(statement: JudgedStatement): string {
  const { text, verdict, value_ms, interval, known, unknown, limit_ms, measure } = statement;
  const { of } = measureNamed(measure)!.measure;
  if (value_ms === null) {
    return `${text} undecided: ${unknown > 0 ? `all ${grouped(unknown)} are unknown` : `no ${of}`}`;
  }
  const untold = unknown > 0 ? `, ${grouped(unknown)} unknown` : "";
  const range = interval ? ` [${columnFigure(interval.low)}, ${columnFigure(interval.high)}]` : "";
  const value = `${columnFigure(value_ms)}${range} ms`;
  const over = `${counted(known, of)}${untold}`;
  if (verdict !== "undecided") {
    return `${text} ${verdict === "met" ? "met" : "not met"}: ${value} over ${over}`;
  }
  const side = value_ms <= limit_ms ? "within" : "above";
  const needed = neededToTell(statement);
  const why = needed === null
    ? unknown > 0 ? "the unknown ones could decide" : "the share within it is exactly at it"
    : `too few to be sure; about ${grouped(needed)} would do`;
  return `${text} undecided: ${value} is ${side} the limit, but over ${over}: ${why}`;
}

/** How many values like these decide a statement; null where no number does. */
function neededToTell({ quantile, within, known, unknown }: JudgedStatement): number | null {
  const total = known + unknown;
  const least = within / total, most = (within + unknown) / total;
  const share = least > quantile ? least : most < quantile ? most : null;
  return share === null ? null : trialsToTell(share, quantile);
}
